//! Changes: which images came, went or moved between two revisions of one environment. Pure.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Change, ChangeKind, ImageRef, ImageSite, Sites};

/// The uses of one environment by the reference they name.
type ByReference<'a> = BTreeMap<String, Sites<&'a ImageSite>>;

/// Compares the image uses of one environment at two revisions.
///
/// An image is *newly referenced* when no use at `base` names it, in whatever overlay or container: two spellings of one
/// reference (`nginx`, `docker.io/library/nginx`) are the same image. The result holds each reference once: added and changed ones
/// by name, then removed, then unchanged ones.
#[must_use]
pub fn changes(base: &[ImageSite], head: &[ImageSite]) -> Vec<Change> {
    let (before, after) = (by_reference(base), by_reference(head));
    let slots: BTreeMap<Slot<'_>, &str> =
        base.iter().map(|site| (Slot::of(site), site.image_use.image.as_str())).collect();
    let gone = gone_by_name(&before, &after);
    let mut replaced = BTreeSet::new();
    let mut changes = Vec::new();
    for (reference, sites) in after.iter().filter(|(reference, _)| !before.contains_key(*reference)) {
        let candidates = sites.iter().filter_map(|site| slots.get(&Slot::of(site)).copied());
        let predecessors: Vec<&str> =
            candidates.filter(|image| !after.contains_key(&canonical(image)) || same_name(image, reference)).collect();
        let predecessor = predecessors
            .iter()
            .copied()
            .find(|image| same_name(image, reference))
            .or_else(|| predecessors.first().copied())
            .or_else(|| gone.get(&name_of(reference)).and_then(|images| unclaimed(images, &replaced)));
        replaced.extend(predecessors.iter().copied().chain(predecessor).map(canonical));
        let kind = if predecessor.is_some() { ChangeKind::Changed } else { ChangeKind::Added };
        changes.push(change(kind, predecessor, Some(sites), sites));
    }
    for (reference, sites) in &before {
        if !after.contains_key(reference) && !replaced.contains(reference) {
            changes.push(change(ChangeKind::Removed, Some(&sites.first().image_use.image), None, sites));
        }
    }
    for (reference, sites) in &after {
        if let Some(old) = before.get(reference) {
            changes.push(change(ChangeKind::Unchanged, Some(&old.first().image_use.image), Some(sites), sites));
        }
    }
    changes
}

/// The place of an image: the same container of the same workload in the same overlay.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Slot<'a> {
    overlay: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    container: &'a str,
    field: &'a str,
}

impl<'a> Slot<'a> {
    fn of(site: &'a ImageSite) -> Self {
        let image_use = &site.image_use;
        let container = image_use.container.as_deref();
        Self {
            overlay: site.overlay.as_str(),
            kind: &image_use.workload.kind,
            namespace: &image_use.workload.namespace,
            name: &image_use.workload.name,
            container: container.unwrap_or_default(),
            // A container keeps its name when the list before it grows; other places have only their path.
            field: if container.is_some() { "" } else { &image_use.field },
        }
    }
}

fn by_reference(sites: &[ImageSite]) -> ByReference<'_> {
    let mut map = ByReference::new();
    for site in sites {
        match map.entry(canonical(&site.image_use.image)) {
            Entry::Vacant(place) => _ = place.insert(Sites::new(site)),
            Entry::Occupied(mut place) => place.get_mut().push(site),
        }
    }
    map
}

fn canonical(image: &str) -> String {
    image.parse::<ImageRef>().map_or_else(|_| image.to_owned(), |image| image.to_string())
}

/// Tells whether two references are about one image: the last component of their repositories is equal.
fn same_name(image: &str, other: &str) -> bool {
    name_of(image) == name_of(other)
}

fn last_component(image: &ImageRef) -> String {
    image.repository().rsplit('/').next().unwrap_or_default().to_owned()
}

/// References that are gone, by the last component of their repositories.
fn gone_by_name<'a>(before: &ByReference<'a>, after: &ByReference<'_>) -> BTreeMap<String, Vec<&'a str>> {
    let mut gone: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (_, sites) in before.iter().filter(|(reference, _)| !after.contains_key(*reference)) {
        let image = sites.first().image_use.image.as_str();
        gone.entry(name_of(image)).or_default().push(image);
    }
    gone
}

/// The first image that no other change took the place of.
fn unclaimed<'a>(images: &[&'a str], replaced: &BTreeSet<String>) -> Option<&'a str> {
    images.iter().copied().find(|image| !replaced.contains(&canonical(image)))
}

fn name_of(image: &str) -> String {
    image.parse::<ImageRef>().map_or_else(|_| image.to_owned(), |image| last_component(&image))
}

fn change(
    kind: ChangeKind,
    before: Option<&str>,
    after: Option<&Sites<&ImageSite>>,
    sites: &Sites<&ImageSite>,
) -> Change {
    Change {
        kind,
        before: before.map(str::to_owned),
        after: after.map(|sites| sites.first().image_use.image.clone()),
        sites: sites.cloned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ImageUse, Location, Origins, TreePath, UseClass, Workload};

    fn site(overlay: &str, workload: &str, container: &str, image: &str) -> ImageSite {
        let location = Location::new("kustomization.yaml", 1, 1);
        ImageSite {
            overlay: TreePath::parse(overlay).unwrap(),
            image_use: ImageUse {
                image: image.to_owned(),
                class: UseClass::Container,
                workload: Workload { kind: "Deployment".into(), name: workload.into(), ..Workload::default() },
                container: Some(container.to_owned()),
                field: "spec.template.spec.containers[0].image".to_owned(),
                location: location.clone(),
                decisions: Vec::new(),
                origins: Origins { name: location, tag: None, digest: None },
            },
        }
    }

    fn summary(changes: &[Change]) -> Vec<(&'static str, Option<&str>, Option<&str>)> {
        changes.iter().map(|c| (c.kind.word(), c.before.as_deref(), c.after.as_deref())).collect()
    }

    #[test]
    fn a_new_tag_of_one_container_is_one_change() {
        let base = [site("o", "api", "api", "r.example/api:1"), site("o", "web", "web", "r.example/web:1")];
        let head = [site("o", "api", "api", "r.example/api:2"), site("o", "web", "web", "r.example/web:1")];
        assert_eq!(
            summary(&changes(&base, &head)),
            [
                ("changed", Some("r.example/api:1"), Some("r.example/api:2")),
                ("unchanged", Some("r.example/web:1"), Some("r.example/web:1")),
            ]
        );
    }

    #[test]
    fn one_reference_in_three_containers_is_one_change() {
        let head = [
            site("o", "a", "a", "r.example/api:2"),
            site("p", "b", "b", "r.example/api:2"),
            site("p", "c", "c", "r.example/api:2"),
        ];
        let found = changes(&[], &head);
        assert_eq!(summary(&found), [("added", None, Some("r.example/api:2"))]);
        assert_eq!(found[0].sites.iter().count(), 3);
    }

    #[test]
    fn an_image_that_another_overlay_of_the_environment_runs_is_not_new() {
        let base = [site("o", "a", "a", "r.example/api:2")];
        let head = [site("o", "a", "a", "r.example/api:2"), site("p", "b", "b", "r.example/api:2")];
        assert_eq!(changes(&base, &head)[0].kind, ChangeKind::Unchanged);
    }

    #[test]
    fn a_renamed_workload_still_tells_what_stood_before() {
        let found = changes(&[site("o", "a", "a", "r.example/api:1")], &[site("o", "b", "b", "r.example/api:2")]);
        assert_eq!(summary(&found), [("changed", Some("r.example/api:1"), Some("r.example/api:2"))]);
    }

    #[test]
    fn what_left_without_successor_is_removed() {
        let found = changes(&[site("o", "a", "a", "r.example/api:1")], &[]);
        assert_eq!(summary(&found), [("removed", Some("r.example/api:1"), None)]);
    }

    #[test]
    fn another_spelling_of_the_same_image_is_no_change() {
        let found = changes(&[site("o", "a", "a", "nginx:1")], &[site("o", "a", "a", "docker.io/library/nginx:1")]);
        assert_eq!(found[0].kind, ChangeKind::Unchanged);
    }

    proptest! {
        #[test]
        fn the_diff_of_a_thing_with_itself_changes_nothing(images in proptest::collection::vec("[a-c]{1,2}:[12]", 0..6)) {
            let sites: Vec<_> = images.iter().enumerate().map(|(i, image)| site("o", &format!("w{i}"), "c", image)).collect();
            prop_assert!(changes(&sites, &sites).iter().all(|change| change.kind == ChangeKind::Unchanged));
        }

        #[test]
        fn every_new_reference_is_in_exactly_one_change(
            base in proptest::collection::vec("[a-c]{1,2}:[12]", 0..6),
            head in proptest::collection::vec("[a-c]{1,2}:[12]", 0..6),
        ) {
            let sites = |images: &[String]| -> Vec<ImageSite> {
                images.iter().enumerate().map(|(i, image)| site("o", &format!("w{i}"), "c", image)).collect()
            };
            let found = changes(&sites(&base), &sites(&head));
            for image in head.iter().filter(|image| !base.contains(image)) {
                let matching = found.iter().filter(|change| change.after.as_ref() == Some(image)).count();
                prop_assert_eq!(matching, 1);
            }
        }
    }
}

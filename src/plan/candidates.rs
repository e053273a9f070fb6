//! From changes to candidates: where an image must be, and where it is copied from.

use super::refusals;
use crate::domain::{Candidate, Change, ChangeKind, Environment, Finding, ImageRef, InvalidImage, UseClass};

/// The newly referenced images of one environment.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Images of the environment's own registry: they must exist there.
    pub candidates: Vec<Candidate>,
    /// Images from elsewhere: never copied, visible, and for rules to judge.
    pub external: Vec<Candidate>,
    /// Changes whose reference cannot be read, each with what is to be said about it.
    pub unreadable: Vec<(Change, Finding)>,
}

/// Sorts the newly referenced images among `changes` of `environment`; `environments` are all, to look up `from` in.
#[must_use]
pub fn candidates(environment: &Environment, environments: &[Environment], changes: &[Change]) -> Sorted {
    let source = environment.from.as_ref().and_then(|from| environments.iter().find(|other| other.name == *from));
    let mut sorted = Sorted::default();
    for change in changes {
        let (ChangeKind::Added | ChangeKind::Changed, Some(after)) = (change.kind, &change.after) else {
            continue;
        };
        let to: ImageRef = match after.parse() {
            Ok(image) => image,
            Err(error) => {
                sorted.unreadable.extend(unreadable(change, after, &error).map(|finding| (change.clone(), finding)));
                continue;
            }
        };
        let (place, from) = origin(environment, source, &to);
        let is_ours = place.is_some();
        let candidate = Candidate {
            environment: environment.name.clone(),
            to: place.unwrap_or(to),
            from,
            copy: environment.copy.clone(),
            kind: change.kind,
            before: change.before.clone(),
            sites: change.sites.clone(),
        };
        let sort = if is_ours { &mut sorted.candidates } else { &mut sorted.external };
        sort.push(candidate);
    }
    sorted
}

/// Tells where `image`, as an overlay names it, must be, if it belongs to `environment`; and where it would be copied from.
fn origin(
    environment: &Environment,
    source: Option<&Environment>,
    image: &ImageRef,
) -> (Option<ImageRef>, Option<ImageRef>) {
    let (own, other) = (environment.registry.as_ref(), source.and_then(|source| source.registry.as_ref()));
    if let Some(from) = environment.rewrites.iter().find_map(|rewrite| rewrite.source_of(image)) {
        let place = own.map_or_else(|| image.clone(), |own| own.holding(image));
        return (Some(place), Some(other.map_or_else(|| from.clone(), |other| other.holding(&from))));
    }
    let Some((own, place)) = own.and_then(|own| Some((own, own.place(image)?))) else { return (None, None) };
    (Some(place), own.source(image, other))
}

/// A field that merely is called `image` may hold anything; what a container or a chart runs must be a reference.
fn unreadable(change: &Change, text: &str, error: &InvalidImage) -> Option<Finding> {
    let is_run = change.sites.iter().any(|site| site.image_use.class != UseClass::Field);
    (is_run || *error == InvalidImage::Template).then(|| refusals::unreadable(change, text, error))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{change, environment};
    use super::*;
    use crate::domain::{ImageLayout, ImageStore, Rewrite, Severity};

    fn sorted(image: &str) -> Sorted {
        let dev = environment("dev", "dev.example:5000", None);
        let production = environment("production", "prod.example/team", Some("dev"));
        candidates(&production.clone(), &[dev, production], &[change(image)])
    }

    #[test]
    fn an_image_under_the_prefix_is_copied_from_the_same_name_under_the_other() {
        let found = sorted("prod.example/team/api:1.4.2");
        assert_eq!(found.candidates[0].from.as_ref().unwrap().to_string(), "dev.example:5000/api:1.4.2");
    }

    #[test]
    fn an_image_from_elsewhere_is_external() {
        for image in ["nginx:1", "prod.example/teams/api:1", "dev.example:5000/api:1"] {
            let found = sorted(image);
            assert_eq!((found.candidates.len(), found.external.len()), (0, 1), "{image}");
        }
    }

    #[test]
    fn a_rewrite_wins_over_the_prefix() {
        let dev = environment("dev", "dev.example:5000", None);
        let mut production = environment("production", "prod.example/team", Some("dev"));
        production.rewrites =
            vec![Rewrite::new("dev.example:5000/legacy/{path}", "prod.example/team/old/{path}").unwrap()];
        let found = candidates(&production.clone(), &[dev, production], &[change("prod.example/team/old/api:1")]);
        assert_eq!(found.candidates[0].from.as_ref().unwrap().to_string(), "dev.example:5000/legacy/api:1");
    }

    #[test]
    fn a_directory_is_copied_to_and_from_by_whole_names() {
        let layout = |names: Option<&str>| {
            let names = names.map(|names| names.parse().unwrap());
            Some(ImageStore::Layout(ImageLayout { directory: "./bundle".to_owned(), names }))
        };
        let dev = environment("dev", "dev.example:5000", None);
        let mut bundle = environment("bundle", "any.example", Some("dev"));
        let production = environment("production", "prod.example/team", Some("bundle"));
        bundle.registry = layout(Some("prod.example/team"));
        let all = [dev, bundle, production];
        let of = |environment: &Environment| {
            let found = candidates(environment, &all, &[change("prod.example/team/api:1"), change("nginx:1")]);
            assert_eq!((found.candidates.len(), found.external.len()), (1, 1));
            let one = &found.candidates[0];
            (one.from.as_ref().unwrap().to_string(), one.to.to_string())
        };
        let there = "oci:./bundle/prod.example/team/api:1".to_owned();
        assert_eq!(of(&all[1]), ("dev.example:5000/api:1".to_owned(), there.clone()));
        assert_eq!(of(&all[2]), (there, "prod.example/team/api:1".to_owned()));
        let mut mirror = all[1].clone();
        (mirror.registry, mirror.from) = (layout(None), None);
        let found = candidates(&mirror, &all, &[change("nginx:1")]);
        assert_eq!(found.candidates[0].from.as_ref().unwrap().to_string(), "docker.io/library/nginx:1");
    }

    #[test]
    fn the_first_environment_has_nothing_to_copy_from() {
        let dev = environment("dev", "dev.example:5000", None);
        let found = candidates(&dev.clone(), &[dev], &[change("dev.example:5000/api:1")]);
        assert_eq!(found.candidates[0].from, None);
    }

    #[test]
    fn a_reference_that_cannot_be_read_is_said_not_skipped() {
        let found = sorted("prod.example/team/API:1");
        assert_eq!(found.unreadable[0].1.severity, Severity::Error);
        assert_eq!(sorted("prod.example/team/api:${TAG}").unreadable[0].1.severity, Severity::Error);
    }
}

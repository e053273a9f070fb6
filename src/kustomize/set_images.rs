//! Entries laid over a kustomization's own `images`, as `kustomize edit set image` lays them before a build.

use crate::manifest::{ImageOverride, Shift, Text, Written};

use super::images::ImageEntry;

/// Replaces entries of the same name, adds the others, and orders all by name.
pub(super) fn set(images: &mut Vec<ImageEntry>, overrides: &[ImageOverride]) {
    for entry in overrides {
        let at = images.iter().position(|image| *image.name == *entry.name.text);
        // `*` keeps what the kustomization says.
        let old = at.map(|at| images.remove(at));
        let text = |written: &Option<Written>, kept: Option<Text>| match written {
            Some(written) if &*written.text == "*" => kept,
            Some(written) => Some(as_text(written)),
            None => None,
        };
        let kept = |part: fn(&ImageEntry) -> &Option<Text>| old.as_ref().and_then(|old| part(old).clone());
        images.push(ImageEntry::new(
            &as_text(&entry.name),
            text(&entry.new_name, kept(|old| &old.new_name)),
            text(&entry.new_tag, kept(|old| &old.new_tag)),
            text(&entry.digest, kept(|old| &old.digest)),
        ));
    }
    if !overrides.is_empty() {
        images.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

fn as_text(written: &Written) -> Text {
    Text { text: written.text.clone(), place: written.place.clone(), shift: Shift::None }
}

#[cfg(test)]
mod tests {
    use super::super::{Files, Options, images, resolve_with_images};
    use super::*;
    use crate::domain::TreePath;
    use crate::domain::tree::MemoryTree;
    use crate::manifest::{Node, Place};

    /// The images of containers `app`, `reg/b:1` and `nginx` after a build with `sets`.
    fn built(kustomization: &str, sets: &[&str]) -> Vec<String> {
        let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: \
                        [{name: a, image: app}, {name: b, image: 'reg/b:1'}, {name: c, image: nginx}]}}}\n";
        let kustomization = format!("resources: [d.yaml]\nimages: {kustomization}\n");
        let tree = MemoryTree::of([("kustomization.yaml", kustomization.as_str()), ("d.yaml", manifest)]);
        let place = Place::start_of(".argocd-source.yaml");
        let read = |text: &&str| ImageOverride::of_text(&Node::string(*text, &place)).unwrap();
        let sets: Vec<ImageOverride> = sets.iter().map(read).collect();
        let files = Files::default();
        let found = resolve_with_images(&tree, &TreePath::root(), &Options::new(&files), &sets).unwrap();
        images(&found).uses.into_iter().map(|found| found.image).collect()
    }

    /// Each expectation is what `kustomize edit set image` 5.8.1 and a build after it made of the same files.
    #[test]
    fn images_are_set_as_kustomize_edit_sets_them() {
        let app = "[{name: app, newName: reg/app, newTag: '1'}]";
        for (set, expected) in [
            ("app=reg/app:2", "reg/app:2"),
            ("app:2", "app:2"),
            ("reg/app:2", "reg/app:2"),
            ("app=*:2", "reg/app:2"),
            ("app=x/y:*", "x/y:1"),
            ("app=x/y", "x/y"),
        ] {
            assert_eq!(built(app, &[set]), [expected, "reg/b:1", "nginx"], "{set}");
        }
        let chained = "[{name: nginx, newName: reg/b}, {name: reg/b, newTag: '7'}]";
        assert_eq!(built(chained, &["app=nginx:3", "reg/b:9"]), ["reg/b:9", "reg/b:9", "reg/b:9"]);
        let reordered = "[{name: z, newTag: '7'}, {name: nginx, newName: z}]";
        assert_eq!(built(reordered, &["reg/b:2"]), ["app", "reg/b:2", "z:7"]);
    }
}

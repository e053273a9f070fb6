//! Entries laid over a kustomization's own `images`, as `kustomize edit set image` lays them before a build.

use crate::manifest::{ImageOverride, Result, Shift, Text, Written};

use super::images::ImageEntry;

/// Replaces entries of the same name, adds the others, and orders all by name.
pub(super) fn set(images: &mut Vec<ImageEntry>, overrides: &[ImageOverride]) -> Result<()> {
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
        )?);
    }
    if !overrides.is_empty() {
        images.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(())
}

fn as_text(written: &Written) -> Text {
    Text { text: written.text.clone(), place: written.place.clone(), shift: Shift::None }
}

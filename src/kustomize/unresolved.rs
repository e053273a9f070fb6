//! What a build could not get at: remote bases, charts, plugins, missing files; and what is known all the same.
//!
//! A build with gaps goes on. From then on what is absent (a patch's target, say) may stand in a gap, so it is noted
//! instead of refused; everything else is refused as ever.

use std::collections::HashSet;

use crate::domain::{DecidedBy, ImageUse, OverlayImages, Partial, UseClass};
use crate::manifest::{self, Decided, Failure, Node, Place, Result, Shared};

use super::images::ImageEntry;

/// The gaps of one build.
#[derive(Debug, Default)]
pub(super) struct Unresolved {
    partial: Vec<Partial>,
    seen: HashSet<Partial>,
    pins: Vec<ImageUse>,
    patches: Vec<Shared>,
    values: Vec<Shared>,
}

impl Unresolved {
    /// Notes a gap: the kind of obstacle, what it is about, and where that is written.
    pub(super) fn note(&mut self, reason: &'static str, what: impl Into<String>, place: &Place) {
        let gap = Partial::new(reason, what, place.location());
        // A base that two overlays share is met twice.
        if self.seen.insert(gap.clone()) {
            self.partial.push(gap);
        }
    }

    /// Notes a missing file in place of the failure that it is.
    pub(super) fn unless_missing(&mut self, result: Result<()>) -> Result<()> {
        match result {
            Err(failure) => match failure.missing_file() {
                Some((path, place)) => {
                    self.note("missing-file", path, place);
                    Ok(())
                }
                None => Err(failure),
            },
            done => done,
        }
    }

    /// Notes that something is not there because it may stand in a gap; fails where there is none.
    pub(super) fn absent(&mut self, failure: Box<Failure>) -> Result<()> {
        if self.partial.is_empty() {
            return Err(failure);
        }
        if let Some(place) = failure.place() {
            self.note("not-found", failure.message(), place);
        }
        Ok(())
    }

    /// Tells whether there is any gap so far.
    pub(super) fn has_gaps(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Keeps a patch whose target is absent: what it says of images is known.
    pub(super) fn keep_patch(&mut self, patch: &Shared) {
        self.patches.push(patch.clone());
    }

    /// Keeps the values of a chart.
    pub(super) fn keep_values(&mut self, values: Node) {
        self.values.push(values.into());
    }

    /// Keeps what the `images` of a kustomization pin, in case they are about images in a gap.
    pub(super) fn keep_pins(&mut self, entries: &[ImageEntry]) {
        let uses = entries.iter().enumerate().filter_map(|(index, entry)| {
            let (image, decided) = entry.pin()?;
            Some(declared(&image, format!("images[{index}]"), &decided))
        });
        self.pins.extend(uses);
    }

    /// Splits into the gaps and, where there are any, the images that are declared for what lies in them.
    pub(super) fn into_parts(self) -> OverlayImages {
        if self.partial.is_empty() {
            return OverlayImages::default();
        }
        let patched = manifest::uses(&self.patches);
        let mut uses: Vec<ImageUse> =
            patched.into_iter().map(|found| ImageUse { class: UseClass::Declared, ..found }).collect();
        uses.extend(manifest::uses(&self.values));
        uses.extend(self.pins);
        OverlayImages { uses, partial: self.partial, rendered_from: None }
    }
}

fn declared(image: &str, field: String, decided: &Decided) -> ImageUse {
    let mut found = decided.image_use(image, UseClass::Declared, field);
    found.workload.kind = "Kustomization".to_owned();
    found.workload.api_version = "kustomize.config.k8s.io/v1beta1".to_owned();
    debug_assert!(decided.by == DecidedBy::Images, "pins come from `images`");
    found
}

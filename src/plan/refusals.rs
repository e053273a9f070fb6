//! What is said when a candidate cannot become a step: one function a reason, each with the ways out.

use crate::domain::{
    Candidate, Cause, Change, Digest, Environment, Finding, HelmValues, ImageRef, InvalidImage, Location, OverlayError,
    Partial, Severity,
};

pub(super) fn plain(rule: &str, candidate: &Candidate, message: String, help: String) -> Finding {
    let image_use = candidate.image_use();
    let location = image_use.location.clone();
    Finding {
        rule: rule.to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message,
        help,
        image: Some(candidate.to.repository().to_owned()),
        location: Some(location),
        width: 0,
        excerpt: None,
        exception: None,
    }
}

pub(super) fn destination_conflict(candidate: &Candidate, wanted: &Digest, found: &Digest) -> Finding {
    let to = &candidate.to;
    let origin = candidate.from.as_ref().map(|from| format!(", {} has {wanted}", from.locator()));
    let origin = origin.unwrap_or_else(|| format!(", the reference asks for {wanted}"));
    plain(
        "destination-conflict",
        candidate,
        format!("{} already names another image: there it is {found}{origin}", at_tag(to)),
        format!(
            "promote-bot never moves a tag: reference a new tag, or {}@{wanted} by digest; if the tag there is a mistake, delete it first",
            to.locator()
        ),
    )
}

/// `size_bytes` is none when it could not be read.
pub(super) fn too_large(candidate: &Candidate, size_bytes: Option<u64>, most: u64) -> Finding {
    let (to, environment) = (&candidate.to, &candidate.environment);
    let help = format!("make the image smaller, or raise `max_size` of {environment} in promote-bot.yaml");
    match size_bytes {
        Some(size) => {
            let message = format!("{to} has {size} bytes, and {environment} takes {most} at most");
            plain("too-large", candidate, message, help)
        }
        None => {
            let message = format!("cannot tell whether {to} is larger than the {most} bytes that {environment} takes");
            let help = "run again; `promote-bot -v check` tells what could not be read".to_owned();
            Finding { cause: Cause::Circumstance, ..plain("too-large", candidate, message, help) }
        }
    }
}

pub(super) fn destination_moved(candidate: &Candidate, wanted: &Digest, found: &str) -> Finding {
    plain(
        "destination-conflict",
        candidate,
        format!(
            "{} was given another image meanwhile: it is {found}, the plan was to copy {wanted}",
            at_tag(&candidate.to)
        ),
        "it was left untouched; find out who else writes there, then run again".to_owned(),
    )
}

pub(super) fn tag_digest_mismatch(
    candidate: &Candidate,
    place: &ImageRef,
    written: &Digest,
    found: &Digest,
) -> Finding {
    plain(
        "tag-digest-mismatch",
        candidate,
        format!("tag and digest disagree: {} is {found}, but the reference says {written}", at_tag(place)),
        format!("write {found} beside the tag, or the tag that belongs to {written}"),
    )
}

pub(super) fn two_digests(candidate: &Candidate, one: &Digest, other: &Digest) -> Finding {
    plain(
        "destination-conflict",
        candidate,
        format!("two digests want the tag {} in this change: {one} and {other}", at_tag(&candidate.to)),
        "give each its own tag, or reference them by digest alone".to_owned(),
    )
}

/// `untagged` is the digest when the destination has it, and only the tag is missing.
pub(super) fn missing_source(candidate: &Candidate, untagged: Option<&Digest>) -> Finding {
    let to = &candidate.to;
    let missing = match untagged {
        Some(digest) => format!("the tag {} does not exist, though {digest} is in that repository", at_tag(to)),
        None => format!("{to} does not exist"),
    };
    match &candidate.from {
        Some(from) => plain(
            "missing-source",
            candidate,
            format!("{missing}, and {from}, which it would be copied from, does not exist either"),
            format!(
                "bring {from} there first (reference it in the environment it belongs to, or push it), or correct the reference"
            ),
        ),
        None => plain(
            "missing-source",
            candidate,
            format!("{missing}, and environment {} has no `from` to copy it from", candidate.environment),
            format!(
                "push {to} first, correct the reference, or name a `from` for {} in promote-bot.yaml",
                candidate.environment
            ),
        ),
    }
}

pub(super) fn refused_source(candidate: &Candidate, source: &Candidate) -> Finding {
    plain(
        "source-refused",
        candidate,
        format!(
            "{} would be copied from {}, which may not go to {} itself",
            candidate.to, source.to, source.environment
        ),
        format!("put right what is said of {} in {}", source.to.repository(), source.environment),
    )
}

pub(super) fn tag_gone(candidate: &Candidate, from: &ImageRef, digest: &Digest) -> Finding {
    plain(
        "missing-source",
        candidate,
        format!(
            "{} does not exist, though {digest} is in that repository: tag and digest cannot be shown to agree",
            at_tag(from)
        ),
        format!("tag it there again, or reference {}@{digest} without a tag", candidate.to.locator()),
    )
}

pub(super) fn unreadable_registry(candidate: &Candidate, reason: &str, hint: &str) -> Finding {
    let message = format!("cannot tell whether {} may go: {reason}", candidate.to);
    Finding { cause: Cause::Circumstance, ..plain("registry-unreadable", candidate, message, hint.to_owned()) }
}

pub(super) fn offline(candidate: &Candidate) -> Finding {
    let help = "run again without --offline".to_owned();
    let message = format!("nobody asked a registry about {}: this run is offline", candidate.to);
    Finding { severity: Severity::Note, ..plain("registry-unreadable", candidate, message, help) }
}

pub(super) fn unreadable(change: &Change, text: &str, error: &InvalidImage) -> Finding {
    let image_use = &change.sites.first().image_use;
    let shown: String = text.chars().take(120).flat_map(char::escape_default).collect();
    let is_template = *error == InvalidImage::Template;
    let help = if is_template { "write the reference out where it must be proved" } else { "correct the reference" };
    Finding {
        rule: "unreadable-reference".to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message: format!("cannot read the image reference `{shown}`: {error}"),
        help: help.to_owned(),
        image: Some(text.to_owned()),
        location: Some(image_use.location.clone()),
        width: text.chars().count(),
        excerpt: None,
        exception: None,
    }
}

/// Says that an overlay could not be resolved; `severity` tells whether that decides anything.
#[must_use]
pub fn unresolved_overlay(error: &OverlayError, severity: Severity) -> Finding {
    let fallback = || Location::new(error.overlay.to_string(), 1, 1);
    Finding {
        rule: "unresolved-overlay".to_owned(),
        severity,

        cause: error.cause,
        message: error.to_string(),
        help: error.hint.clone(),
        image: None,
        location: Some(error.location.clone().unwrap_or_else(fallback)),
        width: 0,
        excerpt: None,
        exception: None,
    }
}

/// Says that part of an overlay could not be resolved, so nothing can be proved of it; `before` is the gap that stood in its
/// place at the base.
#[must_use]
pub fn partial_overlay(partial: &Partial, before: Option<&Partial>) -> Finding {
    let (subject, help) = gap(&partial.reason);
    let (severity, moved) = match before {
        Some(before) if before.what != partial.what => (Severity::Error, format!(", moved from {}", before.what)),
        Some(before) if before.source.is_some() && before.source == partial.source => {
            (Severity::Note, ", as before this change".to_owned())
        }
        _ => (Severity::Error, String::new()),
    };
    Finding {
        rule: "unresolved-overlay".to_owned(),
        severity,
        cause: Cause::Change,
        message: format!("{subject}, so not every image is known: {}{moved}", partial.what),
        help: help.to_owned(),
        image: None,
        location: Some(partial.location.clone()),
        width: 0,
        excerpt: None,
        exception: None,
    }
}

/// What a gap is, and the way out.
fn gap(reason: &str) -> (&'static str, &'static str) {
    const RENDER: &str = "name its rendered manifests with `render` in promote-bot.yaml";
    match reason {
        "remote-base" => (
            "the overlay has a remote base, and nothing is fetched",
            "vendor it and list it under `vendored` in promote-bot.yaml, or name rendered manifests with `render`",
        ),
        "helm" => ("the overlay has a Helm chart, which is not rendered", RENDER),
        "plugin" => ("the overlay needs a plugin, which is not run", RENDER),
        "render" => ("the command of `render` failed", "run it by hand, or commit the rendered manifests"),
        "render-stale" => (
            "the overlay changed and its rendered manifests did not, or it says another image than they do",
            "render the overlay anew and commit the outcome with this change",
        ),
        "missing-file" => ("the overlay names a file that does not exist", "correct the path, or commit the file"),
        "helm-default-tag" => (
            "values name an image whose tag only the chart knows",
            "write the tag in the values, or name the chart with `helm.chart`",
        ),
        "helm-default-repository" => (
            "values name an image whose repository only the chart knows",
            "write the repository in the values, or name the chart with `helm.chart`",
        ),
        "helm-no-image" => {
            ("nothing stands where `helm.images` says an image does", "correct the path in promote-bot.yaml")
        }
        "argocd-source" => ("settings of Argo CD for the overlay cannot be applied", "correct the settings"),
        "declared-name" => ("settings name an image without its repository", "write the repository beside the tag"),
        "declared-tag" => ("settings name an image without its tag", "write the tag beside the repository"),
        "declared-template" => (
            "settings name an image that another program fills in",
            "write the image out, or in the elements of a `list` generator",
        ),
        "declared-text" => ("settings hold text that cannot be read", "correct the text"),
        "not-found" => {
            ("something the overlay needs may stand in what cannot be resolved", "close the other gap first")
        }
        _ => ("part of the overlay cannot be resolved", RENDER),
    }
}

/// Says that nothing is at the places an environment names: most likely one of them is misspelt.
#[must_use]
pub fn no_overlay(environment: &Environment) -> Finding {
    let values = environment.helm.iter().map(HelmValues::last);
    let places: Vec<&str> = environment.overlays.iter().map(String::as_str).chain(values).collect();
    Finding {
        rule: "no-overlay".to_owned(),
        severity: Severity::Warning,
        cause: Cause::Change,
        message: format!(
            "environment {} has no overlays on either side: nothing is at {}",
            environment.name,
            places.join(", ")
        ),
        help: "correct `overlays` in promote-bot.yaml, or take the environment out".to_owned(),
        image: None,
        location: None,
        width: 0,
        excerpt: None,
        exception: None,
    }
}

fn at_tag(image: &ImageRef) -> String {
    image.at_tag().map_or_else(|| image.to_string(), |tagged| tagged.to_string())
}

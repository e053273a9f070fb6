//! The words reports have for how an image stands, the same in every format.

use super::safe::safe;
use crate::domain::{ChangeKind, EnvironmentReview, ExceptionKind, ImageRef, ImageReview, State};

/// `1.4.1 → 1.4.2` where the repository stays; whole references where it does not.
pub(super) fn change(image: &ImageReview) -> String {
    let (before, after) = sides(image);
    match (before.is_empty(), after.is_empty()) {
        (false, false) => format!("{before} → {after}"),
        _ => before + &after,
    }
}

/// What stood there and what stands there, each as short as tells them apart; empty where there was nothing.
pub(super) fn sides(image: &ImageReview) -> (String, String) {
    let parse = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<ImageRef>().ok());
    let (before, after) = (parse(&image.before), parse(&image.to));
    let same_place = match (&before, &after) {
        (Some(before), Some(after)) => before.locator() == after.locator(),
        _ => true,
    };
    let show = |image: &Option<ImageRef>, text: &Option<String>| match (image, text) {
        (Some(image), _) if same_place => version(image),
        (_, Some(text)) => text.clone(),
        (_, None) => String::new(),
    };
    (show(&before, &image.before), show(&after, &image.to))
}

fn version(image: &ImageRef) -> String {
    match (image.tag(), image.digest()) {
        (Some(tag), None) => tag.to_owned(),
        (Some(tag), Some(digest)) => format!("{tag}@{}", digest.short()),
        (None, Some(digest)) => format!("@{}", digest.short()),
        (None, None) => "latest (no tag)".to_owned(),
    }
}

/// How an image stands, with its size where that is known.
pub(super) fn standing(environment: &EnvironmentReview, image: &ImageReview) -> String {
    let registry = environment.registry.as_deref().unwrap_or("the registry");
    match image.state {
        State::Missing if image.denied => format!("denied{}", made_of(image, "   ")),
        State::Missing => format!("not in {registry} yet{}", made_of(image, "   ")),
        State::Present => format!("is in {registry}"),
        State::Copied => {
            let reused = match image.bytes_reused {
                0 => String::new(),
                bytes => format!(" ({} were there already)", size(bytes)),
            };
            let with = match image.referrers.len() {
                0 => String::new(),
                1 => ", with 1 referrer".to_owned(),
                count => format!(", with {count} referrers"),
            };
            format!("copied and proved{with}   {} sent{reused}", size(image.bytes_copied))
        }
        State::Conflict => "conflict".to_owned(),
        State::NoSource => "does not exist, and cannot be copied".to_owned(),
        State::External if image.denied => "external, denied".to_owned(),
        State::External => "external, never copied".to_owned(),
        State::Failed => "not finished".to_owned(),
        State::Unknown if image.denied => "denied".to_owned(),
        State::Unknown => "not known".to_owned(),
        State::Removed => "no longer referenced".to_owned(),
    }
}

/// Size and platforms, after `before`; nothing where they were not read.
pub(super) fn made_of(image: &ImageReview, before: &str) -> String {
    match (image.size_bytes.map(size), image.platforms.len()) {
        (Some(size), 0) => format!("{before}{size}"),
        (Some(size), 1) => format!("{before}{size}, {}", safe(&image.platforms[0])),
        (Some(size), platforms) => format!("{before}{size}, {platforms} platforms"),
        (None, _) => String::new(),
    }
}

/// What passes by an exception, counted apart: `2 waived`, `1 through broken glass`.
pub(super) fn exceptions(environment: &EnvironmentReview) -> Vec<String> {
    let counts = [(ExceptionKind::Waiver, "waived"), (ExceptionKind::BreakGlass, "through broken glass")];
    let told = |(kind, words)| match environment.exceptions(kind) {
        0 => None,
        count => Some(format!("{count} {words}")),
    };
    counts.into_iter().filter_map(told).collect()
}

/// Tells whether there is anything to say of an environment.
#[must_use]
pub fn is_busy(environment: &EnvironmentReview) -> bool {
    environment.images.iter().any(is_changed) || !environment.findings.is_empty()
}

/// Tells whether an image is part of the change.
pub(super) fn is_changed(image: &ImageReview) -> bool {
    image.kind != ChangeKind::Unchanged
}

/// `1 image`, `2 images`.
#[must_use]
pub fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Bytes for people, in powers of 1000 as registries and disks count.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit < UNITS.len() - 1 {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_two_or_three_figures() {
        let shown: Vec<String> =
            [0, 999, 1000, 9_949, 48_234_496, 999_600_000, u64::MAX].into_iter().map(size).collect();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "48 MB", "1.0 GB", "18446744 TB"]);
    }
}

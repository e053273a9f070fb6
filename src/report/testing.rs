//! Plain values for the tests of formats.

use crate::domain::{
    Cause, ChangeKind, ConfigUsed, Digest, EnvironmentReview, Finding, ImageReview, Location, Range, Review,
    ReviewResult, Revision, Severity, State, Stats,
};

pub(super) fn image(name: &str) -> ImageReview {
    let reference = |tag: &str| Some(format!("prod.example/team/{name}:{tag}"));
    ImageReview {
        name: name.to_owned(),
        kind: ChangeKind::Changed,
        before: reference("1.0.0"),
        to: reference("1.1.0"),
        from: Some(format!("dev.example/{name}:1.1.0")),
        digest: Some(Digest::of(b"x")),
        size_bytes: Some(48_234_496),
        bytes_copied: 0,
        bytes_reused: 0,
        platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
        referrers: Vec::new(),
        state: State::Missing,
        denied: false,
        locations: vec![Location::new("overlays/production/kustomization.yaml", 12, 13)],
    }
}

pub(super) fn finding(image: &str) -> Finding {
    Finding {
        rule: "production/tag".to_owned(),
        severity: Severity::Error,
        cause: Cause::Change,
        message: format!("{image} is referenced by `latest`"),
        help: "name a version".to_owned(),
        image: Some(image.to_owned()),
        location: Some(Location::new("overlays/production/kustomization.yaml", 12, 13)),
        width: 6,
        excerpt: Some("    newTag: latest".to_owned()),
        exception: None,
    }
}

/// A review of one environment, `production`, without images.
pub(super) fn review() -> Review {
    let base = Revision::Commit("0123456789abcdef0123456789abcdef01234567".to_owned());
    let environment = EnvironmentReview {
        name: "production".to_owned(),
        registry: Some("prod.example/team".to_owned()),
        has_policy: true,
        result: ReviewResult::Success,
        images: Vec::new(),
        findings: Vec::new(),
    };
    Review {
        range: Range {
            base: base.clone(),
            head: Revision::Worktree,
            target: base.clone(),
            why: "merge base with origin/main".to_owned(),
        },
        config: ConfigUsed { path: Some("promote-bot.yaml".to_owned()), revision: base },
        notes: Vec::new(),
        environments: vec![environment],
        result: ReviewResult::Success,
        stats: Stats::default(),
    }
}

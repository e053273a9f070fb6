//! Plain values for the tests of this part.

use super::tag::Tag;
use crate::domain::testing::site;
use crate::domain::{Candidate, ChangeKind, CopyOptions, Sites};
use crate::yaml::{self, Faults};

pub(crate) fn rule_tag(text: &str) -> Tag {
    let faults = Faults::new();
    let node = yaml::parse("p.yaml", text.as_bytes()).unwrap().remove(0);
    let tag = Tag::read(&node, &faults).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    tag
}

pub(crate) fn candidate(image: &str, before: Option<&str>) -> Candidate {
    Candidate {
        environment: "production".to_owned(),
        to: image.parse().unwrap(),
        from: None,
        copy: CopyOptions::default(),
        kind: ChangeKind::Added,
        before: before.map(str::to_owned),
        sites: Sites::new(site(image)),
    }
}

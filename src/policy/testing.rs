//! Plain values for the tests of this part.

use jiff::Timestamp;

use super::complaint::Complaint;
use super::dossier::{Dossier, Exhibit, MadeImage, Make, What};
use super::read::{Policy, read};
use super::subject::Subject;
use crate::domain::testing::site;
use crate::domain::{Candidate, ChangeKind, CopyOptions, Digest, Sites};
use crate::signature::Outcome;

/// The time of all tests.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_795_780_800, 0);

/// What a test gives a rule.
pub(crate) struct Given {
    pub(crate) digest: Option<&'static Digest>,
    pub(crate) dossier: Dossier,
    pub(crate) now: Timestamp,
}

/// Asks the rules of the text `rules` about a candidate.
pub(super) fn complaints(rules: &str, candidate: &Candidate, give: impl FnOnce(&mut Given)) -> Vec<Complaint> {
    let mut given = Given { digest: None, dossier: Dossier::default(), now: NOW };
    give(&mut given);
    let subject = Subject {
        is_external: false,
        policy: "p",
        candidate,
        digest: given.digest,
        size_bytes: None,
        dossier: &given.dossier,
        now: given.now,
    };
    policy(rules).rules.iter().flat_map(|rule| rule.complaints(&subject)).collect()
}

/// Reads a policy `p` of the rules of the text `rules`.
pub(crate) fn policy(rules: &str) -> Policy {
    read("p.yaml", format!("version: 1\npolicy: p\nrules: {{{rules}}}\n").as_bytes()).unwrap()
}

/// Tells the faults of the rules of the text `rules`, in their order.
pub(crate) fn faults(rules: &str) -> Vec<String> {
    let faults = read("p.yaml", format!("version: 1\npolicy: p\nrules: {{{rules}}}\n").as_bytes()).unwrap_err();
    faults.into_iter().map(|fault| fault.message).collect()
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

/// An image, or an index of several, for these platforms.
pub(crate) fn make(platforms: &[&str]) -> Make {
    let image = |(index, platform): (usize, &&str)| MadeImage {
        digest: Digest::of(format!("{platform} {index}").as_bytes()),
        platform: Some((*platform).to_owned()),
        created: None,
        labels: std::collections::BTreeMap::new(),
    };
    Make::from_images(platforms.len() > 1, platforms.iter().enumerate().map(image).collect())
}

/// An index of several.
pub(crate) fn index_of(platforms: &[&str]) -> Make {
    make(platforms)
}

/// The digest of the image in tests.
pub(crate) fn digest() -> &'static Digest {
    static DIGEST: std::sync::LazyLock<Digest> = std::sync::LazyLock::new(|| Digest::of(b"the image"));
    &DIGEST
}

/// Something that hangs on the image itself.
pub(crate) fn exhibit(what: What, outcome: Outcome) -> Exhibit {
    Exhibit { subject: digest().clone(), manifest: Digest::of(b"its manifest"), what, outcome, signed_at: None }
}

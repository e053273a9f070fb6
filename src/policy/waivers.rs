//! The waivers file: exceptions with an owner, a reason and an end.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::globs::read_globs;
use super::span::{End, read_instant};
use crate::domain::{Digest, Glob};
use crate::yaml::{self, Fault, Faults, Fields, Node};

/// How far ahead a waiver may end.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long before its end a waiver is warned of.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An exception from one rule, with an owner, a reason and an end.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// Its id.
    pub id: String,
    /// The rule's id, `<policy>/<rule>`.
    pub rule: String,
    /// The repositories it is for, without their registry.
    pub images: Vec<Glob>,
    /// The one digest it is for; none for every digest.
    pub digest: Option<Digest>,
    /// The one vulnerability it is for; none for whatever the rule says.
    pub vulnerability: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is.
    pub reason: String,
    /// Where it is written about.
    pub ticket: Option<String>,
    /// The first instant it does not hold any more.
    pub expires: Timestamp,
    /// The file that has it.
    pub file: String,
    /// Its line.
    pub line: u32,
}

impl Waiver {
    /// Tells whether it is about an image.
    #[must_use]
    pub fn fits(&self, repository: &str, digest: Option<&Digest>) -> bool {
        let is_named = self.images.iter().any(|glob| glob.matches(repository));
        is_named && self.digest.as_ref().is_none_or(|own| digest == Some(own))
    }

    /// Tells whether it does not hold any more.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Tells whether it ends soon.
    #[must_use]
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        !self.is_expired(now) && self.expires.duration_since(now) <= SOON
    }
}

/// How many waivers there may be.
const MOST_WAIVERS: usize = 1_000;

/// Reads `waivers.yaml`; `path` names it in faults. What ends too far ahead of `now` is a fault.
///
/// # Errors
/// All faults, ordered by place.
pub fn read_waivers(path: &str, text: &[u8], now: Timestamp) -> Result<Vec<Waiver>, Vec<Fault>> {
    yaml::read_file(path, text, "the waivers file", |document, faults| read_document(document, now, faults))
}

/// How far ahead a waiver may end: a date, that day included.
fn longest(node: &Node) -> SignedDuration {
    let is_date = node.as_str().is_some_and(|text| text.len() == 10);
    if is_date { LONGEST + SignedDuration::from_hours(24) } else { LONGEST }
}

fn read_document(document: &Node, now: Timestamp, faults: &Faults) -> Option<Vec<Waiver>> {
    yaml::refuse_nulls(document, faults);
    let mut fields = Fields::of(document, "the waivers file", faults)?;
    if let Some(version) = fields.optional("version").filter(|version| version.as_str() != Some("1")) {
        faults.push(version, "`version` must be 1");
    }
    fields.required("waivers");
    let entries = fields.list("waivers");
    fields.finish();
    if entries.len() > MOST_WAIVERS {
        faults.push(document, format!("there are {} waivers, at most {MOST_WAIVERS} are read", entries.len()));
        return None;
    }
    let mut waivers: Vec<Waiver> = Vec::new();
    for node in entries {
        let Some(waiver) = read_waiver(node, now, faults) else { continue };
        if waivers.iter().any(|other| other.id == waiver.id) {
            faults.push(node, format!("the waiver `{}` is given twice", waiver.id));
        }
        waivers.push(waiver);
    }
    Some(waivers)
}

fn read_waiver(node: &Node, now: Timestamp, faults: &Faults) -> Option<Waiver> {
    let mut fields = Fields::of(node, "a waiver", faults)?;
    let (id, rule) = (fields.required_string("id"), fields.required_string("rule"));
    let rule_node = fields.optional("rule");
    fields.required("images");
    let images = fields.strings("images");
    let digest = fields.non_empty_string("digest");
    let digest_node = fields.optional("digest");
    let vulnerability = fields.non_empty_string("vulnerability").map(str::to_owned);
    let (owner, reason) = (fields.required_string("owner"), fields.required_string("reason"));
    let ticket = fields.non_empty_string("ticket").map(str::to_owned);
    let expires_node = fields.required("expires");
    fields.finish();
    if let (Some(rule), Some(node)) = (rule, rule_node)
        && (rule.contains(['*', '?', '[', '{', ',', ' ']) || !rule.contains('/'))
    {
        faults.push_with_hint(
            node,
            "a waiver is for exactly one rule",
            "name it as <policy>/<rule>, without wildcards",
        );
    }
    let digest = digest
        .zip(digest_node)
        .map(|(text, node)| text.parse::<Digest>().map_err(|error| faults.push(node, error.to_string())).ok());
    let images = read_globs(images, faults);
    let expires = expires_node.and_then(|node| read_instant(node, "expires", End::Finish, &TimeZone::UTC, faults));
    if let (Some(expires), Some(node)) = (expires, expires_node)
        && expires.duration_since(now) > longest(node)
    {
        faults.push_with_hint(
            node,
            "a waiver ends at most 90 days ahead",
            "an exception that lasts is a rule: change the policy",
        );
    }
    Some(Waiver {
        id: id?.to_owned(),
        rule: rule?.to_owned(),
        images: images?,
        digest: match digest {
            Some(None) => return None,
            Some(digest) => digest,
            None => None,
        },
        vulnerability,
        owner: owner?.to_owned(),
        reason: reason?.to_owned(),
        ticket,
        expires: expires?,
        file: node.mark.file.to_string(),
        line: node.mark.line,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::NOW;
    use super::*;

    const GOOD: &str = "waivers:\n- {id: w1, rule: production/vulnerabilities, images: 'shop/**', vulnerability: CVE-1, owner: ann, reason: not reachable, expires: 2026-12-24}\n";

    #[test]
    fn a_waiver_holds_to_the_end_of_its_day() {
        let waiver = read_waivers("w.yaml", GOOD.as_bytes(), NOW).unwrap().remove(0);
        assert!(waiver.fits("shop/api", None) && !waiver.fits("other/api", None));
        assert!(!waiver.is_expired("2026-12-24T23:59:59Z".parse().unwrap()));
        assert!(waiver.is_expired("2026-12-25T00:00:00Z".parse().unwrap()));
        assert!(waiver.ends_soon("2026-12-20T00:00:00Z".parse().unwrap()) && !waiver.ends_soon(NOW));
    }

    #[test]
    fn a_waiver_without_an_end_or_for_more_than_one_rule_is_a_fault() {
        let text = "\
version: 1
waivers:
- {id: a, rule: 'production/*', images: x, owner: o, reason: r, expires: 2026-12-24}
- {id: b, rule: production/tag, images: x, owner: o, reason: r}
- {id: c, rule: production/tag, images: x, owner: o, reason: r, expires: 2027-06-01}
- {id: d, rule: production/tag, images: x, expires: soon}
- {id: f, rule: production/tag, images: x, digest: , owner: o, reason: r, expires: 2026-12-24}
- {id: e, rule: production/tag, images: x, digest: sha256:1, owner: o, reason: r, expires: 2026-12-24, Expires: never}
";
        let faults = read_waivers("w.yaml", text.as_bytes(), NOW).unwrap_err();
        let told: Vec<String> = faults.into_iter().map(|fault| format!("{} {}", fault.line, fault.message)).collect();
        assert_eq!(
            told,
            [
                "3 a waiver is for exactly one rule",
                "4 a waiver needs `expires`",
                "5 a waiver ends at most 90 days ahead",
                "6 a waiver needs `owner`",
                "6 a waiver needs `reason`",
                "6 `expires` must be a date or an instant",
                "7 `digest` has no value",
                "8 a sha256 digest has 64 lower-case hexadecimal characters, found 1",
                "8 a waiver has no field `Expires`",
            ]
        );
    }

    #[test]
    fn ninety_days_ahead_is_not_too_far() {
        let ends = |text: &str| read_waivers("w.yaml", GOOD.replace("2026-12-24", text).as_bytes(), NOW).is_ok();
        assert!(ends("2027-02-25") && !ends("2027-02-26"));
        assert!(ends("2027-02-25T11:00:00Z") && !ends("2027-02-25T13:00:00Z"));
    }

    #[test]
    fn a_waiver_for_one_digest_is_for_no_other() {
        let digest = Digest::of(b"one");
        let text = GOOD.replace("vulnerability: CVE-1", &format!("digest: '{digest}'"));
        let waiver = read_waivers("w.yaml", text.as_bytes(), NOW).unwrap().remove(0);
        assert!(waiver.fits("shop/api", Some(&digest)));
        assert!(!waiver.fits("shop/api", Some(&Digest::of(b"other"))) && !waiver.fits("shop/api", None));
    }
}

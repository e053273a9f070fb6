//! The rule `tag`: what a tag may be.

use regex::{Regex, RegexBuilder};
use semver::{Version, VersionReq};

use super::complaint::Complaint;
use super::level::Level;
use super::rule::Ask;
use super::subject::Subject;
use crate::domain::{Candidate, ImageRef};
use crate::yaml::{Faults, Fields};

/// How much memory a pattern of tags may take, in bytes.
const LARGEST: usize = 256 << 10;

/// The rule's key.
pub(super) const NAME: &str = "tag";

/// What `promote-bot explain tag` prints.
pub(super) const EXPLANATION: &str = "\
tag: what a tag may be

A tag such as `latest` names another image tomorrow: what was reviewed is not what runs after the next restart, and a rollback
brings nothing back. This rule says which tags an environment takes.

  rules:
    tag:
      forbid: [latest]                # tags that are never allowed; a reference without tag and digest means `latest`
      semver: \">=1.0.0\"               # 1.4.2 or v1.4.2 within this range
      allow_prerelease: false         # whether 1.4.2-rc.1 counts as a version
      pattern: '^v?\\d+\\.\\d+\\.\\d+$'    # a regular expression (RE2 syntax) the tag must match
      downgrade: warn                 # allow | warn | deny: a lower version than the one it replaces
      level: deny                     # deny | warn | off

A reference by digest alone has no tag: it passes `forbid`, and not `semver` or `pattern`, which ask for one.
To fix a finding, name an allowed tag in the overlay at the line shown, for example `newTag: \"1.4.2\"`.
";

/// What a tag may be.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    forbid: Vec<String>,
    semver: Option<VersionReq>,
    allow_prerelease: bool,
    pattern: Option<Regex>,
    downgrade: Level,
}

impl Tag {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let forbid: Vec<String> = fields.strings("forbid").into_iter().map(|(_, tag)| tag.to_owned()).collect();
        let semver_text = fields.non_empty_string("semver");
        let semver_node = fields.optional("semver");
        let allow_prerelease = fields.bool("allow_prerelease").unwrap_or(false);
        let pattern_text = fields.non_empty_string("pattern");
        let pattern_node = fields.optional("pattern");
        let downgrade = Level::read(fields, "downgrade", ["deny", "warn", "allow"], faults).unwrap_or(Level::Off);
        let asks = !forbid.is_empty() || semver_node.is_some() || pattern_node.is_some() || downgrade != Level::Off;
        if !asks {
            let node = fields.node();
            faults.push_with_hint(node, "the rule `tag` asks for nothing", "write {forbid: [latest]}, or {level: off}");
        }
        let semver = semver_text.zip(semver_node).and_then(|(text, node)| {
            let wrong = |error| faults.push(node, format!("`{text}` is not a range of versions: {error}"));
            VersionReq::parse(text).map_err(wrong).ok()
        });
        let pattern = pattern_text.zip(pattern_node).and_then(|(text, node)| {
            let wrong = |error: regex::Error| {
                let why = error
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim()
                    .trim_start_matches("error: ")
                    .to_owned();
                faults.push(node, format!("`{text}` is not a regular expression: {why}"));
            };
            RegexBuilder::new(text).size_limit(LARGEST).dfa_size_limit(LARGEST).build().map_err(wrong).ok()
        });
        Some(Self { forbid, semver, allow_prerelease, pattern, downgrade })
    }

    fn against(&self, name: &str, tag: &str) -> Option<String> {
        if let Some(range) = &self.semver {
            let Some(version) = version(tag) else {
                return Some(format!("the tag `{tag}` of {name} is not a version, and the policy asks for {range}"));
            };
            if !version.pre.is_empty() && !self.allow_prerelease {
                return Some(format!("the tag `{tag}` of {name} is a pre-release, and the policy takes none"));
            }
            // A range such as `>=1.0.0` leaves all pre-releases out by its own rules; here the setting decides about those.
            let release = Version { pre: semver::Prerelease::EMPTY, ..version.clone() };
            let matches = range.matches(&version) || (self.allow_prerelease && range.matches(&release));
            if !matches {
                return Some(format!("the tag `{tag}` of {name} is outside {range}"));
            }
        }
        let pattern = self.pattern.as_ref().filter(|pattern| !pattern.is_match(tag))?;
        Some(format!("the tag `{tag}` of {name} does not match {pattern}"))
    }

    /// Says which tag to name, as far as the rule tells.
    fn advice(&self) -> String {
        match (&self.semver, &self.pattern) {
            (Some(range), _) => format!("name a version within {range} where the overlay says so"),
            (None, Some(pattern)) => format!("name a tag that matches {pattern} where the overlay says so"),
            (None, None) => "name a version where the overlay says so, for example 1.4.2".to_owned(),
        }
    }
}

impl Ask for Tag {
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let candidate = subject.candidate;
        let name = candidate.to.repository();
        let message = match candidate.to.effective_tag() {
            Some(tag) if self.forbid.iter().any(|forbidden| forbidden == tag) => {
                let written = if candidate.to.tag().is_some() { "" } else { " (no tag is written)" };
                Some(format!("{name} is referenced by the forbidden tag `{tag}`{written}"))
            }
            Some(tag) => self.against(name, tag),
            None if self.semver.is_some() || self.pattern.is_some() => {
                Some(format!("{name} is referenced by digest alone, and the policy asks for a tag"))
            }
            None => None,
        };
        let mut complaints: Vec<Complaint> =
            message.map(|message| Complaint::of_tag(candidate, message, self.advice())).into_iter().collect();
        if let (Some(severity), Some((before, after))) = (self.downgrade.severity(), downgrade(candidate)) {
            let message = format!("{name} goes back from {before} to {after}");
            let complaint = Complaint::of_tag(candidate, message, "say in the change why, or name a newer version");
            complaints.push(Complaint { most: severity, ..complaint });
        }
        complaints
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        match subject.candidate.to.effective_tag() {
            Some(tag) => format!("the tag is `{tag}`"),
            None => "it has no tag".to_owned(),
        }
    }
}

fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

fn downgrade(candidate: &Candidate) -> Option<(Version, Version)> {
    let before: ImageRef = candidate.before.as_ref()?.parse().ok()?;
    let (old, new) = (version(before.tag()?)?, version(candidate.to.tag()?)?);
    (before.repository() == candidate.to.repository() && new < old).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints};
    use crate::domain::Severity;

    fn messages(rule: &str, image: &str) -> Vec<String> {
        let candidate = candidate(image, None);
        complaints(&format!("tag: {rule}"), &candidate, |_| ()).into_iter().map(|c| c.message).collect()
    }

    #[test]
    fn a_forbidden_tag_is_denied_at_its_own_column() {
        let candidate = candidate("prod.example/worker:latest", None);
        let complaints = complaints("tag: {forbid: [latest]}", &candidate, |_| ());
        assert_eq!(complaints[0].most, Severity::Error);
        assert_eq!(complaints[0].message, "worker is referenced by the forbidden tag `latest`");
        assert_eq!((complaints[0].location.as_ref().unwrap().column, complaints[0].width), (38, 6));
    }

    #[test]
    fn no_tag_and_no_digest_means_latest() {
        assert_eq!(
            messages("{forbid: [latest]}", "prod.example/worker"),
            ["worker is referenced by the forbidden tag `latest` (no tag is written)"]
        );
    }

    #[test]
    fn versions_are_taken_with_and_without_v() {
        for tag in ["1.4.2", "v1.4.2"] {
            assert!(messages("{semver: '>=1.0.0'}", &format!("prod.example/api:{tag}")).is_empty(), "{tag}");
        }
        assert_eq!(
            messages("{semver: '>=1.0.0'}", "prod.example/api:0.9.0"),
            ["the tag `0.9.0` of api is outside >=1.0.0"]
        );
        assert_eq!(messages("{semver: '>=1.0.0'}", "prod.example/api:main").len(), 1);
    }

    #[test]
    fn pre_releases_count_only_where_allowed() {
        let image = "prod.example/api:1.4.2-rc.1";
        assert_eq!(messages("{semver: '>=1.0.0'}", image).len(), 1);
        assert!(messages("{semver: '>=1.0.0', allow_prerelease: true}", image).is_empty());
    }

    #[test]
    fn a_pattern_must_match_and_a_digest_alone_has_nothing_to_match() {
        assert!(messages(r"{pattern: '^v?\d+$'}", "prod.example/api:7").is_empty());
        assert_eq!(messages(r"{pattern: '^v?\d+$'}", "prod.example/api:x").len(), 1);
        let digest = crate::domain::Digest::of(b"x");
        assert_eq!(messages(r"{pattern: '^v?\d+$'}", &format!("prod.example/api@{digest}")).len(), 1);
        assert!(messages("{forbid: [latest]}", &format!("prod.example/api@{digest}")).is_empty());
    }

    #[test]
    fn a_lower_version_than_before_is_a_downgrade() {
        let candidate = candidate("prod.example/api:1.9.0", Some("prod.example/api:1.10.0"));
        let warned = complaints("tag: {downgrade: warn}", &candidate, |_| ());
        assert_eq!(warned[0].most, Severity::Warning);
        assert!(complaints("tag: {forbid: [x], downgrade: allow}", &candidate, |_| ()).is_empty());
    }

    #[test]
    fn a_rule_that_is_off_says_nothing() {
        assert!(messages("{forbid: [latest], level: off}", "prod.example/api:latest").is_empty());
    }
}

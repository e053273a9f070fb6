//! The rule `platforms`: what an image must run on.

use super::complaint::Complaint;
use super::rule::Ask;
use super::subject::{Needs, Subject};
use crate::domain::Platform;
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "platforms";

/// What `promote-bot explain platforms` prints.
pub(super) const EXPLANATION: &str = "\
platforms: what an image must run on

A cluster with nodes of two architectures needs images for both; one that lacks an architecture ends in ImagePullBackOff on some nodes.

  rules:
    platforms: [linux/amd64, linux/arm64]            # the image must have them all
    # or, with a level:
    platforms: {all_of: [linux/amd64], level: warn}

A platform without a variant is met by any variant. To fix a finding, build the image for the platforms that the message names.
";

/// What an image must run on.
#[derive(Debug, Clone)]
pub(super) struct Platforms {
    all_of: Vec<Platform>,
}

impl Platforms {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let given = fields.strings("all_of");
        Self::of(&given, node, faults)
    }

    /// Reads the short form, a list.
    pub(super) fn read_list(node: &Node, faults: &Faults) -> Option<Self> {
        let mut given = Vec::new();
        for element in node.as_sequence().unwrap_or_default() {
            match element.as_str() {
                Some(text) => given.push((element, text)),
                None => faults.push(element, format!("a platform must be a string, found a {}", element.kind_name())),
            }
        }
        Self::of(&given, node, faults)
    }

    fn of(given: &[(&Node, &str)], node: &Node, faults: &Faults) -> Option<Self> {
        if given.is_empty() {
            faults.push_with_hint(node, "the rule `platforms` names no platform", "write [linux/amd64]");
            return None;
        }
        let read = |(node, text): &(&Node, &str)| {
            text.parse().map_err(|error| faults.push(node, format!("`{text}`: {error}"))).ok()
        };
        Some(Self { all_of: given.iter().filter_map(read).collect() })
    }
}

impl Ask for Platforms {
    fn needs(&self, needs: &mut Needs) {
        needs.make = true;
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let make = match subject.make() {
            Ok(make) => make,
            Err(complaint) => return vec![*complaint],
        };
        let there: Vec<Platform> = make.platforms().filter_map(|platform| platform.parse().ok()).collect();
        let missing: Vec<String> = self
            .all_of
            .iter()
            .filter(|wanted| !there.iter().any(|platform| wanted.covers(platform)))
            .map(ToString::to_string)
            .collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let has = match there.is_empty() {
            true => "it names no platform".to_owned(),
            false => format!("it has {}", there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{} lacks {}: {has}", subject.candidate.to.repository(), missing.join(" and "));
        vec![Complaint::new(subject.candidate, message, format!("build it for {} too", missing.join(" and ")))]
    }

    fn grounds(&self, _: &Subject<'_>) -> String {
        let names: Vec<String> = self.all_of.iter().map(ToString::to_string).collect();
        format!("it has {}", names.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, make};

    #[test]
    fn all_platforms_of_the_list_must_be_there() {
        let one = candidate("prod.example/shop/api:1", None);
        let both = make(&["linux/amd64", "linux/arm64/v8"]);
        assert!(
            complaints("platforms: [linux/amd64, linux/arm64]", &one, |s| s.dossier.make = Some(Ok(both.clone())))
                .is_empty()
        );
        let amd = make(&["linux/amd64"]);
        let found =
            complaints("platforms: [linux/amd64, linux/arm64]", &one, |s| s.dossier.make = Some(Ok(amd.clone())));
        assert_eq!(found[0].message, "shop/api lacks linux/arm64: it has linux/amd64");
    }

    #[test]
    fn what_is_not_known_is_not_a_yes() {
        let one = candidate("prod.example/shop/api:1", None);
        let found = complaints("platforms: {all_of: [linux/amd64]}", &one, |s| s.dossier.make = Some(Ok(make(&[]))));
        assert_eq!(found[0].message, "shop/api lacks linux/amd64: it names no platform");
        assert_eq!(complaints("platforms: [linux/amd64]", &one, |_| ()).len(), 1);
    }
}

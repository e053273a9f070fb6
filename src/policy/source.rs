//! The rule `source`: which registries an image may come from.

use super::complaint::Complaint;
use super::rule::Ask;
use super::subject::Subject;
use crate::domain::{ImageRef, RegistryPrefix};
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "source";

/// What `promote-bot explain source` prints.
pub(super) const EXPLANATION: &str = "\
source: which registries an image may come from

An image is copied from the registry of the environment before it; an external image is pulled from where the overlay says. This rule
names the registries that are trusted for either.

  rules:
    source:
      registries: [dev.registry.example:5000, docker.io/library]    # host[:port][/path]
      level: deny                                                   # deny | warn | off

Names are compared in their one canonical form: lower-case hosts, `docker.io` for its aliases, no default ports. To fix a finding,
reference the image through a registry of the list, or add its registry there.
";

/// Which registries an image may come from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    registries: Vec<RegistryPrefix>,
}

impl Source {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let given = fields.strings("registries");
        if given.is_empty() {
            faults.push_with_hint(
                node,
                "the rule `source` names no registry",
                "write {registries: [HOST[:PORT][/PATH]]}",
            );
        }
        let read = |(node, text): (&Node, &str)| {
            text.parse().map_err(|error| faults.push(node, format!("`{text}` is not a registry: {error}"))).ok()
        };
        Some(Self { registries: given.into_iter().filter_map(read).collect() })
    }
}

impl Ask for Source {
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let source = source_of(subject);
        if self.registries.iter().any(|registry| registry.remainder(source).is_some()) {
            return Vec::new();
        }
        let known: Vec<String> = self.registries.iter().map(ToString::to_string).collect();
        let message = format!("{} comes from {}", subject.candidate.to.repository(), source.locator());
        let help = format!("take it from {}, or have its registry added to the policy", known.join(" or "));
        vec![Complaint::new(subject.candidate, message, help)]
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        format!("it comes from {}", source_of(subject).locator())
    }
}

/// Where the image comes from: where it is copied from, else where it is pulled from.
fn source_of<'a>(subject: &Subject<'a>) -> &'a ImageRef {
    subject.candidate.from.as_ref().unwrap_or(&subject.candidate.to)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints};

    #[test]
    fn an_image_comes_from_a_registry_of_the_list() {
        let mut one = candidate("prod.example/shop/api:1", None);
        one.from = Some("dev.example:5000/shop/api:1".parse().unwrap());
        assert!(complaints("source: {registries: ['DEV.example:5000']}", &one, |_| ()).is_empty());
        let found = complaints("source: {registries: [dev.example, other.example/shop]}", &one, |_| ());
        assert_eq!(found[0].message, "shop/api comes from dev.example:5000/shop/api");
    }

    #[test]
    fn a_prefix_ends_at_a_slash_and_aliases_are_one() {
        let external = candidate("index.docker.io/library/redis:7", None);
        assert!(complaints("source: {registries: [docker.io/library]}", &external, |_| ()).is_empty());
        assert_eq!(complaints("source: {registries: [docker.io/lib]}", &external, |_| ()).len(), 1);
        assert_eq!(complaints("source: {registries: [docker.io.evil.example]}", &external, |_| ()).len(), 1);
    }
}

//! The rule `provenance`: where an image must have been built from.

use super::complaint::Complaint;
use super::coverage::{Coverage, coverage, some_of, told};
use super::dossier::{Exhibit, What};
use super::globs::read_globs;
use super::named::Named;
use super::rule::Ask;
use super::signed_by::SignedBy;
use super::subject::{Needs, Subject};
use crate::attestation::{Claim, Provenance, canonical_repository};
use crate::domain::Glob;
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "provenance";

/// What `promote-bot explain provenance` prints.
pub(super) const EXPLANATION: &str = "\
provenance: where an image must have been built from

Provenance (SLSA, https://slsa.dev/provenance) is a signed statement of a builder: which repository, which branch or tag, by whom. It counts on the
image, or on every image of an index.

  rules:
    provenance:
      signed_by: [release-key]                        # any one of these; any signer of signers.yaml unless given
      repository: https://git.example/acme/app        # one or several; any unless given
      refs: [refs/heads/main, \"refs/heads/release/*\"] # patterns; * stays within one part. Any but those of pull requests unless given
      builders: [\"https://ci.example/builder@v1\"]     # patterns of the builder's id, ** across `/` (GitHub's end in @refs/heads/main)
      level: deny                                     # deny | warn | off

References of pull and merge requests (refs/pull/…, refs/merge-requests/…, refs/changes/…) never match unless a pattern begins with just that. Where a statement
names the source in several places, all of them must agree with the rule. SLSA v1 and v0.2 are read.
To fix a finding, build the image where the rule says, and attest it:
  cosign attest --key release.key --type slsaprovenance1 --predicate provenance.json REPOSITORY@DIGEST
";

/// First parts of references that whoever opens a request can make, not those who may merge: GitHub's, GitLab's, Bitbucket's, Gerrit's.
const OF_REQUESTS: [&str; 5] = ["pull", "merge-requests", "pull-requests", "changes", "for"];

/// Tells whether a reference is one that whoever opens a request can make, in whatever spelling.
fn is_of_request(reference: &str) -> bool {
    let mut parts = reference.split('/').map(str::trim).filter(|part| !part.is_empty());
    let first = parts.find(|part| !matches!(part.to_ascii_lowercase().as_str(), "refs" | "remotes" | "origin"));
    first.is_some_and(|part| OF_REQUESTS.contains(&part.to_ascii_lowercase().as_str()))
}

/// Where an image must have been built from.
#[derive(Debug, Clone)]
pub(super) struct Built {
    by: SignedBy,
    repositories: Vec<String>,
    refs: Vec<Glob>,
    builders: Vec<Glob>,
}

impl Built {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let by = SignedBy::read(fields, "signed_by");
        if let Some(node) = fields.optional("signed_by").filter(|_| by.is_nobody()) {
            faults.push(node, "`signed_by` names nobody");
        }
        let repository = |(node, text): (&Node, &str)| {
            canonical_repository(text)
                .map_err(|error| faults.push(node, format!("`{text}` is not a repository: {error}")))
                .ok()
        };
        for key in ["repository", "refs", "builders"] {
            if let Some(node) = fields.optional(key).filter(|node| node.as_sequence().is_some_and(<[Node]>::is_empty)) {
                faults.push(node, format!("`{key}` names nothing"));
            }
        }
        Some(Self {
            by,
            repositories: fields.strings("repository").into_iter().filter_map(repository).collect(),
            refs: read_globs(fields.strings("refs"), faults).unwrap_or_default(),
            builders: read_globs(fields.strings("builders"), faults).unwrap_or_default(),
        })
    }

    /// Says what a statement has that the rule does not take.
    fn against(&self, provenance: &Provenance) -> Vec<String> {
        let mut against = Vec::new();
        let repositories = provenance.repositories();
        match repositories.is_empty() {
            true if !self.repositories.is_empty() => against.push("from a repository it does not name".to_owned()),
            _ => against.extend(
                repositories
                    .iter()
                    .filter(|repository| {
                        !self.repositories.is_empty() && !self.repositories.iter().any(|own| own == *repository)
                    })
                    .map(|repository| format!("from {repository}")),
            ),
        }
        let references = provenance.references();
        match references.is_empty() {
            true => against.push("from a reference it does not name".to_owned()),
            false => against.extend(
                references.iter().filter(|reference| !self.takes_reference(reference)).map(|one| format!("from {one}")),
            ),
        }
        let has_builder = |builder: &String| self.builders.iter().any(|pattern| pattern.matches(builder));
        if !self.builders.is_empty() && !provenance.builder.as_ref().is_some_and(has_builder) {
            against.push(format!("by the builder {}", provenance.builder.as_deref().unwrap_or("it does not name")));
        }
        against
    }

    fn takes_reference(&self, reference: &str) -> bool {
        if !reference.bytes().all(|b| b.is_ascii_graphic()) {
            return false;
        }
        if is_of_request(reference) {
            // Whoever opens a request chooses what is built: only a pattern that says so itself takes it.
            return self.refs.iter().any(|pattern| is_of_request(pattern.as_str()) && pattern.matches(reference));
        }
        self.refs.is_empty() || self.refs.iter().any(|pattern| pattern.matches(reference))
    }

    fn counts(&self, exhibit: &Exhibit) -> bool {
        self.by.takes(exhibit.signers()) && provenance_of(exhibit).is_some_and(|one| self.against(one).is_empty())
    }

    fn wanted(&self) -> String {
        let mut parts = Vec::new();
        if !self.repositories.is_empty() {
            parts.push(format!("from {}", self.repositories.join(" or ")));
        }
        if !self.refs.is_empty() {
            parts.push(format!("at {}", self.refs.iter().map(Glob::as_str).collect::<Vec<_>>().join(" or ")));
        }
        if !self.builders.is_empty() {
            parts.push(format!("by {}", self.builders.iter().map(Glob::as_str).collect::<Vec<_>>().join(" or ")));
        }
        parts.push(format!("attested by {}", self.by.told()));
        parts.join(", ")
    }

    /// Says what there is in place of what is wanted.
    fn others(&self, exhibits: &[Exhibit]) -> Vec<String> {
        let mut others = Vec::new();
        for exhibit in exhibits.iter().filter(|exhibit| self.by.takes(exhibit.signers())) {
            match &exhibit.what {
                What::Attestation(kind, claim) => match claim.as_ref() {
                    Claim::Provenance(one) => others.push(format!("it was built {}", self.against(one).join(" and "))),
                    Claim::Unreadable { why } if is_provenance(kind) => {
                        others.push(format!("its provenance cannot be read ({why})"));
                    }
                    _ => {}
                },
                _ => continue,
            }
        }
        let untrusted = exhibits.iter().filter(|exhibit| {
            !self.by.takes(exhibit.signers())
                && matches!(&exhibit.what, What::Attestation(kind, _) if is_provenance(kind))
        });
        others.extend(told(untrusted, "provenance").into_iter().map(|words| format!("it has {words}")));
        others.dedup();
        others
    }
}

fn is_provenance(predicate_type: &str) -> bool {
    predicate_type.starts_with("https://slsa.dev/provenance/")
}

fn provenance_of(exhibit: &Exhibit) -> Option<&Provenance> {
    match &exhibit.what {
        What::Attestation(_, claim) => match claim.as_ref() {
            Claim::Provenance(provenance) => Some(provenance),
            _ => None,
        },
        _ => None,
    }
}

impl Ask for Built {
    fn needs(&self, needs: &mut Needs) {
        (needs.documents, needs.make) = (true, true);
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let exhibits = match subject.exhibits() {
            Ok(exhibits) => exhibits,
            Err(complaint) => return vec![*complaint],
        };
        let name = subject.candidate.to.repository();
        let message = match coverage(subject, exhibits, |exhibit| self.counts(exhibit)) {
            coverage if coverage.is_complete() => return Vec::new(),
            Coverage::Some(lacking) => {
                format!("{name} has provenance for a part only: {} lacks it", lacking.join(" and "))
            }
            _ => match self.others(exhibits) {
                others if others.is_empty() => format!("{name} has no provenance: nothing says where it was built"),
                others => format!("{name} is not built as the policy asks: {}", some_of(&others, 3)),
            },
        };
        vec![Complaint::new(
            subject.candidate,
            message,
            format!(
                "have it built {}: cosign attest --key KEY --type slsaprovenance1 --predicate FILE {}",
                self.wanted(),
                subject.at_source()
            ),
        )]
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        let exhibits = subject.exhibits().unwrap_or_default();
        let first = exhibits.iter().filter(|exhibit| self.counts(exhibit)).find_map(provenance_of);
        first.map_or_else(String::new, |one| {
            format!("built from {} at {}", one.repositories().join(" and "), one.references().join(" and "))
        })
    }

    fn signers(&self) -> Option<Vec<&Named>> {
        Some(self.by.names())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, digest, exhibit, make};
    use super::*;
    use crate::attestation::{Source, Standing};
    use crate::signature::Outcome;

    fn source(repository: &str, reference: Option<&str>) -> Source {
        Source {
            place: "externalParameters.workflow",
            standing: Standing::Named,
            repository: repository.to_owned(),
            reference: reference.map(str::to_owned),
            commit: None,
        }
    }

    fn built(sources: Vec<Source>, by: &str) -> Exhibit {
        let claim = Claim::Provenance(Provenance {
            builder: Some("https://ci.example/b@v1".to_owned()),
            build_type: String::new(),
            sources,
        });
        let what = What::Attestation("https://slsa.dev/provenance/v1".to_owned(), Box::new(claim));
        exhibit(what, Outcome::Verified { by: vec![by.to_owned()] })
    }

    const APP: &str = "https://git.example/acme/app";
    const RULE: &str = "{signed_by: [ci], repository: https://git.example/acme/app, refs: [refs/heads/main, 'refs/heads/release/*'], builders: ['https://ci.example/b@*']}";

    fn messages(rule: &str, exhibits: Vec<Exhibit>) -> Vec<String> {
        let one = candidate("prod.example/shop/api:1", None);
        let found = complaints(&format!("provenance: {rule}"), &one, |given| {
            given.digest = Some(digest());
            given.dossier.exhibits = Some(Ok(exhibits));
            given.dossier.make = Some(Ok(make(&["linux/amd64"])));
        });
        found.into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn one_statement_that_agrees_wholly_is_enough() {
        let evil = built(vec![source(APP, Some("refs/heads/evil"))], "ci");
        let good = built(vec![source(APP, Some("refs/heads/release/1.4"))], "ci");
        assert!(messages(RULE, vec![evil.clone(), good]).is_empty());
        assert_eq!(
            messages(RULE, vec![evil]),
            ["shop/api is not built as the policy asks: it was built from refs/heads/evil"]
        );
    }

    #[test]
    fn near_misses_are_misses() {
        for (repository, reference) in [
            ("https://git.example/acme/app2", Some("refs/heads/main")),
            ("https://git.example/acme/App", Some("refs/heads/main")),
            (APP, Some("refs/heads/main2")),
            (APP, Some("refs/heads/release/a/b")),
            (APP, Some("main")),
            (APP, Some("refs/pull/7/merge")),
            (APP, None),
        ] {
            assert_eq!(
                messages(RULE, vec![built(vec![source(repository, reference)], "ci")]).len(),
                1,
                "{repository} {reference:?}"
            );
        }
        assert_eq!(messages(RULE, vec![built(Vec::new(), "ci")]).len(), 1);
        let both =
            vec![source(APP, Some("refs/heads/main")), source("https://git.example/evil/app", Some("refs/heads/main"))];
        assert_eq!(messages(RULE, vec![built(both, "ci")]).len(), 1);
    }

    #[test]
    fn pull_requests_match_only_where_they_are_written_out() {
        let pull = || vec![built(vec![source(APP, Some("refs/pull/7/merge"))], "ci")];
        assert_eq!(messages("{}", pull()).len(), 1);
        assert_eq!(messages("{refs: ['**']}", pull()).len(), 1);
        assert_eq!(messages("{refs: ['refs/*/7/merge']}", pull()).len(), 1);
        assert!(messages("{refs: ['refs/pull/*/merge']}", pull()).is_empty());
        assert!(messages("{}", vec![built(vec![source(APP, Some("refs/tags/v1"))], "ci")]).is_empty());
        for reference in [
            "refs/remotes/pull/7/merge",
            "pull/7/merge",
            "/refs/pull/7/merge",
            "refs//pull/7/merge",
            "REFS/Pull/7/merge",
            " refs/pull/7/merge",
            "merge-requests/3/head",
            "refs/changes/12/34/1",
            "refs/heads/ma\u{200b}in",
        ] {
            assert_eq!(messages("{}", vec![built(vec![source(APP, Some(reference))], "ci")]).len(), 1, "{reference}");
            assert_eq!(
                messages("{refs: ['**']}", vec![built(vec![source(APP, Some(reference))], "ci")]).len(),
                1,
                "{reference}"
            );
        }
    }

    #[test]
    fn provenance_by_somebody_else_is_told_to_be() {
        let theirs = built(vec![source(APP, Some("refs/heads/main"))], "b");
        assert_eq!(
            messages(RULE, vec![theirs]),
            ["shop/api is not built as the policy asks: it has provenance by b, whom the rule does not name"]
        );
        assert_eq!(messages(RULE, Vec::new()), ["shop/api has no provenance: nothing says where it was built"]);
    }
}

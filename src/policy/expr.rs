//! The rule `expr`: what an expression says of an image.

use serde_json::{Map, Value, json};

use super::complaint::Complaint;
use super::dossier::{Exhibit, What};
use super::expression::{Expression, Input, Kind, LANGUAGE, Shape};
use super::rule::Ask;
use super::subject::{Needs, Subject};
use crate::domain::ImageRef;
use crate::yaml::{Faults, Fields};

/// The rule's key.
pub(super) const NAME: &str = "expr";

/// What `promote-bot explain expr` prints; the language itself follows.
pub(super) const EXPLANATION: &str = "\
expr: what an expression says of an image

For what the typed rules do not say: an expression in CEL (https://cel.dev) that must be true.

  rules:
    expr:
      - id: team                                          # the rule's id is <policy>/expr/team
        check: \"image.repository.startsWith('shop/')\"
        message: only images of shop/ run here            # said when it is not true
        level: deny                                       # deny | warn | off

Variables:
  image        reference, registry, repository, name, tag, digest, pinned
  source       reference, registry, repository            where it is copied from; missing where it is not
  environment  the environment's name
  change       kind (added, changed), before              the reference it takes the place of; missing where there is none
  evidence     signers, attestations ([{type, signers}]), platforms, labels, created, age_hours, size_bytes
  now          the time, as 2026-11-27T12:00:00Z

Of an index whose images have different labels it must be true with the labels of each. What is missing, unknown or no boolean is a no, and so
is an expression that takes longer than 250 ms. Unknown variables and fields are refused when the policy is read.
";

/// What `promote-bot explain expr` prints after [`EXPLANATION`].
pub(super) const MORE: &str = LANGUAGE;

const STRING: Shape = Shape::Leaf(Kind::String);

/// The variables of an expression.
pub(super) const VARIABLES: Shape = Shape::Object(&[
    (
        "image",
        Shape::Object(&[
            ("reference", STRING),
            ("registry", STRING),
            ("repository", STRING),
            ("name", STRING),
            ("tag", STRING),
            ("digest", STRING),
            ("pinned", Shape::Leaf(Kind::Bool)),
        ]),
    ),
    ("source", Shape::Object(&[("reference", STRING), ("registry", STRING), ("repository", STRING)])),
    ("environment", STRING),
    ("change", Shape::Object(&[("kind", STRING), ("before", STRING)])),
    (
        "evidence",
        Shape::Object(&[
            ("signers", Shape::List(&STRING)),
            ("attestations", Shape::List(&Shape::Object(&[("type", STRING), ("signers", Shape::List(&STRING))]))),
            ("platforms", Shape::List(&STRING)),
            ("labels", Shape::Map(&STRING)),
            ("created", STRING),
            ("age_hours", Shape::Leaf(Kind::Int)),
            ("size_bytes", Shape::Leaf(Kind::Int)),
        ]),
    ),
    ("now", STRING),
]);

/// How many different sets of labels an expression is asked about.
const MOST_LABELS: usize = 16;

/// What an expression says of an image.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    id: String,
    check: Expression,
    message: Option<String>,
}

impl Expr {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let id = fields.optional("id").and_then(|node| node.as_str()).unwrap_or_default().to_owned();
        let text = fields.required_string("check");
        let node = fields.optional("check");
        let message = fields.non_empty_string("message").map(str::to_owned);
        let compiled = Expression::compile(text?, &VARIABLES).map_err(|invalid| {
            let place = invalid.at.map(|(line, column)| format!(" (line {line}, column {column} of the expression)"));
            let message = format!("`check` {}{}", invalid.message, place.unwrap_or_default());
            node.into_iter().for_each(|node| faults.push(node, message.clone()));
        });
        Some(Self { id, check: compiled.ok()?, message })
    }

    fn asks_evidence(&self) -> bool {
        self.check.text().contains("evidence")
    }

    fn holds(&self, subject: &Subject<'_>) -> Result<bool, String> {
        let asks_evidence = self.asks_evidence();
        let mut variables = variables(subject, asks_evidence);
        let mut sets: Vec<Value> = match subject.make() {
            Ok(make) if asks_evidence => make.labels().into_iter().map(|labels| json!(labels)).collect(),
            _ => Vec::new(),
        };
        if sets.len() > MOST_LABELS {
            return Err(format!(
                "its images have {} different sets of labels, at most {MOST_LABELS} are asked",
                sets.len()
            ));
        }
        if sets.is_empty() {
            sets.push(json!({}));
        }
        // It must be true of every image of an index: what one has, and another has not, is not hidden.
        for labels in sets {
            if asks_evidence {
                variables["evidence"]["labels"] = labels;
            }
            let input = Input::new(&variables).map_err(|error| error.to_string())?;
            if !self.check.holds(&input).map_err(|error| error.to_string())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Ask for Expr {
    fn needs(&self, needs: &mut Needs) {
        needs.documents |= self.asks_evidence();
        needs.make |= self.asks_evidence();
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let name = subject.candidate.to.repository();
        let known = match self.asks_evidence() {
            true => subject.exhibits().map(|_| ()).and_then(|()| subject.make().map(|_| ())),
            false => Ok(()),
        };
        if let Err(complaint) = known {
            return vec![*complaint];
        }
        let rule = &self.id;
        let message = match (self.holds(subject), &self.message) {
            (Ok(true), _) => return Vec::new(),
            (Ok(false), Some(message)) => format!("{name}: {message}"),
            (Ok(false), None) => format!("`{}` is not true of {name}", self.check.text()),
            (Err(why), _) => format!("whether `{rule}` is true of {name} cannot be told: {why}"),
        };
        let help =
            format!("the policy asks that {}", self.check.text().split_whitespace().collect::<Vec<_>>().join(" "));
        vec![Complaint::new(subject.candidate, message, help)]
    }

    fn grounds(&self, _: &Subject<'_>) -> String {
        format!("`{}` is true", self.check.text())
    }
}

/// The variables, as far as they are known.
fn variables(subject: &Subject<'_>, with_evidence: bool) -> Value {
    let candidate = subject.candidate;
    let mut image = reference(&candidate.to);
    image.insert("name".to_owned(), json!(candidate.to.repository().rsplit('/').next().unwrap_or_default()));
    image.insert("pinned".to_owned(), json!(candidate.to.digest().is_some()));
    image.extend(candidate.to.effective_tag().map(|tag| ("tag".to_owned(), json!(tag))));
    image.extend(subject.digest.map(|digest| ("digest".to_owned(), json!(digest.to_string()))));
    let mut change = Map::from_iter([("kind".to_owned(), json!(candidate.kind.word()))]);
    change.extend(candidate.before.as_ref().map(|before| ("before".to_owned(), json!(before))));
    let mut all = Map::from_iter([
        ("image".to_owned(), Value::Object(image)),
        ("environment".to_owned(), json!(candidate.environment)),
        ("change".to_owned(), Value::Object(change)),
        ("now".to_owned(), json!(subject.now.to_string())),
    ]);
    all.extend(candidate.from.as_ref().map(|from| ("source".to_owned(), Value::Object(reference(from)))));
    all.extend(with_evidence.then(|| ("evidence".to_owned(), evidence(subject))));
    Value::Object(all)
}

fn reference(image: &ImageRef) -> Map<String, Value> {
    Map::from_iter([
        ("reference".to_owned(), json!(image.to_string())),
        ("registry".to_owned(), json!(image.registry())),
        ("repository".to_owned(), json!(image.repository())),
    ])
}

fn evidence(subject: &Subject<'_>) -> Value {
    let exhibits = subject.exhibits().unwrap_or_default();
    let own = |exhibit: &&Exhibit| subject.digest == Some(&exhibit.subject) && !exhibit.signers().is_empty();
    let mut signers: Vec<&String> = exhibits
        .iter()
        .filter(own)
        .filter(|exhibit| matches!(exhibit.what, What::Signature))
        .flat_map(|exhibit| exhibit.signers())
        .collect();
    signers.sort_unstable();
    signers.dedup();
    let attestations: Vec<Value> = exhibits
        .iter()
        .filter(own)
        .filter_map(|exhibit| match &exhibit.what {
            What::Attestation(predicate_type, _) => Some(json!({"type": predicate_type, "signers": exhibit.signers()})),
            _ => None,
        })
        .collect();
    let mut all =
        Map::from_iter([("signers".to_owned(), json!(signers)), ("attestations".to_owned(), json!(attestations))]);
    if let Ok(make) = subject.make() {
        all.insert("platforms".to_owned(), json!(make.platforms().collect::<Vec<_>>()));
        // Of several the youngest; where one does not say it, nobody knows.
        let created: Option<Vec<_>> = make.images().iter().map(|image| image.created).collect();
        if let Some(created) = created.and_then(|all| all.into_iter().max()) {
            all.insert("created".to_owned(), json!(created.to_string()));
            all.insert("age_hours".to_owned(), json!(subject.now.duration_since(created).as_hours()));
        }
    }
    all.extend(subject.size_bytes.map(|size| ("size_bytes".to_owned(), json!(size))));
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, complaints, digest, exhibit, faults, make};
    use super::*;
    use crate::signature::Outcome;

    fn messages(check: &str, image: &str) -> Vec<String> {
        let one = candidate(image, Some("prod.example/shop/api:1"));
        let rule = format!("expr: [{{id: x, check: \"{check}\"}}]");
        let found = complaints(&rule, &one, |given| {
            given.digest = Some(digest());
            let signed = exhibit(What::Signature, Outcome::Verified { by: vec!["ci".to_owned()] });
            given.dossier.exhibits = Some(Ok(vec![signed]));
            given.dossier.make = Some(Ok(make(&["linux/amd64"])));
        });
        found.into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn an_expression_speaks_of_image_change_and_evidence() {
        for check in [
            "image.repository.startsWith('shop/') && image.name == 'api' && image.tag == '2' && !image.pinned",
            "change.before.endsWith(':1') && environment == 'production'",
            "'ci' in evidence.signers && evidence.platforms == ['linux/amd64']",
        ] {
            assert_eq!(messages(check, "prod.example/shop/api:2"), Vec::<String>::new(), "{check}");
        }
        assert_eq!(
            messages("image.tag == '2'", "prod.example/shop/api:3"),
            ["`image.tag == '2'` is not true of shop/api"]
        );
    }

    #[test]
    fn it_must_be_true_of_the_labels_of_every_image() {
        let one = candidate("prod.example/shop/api:2", None);
        let judged = |check: &str| {
            let found = complaints(&format!("expr: [{{id: x, check: \"{check}\"}}]"), &one, |given| {
                given.digest = Some(digest());
                given.dossier.exhibits = Some(Ok(Vec::new()));
                let mut parts = make(&["linux/amd64", "linux/arm64"]);
                parts.set_label(0, "stage", "debug");
                parts.set_label(0, "team", "shop");
                parts.set_label(1, "team", "shop");
                given.dossier.make = Some(Ok(parts));
            });
            found.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>()
        };
        assert_eq!(judged("evidence.labels['team'] == 'shop'"), Vec::<String>::new());
        assert_eq!(judged("!('stage' in evidence.labels) || evidence.labels['stage'] != 'debug'").len(), 1);
        assert_eq!(judged("'stage' in evidence.labels").len(), 1);
    }

    #[test]
    fn what_hangs_on_a_part_is_not_the_image_s() {
        let one = candidate("prod.example/shop/api:2", None);
        let found = complaints("expr: [{id: x, check: \"evidence.attestations.size() == 0\"}]", &one, |given| {
            given.digest = Some(digest());
            let what =
                What::Attestation("https://spdx.dev/Document".to_owned(), Box::new(crate::attestation::Claim::Other));
            let on_part = super::super::dossier::Exhibit {
                subject: crate::domain::Digest::of(b"a part"),
                ..exhibit(what, Outcome::Verified { by: vec!["ci".to_owned()] })
            };
            given.dossier.exhibits = Some(Ok(vec![on_part]));
            given.dossier.make = Some(Ok(make(&["linux/amd64"])));
        });
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_cannot_be_told_is_a_no() {
        let told = messages("source.registry == 'x'", "prod.example/shop/api:2");
        assert!(told[0].starts_with("whether `x` is true of shop/api cannot be told: "), "{told:?}");
    }

    #[test]
    fn unknown_variables_are_refused_when_the_policy_is_read() {
        for check in ["imgae.tag == '1'", "image.tga == '1'", "1 + 1", "image.tag.matches('(')", "'x'"] {
            assert_eq!(faults(&format!("expr: [{{id: x, check: \"{check}\"}}]")).len(), 1, "{check}");
        }
    }
}

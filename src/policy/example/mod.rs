//! Examples: what a policy should say of made-up images, written beside it and run as tests.

mod evidence;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::dossier::Dossier;
use super::judge::{Facts, InForce, judge};
use super::read::Policy;
use super::span::{End, read_instant};
use crate::domain::{
    Candidate, ChangeKind, Content, CopyOptions, Digest, Expected, ImageRef, ImageSite, ImageUse, Location, Origins,
    Plan, Settled, Severity, Sites, Step, TreePath, UseClass, Workload,
};
use crate::yaml::{Faults, Fields, Node};

/// When an example is judged that does not say when.
const DEFAULT_NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What a policy should say of a made-up image.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows, a sentence.
    pub name: String,
    /// Its place.
    pub location: Location,
    candidate: Candidate,
    digest: Digest,
    dossier: Arc<Dossier>,
    now: Timestamp,
    size_bytes: Option<u64>,
    verdict: Option<Severity>,
    says: Vec<String>,
    rules: Vec<String>,
}

/// Why an example does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was expected and what was found.
    pub why: String,
    /// What the policy said, for people.
    pub said: Vec<String>,
}

impl Example {
    /// Asks the policy, and compares.
    ///
    /// # Errors
    /// What differs.
    pub fn run(&self, policy: &Policy) -> Result<(), Failed> {
        let environment = self.candidate.environment.clone();
        let set = InForce { policies: vec![policy.clone()], from_folder: true, ..InForce::default() };
        let in_force = BTreeMap::from([(environment, set)]);
        let step = Step {
            candidate: self.candidate.clone(),
            digest: self.digest.clone(),
            expected: Expected::Absent,
            present: false,
            content: self.size_bytes.map(|size_bytes| Content { size_bytes, ..Content::default() }),
            after: None,
        };
        let plan = Plan { settled: vec![Settled::Step(step)] };
        let dossiers = [self.dossier.clone()];
        let facts = Facts {
            in_force: &in_force,
            dossiers: &dossiers,
            now: self.now,
            break_glass: None,
            deny_from: Severity::Error,
            offline: false,
        };
        let findings: Vec<_> = judge(&plan, &facts).verdicts.into_iter().map(|verdict| verdict.finding).collect();
        let said: Vec<String> =
            findings.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect();
        let fail = |why: String| Err(Failed { why, said: said.clone() });
        let worst = findings.iter().map(|finding| finding.severity).filter(|one| *one > Severity::Note).max();
        if worst != self.verdict {
            return fail(format!("expected {}, found {}", word(self.verdict), word(worst)));
        }
        if let Some(missing) = self.says.iter().find(|words| !said.iter().any(|said| said.contains(words.as_str()))) {
            return fail(format!("nothing says `{missing}`"));
        }
        let no = findings.iter().filter(|finding| finding.severity > Severity::Note);
        let mut denying: Vec<&str> = no
            .map(|finding| {
                finding.rule.strip_prefix(&policy.name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&finding.rule)
            })
            .collect();
        denying.dedup();
        let mut expected: Vec<&str> = self.rules.iter().map(String::as_str).collect();
        denying.sort_unstable();
        expected.sort_unstable();
        if !expected.is_empty() && expected != denying {
            return fail(format!("expected a no of {}, found one of {}", expected.join(", "), denying.join(", ")));
        }
        Ok(())
    }
}

fn word(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Error) => "deny",
        Some(_) => "warn",
        None => "allow",
    }
}

/// Reads an example of `policy`.
pub(super) fn read_example(node: &Node, policy: &Policy, faults: &Faults) -> Option<Example> {
    let mut fields = Fields::of(node, "an example", faults)?;
    let name = fields.required_string("name");
    let image = fields.required_string("image");
    let image_node = fields.optional("image");
    let (from, before) = (fields.non_empty_string("from"), fields.non_empty_string("before").map(str::to_owned));
    let environment = fields.non_empty_string("environment").map(str::to_owned);
    let now = fields.optional("now");
    let evidence = fields.optional("evidence");
    let size_bytes = fields.integer("size_bytes").and_then(|size| u64::try_from(size).ok());
    let verdict_node = fields.required("verdict");
    let says: Vec<String> = fields.strings("says").into_iter().map(|(_, text)| text.to_owned()).collect();
    let rules: Vec<String> = fields.strings("rules").into_iter().map(|(_, text)| text.to_owned()).collect();
    fields.finish();
    let parse = |text: &str| {
        let wrong = |error| {
            image_node.into_iter().for_each(|node| faults.push(node, format!("`{text}` is not an image: {error}")));
        };
        text.parse::<ImageRef>().map_err(wrong).ok()
    };
    let to = parse(image?)?;
    let from = from.map(parse);
    let now = now.and_then(|node| read_instant(node, "now", End::Start, &TimeZone::UTC, faults)).unwrap_or(DEFAULT_NOW);
    let verdict = match verdict_node?.as_str() {
        Some("allow") => None,
        Some("warn") => Some(Severity::Warning),
        Some("deny") => Some(Severity::Error),
        _ => {
            verdict_node.into_iter().for_each(|node| faults.push(node, "`verdict` must be allow, warn or deny"));
            return None;
        }
    };
    let location = Location::new(node.mark.file.to_string(), node.mark.line, node.mark.column);
    let digest = to.digest().cloned().unwrap_or_else(|| Digest::of(to.to_string().as_bytes()));
    let dossier = evidence::read(evidence, &digest, policy, now, faults);
    let environment = environment.or_else(|| policy.environments.as_ref().and_then(|names| names.first().cloned()));
    let candidate =
        candidate(to, from.flatten(), before, environment.unwrap_or_else(|| "production".to_owned()), &location);
    Some(Example {
        name: name?.to_owned(),
        location,
        candidate,
        digest,
        dossier: Arc::new(dossier),
        now,
        size_bytes,
        verdict,
        says,
        rules,
    })
}

fn candidate(
    to: ImageRef,
    from: Option<ImageRef>,
    before: Option<String>,
    environment: String,
    location: &Location,
) -> Candidate {
    let origins = Origins { name: location.clone(), tag: None, digest: None };
    let image_use = ImageUse {
        image: to.to_string(),
        class: UseClass::Container,
        workload: Workload::default(),
        container: None,
        field: "image".to_owned(),
        location: location.clone(),
        decisions: Vec::new(),
        origins,
    };
    let kind = if before.is_some() { ChangeKind::Changed } else { ChangeKind::Added };
    let sites = Sites::new(ImageSite { overlay: TreePath::root(), image_use });
    Candidate { environment, to, from, copy: CopyOptions::default(), kind, before, sites }
}

#[cfg(test)]
mod tests;

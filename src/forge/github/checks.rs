//! Check runs (<https://docs.github.com/en/rest/checks/runs>): a gate with its report and its findings on their lines. Only an App may
//! write them, and a run that is completed cannot be opened again.

use http::Method;
use serde::{Deserialize, Serialize};

use super::super::cut;
use super::super::error::Error;
use super::super::patience::{Patience, Twice};
use super::GitHub;
use super::client::{Call, Sent};
use crate::domain::{CONTEXT, Digest, Finding, Gate, GateState, Severity};

/// How many annotations one request may carry.
const BATCH: usize = 50;

/// How long title and texts may be, in characters.
const LONGEST_TITLE: usize = 255;
const LONGEST_SUMMARY: usize = 65_000;
const LONGEST_MESSAGE: usize = 4_000;

/// How often a run whose fate is not known is made.
const TRIES: usize = 3;

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<Shown>,
}

/// A check run that is there.
#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    name: String,
    status: String,
    external_id: Option<String>,
    output: ShownOutput,
}

#[derive(Debug, Deserialize)]
struct ShownOutput {
    #[serde(default)]
    annotations_count: usize,
}

impl Shown {
    /// Tells whether it says of a gate what there is to say.
    fn says(&self, gate: &Gate) -> bool {
        let is_done = (self.status == "completed") == (gate.state != GateState::Pending);
        is_done && self.external_id.as_deref() == Some(&identity(gate))
    }
}

#[derive(Serialize)]
struct Wanted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    name: String,
    external_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details_url: Option<&'a str>,
    output: Output,
}

#[derive(Serialize)]
struct Output {
    title: String,
    summary: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Debug, Serialize)]
struct Annotation {
    path: String,
    start_line: u32,
    end_line: u32,
    start_column: u32,
    end_column: u32,
    annotation_level: &'static str,
    title: String,
    message: String,
}

pub(super) async fn put(github: &GitHub, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
    let mut patience = Patience::gating();
    for gate in gates {
        put_one(github, gate, url, &mut patience).await?;
    }
    Ok(())
}

async fn put_one(github: &GitHub, gate: &Gate, url: Option<&str>, patience: &mut Patience) -> Result<(), Error> {
    let mut annotations = gate.findings.iter().filter_map(annotation).collect::<Vec<_>>();
    let rest = annotations.split_off(annotations.len().min(BATCH));
    // What is completed is not written to any more: it is when the last annotation is there.
    let wanted = |head_sha, annotations, is_last: bool| Wanted {
        head_sha,
        name: gate.context(),
        external_id: identity(gate),
        status: if gate.state == GateState::Pending || !is_last { "in_progress" } else { "completed" },
        conclusion: conclusion(gate.state).filter(|_| is_last),
        details_url: url,
        output: output(gate, annotations),
    };
    let there = latest(github, &gate.context(), patience).await?;
    let first = annotations.len();
    let (id, mut count) = match there {
        // It says so already.
        Some(there) if there.says(gate) => return Ok(()),
        Some(there) if there.status != "completed" => {
            let count = there.output.annotations_count + annotations.len();
            update(github, there.id, &wanted(None, annotations, rest.is_empty()), count, patience).await?;
            (there.id, count)
        }
        _ => (create(github, &wanted(Some(&github.commit), annotations, rest.is_empty()), patience).await?, first),
    };
    let mut rest = rest.into_iter().peekable();
    while rest.peek().is_some() {
        let batch: Vec<Annotation> = rest.by_ref().take(BATCH).collect();
        count += batch.len();
        update(github, id, &wanted(None, batch, rest.peek().is_none()), count, patience).await?;
    }
    Ok(())
}

/// Ends what is in progress.
pub(super) async fn settle(github: &GitHub, why: &str) -> Result<usize, Error> {
    let mut patience = Patience::gating();
    let action = format!("read the check runs of {}@{}", github.locator(), github.commit);
    let path = github.path(&format!("commits/{}/check-runs?filter=latest&per_page=100", github.commit));
    let all = github.client.list(&action, path, &mut patience, |page: Page| page.check_runs).await?;
    let is_left = |shown: &&Shown| shown.name.starts_with(CONTEXT) && shown.status != "completed";
    let mut settled = 0;
    for shown in all.iter().filter(is_left) {
        let environment = shown.name.strip_prefix(CONTEXT).unwrap_or_default();
        let gate = Gate::of(environment, GateState::Error, why);
        let wanted = Wanted {
            head_sha: None,
            name: gate.context(),
            external_id: identity(&gate),
            status: "completed",
            conclusion: conclusion(gate.state),
            details_url: None,
            output: output(&gate, Vec::new()),
        };
        match update(github, shown.id, &wanted, 0, &mut patience).await {
            Ok(()) => settled += 1,
            // Another App's run of the same name is not ours to close.
            Err(error) if error.is_forbidden() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(settled)
}

async fn latest(github: &GitHub, name: &str, patience: &mut Patience) -> Result<Option<Shown>, Error> {
    let action = format!("read the check run {name} of {}@{}", github.locator(), github.commit);
    let query = format!("check_name={}&filter=latest&per_page=100", name.replace('/', "%2F"));
    let path = github.path(&format!("commits/{}/check-runs?{query}", github.commit));
    let runs = github.client.list(&action, path, patience, |page: Page| page.check_runs).await?;
    Ok(runs.into_iter().filter(|run| run.name == name).max_by_key(|run| run.id))
}

async fn create(github: &GitHub, wanted: &Wanted<'_>, patience: &mut Patience) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Made {
        id: u64,
    }
    let action = format!("make the check run {} of {}@{}", wanted.name, github.locator(), github.commit);
    for _ in 0..TRIES {
        let path = github.path("check-runs");
        let call = Call { action: &action, method: Method::POST, path, body: Some(wanted), twice: Twice::Another };
        match github.client.send(&call, patience).await? {
            Sent::Answer(_, bytes) => return Ok(github.client.parse::<Made>(&action, &bytes)?.id),
            Sent::Unsure => {
                let there = latest(github, &wanted.name, patience).await?;
                if let Some(there) = there.filter(|there| there.external_id.as_ref() == Some(&wanted.external_id)) {
                    return Ok(there.id);
                }
            }
        }
    }
    Err(github.client.odd(&action, "lost it several times"))
}

/// Changes a run, which then has `count` annotations: those of a request are added to what is there, so that one whose fate is not known
/// is looked for before it is sent again.
async fn update(
    github: &GitHub,
    id: u64,
    wanted: &Wanted<'_>,
    count: usize,
    patience: &mut Patience,
) -> Result<(), Error> {
    let action = format!("change the check run {} of {}@{}", wanted.name, github.locator(), github.commit);
    let path = github.path(&format!("check-runs/{id}"));
    let twice = if wanted.output.annotations.is_empty() { Twice::Same } else { Twice::Another };
    for _ in 0..TRIES {
        let call = Call { action: &action, method: Method::PATCH, path: path.clone(), body: Some(wanted), twice };
        if let Sent::Answer(..) = github.client.send(&call, patience).await? {
            return Ok(());
        }
        let there: Shown = github.client.get(&action, path.clone(), patience).await?;
        if there.output.annotations_count >= count && there.status == wanted.status {
            return Ok(());
        }
    }
    Err(github.client.odd(&action, "lost it several times"))
}

fn output(gate: &Gate, annotations: Vec<Annotation>) -> Output {
    Output { title: cut(&gate.title, LONGEST_TITLE), summary: cut(&gate.summary, LONGEST_SUMMARY), annotations }
}

/// What the same verdict has in common: a run that says so need not be written again.
fn identity(gate: &Gate) -> String {
    let text = format!("{:?}\0{}\0{}", gate.state, gate.title, gate.summary);
    Digest::of(text.as_bytes()).hex().chars().take(32).collect()
}

/// `neutral` and `skipped` would let a merge through.
fn conclusion(state: GateState) -> Option<&'static str> {
    match state {
        GateState::Pending => None,
        GateState::Success => Some("success"),
        GateState::Failure | GateState::Error => Some("failure"),
    }
}

fn annotation(finding: &Finding) -> Option<Annotation> {
    let place = finding.location.as_ref()?;
    let width = u32::try_from(finding.width).unwrap_or(0);
    Some(Annotation {
        path: place.path.clone(),
        start_line: place.line,
        end_line: place.line,
        start_column: place.column,
        end_column: place.column.saturating_add(width),
        annotation_level: match finding.severity {
            Severity::Error => "failure",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        },
        title: cut(&finding.rule, LONGEST_TITLE),
        message: cut(&finding.told("\n\n"), LONGEST_MESSAGE),
    })
}

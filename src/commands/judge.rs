//! The story that `check` and `promote` share: from two revisions to a judged plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::error::Error;
use super::evidence::{self, Sources};
use super::history::History;
use super::policies::{self, Rulebook};
use super::posting::Posting;
use super::programs::Programs;
use super::review::{self, Draft};
use super::settings::settings;
use super::uses::{self, EnvironmentChanges};
use super::workspace::{Scope, Workspace};
use crate::domain::{Candidate, Evidence, Finding, Outcome, Plan, Review, ReviewResult, Severity};
use crate::forge::Forge;
use crate::plan;
use crate::policy::{self, BreakGlass, Dossier, Facts, Judgement, Verdict};
use crate::registry::{CredentialSources, Registries};

/// From which severity on a finding is a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Warnings too.
    Warning,
    /// The verdict is reported, and the exit code does not tell it.
    Never,
}

impl FailOn {
    /// Returns the severity a no begins at.
    pub(super) fn threshold(self) -> Severity {
        match self {
            Self::Error | Self::Never => Severity::Error,
            Self::Warning => Severity::Warning,
        }
    }
}

/// What `check` and `promote` need to know.
pub struct Inputs<'a> {
    /// Where to look and what to compare.
    pub scope: Scope,
    /// Ask no registry.
    pub offline: bool,
    /// From which severity on a finding is a no.
    pub fail_on: FailOn,
    /// How many images are copied at a time.
    pub jobs: usize,
    /// Where credential files are looked for.
    pub credentials: CredentialSources,
    /// Looks up a variable of the process's environment.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Where the gates are shown.
    pub posting: Option<&'a Posting>,
    /// Whether the change comes from a fork, whose runs see no secrets.
    pub from_fork: bool,
    /// Reports of scanners that rules may look at.
    pub scan_reports: Vec<PathBuf>,
    /// Who runs this, as far as the surroundings say.
    pub actor: String,
    /// Rules that somebody decided to skip.
    pub break_glass: Option<BreakGlass>,
    /// The short name of the branch the change goes into, or was pushed to, where that is known.
    pub branch: Option<String>,
    /// Where it is known when a commit was merged.
    pub forge: Option<Arc<dyn Forge>>,
}

/// A judged plan, with all that the report says around it.
pub(super) struct Judged {
    pub(super) workspace: Workspace,
    environments: Vec<EnvironmentChanges>,
    pub(super) rulebook: Rulebook,
    offline: bool,
    pub(super) fail_on: FailOn,
    from_fork: bool,
    started: Instant,

    pub(super) plan: Plan,
    pub(super) dossiers: Vec<Arc<Dossier>>,
    pub(super) verdicts: Vec<Verdict>,
    /// What is to be said of an environment beside its images.
    pub(super) remarks: Vec<(String, Finding)>,
    pub(super) registries: Option<Registries>,
}

/// Reads, gathers, settles and judges; writes nothing.
///
/// `writes` tells whether images may be copied afterwards.
pub(super) async fn judge(inputs: &Inputs<'_>, writes: bool) -> Result<Judged, Error> {
    let started = Instant::now();
    let mut workspace = Workspace::open(&inputs.scope)?;
    if let Some(posting) = inputs.posting {
        let chosen = uses::select(&workspace.config.environments, &inputs.scope.environments)?;
        let names: Vec<String> = chosen.into_iter().map(|environment| environment.name).collect();
        posting.begin(&names, writes).await?;
    }
    if inputs.scope.is_time_assumed {
        workspace.notes.push(format!("judged as at {}, by --at: promote judges by its own time", inputs.scope.now));
    }
    let rulebook = policies::rulebook(&mut workspace, inputs)?;
    let mut environments =
        uses::changes(&workspace, &inputs.scope.environments, inputs.offline || workspace.judges_itself)?;
    let registries = match inputs.offline {
        true => {
            workspace.notes.push("offline: no registry was asked".to_owned());
            None
        }
        false => Some(connect(inputs, &workspace)?),
    };
    let candidates: Vec<Candidate> =
        environments.iter_mut().flat_map(|e| std::mem::take(&mut e.sorted.candidates)).collect();
    let external = environments.iter_mut().flat_map(|e| std::mem::take(&mut e.sorted.external)).collect();
    let evidence = match &registries {
        Some(registries) => registries.gather(&candidates).await,
        None => vec![Evidence::UNASKED; candidates.len()],
    };
    let plan = plan::settle(candidates.into_iter().zip(evidence).collect(), external);
    let dossiers = learn(inputs, &workspace, &rulebook, registries.as_ref(), &plan).await?;
    let facts = facts(inputs, &rulebook, &dossiers);
    let Judgement { verdicts, remarks, left_out } = policy::judge(&plan, &facts);
    note_what_was_skipped(&mut workspace, inputs, &left_out, &verdicts);
    Ok(Judged {
        workspace,
        environments,
        rulebook,
        offline: inputs.offline,
        fail_on: inputs.fail_on,
        from_fork: inputs.from_fork,
        started,
        plan,
        dossiers,
        verdicts,
        remarks,
        registries,
    })
}

/// What a plan is judged by.
pub(super) fn facts<'a>(inputs: &'a Inputs<'_>, rulebook: &'a Rulebook, dossiers: &'a [Arc<Dossier>]) -> Facts<'a> {
    Facts {
        in_force: &rulebook.in_force,
        dossiers,
        now: inputs.scope.now,
        break_glass: inputs.break_glass.as_ref(),
        deny_from: inputs.fail_on.threshold(),
        offline: inputs.offline,
    }
}

/// Why nothing is run where a change brings the rules itself.
const OF_THE_CHANGE: &str = "the change brings its rules itself, and no code of a change is run";

/// Gathers what the rules that apply have to know; nothing offline.
pub(super) async fn learn(
    inputs: &Inputs<'_>,
    workspace: &Workspace,
    rulebook: &Rulebook,
    registries: Option<&Registries>,
    plan: &Plan,
) -> Result<Vec<Arc<Dossier>>, Error> {
    let Some(registries) = registries else { return Ok(Vec::new()) };
    let needs = policy::needs(plan, &rulebook.in_force);
    if needs.iter().all(policy::Needs::is_empty) {
        return Ok(Vec::new());
    }
    let checkout = workspace.checkout(rulebook.tree.as_ref(), &rulebook.revision);
    let sources = Sources {
        registries,
        in_force: &rulebook.in_force,
        history: &History::new(workspace, registries, inputs),
        programs: &Programs { checkout, forbidden: workspace.judges_itself.then_some(OF_THE_CHANGE) },
        reports: &evidence::read_reports(&inputs.scan_reports, inputs.scope.now)?,
        now: inputs.scope.now,
    };
    Ok(sources.gather(plan, &needs).await)
}

/// Says which rules were not asked, and whose decision let something pass.
fn note_what_was_skipped(
    workspace: &mut Workspace,
    inputs: &Inputs<'_>,
    left_out: &BTreeSet<String>,
    verdicts: &[Verdict],
) {
    if !left_out.is_empty() {
        let rules: Vec<&str> = left_out.iter().map(String::as_str).collect();
        workspace.notes.push(format!("not asked, since nobody was: the rules {}", rules.join(", ")));
    }
    if let Some(glass) = &inputs.break_glass {
        let count = verdicts.iter().filter(|verdict| verdict.is_through_broken_glass()).count();
        let what = match count {
            0 => "and nothing had to be let pass".to_owned(),
            1 => "1 finding was let pass".to_owned(),
            count => format!("{count} findings were let pass"),
        };
        workspace.notes.push(format!(
            "GLASS BROKEN by {}: the rules {} do not deny; {what}. Reason: {}",
            glass.who,
            glass.rules.join(", "),
            glass.reason
        ));
    }
}

/// Sets the registries up.
pub(super) fn connect(inputs: &Inputs<'_>, workspace: &Workspace) -> Result<Registries, Error> {
    if workspace.config_used.path.is_none() {
        let revision = workspace.config_used.revision.short();
        return Err(Error::usage(
            format!("there is no promote-bot.yaml at {revision}, so no registry is known"),
            "write one with: promote-bot init   (or look without registries: promote-bot check --offline)",
        ));
    }
    let settings = settings(workspace, inputs.variable, inputs.jobs)?;
    Ok(Registries::new(settings, &inputs.credentials)?)
}

impl Judged {
    /// Makes the one record that every report is made from; `outcomes` where the plan was carried out.
    pub(super) fn review(self, plan: &Plan, outcomes: Option<&BTreeMap<usize, Outcome>>) -> Review {
        let draft = Draft {
            plan,
            verdicts: &self.verdicts,
            outcomes,
            offline: self.offline,
            deny_from: self.fail_on.threshold(),
        };
        let environments: Vec<_> = self
            .environments
            .iter()
            .map(|environment| {
                let has_policy = self.rulebook.in_force.contains_key(&environment.environment.name);
                draft.environment(environment, has_policy, &self.remarks, self.workspace.head.as_ref())
            })
            .collect();
        let stats = review::stats(&environments, self.started.elapsed());
        let result = environments.iter().map(|e| e.result).max().unwrap_or(ReviewResult::Noop);
        let mut notes = self.workspace.notes;
        if self.from_fork && result == ReviewResult::Error {
            notes.push(
                "this change comes from a fork, whose runs see no secrets: a maintainer has to push this branch"
                    .to_owned(),
            );
        }
        Review { range: self.workspace.range, config: self.workspace.config_used, notes, result, environments, stats }
    }
}

//! The story that `check` and `promote` share: from two revisions to a judged plan.

use std::collections::BTreeMap;
use std::time::Instant;

use super::error::Error;
use super::policies;
use super::posting::Posting;
use super::review::{self, Draft};
use super::settings::settings;
use super::uses::{self, EnvironmentChanges};
use super::workspace::{Scope, Workspace};
use crate::domain::{Candidate, Evidence, Outcome, Plan, Review, ReviewResult, Severity};
use crate::plan;
use crate::policy::{self, Verdict};
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
}

/// A judged plan, with all that the report says around it.
pub(super) struct Judged {
    workspace: Workspace,
    environments: Vec<EnvironmentChanges>,
    with_policy: Vec<String>,
    offline: bool,
    pub(super) fail_on: FailOn,
    from_fork: bool,
    started: Instant,
    pub(super) plan: Plan,
    pub(super) verdicts: Vec<Verdict>,
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
    let in_force =
        policies::load(workspace.rules.as_ref(), &workspace.config_used.revision, &workspace.config.environments)?;
    let mut environments = uses::changes(&workspace, &inputs.scope.environments, inputs.offline)?;
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
    let verdicts = policy::judge(&plan, &in_force, inputs.fail_on.threshold());
    Ok(Judged {
        workspace,
        environments,
        with_policy: in_force.into_keys().collect(),
        offline: inputs.offline,
        fail_on: inputs.fail_on,
        from_fork: inputs.from_fork,
        started,
        plan,
        verdicts,
        registries,
    })
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
            .map(|environment| draft.environment(environment, &self.with_policy, self.workspace.head.as_ref()))
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

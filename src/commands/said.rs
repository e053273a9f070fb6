//! What each rule would say of an image that is there already, were it new.

use std::fmt::Write as _;
use std::iter::successors;

use super::error::Error;
use super::explain::is_called;
use super::judge::{self, Inputs, connect};
use super::policies;
use super::workspace::Workspace;
use crate::diff;
use crate::domain::{Candidate, Environment, Evidence, Plan, Settled, Severity};
use crate::overlay;
use crate::plan::{self, Sorted};
use crate::policy::{self, Asked, Opinion};
use crate::report::safe;

/// Says what each rule that applies says now of the images of `environment` that are called `name`.
pub(super) async fn said(inputs: &Inputs<'_>, environment: &Environment, name: &str) -> Result<String, Error> {
    let mut workspace = match Workspace::open(&inputs.scope) {
        Ok(workspace) => workspace,
        // Without a range to compare, as in a repository of one commit, there is still an image to be told.
        Err(error) => return Ok(format!("  rules        not asked: {error}\n")),
    };
    let rulebook = policies::rulebook(&mut workspace, inputs)?;
    let Some(set) = rulebook.in_force.get(&environment.name) else {
        return Ok("  rules        none: no policy is named for this environment\n".to_owned());
    };
    let sorted = candidates(&workspace, environment, name)?;
    let registries = match inputs.offline || environment.registry.is_none() {
        true => None,
        false => Some(connect(inputs, &workspace)?),
    };
    let evidence = match &registries {
        Some(registries) => registries.gather(&sorted.candidates).await,
        None => vec![Evidence::UNASKED; sorted.candidates.len()],
    };
    let plan = plan::settle(sorted.candidates.into_iter().zip(evidence).collect(), sorted.external);
    let dossiers = judge::learn(inputs, &workspace, &rulebook, registries.as_ref(), &plan).await?;
    let facts = judge::facts(inputs, &rulebook, &dossiers);
    let names: Vec<&str> = set.policies.iter().map(|policy| policy.name.as_str()).collect();
    let mut out = format!(
        "\npolicies of {} at {}: {}; what they would say now, were the image new:\n",
        safe(&environment.name),
        rulebook.revision.short(),
        safe(&names.join(", "))
    );
    let is_own = |step: &usize| plan.settled[*step].candidate().environment == environment.name;
    for step in (0..plan.settled.len()).filter(is_own) {
        out.push_str(&of_step(&plan, step, policy::explain_step(&plan, step, &facts), registries.is_some()));
    }
    Ok(out)
}

/// The images of an environment that are called `name`, and what brings them where they come from.
fn candidates(workspace: &Workspace, environment: &Environment, name: &str) -> Result<Sorted, Error> {
    let all = &workspace.config.environments;
    let from = |one: &&Environment| all.iter().find(|other| Some(&other.name) == one.from.as_ref());
    // No chain is longer than there are environments.
    let chain: Vec<&Environment> = successors(Some(environment), from).take(all.len()).collect();
    let mut found = Sorted::default();
    for environment in chain.into_iter().rev() {
        let uses = overlay::uses(workspace.head.as_ref(), environment, None)?;
        let mut sorted = plan::candidates(environment, all, &diff::changes(&[], &uses.sites));
        let is_it = |candidate: &Candidate| is_called(&candidate.to.to_string(), name);
        sorted.candidates.retain(is_it);
        sorted.external.retain(is_it);
        found.candidates.extend(sorted.candidates);
        found.external.extend(sorted.external);
    }
    Ok(found)
}

fn of_step(plan: &Plan, step: usize, opinions: Vec<Opinion>, was_asked: bool) -> String {
    let mut out = format!("{}\n", safe(&plan.settled[step].candidate().to.to_string()));
    if let Settled::Refused(refusal) = &plan.settled[step]
        && was_asked
    {
        let _ = writeln!(out, "  deny   {}: {}", safe(&refusal.finding.rule), safe(&refusal.finding.message));
    }
    if opinions.is_empty() {
        let _ = writeln!(out, "  no policy is for it");
    }
    let width = opinions.iter().map(|opinion| opinion.rule.chars().count()).max().unwrap_or(0);
    for opinion in opinions {
        let rule = safe(&opinion.rule);
        match opinion.asked {
            Asked::Offline => _ = writeln!(out, "  ?      {rule:width$}  not asked: no registry may be"),
            Asked::Refused => _ = writeln!(out, "  ?      {rule:width$}  not asked, for the reason above"),
            Asked::Yes if opinion.findings.is_empty() => {
                _ = writeln!(out, "  allow  {rule:width$}  {}", safe(&opinion.grounds.unwrap_or_default()));
            }
            Asked::Yes => {}
        }
        for finding in opinion.findings {
            let word = match finding.severity {
                Severity::Error => "deny ",
                Severity::Warning => "warn ",
                Severity::Note => "note ",
            };
            let _ = writeln!(out, "  {word}  {rule:width$}  {}", safe(&finding.told("; ")));
        }
    }
    out
}

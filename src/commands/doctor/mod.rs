//! `doctor`: proves the configuration, the credentials and the gate, each line with its way out. Nothing is written.

mod gate;
mod registries;

use super::error::Error;
use super::judge::Inputs;
use super::policies;
use super::proofs::signing_key;
use super::workspace::Workspace;
use crate::domain::Environment;
use crate::forge::{self, Facts};
use crate::overlay;
use crate::report::counted;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Well,
    /// Not known, or not asked.
    Unknown,
    /// It works, and could let something through.
    Weak,
    /// It does not work.
    Ill,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What it is about: `configuration`, `registry prod.example`.
    pub subject: String,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it; nothing where all is well.
    pub fix: Option<String>,
}

impl Diagnosis {
    fn well(subject: &str, found: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), health: Health::Well, found: found.into(), fix: None }
    }

    fn of(subject: &str, health: Health, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), health, found: found.into(), fix: Some(fix.into()) }
    }
}

/// What the forge says of the branch that changes go into.
#[derive(Debug)]
pub enum AtForge {
    /// It was not asked: why.
    Unasked(&'static str),
    /// What holds merges into this branch.
    Asked(String, Result<Facts, forge::Error>),
}

/// Looks at everything that a run stands on.
///
/// # Errors
/// When there is no repository, or a configuration or policy that cannot be read: nothing else can be looked at then.
pub async fn doctor(inputs: &Inputs<'_>, at_forge: AtForge) -> Result<Vec<Diagnosis>, Error> {
    let workspace = Workspace::open(&inputs.scope)?;
    let range = &workspace.range;
    let mut all =
        vec![Diagnosis::well("history", format!("{} … {}: {}", range.base.short(), range.head.short(), range.why))];
    all.push(match &workspace.config_used.path {
        Some(path) => Diagnosis::well(
            "configuration",
            format!(
                "{path} at {}, {}",
                workspace.config_used.revision.short(),
                counted(workspace.config.environments.len(), "environment")
            ),
        ),
        None => Diagnosis::of(
            "configuration",
            Health::Ill,
            "there is no promote-bot.yaml: environments are taken from overlays/<environment>, and no registry is known",
            "write one with: promote-bot init",
        ),
    });
    let in_force = policies::load(
        workspace.rules.as_ref(),
        &workspace.config_used.revision,
        &workspace.config.environments,
        inputs.scope.now,
    )?;
    for environment in &workspace.config.environments {
        all.extend(overlays(&workspace, environment)?);
        if !in_force.contains_key(&environment.name) {
            let subject = format!("policy of {}", environment.name);
            let fix = format!("give {} a `policy`, builtin:baseline for a beginning", environment.name);
            all.push(Diagnosis::of(&subject, Health::Weak, "none: every image may go", fix));
        }
    }
    all.extend(record(inputs, &workspace));
    all.extend(registries::examined(inputs, &workspace).await?);
    all.extend(gate::workflows(workspace.head.as_ref())?);
    let names = workspace.config.environments.iter().map(|environment| environment.name.as_str());
    all.extend(gate::held(&at_forge, &names.collect::<Vec<_>>()));
    Ok(all)
}

fn overlays(workspace: &Workspace, environment: &Environment) -> Result<Vec<Diagnosis>, Error> {
    let subject = format!("overlays of {}", environment.name);
    let found = overlay::find_all(workspace.head.as_ref(), environment)?;
    if found.is_empty() {
        let fix = "correct `overlays`; promote-bot images lists what is found";
        return Ok(vec![Diagnosis::of(&subject, Health::Ill, "nothing is where it says", fix)]);
    }
    let uses = overlay::uses(workspace.head.as_ref(), environment, None)?;
    let mut all = vec![Diagnosis::well(
        &subject,
        format!("{}, {}", counted(found.len(), "overlay"), counted(uses.sites.len(), "image use")),
    )];
    for error in &uses.errors {
        let fix = if error.hint.is_empty() { "see `promote-bot images`".to_owned() } else { error.hint.clone() };
        all.push(Diagnosis::of(&subject, Health::Ill, error.to_string(), fix));
    }
    if !uses.partial.is_empty() && environment.render.is_none() {
        let gaps = counted(uses.partial.len(), "gap");
        let found = format!("{gaps} that nothing in the repository closes");
        all.push(Diagnosis::of(
            &subject,
            Health::Weak,
            found,
            "close them by `vendored` or `render`; promote-bot images lists them",
        ));
    }
    Ok(all)
}

/// Says whether promotions can be recorded, where they are to be.
fn record(inputs: &Inputs<'_>, workspace: &Workspace) -> Option<Diagnosis> {
    workspace.config.record.as_ref()?;
    Some(match signing_key(inputs, workspace) {
        Ok(Some(key)) => Diagnosis::well(
            "promotion record",
            format!("its key signs; the public one has the hint {}", key.key().hint()),
        ),
        Ok(None) => Diagnosis::of(
            "promotion record",
            Health::Weak,
            "not written: this change brings the configuration itself",
            "",
        ),
        Err(error) => {
            let hint =
                error.hint().unwrap_or_else(|| "see that what `record.key` names is there, for this user".to_owned());
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Diagnosis::of("promotion record", Health::Ill, format!("{error}{cause}"), hint)
        }
    })
}

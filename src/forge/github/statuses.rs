//! Commit statuses (<https://docs.github.com/en/rest/commits/statuses>): one a gate, written only when it differs.

use http::Method;
use serde::{Deserialize, Serialize};

use super::super::cut;
use super::super::error::Error;
use super::super::patience::{Patience, Twice};
use super::GitHub;
use super::client::Call;
use crate::domain::{CONTEXT, Gate, GateState};

/// How long a description may be, in characters.
const LONGEST: usize = 140;

#[derive(Deserialize)]
struct Combined {
    statuses: Vec<Shown>,
}

/// A status that is there.
#[derive(Debug, Deserialize)]
struct Shown {
    context: String,
    state: String,
    description: Option<String>,
    target_url: Option<String>,
}

/// A status to be.
#[derive(Debug, Serialize)]
struct Wanted<'a> {
    state: &'static str,
    context: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<&'a str>,
}

impl Wanted<'_> {
    fn is(&self, shown: &Shown) -> bool {
        self.context == shown.context
            && self.state == shown.state
            && Some(self.description.as_str()) == shown.description.as_deref()
            && self.target_url == shown.target_url.as_deref()
    }
}

fn word(state: GateState) -> &'static str {
    match state {
        GateState::Pending => "pending",
        GateState::Success => "success",
        GateState::Failure => "failure",
        GateState::Error => "error",
    }
}

pub(super) async fn put(github: &GitHub, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
    let mut patience = Patience::gating();
    let there = shown(github, &mut patience).await?;
    for gate in gates {
        let wanted = Wanted {
            state: word(gate.state),
            context: gate.context(),
            description: cut(&gate.title, LONGEST),
            target_url: url,
        };
        if !there.iter().any(|shown| wanted.is(shown)) {
            write(github, &wanted, &mut patience).await?;
        }
    }
    Ok(())
}

/// Ends what is pending.
pub(super) async fn settle(github: &GitHub, why: &str) -> Result<usize, Error> {
    let mut patience = Patience::gating();
    let is_left = |shown: &Shown| shown.context.starts_with(CONTEXT) && shown.state == "pending";
    let left: Vec<Shown> = shown(github, &mut patience).await?.into_iter().filter(is_left).collect();
    for shown in &left {
        let wanted = Wanted {
            state: word(GateState::Error),
            context: shown.context.clone(),
            description: cut(why, LONGEST),
            target_url: shown.target_url.as_deref(),
        };
        write(github, &wanted, &mut patience).await?;
    }
    Ok(left.len())
}

/// The last status of each name.
async fn shown(github: &GitHub, patience: &mut Patience) -> Result<Vec<Shown>, Error> {
    let action = format!("read the statuses of {}@{}", github.locator(), github.commit);
    let path = github.path(&format!("commits/{}/status?per_page=100", github.commit));
    github.client.list(&action, path, patience, |page: Combined| page.statuses).await
}

async fn write(github: &GitHub, wanted: &Wanted<'_>, patience: &mut Patience) -> Result<(), Error> {
    let action = format!("set the status {} of {}@{}", wanted.context, github.locator(), github.commit);
    let path = github.path(&format!("statuses/{}", github.commit));
    // The last one of a name counts.
    let call = Call { action: &action, method: Method::POST, path, body: Some(wanted), twice: Twice::Same };
    github.client.send(&call, patience).await.map(drop)
}

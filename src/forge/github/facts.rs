//! Facts: what holds merges into a branch, and what the token may do. Only read.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::super::error::Error;
use super::super::patience::Patience;
use super::GitHub;

/// What holds merges into a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The rules that are active for it.
    pub rules: Vec<Rule>,
    /// Whether the token may write to the repository, where GitHub says so.
    pub may_write: Option<bool>,
}

/// One rule of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// These checks and statuses must be green; whether the branch must be up to date as well.
    Checks(Vec<String>, bool),
    /// Merges go through a queue.
    MergeQueue,
    /// Workflows of another repository must be green.
    Workflows,
    /// Something else.
    Other(String),
}

#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    #[serde(default)]
    required_status_checks: Vec<Check>,
    #[serde(default)]
    strict_required_status_checks_policy: bool,
}

#[derive(Deserialize)]
struct Check {
    context: String,
}

#[derive(Deserialize)]
struct Repository {
    permissions: Option<Rights>,
}

#[derive(Deserialize)]
struct Rights {
    #[serde(default)]
    push: bool,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    protection: Option<Protection>,
}

#[derive(Deserialize)]
struct Protection {
    #[serde(default)]
    required_status_checks: Option<Required>,
}

#[derive(Deserialize)]
struct Required {
    #[serde(default)]
    contexts: Vec<String>,
}

impl GitHub {
    /// Reads what holds merges into `branch`, by rulesets and by branch protection.
    ///
    /// # Errors
    /// GitHub's.
    pub async fn facts(&self, branch: &str) -> Result<Facts, Error> {
        let mut patience = Patience::telling();
        let encoded: String = branch.split('/').map(encode).collect::<Vec<_>>().join("/");
        let action = format!("read the rules of the branch {branch} of {}", self.locator());
        let path = self.path(&format!("rules/branches/{encoded}?per_page=100"));
        let shown = self.client.list(&action, path, &mut patience, |page: Vec<Shown>| page).await?;
        let mut rules: Vec<Rule> = shown.into_iter().map(rule).collect();
        let action = format!("read the branch {branch} of {}", self.locator());
        let path = self.path(&format!("branches/{}", encode(branch)));
        let branch: Branch = self.client.get(&action, path, &mut patience).await?;
        let required = branch.protection.and_then(|protection| protection.required_status_checks);
        let contexts = required.map(|required| required.contexts).unwrap_or_default();
        if !contexts.is_empty() {
            rules.push(Rule::Checks(contexts, false));
        }
        let action = format!("read what the token may do in {}", self.locator());
        let path = format!("/repos/{}/{}", self.owner, self.repository);
        let repository: Repository = self.client.get(&action, path, &mut patience).await?;
        Ok(Facts { rules, may_write: repository.permissions.map(|rights| rights.push) })
    }
}

fn rule(shown: Shown) -> Rule {
    match shown.kind.as_str() {
        "required_status_checks" => {
            let contexts = shown.parameters.required_status_checks.into_iter().map(|check| check.context).collect();
            Rule::Checks(contexts, shown.parameters.strict_required_status_checks_policy)
        }
        "merge_queue" => Rule::MergeQueue,
        "workflows" => Rule::Workflows,
        other => Rule::Other(other.to_owned()),
    }
}

/// What stands as it is in a component of a path (RFC 3986).
const IN_COMPONENTS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes a text as one component of a path.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, IN_COMPONENTS).to_string()
}

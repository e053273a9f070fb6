//! Merges: when a commit came to its branch, by GitHub's own clock.

use serde::Deserialize;

use super::super::error::Error;
use super::super::patience::Patience;
use super::{GitHub, is_commit};

#[derive(Deserialize)]
struct Pull {
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
}

/// Returns when the pull request was merged into `branch` whose merge made `commit`.
pub(super) async fn merged_at(github: &GitHub, commit: &str, branch: &str) -> Result<Option<String>, Error> {
    if !is_commit(commit) {
        return Ok(None);
    }
    let action = format!("read the pull requests of commit {commit} of {}", github.locator());
    let path = github.path(&format!("commits/{commit}/pulls?per_page=100"));
    let pulls = github.client.list(&action, path, &mut Patience::telling(), |page: Vec<Pull>| page).await?;
    // A merge into another branch, which came here later, tells nothing of when.
    let is_it = |pull: &Pull| pull.base.branch == branch && pull.merge_commit_sha.as_deref() == Some(commit);
    let made = pulls.into_iter().filter(is_it);
    // Of several the latest: nothing is older than it says.
    Ok(made.filter_map(|pull| pull.merged_at).max())
}

//! GitHub: commit statuses, check runs, the comment on a pull request, and what holds its merges.

mod app;
mod checks;
mod client;
mod comments;
mod facts;
mod merges;
mod statuses;

use async_trait::async_trait;

pub use app::Credentials;
pub use facts::{Facts, Rule};

use super::{Comment, Error, Forge};
use crate::domain::Gate;
use client::Client;

/// A repository at GitHub, and the commit under review.
#[derive(Debug)]
pub struct GitHub {
    client: Client,
    owner: String,
    repository: String,
    /// The commit that statuses are shown on; a pull request's head, never its merge commit.
    commit: String,
    /// The number of the pull request.
    pull_request: Option<u64>,
    /// Whether the token is an App's, whose user is a bot.
    is_app: bool,
}

/// What is under review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Under {
    /// `owner/repository`.
    pub repository: String,
    /// The commit; found by the pull request where it is not known.
    pub commit: Option<String>,
    /// What was checked out, where that may be a merge: the pull request's head is among these, or has moved on.
    pub built: Vec<String>,
    /// The number of the pull request.
    pub pull_request: Option<u64>,
}

impl GitHub {
    /// Opens a repository at the API at `api_url`; asks it for a token of an App's, and for the head of a pull request whose commit is
    /// not known.
    ///
    /// # Errors
    /// [`Error::Setting`] for what cannot be an address, a repository or a key; GitHub's own.
    pub async fn open(api_url: &str, credentials: Credentials, under: Under) -> Result<Self, Error> {
        let Some((owner, repository)) =
            under.repository.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name))
        else {
            return Err(Error::Setting(format!(
                "`{}` is not owner/repository",
                super::error::plain(&under.repository)
            )));
        };
        let (client, is_app) = app::client(api_url, credentials, owner, repository).await?;
        let (owner, repository) = (owner.to_owned(), repository.to_owned());
        let mut github =
            Self { client, owner, repository, commit: String::new(), pull_request: under.pull_request, is_app };
        github.commit = match (under.commit, under.pull_request) {
            (Some(commit), _) if is_commit(&commit) => commit,
            (Some(commit), _) => {
                return Err(Error::Setting(format!("`{}` is not a commit's full hash", super::error::plain(&commit))));
            }
            (None, Some(number)) => {
                let head = github.head_of(number).await?;
                if !under.built.is_empty() && !under.built.contains(&head) {
                    return Err(Error::Moved { change: format!("{}#{number}", github.locator()), head });
                }
                head
            }
            (None, None) => {
                return Err(Error::Setting("neither a commit nor a pull request is known to report on".to_owned()));
            }
        };
        Ok(github)
    }

    async fn head_of(&self, number: u64) -> Result<String, Error> {
        #[derive(serde::Deserialize)]
        struct Pull {
            head: Head,
        }
        #[derive(serde::Deserialize)]
        struct Head {
            sha: String,
        }
        let action = format!("read pull request {number} of {}", self.locator());
        let mut patience = super::patience::Patience::gating();
        let pull: Pull = self.client.get(&action, self.path(&format!("pulls/{number}")), &mut patience).await?;
        match is_commit(&pull.head.sha) {
            true => Ok(pull.head.sha),
            false => Err(self.client.odd(&action, "names a head that is no commit")),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{}/{rest}", self.owner, self.repository)
    }

    fn locator(&self) -> String {
        format!("{}/{}", self.owner, self.repository)
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn put_statuses(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
        statuses::put(self, gates, url).await
    }

    async fn put_checks(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
        checks::put(self, gates, url).await
    }

    async fn put_comment(&self, comment: &Comment<'_>) -> Result<(), Error> {
        comments::put(self, comment).await
    }

    async fn settle(&self, why: &str) -> Result<usize, Error> {
        // Who may see to one of them only has left nothing of the other.
        match (statuses::settle(self, why).await, checks::settle(self, why).await) {
            (Ok(statuses), Ok(checks)) => Ok(statuses + checks),
            (Ok(settled), Err(error)) | (Err(error), Ok(settled)) if error.is_forbidden() => Ok(settled),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    async fn merged_at(&self, commit: &str, branch: &str) -> Result<Option<String>, Error> {
        merges::merged_at(self, commit, branch).await
    }

    fn name(&self) -> String {
        format!("{} at {}", self.locator(), self.client.host)
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(allowed) && !matches!(text, "." | "..")
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

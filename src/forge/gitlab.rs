//! GitLab: commit statuses and the note on a merge request.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::address;
use super::error::{Error, plain};
use super::marker::{is_marked, is_same, marked};
use super::patience::{Decision, Failure, Patience, Twice};
use super::{Comment, Forge, cut, jitter};
use crate::domain::{CONTEXT, Gate, GateState};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a description may be, in characters.
const LONGEST: usize = 255;

/// How often a note whose fate is not known is written.
const TRIES: usize = 3;

/// How many pages of a list are read.
const MOST_PAGES: usize = 30;

/// A project at GitLab, and the commit under review.
#[derive(Debug)]
pub struct GitLab {
    client: reqwest::Client,
    api: Url,
    token: Token,
    project: String,
    commit: String,
    merge_request: Option<MergeRequest>,
}

/// A merge request; of a fork's, in another project than its commits are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// The project's id or path.
    pub project: String,
    /// Its number there.
    pub number: u64,
}

struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[derive(Deserialize)]
struct Status {
    name: String,
    status: String,
    description: Option<String>,
}

#[derive(Serialize)]
struct NewStatus<'a> {
    state: &'static str,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<&'a str>,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    body: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    id: u64,
}

#[derive(Deserialize)]
struct Merge {
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    target_branch: String,
}

#[derive(Serialize)]
struct Body<'a> {
    body: &'a str,
}

/// What became of a request: its body and the number of the next page, or nobody knows.
enum Sent {
    Answer(Vec<u8>, Option<u32>),
    Unsure,
}

impl MergeRequest {
    fn notes(&self) -> String {
        format!("projects/{}/merge_requests/{}/notes", self.project, self.number)
    }
}

impl GitLab {
    /// Opens a project by its id or path at the API at `api_url` (`https://gitlab.example/api/v4`).
    ///
    /// # Errors
    /// [`Error::Setting`] for an address a token must not go to.
    pub fn open(
        api_url: &str,
        token: String,
        project: &str,
        commit: String,
        merge_request: Option<MergeRequest>,
    ) -> Result<Self, Error> {
        let (api, is_here) = address::read(&format!("{}/", api_url.trim_end_matches('/')), "GitLab")?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .user_agent(concat!("promote-bot/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none());
        let client = if is_here { client.no_proxy() } else { client };
        let client = client
            .build()
            .map_err(|error| Error::Setting(format!("no client for GitLab can be made: {}", error.without_url())))?;
        let encoded = |project: &str| project.replace('/', "%2F");
        let merge_request = merge_request.map(|one| MergeRequest { project: encoded(&one.project), ..one });
        let project = encoded(project);
        Ok(Self { client, api, token: Token(token), project, commit, merge_request })
    }

    fn host(&self) -> String {
        self.api.host_str().unwrap_or_default().to_owned()
    }

    async fn send<B: Serialize + Sync>(
        &self,
        (action, method, path): (&str, Method, &str),
        body: Option<&B>,
        twice: Twice,
        patience: &mut Patience,
    ) -> Result<Sent, Error> {
        let wrong = |_| Error::Setting(format!("cannot {action}: its path is none"));
        let url = self.api.join(path).map_err(wrong)?;
        for attempt in 1.. {
            let request = self.client.request(method.clone(), url.clone()).header("PRIVATE-TOKEN", &self.token.0);
            let request = match body {
                Some(body) => request.header("content-type", "application/json").body(json(body)),
                None => request,
            };
            let (failure, error) = match self.answer(action, request).await {
                Ok((status, _, bytes, next)) if status.is_success() => return Ok(Sent::Answer(bytes, next)),
                Ok((status, pause, bytes, _)) => {
                    let failure = match status {
                        StatusCode::TOO_MANY_REQUESTS => Failure::Limit(pause),
                        status => Failure::Status(status.as_u16()),
                    };
                    let message = plain(&String::from_utf8_lossy(&bytes));
                    let (action, forge) = (action.to_owned(), self.host());
                    (failure, Error::Answered { action, forge, status: status.as_u16(), message })
                }
                Err((failure, error)) => (failure, error),
            };
            match patience.decide(attempt, twice, failure, jitter()) {
                Decision::Again(wait) => tokio::time::sleep(wait).await,
                Decision::Look(wait) => {
                    tokio::time::sleep(wait).await;
                    return Ok(Sent::Unsure);
                }
                Decision::Stop(wait) if matches!(failure, Failure::Limit(_)) => {
                    return Err(Error::Limited { action: action.to_owned(), forge: self.host(), wait });
                }
                Decision::Stop(_) => return Err(error),
            }
        }
        Err(self.odd(action, "was asked without end"))
    }

    async fn answer(
        &self,
        action: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>, Option<u32>), (Failure, Error)> {
        let unreachable = |error: reqwest::Error| {
            let failure = if error.is_connect() { Failure::Unsent } else { Failure::Cut };
            let (action, forge) = (action.to_owned(), self.host());
            (failure, Error::Unreachable { action, forge, source: error.without_url().into() })
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
        let (pause, next) = (header("retry-after").map(Duration::from_secs), header("x-next-page"));
        let bytes = response.bytes().await.map_err(unreachable)?;
        Ok((status, pause, bytes.to_vec(), next.and_then(|page| u32::try_from(page).ok())))
    }

    async fn list<T: DeserializeOwned>(
        &self,
        action: &str,
        path: &str,
        patience: &mut Patience,
    ) -> Result<Vec<T>, Error> {
        let (mut all, mut page) = (Vec::new(), 1);
        for _ in 0..MOST_PAGES {
            let path = format!("{path}?per_page=100&page={page}");
            let Sent::Answer(bytes, next) =
                self.send((action, Method::GET, &path), None::<&()>, Twice::Same, patience).await?
            else {
                return Err(self.odd(action, "did not answer"));
            };
            all.extend(self.parse::<Vec<T>>(action, &bytes)?);
            match next {
                Some(next) => page = next,
                None => return Ok(all),
            }
        }
        Err(self.odd(action, "sends its list in pages without end"))
    }

    fn parse<T: DeserializeOwned>(&self, action: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|_| self.odd(action, "answered something else than its description says"))
    }

    fn odd(&self, action: &str, what: &str) -> Error {
        Error::Protocol { action: action.to_owned(), forge: self.host(), what: what.to_owned() }
    }

    async fn statuses(&self, patience: &mut Patience) -> Result<Vec<Status>, Error> {
        let path = format!("projects/{}/repository/commits/{}/statuses", self.project, self.commit);
        self.list("read the statuses of the commit", &path, patience).await
    }

    async fn write(&self, status: &NewStatus<'_>, patience: &mut Patience) -> Result<(), Error> {
        let action = format!("set the status {}", status.name);
        let path = format!("projects/{}/statuses/{}", self.project, self.commit);
        match self.send((&action, Method::POST, &path), Some(status), Twice::Same, patience).await {
            // The state it has already cannot be set again, and nothing is the matter.
            Err(Error::Answered { status: 400, message, .. }) if message.contains("Cannot transition") => Ok(()),
            sent => sent.map(drop),
        }
    }

    async fn notes(&self, at: &MergeRequest, patience: &mut Patience) -> Result<Vec<Note>, Error> {
        self.list("read the notes of the merge request", &at.notes(), patience).await
    }

    async fn create(&self, at: &MergeRequest, text: &str, patience: &mut Patience) -> Result<(), Error> {
        let (action, path) = ("write a note", at.notes());
        for _ in 0..TRIES {
            let body = Body { body: text };
            match self.send((action, Method::POST, &path), Some(&body), Twice::Another, patience).await? {
                Sent::Answer(..) => return Ok(()),
                Sent::Unsure => {
                    if self.notes(at, patience).await?.iter().any(|note| is_same(&note.body, text)) {
                        return Ok(());
                    }
                }
            }
        }
        Err(self.odd(action, "lost it several times"))
    }
}

#[async_trait]
impl Forge for GitLab {
    async fn put_statuses(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
        let mut patience = Patience::gating();
        let there = self.statuses(&mut patience).await?;
        for gate in gates {
            let wanted = NewStatus {
                state: word(gate.state),
                name: gate.context(),
                description: cut(&gate.title, LONGEST),
                target_url: url,
            };
            let is_there = there.iter().any(|status| {
                status.name == wanted.name
                    && status.status == wanted.state
                    && status.description.as_ref() == Some(&wanted.description)
            });
            if !is_there {
                self.write(&wanted, &mut patience).await?;
            }
        }
        Ok(())
    }

    /// GitLab has statuses only; their reports are artifacts of the job.
    async fn put_checks(&self, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
        self.put_statuses(gates, url).await
    }

    async fn put_comment(&self, comment: &Comment<'_>) -> Result<(), Error> {
        let Some(at) = &self.merge_request else { return Ok(()) };
        let mut patience = Patience::telling();
        let text = comment.text.map(|text| marked(comment.key, text));
        if comment.is_new {
            return match &text {
                Some(text) => self.create(at, text, &mut patience).await,
                None => Ok(()),
            };
        }
        #[derive(Deserialize)]
        struct Me {
            id: u64,
        }
        let mut notes = self.notes(at, &mut patience).await?;
        notes.retain(|note| is_marked(comment.key, &note.body));
        if !notes.is_empty() {
            let asked = ("ask who we are", Method::GET, "user");
            let Sent::Answer(bytes, _) = self.send(asked, None::<&()>, Twice::Same, &mut patience).await? else {
                return Err(self.odd("ask who we are", "did not answer"));
            };
            let me: Me = self.parse("ask who we are", &bytes)?;
            notes.retain(|note| note.author.id == me.id);
        }
        match (notes.first(), text) {
            (None, None) => Ok(()),
            (None, Some(text)) => self.create(at, &text, &mut patience).await,
            (Some(note), text) => {
                let text = text.unwrap_or_else(|| marked(comment.key, comment.nothing_left));
                if is_same(&note.body, &text) {
                    return Ok(());
                }
                let path = format!("{}/{}", at.notes(), note.id);
                let body = Body { body: &text };
                let call = ("change the note", Method::PUT, path.as_str());
                self.send(call, Some(&body), Twice::Same, &mut patience).await.map(drop)
            }
        }
    }

    async fn settle(&self, why: &str) -> Result<usize, Error> {
        let mut patience = Patience::gating();
        let is_left = |status: &&Status| {
            status.name.starts_with(CONTEXT) && matches!(status.status.as_str(), "pending" | "running")
        };
        let all = self.statuses(&mut patience).await?;
        let left: Vec<&Status> = all.iter().filter(is_left).collect();
        for status in &left {
            let wanted = NewStatus {
                state: word(GateState::Error),
                name: status.name.clone(),
                description: cut(why, LONGEST),
                target_url: None,
            };
            self.write(&wanted, &mut patience).await?;
        }
        Ok(left.len())
    }

    async fn merged_at(&self, commit: &str, branch: &str) -> Result<Option<String>, Error> {
        if commit.is_empty() || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let path = format!("projects/{}/repository/commits/{commit}/merge_requests", self.project);
        let action = "read the merge requests of a commit";
        let merges: Vec<Merge> = self.list(action, &path, &mut Patience::telling()).await?;
        let is_it = |sha: &Option<String>| sha.as_deref() == Some(commit);
        let made = merges.into_iter().filter(|merge| merge.target_branch == branch);
        let made = made.filter(|merge| is_it(&merge.merge_commit_sha) || is_it(&merge.squash_commit_sha));
        Ok(made.filter_map(|merge| merge.merged_at).max())
    }

    fn name(&self) -> String {
        format!("project {} at {}", self.project.replace("%2F", "/"), self.host())
    }
}

fn word(state: GateState) -> &'static str {
    match state {
        GateState::Pending => "running",
        GateState::Success => "success",
        GateState::Failure | GateState::Error => "failed",
    }
}

fn json<B: Serialize>(body: &B) -> Vec<u8> {
    // All our bodies have text for keys.
    serde_json::to_vec(body).unwrap_or_default()
}

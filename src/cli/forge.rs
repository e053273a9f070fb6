//! Which forge a run reports at, by what the CI says: variables and the event file, read once.

use std::sync::Arc;

use serde_json::Value;

use super::args::PostKind;
use super::ci::Surroundings;
use crate::commands::{AtForge, Error, Posting, Wanted};
use crate::forge::{Credentials, Forge, GitHub, GitLab, MergeRequest, Plain, Under};
use crate::git::Repository;

/// A change at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    kind: Kind,
    /// The address of the API.
    api: String,
    /// `owner/repository`, or GitLab's id or path of a project.
    repository: String,
    /// The commit to report on, where it is known.
    commit: Option<String>,
    /// The number of the pull or merge request.
    change: Option<u64>,
    /// Where the run's own page is.
    run_url: Option<String>,
}

/// A kind of forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    GitHub,
    GitLab,
}

/// Opens what `--post` asks for; none when it asks for nothing. `change` is the number that was given by hand.
pub(super) async fn posting(
    surroundings: &Surroundings<'_>,
    posts: &[PostKind],
    change: Option<u64>,
) -> Result<Option<Arc<Posting>>, Error> {
    let has = |kind| posts.contains(&kind);
    let wanted = Wanted {
        status: has(PostKind::Status),
        check_run: has(PostKind::CheckRun),
        comment: has(PostKind::Comment),
        new_comment: has(PostKind::NewComment),
    };
    if posts.is_empty() {
        return Ok(None);
    }
    let place = place(surroundings).ok_or_else(nowhere)?;
    let place = Place { change: change.or(place.change), ..place };
    check_event(surroundings, &place, wanted.status || wanted.check_run)?;
    let run_url = place.run_url.clone();
    Ok(Some(Arc::new(Posting::new(open(surroundings, place).await?, wanted, run_url))))
}

/// Opens the forge to ask when commits were merged; none where none is known, or nothing may be read there.
pub(super) async fn reading(surroundings: &Surroundings<'_>) -> Option<Arc<dyn Forge>> {
    let place = place(surroundings).filter(|place| has_credentials(surroundings, place.kind))?;
    // Nothing is reported, so that the commit does not matter.
    open(surroundings, Place { commit: Some("0".repeat(40)), change: None, ..place }).await.ok()
}

/// Opens the forge to settle at; none of it where none is known or nothing may be written: then nothing was left there either.
pub(super) async fn settling(surroundings: &Surroundings<'_>) -> Result<Arc<dyn Forge>, Error> {
    match place(surroundings) {
        Some(place) if has_credentials(surroundings, place.kind) => open(surroundings, place).await,
        _ => Ok(Arc::new(Plain)),
    }
}

/// Refuses what would show a verdict on a commit that it is not about.
fn check_event(surroundings: &Surroundings<'_>, place: &Place, is_gate: bool) -> Result<(), Error> {
    let name = (surroundings.variable)("GITHUB_EVENT_NAME").unwrap_or_default();
    if is_gate && matches!(name.as_str(), "workflow_run" | "pull_request_target") {
        return Err(Error::Usage {
            message: format!("a gate is not opened on {name}: its report was written by a job that others may change"),
            hint: "post `comment` there, and statuses or check runs in the job that judges".to_owned(),
        });
    }
    if place.kind == Kind::GitHub && name == "pull_request" && place.change.is_none() {
        return Err(Error::Usage {
            message: "the event of the pull request cannot be read, so its head is not known".to_owned(),
            hint: "let the program read the file of GITHUB_EVENT_PATH; in a container, mount it".to_owned(),
        });
    }
    Ok(())
}

/// Refuses to comment where nobody says on what.
pub(super) fn check_change(
    surroundings: &Surroundings<'_>,
    posts: &[PostKind],
    change: Option<u64>,
) -> Result<(), Error> {
    let comments = posts.iter().any(|post| matches!(post, PostKind::Comment | PostKind::NewComment));
    let known = change.or_else(|| place(surroundings).and_then(|place| place.change));
    match comments && known.is_none() {
        true => Err(Error::Usage {
            message: "it is not known which change to comment on".to_owned(),
            hint: "give its number: --change 12; the event of a fork's change does not say it".to_owned(),
        }),
        false => Ok(()),
    }
}

fn nowhere() -> Error {
    Error::Usage {
        message: "no forge is known to post at".to_owned(),
        hint: "run in GitHub Actions, GitLab CI or a Jenkins that checks out from one, or set GITHUB_REPOSITORY and GITHUB_SHA".to_owned(),
    }
}

async fn open(surroundings: &Surroundings<'_>, place: Place) -> Result<Arc<dyn Forge>, Error> {
    match place.kind {
        Kind::GitHub => Ok(Arc::new(github(surroundings, place).await?)),
        Kind::GitLab => {
            let token = gitlab_token(surroundings).ok_or_else(|| Error::Usage {
                message: "there is no token to post at GitLab with".to_owned(),
                hint: "set GITLAB_TOKEN to one with the scope `api`; the job's own may not write notes".to_owned(),
            })?;
            let commit = place.commit.unwrap_or_default();
            let project =
                (surroundings.variable)("CI_MERGE_REQUEST_PROJECT_ID").unwrap_or_else(|| place.repository.clone());
            let merge_request = place.change.map(|number| MergeRequest { project, number });
            Ok(Arc::new(GitLab::open(&place.api, token, &place.repository, commit, merge_request)?))
        }
    }
}

/// Opens GitHub at a place.
async fn github(surroundings: &Surroundings<'_>, place: Place) -> Result<GitHub, Error> {
    let credentials = credentials(surroundings)?.ok_or_else(|| Error::Usage {
        message: "there is no token to post at GitHub with".to_owned(),
        hint: "set GITHUB_TOKEN, or PROMOTE_BOT_GITHUB_APP_ID and PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY".to_owned(),
    })?;
    let Place { api, repository, commit, change, .. } = place;
    let built = if commit.is_none() { built(surroundings) } else { Vec::new() };
    Ok(GitHub::open(&api, credentials, Under { repository, commit, built, pull_request: change }).await?)
}

/// Asks what holds merges into the branch that changes go into.
pub(super) async fn at_forge(surroundings: &Surroundings<'_>) -> AtForge {
    let Some(found) = place(surroundings) else { return AtForge::Unasked("no forge is known here") };
    if found.kind == Kind::GitLab {
        return AtForge::Unasked("GitLab's rules are not read");
    }
    if !has_credentials(surroundings, Kind::GitHub) {
        return AtForge::Unasked("there is no token");
    }
    let json = event(surroundings);
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let branch = (surroundings.variable)("GITHUB_BASE_REF").or_else(|| (surroundings.variable)("CHANGE_TARGET"));
    let branch = branch.or_else(|| text("/repository/default_branch")).unwrap_or_else(|| "main".to_owned());
    // Nothing is reported, so that the commit does not matter.
    let commit = Some("0".repeat(40));
    let facts = match github(surroundings, Place { commit, change: None, ..found }).await {
        Ok(github) => github.facts(&branch).await,
        Err(Error::Forge(error)) => Err(error),
        Err(_) => return AtForge::Unasked("its credentials cannot be used"),
    };
    AtForge::Asked(branch, facts)
}

/// What Jenkins checked out: the commit, and its parents where it merged.
fn built(surroundings: &Surroundings<'_>) -> Vec<String> {
    let Some(commit) = (surroundings.variable)("GIT_COMMIT") else { return Vec::new() };
    let directory = (surroundings.variable)("PROMOTE_BOT_DIRECTORY").unwrap_or_else(|| ".".to_owned());
    let repository = Repository::open(directory).ok();
    let parent = |number: u8| repository.as_ref()?.commit(&format!("{commit}^{number}")).ok().map(|id| id.to_string());
    let parents = [1, 2].into_iter().filter_map(parent).collect::<Vec<_>>();
    // A parent is the head of a merge only.
    let merged = if parents.len() == 2 { parents } else { Vec::new() };
    std::iter::once(commit).chain(merged).collect()
}

fn has_credentials(surroundings: &Surroundings<'_>, kind: Kind) -> bool {
    match kind {
        Kind::GitHub => credentials(surroundings).is_ok_and(|credentials| credentials.is_some()),
        Kind::GitLab => gitlab_token(surroundings).is_some(),
    }
}

fn gitlab_token(surroundings: &Surroundings<'_>) -> Option<String> {
    ["PROMOTE_BOT_GITLAB_TOKEN", "GITLAB_TOKEN"].iter().find_map(|name| (surroundings.variable)(name))
}

/// Reads an App's key, or a token.
fn credentials(surroundings: &Surroundings<'_>) -> Result<Option<Credentials>, Error> {
    let variable = surroundings.variable;
    let Some(id) = variable("PROMOTE_BOT_GITHUB_APP_ID") else {
        let names = ["PROMOTE_BOT_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];
        return Ok(names.iter().find_map(|name| variable(name)).map(Credentials::Token));
    };
    let usage = |message: &str, hint: &str| Error::Usage { message: message.to_owned(), hint: hint.to_owned() };
    let id = id.trim().parse().map_err(|_| {
        usage("PROMOTE_BOT_GITHUB_APP_ID is not a number", "it is the App ID on the App's settings page")
    })?;
    let file = variable("PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY_FILE");
    let key_pem = match (variable("PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY"), file) {
        (Some(key), _) => key,
        (None, Some(file)) => (surroundings.file)(&file).ok_or_else(|| {
            usage(
                &format!("the key of the GitHub App in {file} cannot be read"),
                "see PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY_FILE",
            )
        })?,
        (None, None) => {
            let hint = "set PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY, or PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY_FILE";
            return Err(usage("the GitHub App has an id and no key", hint));
        }
    };
    Ok(Some(Credentials::App { id, key_pem }))
}

/// The event of GitHub Actions.
fn event(surroundings: &Surroundings<'_>) -> Value {
    let file = (surroundings.variable)("GITHUB_EVENT_PATH").and_then(|path| (surroundings.file)(&path));
    file.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Tells whether the event is about a change from a fork.
pub(super) fn is_from_fork(surroundings: &Surroundings<'_>) -> bool {
    let json = event(surroundings);
    let repository = |side: &str| json.pointer(&format!("/pull_request/{side}/repo/full_name")).and_then(Value::as_str);
    repository("base").is_some() && repository("head") != repository("base")
}

/// Finds out where the change is reviewed; none where no forge is known.
fn place(surroundings: &Surroundings<'_>) -> Option<Place> {
    [actions, gitlab_ci, jenkins].iter().find_map(|source| source(surroundings))
}

fn actions(surroundings: &Surroundings<'_>) -> Option<Place> {
    let variable = surroundings.variable;
    let repository = variable("GITHUB_REPOSITORY")?;
    let json = event(surroundings);
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let number = |pointer: &str| json.pointer(pointer).and_then(Value::as_u64);
    // A status on the merge commit would be a second truth beside the head's.
    let commit =
        ["/pull_request/head/sha", "/merge_group/head_sha", "/workflow_run/head_sha"].iter().find_map(|at| text(at));
    let change = number("/pull_request/number").or_else(|| number("/workflow_run/pull_requests/0/number"));
    let run_url = variable("GITHUB_RUN_ID").zip(variable("GITHUB_SERVER_URL"));
    Some(Place {
        kind: Kind::GitHub,
        api: variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
        commit: commit.or_else(|| variable("GITHUB_SHA")),
        change,
        run_url: run_url.map(|(id, server)| format!("{server}/{repository}/actions/runs/{id}")),
        repository,
    })
}

fn gitlab_ci(surroundings: &Surroundings<'_>) -> Option<Place> {
    let variable = surroundings.variable;
    Some(Place {
        kind: Kind::GitLab,
        api: variable("CI_API_V4_URL")?,
        repository: variable("CI_PROJECT_ID")?,
        commit: variable("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| variable("CI_COMMIT_SHA")),
        change: variable("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok()),
        run_url: variable("CI_JOB_URL"),
    })
}

fn jenkins(surroundings: &Surroundings<'_>) -> Option<Place> {
    let variable = surroundings.variable;
    variable("JENKINS_URL").or_else(|| variable("CHANGE_TARGET"))?;
    let (host, path) = ["CHANGE_URL", "GIT_URL", "GIT_URL_1"].iter().find_map(|name| remote(&variable(name)?))?;
    let change = variable("CHANGE_ID").and_then(|number| number.parse().ok());
    let is_gitlab = host.contains("gitlab")
        || (gitlab_token(surroundings).is_some() && !has_credentials(surroundings, Kind::GitHub));
    let (kind, api) = match (is_gitlab, host.as_str()) {
        (true, host) => (Kind::GitLab, format!("https://{host}/api/v4")),
        (false, "github.com") => (Kind::GitHub, "https://api.github.com".to_owned()),
        (false, host) => (Kind::GitHub, format!("https://{host}/api/v3")),
    };
    // What is built of a pull request may be a merge commit; GitHub is asked for the head then.
    let commit = variable("GIT_COMMIT").filter(|_| change.is_none() || is_gitlab);
    Some(Place {
        kind,
        api: variable("GITHUB_API_URL").filter(|_| !is_gitlab).unwrap_or(api),
        repository: path,
        commit,
        change,
        run_url: variable("RUN_DISPLAY_URL").or_else(|| variable("BUILD_URL")),
    })
}

/// Reads host and `owner/repository` of a remote's address or of a page below it.
fn remote(address: &str) -> Option<(String, String)> {
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest.to_owned(),
        // git@host:owner/repository.git
        None => address.replacen(':', "/", 1),
    };
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?.split(':').next()?.to_ascii_lowercase();
    let path =
        ["/pull/", "/-/merge_requests/"].iter().find_map(|page| path.split_once(page)).map_or(path, |(path, _)| path);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && path.contains('/')).then(|| (host, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)], event: &str) -> Option<Place> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        place(&Surroundings { variable: &variable, file: &|_| Some(event.to_owned()) })
    }

    const ACTIONS: [(&str, &str); 5] = [
        ("GITHUB_REPOSITORY", "acme/overlays"),
        ("GITHUB_EVENT_PATH", "event.json"),
        ("GITHUB_SHA", "merge"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_RUN_ID", "7"),
    ];

    #[test]
    fn a_pull_request_is_reported_on_at_its_head() {
        let place = found(&ACTIONS, r#"{"pull_request": {"number": 12, "head": {"sha": "head"}}}"#).unwrap();
        assert_eq!((place.commit.as_deref(), place.change), (Some("head"), Some(12)));
        assert_eq!(place.run_url.as_deref(), Some("https://github.com/acme/overlays/actions/runs/7"));
        assert_eq!(place.api, "https://api.github.com");
        let queue = found(&ACTIONS, r#"{"merge_group": {"head_sha": "queued"}}"#).unwrap();
        assert_eq!((queue.commit.as_deref(), queue.change), (Some("queued"), None));
        assert_eq!(found(&ACTIONS, "{}").unwrap().commit.as_deref(), Some("merge"));
    }

    #[test]
    fn forks_are_told_by_their_repository() {
        let is_fork = |event: &str| {
            let variable = |name: &str| (name == "GITHUB_EVENT_PATH").then(|| "e".to_owned());
            is_from_fork(&Surroundings { variable: &variable, file: &|_| Some(event.to_owned()) })
        };
        let sides = |head: &str| {
            format!(r#"{{"pull_request": {{"head": {{"repo": {head}}}, "base": {{"repo": {{"full_name": "a/b"}}}}}}}}"#)
        };
        assert!(is_fork(&sides(r#"{"full_name": "x/b"}"#)));
        assert!(is_fork(&sides("null")), "the fork was deleted");
        assert!(!is_fork(&sides(r#"{"full_name": "a/b"}"#)));
        assert!(!is_fork("{}"));
    }

    #[test]
    fn jenkins_names_the_forge_by_its_remotes() {
        let jenkins = |more: &[(&str, &str)]| {
            let mut all = vec![("JENKINS_URL", "u"), ("GIT_COMMIT", "c")];
            all.extend(more);
            found(&all, "")
        };
        let pull = jenkins(&[("CHANGE_URL", "https://github.com/acme/overlays/pull/3"), ("CHANGE_ID", "3")]).unwrap();
        assert_eq!((pull.repository.as_str(), pull.change, pull.commit), ("acme/overlays", Some(3), None));
        let branch = jenkins(&[("GIT_URL", "git@ghe.example:acme/overlays.git")]).unwrap();
        assert_eq!((branch.api.as_str(), branch.commit.as_deref()), ("https://ghe.example/api/v3", Some("c")));
        let with_user = jenkins(&[("GIT_URL", "https://bot:secret@ghe.example:8443/acme/overlays")]).unwrap();
        assert_eq!(with_user.repository, "acme/overlays");
        let gitlab = jenkins(&[("GIT_URL", "https://gitlab.example/group/sub/overlays.git")]).unwrap();
        assert_eq!((gitlab.kind, gitlab.repository.as_str()), (Kind::GitLab, "group/sub/overlays"));
        assert!(jenkins(&[]).is_none() && found(&[], "").is_none());
    }

    #[test]
    fn gitlab_names_itself() {
        let variables = [
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("CI_PROJECT_ID", "9"),
            ("CI_COMMIT_SHA", "merged"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "head"),
            ("CI_MERGE_REQUEST_IID", "5"),
        ];
        let place = found(&variables, "").unwrap();
        assert_eq!((place.kind, place.commit.as_deref(), place.change), (Kind::GitLab, Some("head"), Some(5)));
    }

    #[test]
    fn an_app_needs_id_and_key() {
        let read = |variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            credentials(&Surroundings {
                variable: &variable,
                file: &|path| (path == "key.pem").then(|| "KEY".to_owned()),
            })
        };
        assert!(matches!(read(&[("GITHUB_TOKEN", "t")]), Ok(Some(Credentials::Token(_)))));
        let id = ("PROMOTE_BOT_GITHUB_APP_ID", "12");
        let file = ("PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY_FILE", "key.pem");
        assert!(matches!(read(&[id, file, ("GITHUB_TOKEN", "t")]), Ok(Some(Credentials::App { id: 12, .. }))));
        assert!(read(&[id]).is_err() && read(&[("PROMOTE_BOT_GITHUB_APP_ID", "x"), file]).is_err());
        assert!(matches!(read(&[]), Ok(None)));
    }
}

//! What the CI that runs us says of the range: its variables and event file, read once. Pure over a look-up.

use serde_json::Value;

use crate::commands::Error;
use crate::git::CiRange;

/// Reads variables and files of the process.
pub(super) struct Surroundings<'a> {
    /// Returns a variable that is set and not empty.
    pub(super) variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Returns the text of a file, if it can be read.
    pub(super) file: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// Tells whether `CI` is set and not false, or a CI that does not set it names an event.
pub(super) fn is_ci(surroundings: &Surroundings<'_>) -> bool {
    let named = [github, jenkins, gitlab, bitbucket, azure].iter().any(|source| source(surroundings).is_some());
    match (surroundings.variable)("CI") {
        Some(value) => !matches!(value.to_ascii_lowercase().as_str(), "false" | "0"),
        None => named,
    }
}

/// Says who runs this, for what somebody has to answer for.
pub(super) fn actor(surroundings: &Surroundings<'_>) -> String {
    let names = [
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "BUILD_USER_ID",
        "BUILD_REQUESTEDFOR",
        "BITBUCKET_STEP_TRIGGERER_UUID",
        "USER",
    ];
    names.iter().find_map(|name| (surroundings.variable)(name)).unwrap_or_else(|| "somebody".to_owned())
}

/// Names the branch a change goes into, or was pushed to.
pub(super) fn target_branch(surroundings: &Surroundings<'_>) -> Option<String> {
    let names = [
        "GITHUB_BASE_REF",
        "CHANGE_TARGET",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        "GITHUB_REF_NAME",
        "CI_COMMIT_BRANCH",
        "BRANCH_NAME",
    ];
    names.iter().find_map(|name| (surroundings.variable)(name))
}

/// Events whose checkout is not the change under review: judged there, the verdict would be about something else.
const FOREIGN_EVENTS: [&str; 4] = ["pull_request_target", "workflow_run", "issue_comment", "pull_request_review"];

/// Returns the range the CI event names; none on a laptop.
///
/// # Errors
/// On an event of GitHub that does not check the change out.
pub(super) fn range(surroundings: &Surroundings<'_>) -> Result<Option<CiRange>, Error> {
    let name = (surroundings.variable)("GITHUB_EVENT_NAME").unwrap_or_default();
    if FOREIGN_EVENTS.contains(&name.as_str()) {
        return Err(Error::Usage {
            message: format!("the event {name} does not check out the change under review"),
            hint: "run on pull_request and merge_group, or name the revisions with --base and --head".to_owned(),
        });
    }
    let sources = [pre_commit, github, jenkins, gitlab, bitbucket, azure];
    let named = sources.iter().find_map(|source| source(surroundings));
    Ok(named.or_else(|| is_ci(surroundings).then(|| event("CI"))))
}

fn pre_commit(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let base = (surroundings.variable)("PRE_COMMIT_FROM_REF")?;
    let head = (surroundings.variable)("PRE_COMMIT_TO_REF");
    Some(CiRange { base: Some(base), head, ..event("pre-commit's range") })
}

/// The default branch, whose tip has the rules for what is pushed to another, or to a tag: whoever may push there would write their
/// own.
fn elsewhere(pushed: Option<&str>, default_branch: Option<&str>) -> Option<String> {
    let is_other = |default: &&str| pushed.is_some_and(|pushed| pushed.strip_prefix("refs/heads/") != Some(*default));
    default_branch.filter(is_other).map(str::to_owned)
}

/// Says that a request goes into another branch than the default one: that branch judges it.
fn aside(into: Option<&str>, default_branch: Option<&str>) -> String {
    match (into, default_branch) {
        (Some(into), Some(default)) if into != default => format!(" into {into}, which judges it and is not {default}"),
        _ => String::new(),
    }
}

fn event(why: impl Into<String>) -> CiRange {
    CiRange { why: why.into(), ..CiRange::default() }
}

/// Judges the merged tree on a pull request: its first parent is the base as it would be merged into. An event whose file cannot be
/// read leaves the commit, and its history tells the base.
fn github(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    let name = variable("GITHUB_EVENT_NAME")?;
    let file = variable("GITHUB_EVENT_PATH").and_then(|path| (surroundings.file)(&path));
    let json: Value = file.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let commit = variable("GITHUB_SHA");
    let found = CiRange { default_branch: text("/repository/default_branch"), ..event(format!("{name} event")) };
    Some(match name.as_str() {
        "pull_request" => {
            let is_merge = commit.is_some() && commit != text("/pull_request/head/sha");
            let base = commit.as_ref().filter(|_| is_merge).map(|commit| format!("{commit}^1"));
            // The merge commit's first parent is the target's tip already.
            let into = text("/pull_request/base/ref");
            let why = found.why.clone() + &aside(into.as_deref(), found.default_branch.as_deref());
            let target = into.filter(|_| base.is_none());
            CiRange { base, head: commit, target, why, ..found }
        }
        "merge_group" => {
            let (base, head) = (text("/merge_group/base_sha"), text("/merge_group/head_sha"));
            CiRange { base, head: head.or(commit), ..found }
        }
        "push" => {
            // What a forced push replaced need not be in the clone.
            let base_may_be_gone = json.pointer("/forced").and_then(Value::as_bool) == Some(true);
            let pushed = text("/ref").or_else(|| variable("GITHUB_REF"));
            let target = elsewhere(pushed.as_deref(), found.default_branch.as_deref());
            let needs_target = target.is_some();
            let (base, head) = (text("/before"), text("/after").or(commit));
            CiRange { base, head, base_may_be_gone, target, needs_target, ..found }
        }
        _ => CiRange { head: commit, ..found },
    })
}

fn jenkins(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    let target = variable("CHANGE_TARGET");
    variable("JENKINS_URL").or(target.clone())?;
    let (head, base) = (variable("GIT_COMMIT"), variable("GIT_PREVIOUS_SUCCESSFUL_COMMIT"));
    Some(match (&target, &base) {
        (Some(name), _) => CiRange { head, target: target.clone(), ..event(format!("Jenkins change into {name}")) },
        (None, Some(_)) => CiRange { base, head, ..event("Jenkins' previous successful commit") },
        (None, None) => CiRange { head, ..event("Jenkins' first build") },
    })
}

fn gitlab(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("GITLAB_CI")?;
    let (head, default_branch) = (variable("CI_COMMIT_SHA"), variable("CI_DEFAULT_BRANCH"));
    let target = variable("CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
    // A merged-results pipeline runs on the merge, whose first parent is the target's tip.
    if let Some(tip) = variable("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") {
        let why = format!("merge request, merged{}", aside(target.as_deref(), default_branch.as_deref()));
        return Some(CiRange { base: Some(tip), head, default_branch, ..event(why) });
    }
    Some(match variable("CI_MERGE_REQUEST_DIFF_BASE_SHA") {
        Some(base) => {
            let why = format!("merge request{}", aside(target.as_deref(), default_branch.as_deref()));
            CiRange { base: Some(base), head, target, default_branch, ..event(why) }
        }
        None => {
            let pushed = variable("CI_COMMIT_BRANCH").map(|name| format!("refs/heads/{name}"));
            let pushed = pushed.or_else(|| variable("CI_COMMIT_TAG").map(|name| format!("refs/tags/{name}")));
            let target = elsewhere(pushed.as_deref(), default_branch.as_deref());
            let (base, needs_target) = (variable("CI_COMMIT_BEFORE_SHA"), target.is_some());
            CiRange { base, head, target, needs_target, default_branch, ..event("GitLab push") }
        }
    })
}

fn bitbucket(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    let head = variable("BITBUCKET_COMMIT")?;
    let target = variable("BITBUCKET_PR_DESTINATION_BRANCH");
    let why = if target.is_some() { "Bitbucket pull request" } else { "Bitbucket commit" };
    Some(CiRange { head: Some(head), target, ..event(why) })
}

fn azure(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("TF_BUILD")?;
    let target = variable("SYSTEM_PULLREQUEST_TARGETBRANCH");
    let why = if target.is_some() { "Azure pull request" } else { "Azure build" };
    Some(CiRange { head: variable("BUILD_SOURCEVERSION"), target, ..event(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(variables: &[(&str, &str)], event: &str) -> Option<CiRange> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        range(&Surroundings { variable: &variable, file: &|_| Some(event.to_owned()) }).unwrap()
    }

    fn github_range(name: &str, event: &str) -> CiRange {
        let variables =
            [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name), ("GITHUB_EVENT_PATH", "e"), ("GITHUB_SHA", "m")];
        range_of(&variables, event).unwrap()
    }

    #[test]
    fn a_pull_request_is_judged_as_it_would_be_merged() {
        let found =
            github_range("pull_request", r#"{"pull_request": {"head": {"sha": "h"}, "base": {"ref": "main"}}}"#);
        assert_eq!((found.base.as_deref(), found.head.as_deref()), (Some("m^1"), Some("m")));
        assert_eq!(found.why, "pull_request event");
    }

    #[test]
    fn a_pull_request_checked_out_at_its_head_is_compared_with_the_merge_base() {
        let found =
            github_range("pull_request", r#"{"pull_request": {"head": {"sha": "m"}, "base": {"ref": "main"}}}"#);
        assert_eq!((found.base, found.target.as_deref()), (None, Some("main")));
    }

    #[test]
    fn a_merge_group_and_a_push_name_both_ends() {
        let group = github_range("merge_group", r#"{"merge_group": {"base_sha": "b", "head_sha": "h"}}"#);
        assert_eq!((group.base.as_deref(), group.head.as_deref()), (Some("b"), Some("h")));
        let push = github_range("push", r#"{"before": "b", "after": "a"}"#);
        assert_eq!((push.base.as_deref(), push.head.as_deref()), (Some("b"), Some("a")));
    }

    #[test]
    fn a_request_into_another_branch_than_the_default_one_says_so() {
        let why = |into: &str| {
            let event = format!(
                r#"{{"pull_request": {{"base": {{"ref": "{into}"}}, "head": {{"sha": "h"}}}}, "repository": {{"default_branch": "main"}}}}"#
            );
            github_range("pull_request", &event).why
        };
        assert_eq!(why("main"), "pull_request event");
        assert_eq!(why("mine"), "pull_request event into mine, which judges it and is not main");
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "mine"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "t"),
        ];
        let why = range_of(&variables, "").unwrap().why;
        assert_eq!(why, "merge request, merged into mine, which judges it and is not main");
    }

    #[test]
    fn what_is_pushed_elsewhere_is_judged_by_the_default_branch() {
        let push = |branch: &str| {
            let event = format!(
                r#"{{"before": "b", "after": "a", "ref": "refs/{branch}", "repository": {{"default_branch": "main"}}}}"#
            );
            github_range("push", &event).target
        };
        assert_eq!((push("heads/main"), push("heads/topic").as_deref()), (None, Some("main")));
        assert_eq!(push("tags/v1").as_deref(), Some("main"));
        let gitlab = |branch: &str| {
            let variables = [("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", branch), ("CI_DEFAULT_BRANCH", "main")];
            range_of(&variables, "").unwrap().target
        };
        assert_eq!((gitlab("main"), gitlab("topic").as_deref()), (None, Some("main")));
    }

    #[test]
    fn what_a_forced_push_replaced_may_be_gone() {
        let push = github_range("push", r#"{"before": "b", "after": "a", "forced": true}"#);
        assert_eq!((push.base.as_deref(), push.base_may_be_gone), (Some("b"), true));
    }

    #[test]
    fn an_event_that_cannot_be_read_leaves_the_commit() {
        let found = github_range("push", "not json");
        assert_eq!((found.base, found.head.as_deref()), (None, Some("m")));
    }

    #[test]
    fn an_event_that_checks_out_something_else_is_refused() {
        let variable = |name: &str| (name == "GITHUB_EVENT_NAME").then(|| "pull_request_target".to_owned());
        let error = range(&Surroundings { variable: &variable, file: &|_| None }).unwrap_err();
        assert!(error.hint().unwrap().contains("pull_request and merge_group"));
    }

    #[test]
    fn a_ci_without_an_event_still_judges_its_commit() {
        let found = range_of(&[("CI", "true")], "").unwrap();
        assert_eq!((found.base, found.head), (None, None));
        let first = range_of(&[("CI", "true"), ("JENKINS_URL", "u"), ("GIT_COMMIT", "c")], "").unwrap();
        assert_eq!((first.base, first.head.as_deref()), (None, Some("c")));
    }

    #[test]
    fn jenkins_gitlab_and_pre_commit_are_heard() {
        let jenkins = range_of(&[("JENKINS_URL", "u"), ("CHANGE_TARGET", "main"), ("GIT_COMMIT", "c")], "").unwrap();
        assert_eq!((jenkins.head.as_deref(), jenkins.target.as_deref()), (Some("c"), Some("main")));
        let gitlab = range_of(&[("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "b")], "").unwrap();
        assert_eq!(gitlab.base.as_deref(), Some("b"));
        assert!(range_of(&[], "").is_none());
        assert_eq!(range_of(&[("PRE_COMMIT_FROM_REF", "b")], "").unwrap().base.as_deref(), Some("b"));
    }

    #[test]
    fn a_ci_that_does_not_say_so_is_known_by_its_event() {
        let azure = |name: &str| matches!(name, "TF_BUILD").then(|| "True".to_owned());
        assert!(is_ci(&Surroundings { variable: &azure, file: &|_| None }));
        let hook = |name: &str| (name == "PRE_COMMIT_FROM_REF").then(|| "b".to_owned());
        assert!(!is_ci(&Surroundings { variable: &hook, file: &|_| None }));
    }

    #[test]
    fn ci_may_be_said_to_be_false() {
        for (value, expected) in [("true", true), ("1", true), ("false", false), ("False", false)] {
            let variable = |name: &str| (name == "CI").then(|| value.to_owned());
            assert_eq!(is_ci(&Surroundings { variable: &variable, file: &|_| None }), expected, "{value}");
        }
    }
}

//! What the CI that runs us says of the range: its variables and event file, read once. Pure over a look-up.

use serde_json::Value;

use crate::git::CiRange;

/// Reads variables and files of the process.
pub(super) struct Surroundings<'a> {
    /// Returns a variable that is set and not empty.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Returns the text of a file, if it can be read.
    pub(super) file: &'a dyn Fn(&str) -> Option<String>,
}

/// Tells whether `CI` is set and not false.
pub(super) fn is_ci(surroundings: &Surroundings<'_>) -> bool {
    (surroundings.variable)("CI").is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "false" | "0"))
}

/// Returns the range the CI event names; none on a laptop, or when no event speaks.
pub(super) fn range(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    [pre_commit, github, jenkins, gitlab, bitbucket, azure].iter().find_map(|source| source(surroundings))
}

fn pre_commit(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let base = (surroundings.variable)("PRE_COMMIT_FROM_REF")?;
    let head = (surroundings.variable)("PRE_COMMIT_TO_REF");
    Some(CiRange { base: Some(base), head, default_branch: None, why: "pre-commit's range".to_owned() })
}

/// Judges the merged tree on a pull request: its first parent is the base as it would be merged into.
fn github(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("GITHUB_ACTIONS")?;
    let name = variable("GITHUB_EVENT_NAME")?;
    let event: Value = serde_json::from_str(&(surroundings.file)(&variable("GITHUB_EVENT_PATH")?)?).ok()?;
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let default_branch = text("/repository/default_branch");
    let why = format!("{name} event");
    let commit = variable("GITHUB_SHA");
    match name.as_str() {
        "pull_request" => {
            let is_merge = commit.is_some() && commit != text("/pull_request/head/sha");
            let base = match (&commit, is_merge) {
                (Some(commit), true) => Some(format!("{commit}^1")),
                _ => None,
            };
            let default_branch = text("/pull_request/base/ref").or(default_branch);
            Some(CiRange { base, head: commit, default_branch, why })
        }
        "merge_group" => {
            let (base, head) = (text("/merge_group/base_sha"), text("/merge_group/head_sha"));
            Some(CiRange { base, head, default_branch, why })
        }
        "push" => {
            let forced = event.pointer("/forced").and_then(Value::as_bool) == Some(true);
            let base = if forced { Some("0".repeat(40)) } else { text("/before") };
            Some(CiRange { base, head: text("/after"), default_branch, why })
        }
        _ => Some(CiRange { base: None, head: commit, default_branch, why }),
    }
}

fn jenkins(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("JENKINS_URL")?;
    let head = variable("GIT_COMMIT");
    if let Some(target) = variable("CHANGE_TARGET") {
        let why = format!("Jenkins change into {target}");
        return Some(CiRange { base: None, head, default_branch: Some(target), why });
    }
    let base = variable("GIT_PREVIOUS_SUCCESSFUL_COMMIT")?;
    Some(CiRange {
        base: Some(base),
        head,
        default_branch: None,
        why: "Jenkins' previous successful commit".to_owned(),
    })
}

fn gitlab(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("GITLAB_CI")?;
    let (head, default_branch) = (variable("CI_COMMIT_SHA"), variable("CI_DEFAULT_BRANCH"));
    if let Some(base) = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA") {
        return Some(CiRange { base: Some(base), head, default_branch, why: "merge request".to_owned() });
    }
    Some(CiRange { base: variable("CI_COMMIT_BEFORE_SHA"), head, default_branch, why: "GitLab push".to_owned() })
}

fn bitbucket(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    let head = variable("BITBUCKET_COMMIT")?;
    let target = variable("BITBUCKET_PR_DESTINATION_BRANCH");
    let why = if target.is_some() { "Bitbucket pull request" } else { "Bitbucket commit" };
    Some(CiRange { base: None, head: Some(head), default_branch: target, why: why.to_owned() })
}

fn azure(surroundings: &Surroundings<'_>) -> Option<CiRange> {
    let variable = surroundings.variable;
    variable("TF_BUILD")?;
    let target = variable("SYSTEM_PULLREQUEST_TARGETBRANCH");
    let why = if target.is_some() { "Azure pull request" } else { "Azure build" };
    let default_branch = target.map(|name| name.trim_start_matches("refs/heads/").to_owned());
    Some(CiRange { base: None, head: variable("BUILD_SOURCEVERSION"), default_branch, why: why.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(variables: &[(&str, &str)], event: &str) -> Option<CiRange> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        range(&Surroundings { variable: &variable, file: &|_| Some(event.to_owned()) })
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
        assert_eq!((found.base, found.default_branch.as_deref()), (None, Some("main")));
    }

    #[test]
    fn a_merge_group_and_a_push_name_both_ends() {
        let group = github_range("merge_group", r#"{"merge_group": {"base_sha": "b", "head_sha": "h"}}"#);
        assert_eq!((group.base.as_deref(), group.head.as_deref()), (Some("b"), Some("h")));
        let push = github_range("push", r#"{"before": "b", "after": "a"}"#);
        assert_eq!((push.base.as_deref(), push.head.as_deref()), (Some("b"), Some("a")));
    }

    #[test]
    fn a_forced_push_counts_as_a_new_branch() {
        let push = github_range("push", r#"{"before": "b", "after": "a", "forced": true}"#);
        assert_eq!(push.base, Some("0".repeat(40)));
    }

    #[test]
    fn jenkins_gitlab_and_pre_commit_are_heard() {
        let jenkins = range_of(&[("JENKINS_URL", "u"), ("CHANGE_TARGET", "main"), ("GIT_COMMIT", "c")], "").unwrap();
        assert_eq!((jenkins.head.as_deref(), jenkins.default_branch.as_deref()), (Some("c"), Some("main")));
        let gitlab = range_of(&[("GITLAB_CI", "true"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "b")], "").unwrap();
        assert_eq!(gitlab.base.as_deref(), Some("b"));
        assert!(range_of(&[], "").is_none());
        assert_eq!(range_of(&[("PRE_COMMIT_FROM_REF", "b")], "").unwrap().base.as_deref(), Some("b"));
    }

    #[test]
    fn ci_may_be_said_to_be_false() {
        for (value, expected) in [("true", true), ("1", true), ("false", false), ("False", false)] {
            let variable = |_: &str| Some(value.to_owned());
            assert_eq!(is_ci(&Surroundings { variable: &variable, file: &|_| None }), expected, "{value}");
        }
    }
}

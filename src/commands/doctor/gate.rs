//! Whether the gate really gates: what the workflows in the repository do, and what the forge requires.

use super::{AtForge, Diagnosis, Health};
use crate::domain::tree::{EntryKind, TreeError};
use crate::domain::{CONTEXT, Tree, TreePath};
use crate::forge::{Facts, Rule};
use crate::yaml::{self, Node};

/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";

/// Looks at every workflow of GitHub's that runs promote-bot.
pub(super) fn workflows(tree: &dyn Tree) -> Result<Vec<Diagnosis>, TreeError> {
    let Some(directory) = TreePath::parse(WORKFLOWS).filter(|path| is_directory(tree, path)) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for (name, kind) in tree.list(&directory)? {
        let is_workflow = kind == EntryKind::File && (name.ends_with(".yml") || name.ends_with(".yaml"));
        let Some(path) = directory.child(&name).filter(|_| is_workflow) else { continue };
        let text = tree.read(&path)?;
        let documents = yaml::parse(path.as_str(), &text).unwrap_or_default();
        if let Some(workflow) = documents.first().filter(|_| runs_us(&text)) {
            all.extend(workflow_diagnoses(path.as_str(), workflow));
        }
    }
    Ok(all)
}

fn is_directory(tree: &dyn Tree, path: &TreePath) -> bool {
    matches!(crate::domain::tree::follow(tree, path), Ok(Some((_, EntryKind::Directory))))
}

fn runs_us(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).lines().any(|line| {
        let line = line.trim_start().trim_start_matches("- ");
        (line.starts_with("uses:") && line.contains("/promote-bot@"))
            || line.contains("promote-bot check")
            || line.contains("promote-bot promote")
    })
}

fn workflow_diagnoses(path: &str, workflow: &Node) -> Vec<Diagnosis> {
    let subject = format!("workflow {path}");
    let mut all = Vec::new();
    let mut weak = |found: &str, fix: &str| all.push(Diagnosis::of(&subject, Health::Weak, found, fix));
    let on = workflow.get("on");
    let names = |name: &str| {
        let in_list = |list: &[Node]| list.iter().any(|entry| entry.as_str() == Some(name));
        on.is_some_and(|on| {
            on.as_str() == Some(name) || on.get(name).is_some() || on.as_sequence().is_some_and(in_list)
        })
    };
    if names("pull_request_target") {
        weak(
            "it runs on pull_request_target, which does not check out the change",
            "run it on pull_request and merge_group",
        );
    }
    if !names("pull_request") && !names("push") {
        weak("it runs on neither pull_request nor push", "add `pull_request:` and `merge_group:` under `on:`");
    }
    if names("pull_request") && !names("merge_group") {
        weak(
            "a merge queue would wait for it without end: it does not run on merge_group",
            "add `merge_group:` under `on:`",
        );
    }
    let event = on.and_then(|on| on.get("pull_request"));
    for filter in ["paths", "paths-ignore", "branches", "branches-ignore", "types"] {
        if event.is_some_and(|event| event.get(filter).is_some()) {
            let found = format!("`{filter}` keeps it from some pull requests, whose required check then never reports");
            weak(&found, "take the filter out: a change without images is green in a second");
        }
    }
    let cancels = workflow.get("concurrency").and_then(|concurrency| concurrency.get("cancel-in-progress"));
    if cancels.and_then(Node::as_str) == Some("true") {
        weak(
            "`cancel-in-progress` may cancel a copy, and leaves a cancelled check on the commit",
            "set it to false, and put the head's SHA into `group`",
        );
    }
    if all.is_empty() {
        all.push(Diagnosis::well(&subject, "it reports on every pull request and in a merge queue"));
    }
    all
}

/// Looks at what the forge requires before it merges.
pub(super) fn held(at_forge: &AtForge, environments: &[&str]) -> Vec<Diagnosis> {
    let (branch, facts) = match at_forge {
        AtForge::Unasked(why) => {
            let fix = "set GITHUB_REPOSITORY and GITHUB_TOKEN, or run it in a job";
            return vec![Diagnosis::of(
                "gate",
                Health::Unknown,
                format!("what the forge requires was not asked: {why}"),
                fix,
            )];
        }
        AtForge::Asked(branch, facts) => (branch, facts),
    };
    let subject = format!("gate of {branch}");
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            let fix = error.hint().unwrap_or_else(|| "run again".to_owned());
            return vec![Diagnosis::of(&subject, Health::Unknown, error.reason(), fix)];
        }
    };
    judged(&subject, facts, environments)
}

fn judged(subject: &str, facts: &Facts, environments: &[&str]) -> Vec<Diagnosis> {
    fn checks(rule: &Rule) -> &[String] {
        match rule {
            Rule::Checks(names, _) => names,
            _ => &[],
        }
    }
    let is_ours = |name: &&String| {
        name.as_str() == "promote-bot" || environments.iter().any(|one| name.strip_prefix(CONTEXT) == Some(one))
    };
    let ours: Vec<&str> = facts.rules.iter().flat_map(checks).filter(is_ours).map(String::as_str).collect();
    let by_workflow = facts.rules.contains(&Rule::Workflows);
    let mut all = vec![match (ours.is_empty(), by_workflow) {
        (false, _) => Diagnosis::well(subject, format!("{} must be green before a merge", ours.join(", "))),
        (true, true) => {
            let found = "workflows of another repository are required; whether ours is among them they say";
            Diagnosis::well(subject, found)
        }
        (true, false) => Diagnosis::of(
            subject,
            Health::Weak,
            "nothing of ours is required: a red verdict holds no merge",
            "require the check `promote-bot`, or a status `promote-bot/<environment>`, in a ruleset for the branch",
        ),
    }];
    match facts.may_write {
        Some(true) => all.push(Diagnosis::well("token", "it may write to the repository, so to statuses as well")),
        Some(false) => all.push(Diagnosis::of(
            "token",
            Health::Unknown,
            "it may not push; whether it may set statuses and comment, only a job's `permissions` or an App's say",
            "give the job `statuses: write` or `checks: write`, and `pull-requests: write` for comments",
        )),
        None => {}
    }
    if !by_workflow && !ours.is_empty() {
        let found = "the workflow of a pull request is the one in it: who may push can write another `promote-bot`";
        let fix = "require the workflow by a ruleset, guard .github/ and promote-bot.yaml by CODEOWNERS, or pin the check to an App";
        all.push(Diagnosis::of(subject, Health::Unknown, found, fix));
    }
    let is_strict = facts.rules.iter().any(|rule| matches!(rule, Rule::Checks(_, true)));
    if !is_strict && !facts.rules.contains(&Rule::MergeQueue) {
        let found = "a verdict may be about a base that has moved on: branches need not be up to date, and there is no merge queue";
        all.push(Diagnosis::of(
            subject,
            Health::Weak,
            found,
            "use a merge queue, or require branches to be up to date",
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let documents = yaml::parse("w.yml", text.as_bytes()).unwrap();
        workflow_diagnoses("w.yml", &documents[0]).into_iter().map(|one| one.found).collect()
    }

    #[test]
    fn a_workflow_that_cannot_always_report_is_told() {
        assert!(found("on: [pull_request, merge_group]\n")[0].starts_with("it reports on every"));
        assert!(found("on: {pull_request: , merge_group: }\n")[0].starts_with("it reports on every"));
        assert!(found("on: pull_request\n")[0].contains("merge_group"));
        assert!(found("on: {pull_request: {paths: [a]}, merge_group: }\n")[0].contains("`paths`"));
        assert!(found("on: [pull_request_target]\n")[0].contains("pull_request_target"));
        let cancels = "on: [pull_request, merge_group]\nconcurrency: {group: a, cancel-in-progress: true}\n";
        assert!(found(cancels)[0].contains("cancel"));
    }

    #[test]
    fn what_is_required_of_a_branch_is_told() {
        let held = |rules: Vec<Rule>| -> Vec<(Health, String)> {
            let facts = AtForge::Asked("main".to_owned(), Ok(Facts { rules, may_write: None }));
            held(&facts, &["production"]).into_iter().map(|one| (one.health, one.found)).collect()
        };
        let checks = |name: &str, strict| Rule::Checks(vec!["build".to_owned(), name.to_owned()], strict);
        let open = held(vec![]);
        assert_eq!(open.iter().map(|(health, _)| *health).collect::<Vec<_>>(), [Health::Weak, Health::Weak]);
        let shut = held(vec![checks("promote-bot/production", true)]);
        assert_eq!(shut[0], (Health::Well, "promote-bot/production must be green before a merge".to_owned()));
        assert_eq!(shut.len(), 2);
        assert!(held(vec![checks("promote-bot/staging", true)])[0].1.contains("nothing of ours"));
        assert_eq!(held(vec![checks("promote-bot", false), Rule::MergeQueue, Rule::Workflows]).len(), 1);
        let unasked = super::held(&AtForge::Unasked("no token"), &[]);
        assert_eq!((unasked[0].health, unasked.len()), (Health::Unknown, 1));
    }
}

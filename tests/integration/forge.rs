//! The gate at the forge: statuses, check runs and the comment, against a GitHub that remembers.

use std::process::Child;

use pulldown_cmark::{Event, Options, Parser};
use serde_json::{Value, json};

use crate::support::github::{GitHub, What};
use crate::support::gitlab::GitLab;
use crate::support::{Program, Stage};

/// A pull request of `api` 1.1.0 and its forge; `head` is the commit that statuses are shown on.
struct Review {
    stage: Stage,
    github: GitHub,
    event: tempfile::TempDir,
    head: String,
}

impl Review {
    fn new() -> Self {
        let mut stage = Stage::new();
        stage.seed_small("api", "1.1.0");
        stage.bump("api", "1.1.0");
        stage.repository.commit("api 1.1.0");
        Self { stage, github: GitHub::start(), event: tempfile::tempdir().unwrap(), head: "b".repeat(40) }
    }

    /// A program that runs as a job of GitHub Actions for the pull request, with this token.
    fn job(&self, token: &str) -> Program {
        self.job_for(token, &json!({"full_name": "acme/overlays"}))
    }

    fn job_for(&self, token: &str, head_repository: &Value) -> Program {
        let event = json!({"pull_request": {
            "number": 12, "head": {"sha": self.head, "repo": head_repository}, "base": {"ref": "main", "repo": {"full_name": "acme/overlays"}},
        }});
        let path = self.event.path().join("event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        Program::new()
            .env("GITHUB_TOKEN", token)
            .env("GITHUB_API_URL", &self.github.url)
            .env("GITHUB_REPOSITORY", "acme/overlays")
            .env("GITHUB_EVENT_PATH", path.to_str().unwrap())
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_RUN_ID", "7")
    }

    fn path(&self) -> &std::path::Path {
        self.stage.repository.path()
    }

    fn status(&self, environment: &str) -> (String, String) {
        let statuses = self.github.statuses(&self.head);
        let status = &statuses[&format!("promote-bot/{environment}")];
        (status["state"].as_str().unwrap().to_owned(), status["description"].as_str().unwrap().to_owned())
    }

    fn comments(&self) -> Vec<String> {
        self.github.state().comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn each_environment_has_one_status_and_the_change_one_comment() {
    let mut review = Review::new();
    let job = review.job("ghs_job");
    job.run(review.path(), &["check", "--post", "status,comment"]).expect(0);
    assert_eq!(review.status("dev"), ("success".to_owned(), "no new image".to_owned()));
    assert_eq!(review.status("production"), ("success".to_owned(), "1 image may go, 1 to copy".to_owned()));
    assert_eq!(
        review.github.statuses(&review.head)["promote-bot/dev"]["target_url"],
        "https://github.com/acme/overlays/actions/runs/7"
    );
    let comments = review.comments();
    assert_eq!(comments.len(), 1);
    assert!(comments[0].starts_with("<!-- promote-bot:v1 key=promote-bot.yaml body=sha256:"), "{}", comments[0]);
    assert!(comments[0].contains("1 image may go to **production**"), "{}", comments[0]);
    // The same again writes nothing.
    review.github.take_log();
    job.run(review.path(), &["check", "--post", "status,comment"]).expect(0);
    assert!(review.github.take_log().iter().all(|(method, _)| method == "GET"));
    // Promoted, the same comment and the same statuses say so.
    job.run(review.path(), &["promote", "--post", "status,comment"]).expect(0);
    assert_eq!(review.status("production").1, "1 image promoted and proved");
    assert!(review.comments()[0].contains("promoted and proved") && review.comments().len() == 1);
    let states: Vec<Value> = review.github.state().statuses[&review.head]
        .iter()
        .filter(|status| status["context"] == "promote-bot/production")
        .map(|status| status["state"].clone())
        .collect();
    assert_eq!(states, ["success", "pending", "success"]);
    // Without image changes it shrinks to a line.
    review.stage.repository.replace("api/overlays/production/patch-image.yaml", ":1.1.0", ":1.0.0");
    review.stage.repository.commit("back");
    job.run(review.path(), &["check", "--post", "comment"]).expect(0);
    let comments = review.comments();
    assert!(comments.len() == 1 && comments[0].contains("no image changes any more"), "{comments:?}");
}

#[test]
fn a_change_without_images_is_not_commented_on() {
    let review = Review::new();
    review.stage.repository.replace("api/overlays/production/patch-image.yaml", ":1.1.0", ":1.0.0");
    review.job("ghs_job").run(review.path(), &["check", "--post", "comment"]).expect(0);
    assert!(review.comments().is_empty());
    assert!(review.github.take_log().iter().all(|(method, _)| method == "GET"));
}

#[test]
fn ten_pushes_leave_one_comment_and_cost_few_calls() {
    let mut review = Review::new();
    for push in 0..10 {
        review.head = format!("{push}").repeat(40);
        review.stage.repository.write(&[(
            "web/overlays/production/patch-image.yaml",
            &crate::support::patch_image("web", &format!("{}/team/web:2.{push}.0", review.stage.production.host())),
        )]);
        review.stage.repository.commit("another");
        review.github.take_log();
        review.job("octocat").run(review.path(), &["check", "--post", "status,comment"]).expect(1);
        let calls = review.github.take_log();
        assert!(calls.len() <= 6, "{calls:?}");
        assert_eq!(review.status("production").0, "failure");
    }
    assert_eq!(review.comments().len(), 1);
}

#[test]
fn only_our_own_comment_is_ours() {
    let review = Review::new();
    let forged = "<!-- promote-bot:v1 key=promote-bot.yaml body=sha256:00 -->\nall fine";
    let mut theirs: Value = serde_json::from_str(include_str!("support/github/comment.json")).unwrap();
    (theirs["body"], theirs["id"]) = (forged.into(), 1.into());
    // More than are read at a time; the server that holds us to GitHub's description knows no pages.
    let others = if std::env::var_os("PROMOTE_BOT_TEST_GITHUB").is_some() { 20 } else { 150 };
    let other = |id: usize| {
        let mut other = theirs.clone();
        (other["id"], other["body"]) = ((id + 2).into(), "chatter".into());
        other
    };
    review.github.state().comments = std::iter::once(theirs.clone()).chain((0..others).map(other)).collect();
    for token in ["ghs_job", "me"] {
        let before = review.comments().len();
        review.job(token).run(review.path(), &["check", "--post", "comment"]).expect(0);
        review.job(token).run(review.path(), &["check", "--post", "comment"]).expect(0);
        assert_eq!(review.comments().len(), before + 1, "{token}");
        assert_eq!(review.comments()[0], forged);
    }
}

#[test]
fn a_comment_whose_reply_was_cut_is_not_written_twice() {
    let review = Review::new();
    review.github.fail("POST", "/comments", 1, What::CutReply);
    review.job("ghs_job").run(review.path(), &["check", "--post", "comment"]).expect(0);
    assert_eq!(review.comments().len(), 1);
    review.github.fail("POST", "/comments", 1, What::Answer(502, None, "Bad Gateway"));
    review.job("ghs_job").run(review.path(), &["check", "--post", "new-comment"]).expect(0);
    assert_eq!(review.comments().len(), 1, "the same words are there already");
}

#[test]
fn a_limit_is_waited_for_and_one_that_is_too_long_is_told() {
    let review = Review::new();
    let limited = "You have exceeded a secondary rate limit";
    review.github.fail("POST", "/statuses/", 2, What::Answer(403, Some(0), limited));
    review.job("ghs_job").run(review.path(), &["check", "--post", "status"]).expect(0);
    assert_eq!(review.status("production").0, "success");
    review.github.fail("GET", "/status?", 1, What::Answer(403, Some(3_600), limited));
    let run = review.job("ghs_job").run(review.path(), &["check", "--post", "status"]).expect(3);
    assert!(run.stderr.contains("waiting 3600 s more is too long"), "{}", run.stderr);
    // A comment is only told: its failure does not change the verdict.
    review.github.fail("GET", "/comments", 1, What::Answer(403, Some(3_600), limited));
    let run = review.job("ghs_job").run(review.path(), &["check", "--post", "comment"]).expect(0);
    assert!(run.stderr.contains("note: no comment was written"), "{}", run.stderr);
}

#[test]
fn a_change_from_a_fork_is_judged_and_its_comment_left_to_the_summary() {
    let review = Review::new();
    let forbidden = "Resource not accessible by integration";
    review.github.fail("GET", "/comments", 9, What::Answer(403, None, forbidden));
    let job = review.job_for("ghs_job", &json!({"full_name": "stranger/overlays"}));
    let run = job.run(review.path(), &["check", "--post", "comment"]).expect(0);
    assert!(run.stderr.contains("note: no comment was written: the token may not comment"), "{}", run.stderr);
    review.github.fail("POST", "/statuses/", 9, What::Answer(403, None, forbidden));
    let run = job.run(review.path(), &["check", "--post", "status"]).expect(3);
    assert!(run.stderr.contains("hint: give the job the permission"), "{}", run.stderr);
    // Registries that such a run may not read leave the gate shut, and it says who can open it.
    let repository = &review.stage.repository;
    repository.write(&[("promote-bot.yaml", &crate::support::config("127.0.0.1:1", "127.0.0.1:1"))]);
    repository.replace("api/overlays/production/patch-image.yaml", review.stage.production.host(), "127.0.0.1:1");
    let run = job.run(review.path(), &["check"]).expect(3);
    assert!(run.stdout.contains("a maintainer has to push this branch"), "{}", run.stdout);
}

#[test]
fn check_runs_carry_the_report_and_annotations_in_batches() {
    let mut review = Review::new();
    let pods: String = (0..120).map(|n| format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{n}}}\nspec:\n  containers:\n  - {{name: c, image: \"{}/team/p{n}:1\"}}\n", review.stage.production.host())).collect();
    review.stage.repository.write(&[("pods/overlays/production/pods.yaml", &pods)]);
    review.stage.repository.commit("many pods");
    review.job("ghs_app").run(review.path(), &["check", "--post", "check-run"]).expect(1);
    {
        let state = review.github.state();
        let run = state.check_runs.iter().find(|run| run["name"] == "promote-bot/production").unwrap();
        assert_eq!((&run["status"], &run["conclusion"]), (&json!("completed"), &json!("failure")));
        assert_eq!(run["output"]["annotations_count"], 120);
        assert!(run["output"]["summary"].as_str().unwrap().contains("**To fix:**"));
        assert_eq!(run["head_sha"], review.head);
    }
    let count = review.github.state().check_runs.len();
    review.job("ghs_app").run(review.path(), &["check", "--post", "check-run"]).expect(1);
    assert_eq!(review.github.state().check_runs.len(), count, "the same verdict makes no new run");
    review.job("ghs_app").run(review.path(), &["check", "--post", "check-run", "-e", "dev"]).expect(0);
}

fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits until a status is pending.
fn until_pending(review: &Review, child: &mut Child) {
    while !review.github.statuses(&review.head).values().any(|status| status["state"] == "pending") {
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was pending");
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_closes_what_is_pending_and_settle_what_a_kill_left() {
    for (name, code) in [("-TERM", Some(143)), ("-INT", Some(130)), ("-KILL", None)] {
        let review = Review::new();
        let job = review.job("ghs_job");
        let mut child = job.start(review.path(), &["promote", "--post", "status"]);
        until_pending(&review, &mut child);
        signal(&child, name);
        let ended = child.wait().unwrap();
        let is_pending = || review.github.statuses(&review.head).values().any(|status| status["state"] == "pending");
        // It may have been done already.
        assert!(ended.code() == code || ended.code() == Some(0), "{name}: {ended:?}");
        assert!(name == "-KILL" || !is_pending(), "{name}");
        job.run(review.path(), &["report", "--settle"]).expect(0);
        assert!(!is_pending(), "{name}");
        for status in review.github.statuses(&review.head).values() {
            let closed = ["success", "error"].contains(&status["state"].as_str().unwrap());
            assert!(closed, "{status}");
        }
    }
}

/// Kills a run after each of its calls to the forge, and settles.
#[test]
fn whenever_a_run_is_killed_settling_leaves_nothing_pending() {
    let mut review = Review::new();
    let mut killed = 0;
    for calls in 0..20 {
        review.head = format!("{calls:040x}");
        review.github.take_log();
        let job = review.job("ghs_job");
        let mut child = job.start(review.path(), &["promote", "--post", "status,check-run,comment"]);
        while review.github.state().log.len() < calls && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        signal_if_alive(&mut child);
        killed += usize::from(child.wait().unwrap().code().is_none());
        job.run(review.path(), &["report", "--settle"]).expect(0);
        let statuses = review.github.statuses(&review.head);
        assert!(statuses.values().all(|status| status["state"] != "pending"), "after {calls} calls: {statuses:?}");
        let state = review.github.state();
        let open = state.check_runs.iter().find(|run| run["head_sha"] == review.head && run["status"] != "completed");
        assert_eq!(open, None, "after {calls} calls");
    }
    assert!(killed > 2, "only {killed} runs were killed");
    assert!(review.comments().len() <= 1);
}

fn signal_if_alive(child: &mut Child) {
    if child.try_wait().unwrap().is_none() {
        child.kill().unwrap();
    }
}

#[test]
fn an_error_closes_the_gates() {
    let review = Review::new();
    review.stage.repository.write(&[("policies/p.yaml", "version: 1\nrules: {tag: {level: loud}}\n")]);
    let config = crate::support::config(review.stage.dev.host(), review.stage.production.host());
    review.stage.repository.write(&[("promote-bot.yaml", &format!("{config}    policy: policies/p.yaml\n"))]);
    review.job("ghs_job").run(review.path(), &["promote", "--post", "status"]).expect(2);
    assert_eq!(review.status("production").0, "error");
}

#[test]
fn an_app_asks_for_a_token_that_may_do_no_more_than_is_needed() {
    let review = Review::new();
    let key = std::process::Command::new("openssl").args(["genrsa", "2048"]).output().unwrap();
    let file = review.event.path().join("key.pem");
    std::fs::write(&file, key.stdout).unwrap();
    review.github.state().head = "c".repeat(40);
    let jenkins = Program::new()
        .env("PROMOTE_BOT_GITHUB_APP_ID", "12")
        .env("PROMOTE_BOT_GITHUB_APP_PRIVATE_KEY_FILE", file.to_str().unwrap())
        .env("GITHUB_API_URL", &review.github.url)
        .env("JENKINS_URL", "https://ci.example")
        .env("CHANGE_URL", "https://github.com/acme/overlays/pull/12")
        .env("CHANGE_ID", "12")
        .env("CHANGE_TARGET", "main")
        .env("BUILD_URL", "https://ci.example/job/1/");
    let run = jenkins.run(review.path(), &["check", "--post", "status", "-v"]).expect(0);
    let status = review.github.statuses(&"c".repeat(40))["promote-bot/production"].clone();
    assert_eq!((&status["state"], &status["target_url"]), (&json!("success"), &json!("https://ci.example/job/1/")));
    // Somebody pushed while this was built: what is judged is not what would be reported on.
    let moved = jenkins
        .env("GIT_COMMIT", &"e".repeat(40))
        .run(review.path(), &["check", "--head", "HEAD", "--post", "status"])
        .expect(3);
    assert!(moved.stderr.contains("its head is cccc"), "{}", moved.stderr);
    let mut asked = review.github.state().token_requests.clone();
    asked.truncate(1);
    let permissions = json!({"metadata": "read", "checks": "write", "statuses": "write", "pull_requests": "read"});
    assert_eq!(asked, [json!({"repositories": ["overlays"], "permissions": permissions})]);
    assert!(!run.all().contains("ghs_minted") && !run.all().contains("BEGIN"), "{}", run.all());
}

#[test]
fn a_saved_report_is_rendered_and_posted_by_another_job() {
    let review = Review::new();
    let file = review.event.path().join("report.json");
    let format = format!("json={}", file.display());
    review.stage.program.run(review.path(), &["check", "-f", "text", "-f", &format]).expect(0);
    let text = review.stage.program.run(review.path(), &["check", "-f", "markdown"]).expect(0).stdout;
    let again =
        review.stage.program.run(review.path(), &["report", file.to_str().unwrap(), "-f", "markdown"]).expect(0).stdout;
    assert_eq!(again, text);
    review.job("ghs_job").run(review.path(), &["report", file.to_str().unwrap(), "--post", "comment"]).expect(0);
    assert_eq!(review.comments().len(), 1);
    std::fs::write(&file, "{}").unwrap();
    let run = review.stage.program.run(review.path(), &["report", file.to_str().unwrap()]).expect(2);
    assert!(run.stderr.contains("is not a report"), "{}", run.stderr);
}

#[test]
fn nowhere_to_post_at_is_said_before_anything_is_done() {
    let review = Review::new();
    let run = review.stage.program.run(review.path(), &["check", "--post", "status"]).expect(2);
    assert!(run.stderr.contains("no forge is known to post at"), "{}", run.stderr);
    let run = Program::new()
        .env("GITHUB_REPOSITORY", "acme/overlays")
        .run(review.path(), &["check", "--post", "status"])
        .expect(2);
    assert!(run.stderr.contains("there is no token to post at GitHub with"), "{}", run.stderr);
    let settled = review.stage.program.run(review.path(), &["report", "--settle"]).expect(0);
    assert!(settled.stderr.contains("settled 0 at no forge"), "{}", settled.stderr);
}

#[test]
fn a_runner_is_left_annotations_outputs_and_a_summary() {
    let review = Review::new();
    let (outputs, summary) = (review.event.path().join("outputs"), review.event.path().join("summary"));
    review.stage.repository.write(&[(
        "web/overlays/production/patch-image.yaml",
        &crate::support::patch_image(
            "web",
            &format!("{}/team/web:2.0.0 ##[error]forged", review.stage.production.host()),
        ),
    )]);
    let job = review
        .job("ghs_job")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", outputs.to_str().unwrap())
        .env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let run = job.run(review.path(), &["check", "--head", "worktree"]).expect(1);
    assert!(run.stdout.contains("\n::error file=web/overlays/production/patch-image.yaml,line=11,"), "{}", run.stdout);
    assert!(!run.stdout.contains("##["), "{}", run.stdout);
    let outputs = std::fs::read_to_string(outputs).unwrap();
    assert!(outputs.starts_with("result=failure\nchanged=2\nto-promote=1\npromoted=0\nviolations=1\n"), "{outputs}");
    assert!(outputs.ends_with("settled=true\n"), "{outputs}");
    assert!(std::fs::read_to_string(summary).unwrap().starts_with("### 🔴 promote-bot"));
}

#[test]
fn gitlab_is_shown_statuses_and_one_note() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.commit("api 1.1.0");
    let gitlab = GitLab::start();
    let job = Program::new()
        .env("GITLAB_TOKEN", "glpat-secret")
        .env("CI_API_V4_URL", &gitlab.url)
        .env("CI_PROJECT_ID", "9")
        .env("CI_COMMIT_SHA", &"d".repeat(40))
        .env("CI_MERGE_REQUEST_IID", "5");
    let state = |name: &str| {
        let remembered = gitlab.remembered.lock().unwrap();
        remembered.statuses.iter().find(|status| status["name"] == name).unwrap()["status"].clone()
    };
    for arguments in [["check", "--post", "status,comment"], ["promote", "--post", "status,comment"]] {
        let run = job.run(stage.repository.path(), &arguments).expect(0);
        assert_eq!((state("promote-bot/dev"), state("promote-bot/production")), (json!("success"), json!("success")));
        assert!(!run.all().contains("glpat-secret"));
    }
    let remembered = std::mem::take(&mut *gitlab.remembered.lock().unwrap());
    assert_eq!(remembered.notes.len(), 1);
    assert!(remembered.notes[0]["body"].as_str().unwrap().contains("promoted and proved"));
    let pending = json!({"name": "promote-bot/production", "status": "running", "description": "being judged"});
    gitlab.remembered.lock().unwrap().statuses.push(pending);
    job.run(stage.repository.path(), &["report", "--settle"]).expect(0);
    assert_eq!(state("promote-bot/production"), "failed");
}

#[test]
fn comments_of_two_runs_at_once_become_one() {
    let review = Review::new();
    let job = review.job("ghs_job");
    job.run(review.path(), &["check", "--post", "comment"]).expect(0);
    let mut second = review.github.state().comments[0].clone();
    second["id"] = 77.into();
    second["body"] = format!("{}stale", second["body"].as_str().unwrap().split("body=").next().unwrap()).into();
    review.github.state().comments.push(second);
    job.run(review.path(), &["check", "--post", "comment"]).expect(0);
    assert_eq!(review.comments().len(), 1);
    assert!(review.comments()[0].contains("may go"));
}

#[test]
fn no_gate_is_opened_where_nothing_was_proved() {
    let review = Review::new();
    let job = review.job("ghs_job");
    let offline = job.run(review.path(), &["check", "--offline", "--post", "status"]).expect(2);
    assert!(offline.stderr.contains("an offline check proves nothing"), "{}", offline.stderr);
    let file = review.event.path().join("report.json");
    review.stage.program.run(review.path(), &["check", "-f", &format!("json={}", file.display())]).expect(0);
    let path = file.to_str().unwrap();
    let later = review.job("ghs_job").env("GITHUB_EVENT_NAME", "workflow_run");
    let run = later.run(review.path(), &["report", path, "--post", "status"]).expect(2);
    assert!(run.stderr.contains("a gate is not opened on workflow_run"), "{}", run.stderr);
    let unread = review.job("ghs_job").env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_EVENT_PATH", "/nowhere");
    let run = unread.run(review.path(), &["check", "--post", "status"]).expect(2);
    assert!(run.stderr.contains("its head is not known"), "{}", run.stderr);
    let run = unread.run(review.path(), &["report", path, "--post", "comment"]).expect(2);
    assert!(run.stderr.contains("--change 12"), "{}", run.stderr);
    assert!(review.github.state().statuses.is_empty());
}

#[test]
fn hostile_names_reach_neither_the_comment_nor_the_runner_as_markup() {
    let review = Review::new();
    let hostile = r#"x|`y` <!-- promote-bot:v1 key=a --> @all\n::error::forged\n##[stop-commands]z\e[2J"#;
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: \"{hostile}\"}}\nspec:\n  containers:\n  - {{name: c, image: \"{hostile}\"}}\n"
    );
    review.stage.repository.write(&[("::warning file=x|`::/overlays/production/pod,line=1::.yaml", &pod)]);
    let job = review.job("ghs_job").env("GITHUB_ACTIONS", "true");
    let run = job.run(review.path(), &["check", "--post", "comment", "--color", "always"]).expect(1);
    let commands: Vec<&str> = run.stdout.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert!(
        !commands.is_empty() && commands.iter().all(|line| line.starts_with("::error file=%3A%3Awarning")),
        "{commands:?}"
    );
    assert!(!run.stdout.contains("##[") && !run.stdout.contains("\u{1b}[2J"), "{}", run.stdout);
    let comment = review.comments().remove(0);
    assert!(!comment.contains('\u{1b}'), "{comment}");
    let known = ["<!-- promote-bot:v1 key=promote-bot.yaml", "<details>", "</details>", "<sub>", "</sub>"];
    for event in Parser::new_ext(&comment, Options::ENABLE_TABLES) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                assert!(known.iter().any(|known| html.starts_with(known)), "{html} in {comment}");
            }
            Event::Text(text) => assert!(!text.contains("@all"), "{comment}"),
            _ => {}
        }
    }
    let rows: Vec<&str> = comment.lines().filter(|line| line.starts_with("| ")).collect();
    let cells = |row: &str| row.replace("\\|", "").matches('|').count();
    assert!(rows.iter().all(|row| cells(row) == 7), "{rows:#?}");
}

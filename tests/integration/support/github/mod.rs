//! A GitHub that remembers: statuses, check runs and comments behind its REST API, with faults on demand.
//!
//! Its answers are made of GitHub's own examples (from its OpenAPI description), so that they can be held to that description:
//! `tests/conformance/github/forge.sh` runs these tests through a server that does. Then `PROMOTE_BOT_TEST_FAKE_PORT` says where this
//! one listens, and `PROMOTE_BOT_TEST_GITHUB` which address the program is given.

pub mod http;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use http::{Reply, Request};

/// A running GitHub; one thread a connection, gone with the test.
pub struct GitHub {
    state: Arc<Mutex<State>>,
    /// The address of the API.
    pub url: String,
}

/// What it remembers.
#[derive(Default)]
pub struct State {
    /// By commit: every status that was ever posted.
    pub statuses: BTreeMap<String, Vec<Value>>,
    pub check_runs: Vec<Value>,
    pub comments: Vec<Value>,
    /// The head of every pull request.
    pub head: String,
    /// The branches that pull requests were merged into, and when, by the commit that the merge made.
    pub merges: BTreeMap<String, Vec<(String, String)>>,
    /// What was asked for tokens with.
    pub token_requests: Vec<Value>,
    /// Every request: method and path.
    pub log: Vec<(String, String)>,
    pub faults: Vec<Fault>,
}

/// Something that goes wrong, so many times.
pub struct Fault {
    pub method: &'static str,
    /// What the path has in it.
    pub path: &'static str,
    pub times: usize,
    pub what: What,
}

#[derive(Clone, Copy)]
pub enum What {
    /// The request is carried out, and its reply never comes.
    CutReply,
    /// It is answered so instead; the header is `retry-after`.
    Answer(u16, Option<u32>, &'static str),
}

impl GitHub {
    pub fn start() -> Self {
        let port = std::env::var("PROMOTE_BOT_TEST_FAKE_PORT").ok().map_or(0, |port| port.parse().unwrap());
        // A fixed port is that of the test before until its listener is gone.
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
        let listener = std::iter::repeat_with(bind).take(100_000).flatten().next().unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { head: "a".repeat(40), ..State::default() }));
        let shared = Arc::downgrade(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // The test that started it is over.
                let Some(state) = shared.upgrade() else { return };
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || http::serve(stream, |request| answer(&state, request)));
            }
        });
        let url = std::env::var("PROMOTE_BOT_TEST_GITHUB").unwrap_or(own);
        Self { state, url }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn fail(&self, method: &'static str, path: &'static str, times: usize, what: What) {
        self.state().faults.push(Fault { method, path, times, what });
    }

    /// The last status of each name on a commit.
    pub fn statuses(&self, commit: &str) -> BTreeMap<String, Value> {
        let state = self.state();
        let all = state.statuses.get(commit).into_iter().flatten();
        all.map(|status| (status["context"].as_str().unwrap().to_owned(), status.clone())).collect()
    }

    /// How many requests there were since the last time.
    pub fn take_log(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state().log)
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        // Wakes the listener, which then sees that nobody is left.
        self.state = Arc::default();
        let port = self.url.rsplit(':').next().and_then(|port| port.trim_end_matches("/api/v3").parse().ok());
        let port = std::env::var("PROMOTE_BOT_TEST_FAKE_PORT").ok().and_then(|port| port.parse().ok()).or(port);
        if let Some(port) = port {
            let _ = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

fn template(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn answer(state: &Mutex<State>, request: &Request) -> Option<Reply> {
    let mut state = state.lock().unwrap();
    state.log.push((request.method.clone(), request.path.clone()));
    if request.authorization.is_none() {
        return Some(Reply::json(401, &json!({"message": "Requires authentication"})));
    }
    let is_hit =
        |fault: &&mut Fault| fault.times > 0 && fault.method == request.method && request.path.contains(fault.path);
    let fault = state.faults.iter_mut().find(is_hit).map(|fault| {
        fault.times -= 1;
        fault.what
    });
    if let Some(What::Answer(status, retry_after, message)) = fault {
        let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest"});
        let headers = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
        return Some(Reply { headers, ..Reply::json(status, &body) });
    }
    let reply = route(&mut state, request);
    match fault {
        Some(What::CutReply) => None,
        _ => Some(reply),
    }
}

fn route(state: &mut State, request: &Request) -> Reply {
    let path = request.path.strip_prefix("/api/v3").unwrap_or(&request.path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let body = || serde_json::from_slice::<Value>(&request.body).unwrap();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["repos", _, _, "commits", commit, "status"]) => combined(state, commit),
        ("POST", ["repos", _, _, "statuses", commit]) => status(state, commit, &body()),
        ("GET", ["repos", _, _, "issues", _, "comments"]) => page(&state.comments, query),
        ("POST", ["repos", _, _, "issues", _, "comments"]) => comment(state, &body(), request),
        ("PATCH", ["repos", _, _, "issues", "comments", id]) => {
            let found = state.comments.iter_mut().find(|comment| is_numbered(comment, id)).unwrap();
            found["body"] = body()["body"].clone();
            Reply::json(200, found)
        }
        ("DELETE", ["repos", _, _, "issues", "comments", id]) => {
            state.comments.retain(|comment| !is_numbered(comment, id));
            Reply { body: String::new(), ..Reply::json(204, &Value::Null) }
        }
        ("GET", ["repos", _, _, "check-runs", id]) => {
            Reply::json(200, state.check_runs.iter().find(|run| is_numbered(run, id)).unwrap())
        }
        ("GET", ["repos", _, _, "commits", commit, "check-runs"]) => {
            let name =
                query.split('&').find_map(|pair| pair.strip_prefix("check_name=")).map(|n| n.replace("%2F", "/"));
            let is_asked =
                |run: &&Value| run["head_sha"] == *commit && name.as_ref().is_none_or(|name| run["name"] == **name);
            let runs: Vec<&Value> = state.check_runs.iter().filter(is_asked).collect();
            Reply::json(200, &json!({"total_count": runs.len(), "check_runs": runs}))
        }
        ("POST", ["repos", _, _, "check-runs"]) => check_run(state, &body()),
        ("PATCH", ["repos", _, _, "check-runs", id]) => {
            let found = state.check_runs.iter_mut().find(|run| is_numbered(run, id)).unwrap();
            assert_ne!(found["status"], "completed", "a completed run cannot be opened again");
            write_run(found, &body());
            Reply::json(200, found)
        }
        ("GET", ["repos", _, _]) => {
            let mut repository = template(include_str!("combined.json"))["repository"].clone();
            repository["permissions"] = json!({"admin": false, "push": false, "pull": true});
            Reply::json(200, &repository)
        }
        ("GET", ["repos", _, _, "pulls", number]) => {
            let mut pull = template(include_str!("pull.json"));
            pull["number"] = number.parse::<u64>().unwrap().into();
            pull["head"]["sha"] = state.head.clone().into();
            Reply::json(200, &pull)
        }
        ("GET", ["repos", _, _, "commits", commit, "pulls"]) => {
            let merged = |(branch, at): &(String, String)| {
                let mut pull = template(include_str!("pull.json"));
                pull["merged_at"] = at.clone().into();
                pull["merge_commit_sha"] = (*commit).into();
                pull["base"]["ref"] = branch.clone().into();
                pull
            };
            let pulls: Vec<Value> = state.merges.get(*commit).into_iter().flatten().map(merged).collect();
            Reply::json(200, &pulls.into())
        }
        ("GET", ["user"]) if request.is_app() => {
            Reply::json(403, &json!({"message": "Resource not accessible by integration"}))
        }
        ("GET", ["user"]) => {
            let mut user = template(include_str!("user.json"));
            user["login"] = request.login().into();
            Reply::json(200, &user)
        }
        ("GET", ["repos", _, _, "installation"]) => {
            let mut installation = template(include_str!("installation.json"));
            installation["permissions"] =
                json!({"checks": "write", "statuses": "write", "metadata": "read", "pull_requests": "read"});
            Reply::json(200, &installation)
        }
        ("POST", ["app", "installations", _, "access_tokens"]) => {
            state.token_requests.push(body());
            Reply::json(
                201,
                &json!({"token": "ghs_minted", "expires_at": "2030-01-01T00:00:00Z", "permissions": body()["permissions"]}),
            )
        }
        ("GET", ["repos", _, _, "rules", "branches", _]) => Reply::json(
            200,
            &json!([
                {"type": "merge_queue", "ruleset_source_type": "Repository", "ruleset_source": "acme/overlays", "ruleset_id": 1},
                {"type": "required_status_checks", "ruleset_source_type": "Repository", "ruleset_source": "acme/overlays", "ruleset_id": 1,
                 "parameters": {"required_status_checks": [{"context": "promote-bot"}], "strict_required_status_checks_policy": true}},
            ]),
        ),
        ("GET", ["repos", _, _, "branches", _]) => Reply::json(200, &template(include_str!("branch.json"))),
        _ => Reply::json(404, &json!({"message": "Not Found"})),
    }
}

fn is_numbered(thing: &Value, id: &str) -> bool {
    thing["id"].as_u64() == id.parse().ok()
}

fn combined(state: &State, commit: &str) -> Reply {
    let mut answer = template(include_str!("combined.json"));
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for status in state.statuses.get(commit).into_iter().flatten() {
        last.insert(status["context"].as_str().unwrap(), status);
    }
    answer["sha"] = commit.into();
    answer["total_count"] = last.len().into();
    answer["statuses"] = last.into_values().cloned().collect::<Vec<_>>().into();
    Reply::json(200, &answer)
}

fn status(state: &mut State, commit: &str, body: &Value) -> Reply {
    let mut status = template(include_str!("status.json"));
    for key in ["state", "description", "context"] {
        status[key] = body[key].clone();
    }
    status["target_url"] = body.get("target_url").cloned().unwrap_or(Value::Null);
    let all = state.statuses.entry(commit.to_owned()).or_default();
    status["id"] = (all.len() + 1).into();
    all.push(status.clone());
    // What is posted has its author, what is combined has not.
    status["creator"] = template(include_str!("comment.json"))["user"].clone();
    Reply::json(201, &status)
}

fn comment(state: &mut State, body: &Value, request: &Request) -> Reply {
    let mut comment = template(include_str!("comment.json"));
    comment["id"] = (state.comments.len() + 1).into();
    comment["body"] = body["body"].clone();
    comment["user"]["login"] = request.login().into();
    comment["user"]["type"] = if request.is_app() { "Bot" } else { "User" }.into();
    state.comments.push(comment.clone());
    Reply::json(201, &comment)
}

fn check_run(state: &mut State, body: &Value) -> Reply {
    let mut run = template(include_str!("check-run.json"));
    run["id"] = (state.check_runs.len() + 1).into();
    run["head_sha"] = body["head_sha"].clone();
    run["output"]["annotations_count"] = 0.into();
    write_run(&mut run, body);
    state.check_runs.push(run.clone());
    Reply::json(201, &run)
}

fn write_run(run: &mut Value, body: &Value) {
    for key in ["name", "status", "external_id", "details_url"] {
        if let Some(value) = body.get(key) {
            run[key] = value.clone();
        }
    }
    run["conclusion"] = body.get("conclusion").cloned().unwrap_or(Value::Null);
    run["completed_at"] = if run["status"] == "completed" { "2018-05-04T01:14:52Z".into() } else { Value::Null };
    run["output"]["title"] = body["output"]["title"].clone();
    run["output"]["summary"] = body["output"]["summary"].clone();
    let annotations = body["output"]["annotations"].as_array().map_or(0, Vec::len);
    assert!(annotations <= 50);
    run["output"]["annotations_count"] =
        (run["output"]["annotations_count"].as_u64().unwrap() + annotations as u64).into();
}

/// One page of a list; more are linked.
fn page(all: &[Value], query: &str) -> Reply {
    let number = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .and_then(|n| n.parse::<usize>().ok())
    };
    let (size, page) = (number("per_page").unwrap_or(30), number("page").unwrap_or(1));
    let start = (page - 1) * size;
    let shown: Vec<&Value> = all.iter().skip(start).take(size).collect();
    let mut reply = Reply::json(200, &json!(shown));
    if start + size < all.len() {
        let next = page + 1;
        // Whatever host it names, ours is to be asked.
        reply.headers = format!(
            "link: <https://api.github.com/repos/acme/overlays/issues/1/comments?per_page={size}&page={next}>; rel=\"next\"\r\n"
        );
    }
    reply
}

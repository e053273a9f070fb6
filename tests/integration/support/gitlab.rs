//! A GitLab that remembers statuses and notes, as its API's documentation shows them.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::github::http::{self, Reply, Request};

#[derive(Default)]
pub struct Remembered {
    pub statuses: Vec<Value>,
    pub notes: Vec<Value>,
    pub log: Vec<String>,
}

/// A running GitLab.
pub struct GitLab {
    pub remembered: Arc<Mutex<Remembered>>,
    pub url: String,
}

impl GitLab {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/api/v4", listener.local_addr().unwrap());
        let remembered = Arc::new(Mutex::new(Remembered::default()));
        let shared = remembered.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                http::serve(stream, |request| Some(answer(&mut shared.lock().unwrap(), request)));
            }
        });
        Self { remembered, url }
    }
}

fn answer(remembered: &mut Remembered, request: &Request) -> Reply {
    remembered.log.push(request.method.clone());
    let path = request.path.split('?').next().unwrap().trim_start_matches("/api/v4/");
    let parts: Vec<&str> = path.split('/').collect();
    let body = || serde_json::from_slice::<Value>(&request.body).unwrap();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["projects", "9", "repository", "commits", _, "statuses"]) => {
            Reply::json(200, &json!(remembered.statuses))
        }
        ("POST", ["projects", "9", "statuses", _]) => status(remembered, &body()),
        ("GET", ["projects", "9", "merge_requests", "5", "notes"]) => Reply::json(200, &json!(remembered.notes)),
        ("POST", ["projects", "9", "merge_requests", "5", "notes"]) => {
            let note = json!({"id": remembered.notes.len() + 1, "body": body()["body"], "author": {"id": 7}});
            remembered.notes.push(note.clone());
            Reply::json(201, &note)
        }
        ("PUT", ["projects", "9", "merge_requests", "5", "notes", id]) => {
            let number: usize = id.parse().unwrap();
            remembered.notes[number - 1]["body"] = body()["body"].clone();
            Reply::json(200, &remembered.notes[number - 1])
        }
        ("GET", ["user"]) => Reply::json(200, &json!({"id": 7})),
        _ => Reply::json(404, &json!({"message": "404 Not Found"})),
    }
}

/// A state that is there already is refused.
fn status(remembered: &mut Remembered, body: &Value) -> Reply {
    let new = json!({"name": body["name"], "status": body["state"], "description": body["description"]});
    match remembered.statuses.iter_mut().find(|status| status["name"] == new["name"]) {
        Some(there) if there["status"] == new["status"] => {
            Reply::json(400, &json!({"message": "Cannot transition status via :run from :running"}))
        }
        Some(there) => {
            *there = new.clone();
            Reply::json(201, &new)
        }
        None => {
            remembered.statuses.push(new.clone());
            Reply::json(201, &new)
        }
    }
}

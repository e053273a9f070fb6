//! The registry over HTTP, asked by a client of a few lines that shows every byte.

mod auth;
mod blobs;
mod faults;
mod lists;
mod manifests;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Options, Registry};
use crate::domain::Digest;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Whatever came back before the connection closed.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    fn location(&self) -> &str {
        let location = self.header("location").unwrap();
        let path = location.strip_prefix("http://").map(|rest| rest.find('/').unwrap() + 7);
        &location[path.unwrap_or(0)..]
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    }

    fn is_whole(&self) -> bool {
        self.header("content-length") == Some(&self.body.len().to_string())
    }
}

async fn registry() -> Registry {
    Registry::start(Options::default()).await.unwrap()
}

/// Sends a request on a connection of its own.
async fn open(registry: &Registry, request: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(registry.host()).await.unwrap();
    let mut head = format!("{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", registry.host());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    // The registry may close before it read all; then the answer is what counts.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    stream
}

/// Reads an answer to the end of the connection; `None` when there is none.
async fn read(mut stream: TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Some(Answer {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
    })
}

async fn try_send(registry: &Registry, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let sent = async { read(open(registry, request, headers, body).await).await };
    tokio::time::timeout(Duration::from_secs(20), sent).await.expect("an answer in time")
}

async fn send(registry: &Registry, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_send(registry, request, headers, body).await.expect("an answer")
}

async fn get(registry: &Registry, path: &str) -> Answer {
    send(registry, &format!("GET {path}"), &[], b"").await
}

/// Puts a config into the repository and returns an image manifest with it and `more` members.
fn image(registry: &Registry, repository: &str, more: &[(&str, Value)]) -> String {
    let config = registry.push_blob(repository, "{}");
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": 2},
        "layers": [],
    });
    for (name, value) in more {
        manifest[*name] = value.clone();
    }
    manifest.to_string()
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len()})
}

#[tokio::test]
async fn it_says_what_it_is_and_stops_with_its_handle() {
    let registry = registry().await;
    let answer = get(&registry, "/v2/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"));
    let waiting = TcpStream::connect(registry.host()).await.unwrap();
    let host = registry.host();
    drop(registry);
    assert!(read(waiting).await.is_none());
    while TcpStream::connect(&host).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let registry = registry().await;
    assert_eq!(get(&registry, "/elsewhere").await.status, 404);
    assert_eq!(get(&registry, "/token").await.status, 404);
    let answer = send(&registry, "POST /v2/a/tags/list", &[], b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "UNSUPPORTED"));
    let answer = get(&registry, "/v2/UPPER/tags/list").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "NAME_INVALID"));
}

#[tokio::test]
async fn requests_are_recorded_in_order() {
    let registry = registry().await;
    get(&registry, "/v2/").await;
    let headers = [("Authorization", "Basic x"), ("Range", "bytes=0-1"), ("Content-Range", "0-2")];
    send(&registry, "PATCH /v2/a/blobs/uploads/1?_state=2", &headers, b"abc").await;
    let requests = registry.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/v2/", "/v2/a/blobs/uploads/1"]);
    let last = &requests[1];
    assert_eq!((last.method.as_str(), last.query.as_str()), ("PATCH", "_state=2"));
    assert_eq!((last.status, last.received_bytes), (Some(404), 3));
    assert!(last.had_authorization && !requests[0].had_authorization);
    assert_eq!((last.range.as_deref(), last.content_range.as_deref()), (Some("bytes=0-1"), Some("0-2")));
    registry.clear_requests();
    assert_eq!(registry.requests(), []);
}

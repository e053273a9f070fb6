//! Debian's docker-registry, a process of its own on a free loopback port.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running registry; it ends with this value.
pub struct DockerRegistry {
    process: Child,
    host: String,
    _storage: TempDir,
}

impl DockerRegistry {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// A registry that asks for this user and password; `hash` is the password's bcrypt hash.
    pub fn with_login(user: &str, hash: &str) -> Self {
        Self::start_with(Some(&format!("{user}:{hash}\n")))
    }

    fn start_with(htpasswd: Option<&str>) -> Self {
        // A port that was free a moment ago may be taken by the time the registry wants it.
        (0..10).find_map(|_| Self::try_start(htpasswd)).expect("docker-registry did not start: is it installed?")
    }

    fn try_start(htpasswd: Option<&str>) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let storage = tempfile::tempdir().unwrap();
        let config = storage.path().join("config.yml");
        let root = storage.path().join("data");
        let auth = htpasswd.map(|line| {
            let file = storage.path().join("htpasswd");
            std::fs::write(&file, line).unwrap();
            format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display())
        });
        let auth = auth.unwrap_or_default();
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\n\
             http: {{addr: \"{host}\"}}\n{auth}",
            root.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new("docker-registry")
            .args(["serve", config.to_str().unwrap()])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is not installed: bash tests/run installs it");
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while log.read_line(&mut line).is_ok_and(|read| read > 0) {
            if line.contains("listening on") {
                // Its log must be read on, or it would stand still when the pipe is full.
                std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                return Some(Self { process, host, _storage: storage });
            }
            line.clear();
        }
        let _ = process.wait();
        None
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads a blob that is JSON.
    pub fn blob(&self, repository: &str, digest: &str) -> serde_json::Value {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&self.host).unwrap();
        write!(stream, "GET /v2/{repository}/blobs/{digest} HTTP/1.0\r\nHost: {}\r\n\r\n", self.host).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer without a body") + 4;
        serde_json::from_slice(&answer[body..]).unwrap()
    }

    /// Ends the process; the port is closed from then on.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}

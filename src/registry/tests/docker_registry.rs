//! A real registry: the process `/usr/bin/docker-registry` on a free port, with storage of its own.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running docker-registry; stopped when dropped.
pub(super) struct DockerRegistry {
    pub host: String,
    process: Child,
    _storage: TempDir,
}

/// bcrypt of `s3cret`, as htpasswd writes it.
const BOT: &str = "bot:$2b$04$BEuuB6KkK0GAL8LaC4q8fewcyq9pViQjvS.hAhWYNKrhbHLjag83C\n";

impl DockerRegistry {
    pub(super) fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a registry that lets in the user `bot` with the password `s3cret` only.
    pub(super) fn start_locked() -> Self {
        Self::start_with("auth:\n  htpasswd:\n    realm: test\n    path: {dir}/users\n")
    }

    /// Starts a registry that speaks TLS with `tls.pem` and `tls.key` of `dir`.
    pub(super) fn start_encrypted(dir: &std::path::Path) -> Self {
        let dir = dir.display();
        Self::start_with(&format!("  tls:\n    certificate: {dir}/tls.pem\n    key: {dir}/tls.key\n"))
    }

    fn start_with(auth: &str) -> Self {
        // The port is free when it is picked and may be taken a moment later: then another is tried.
        (0..10).find_map(|_| Self::try_start(auth)).expect("docker-registry does not start")
    }

    fn try_start(auth: &str) -> Option<Self> {
        let storage = tempfile::tempdir().unwrap();
        let dir = storage.path().display().to_string();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {dir}/store\n\
             http:\n  addr: 127.0.0.1:{port}\n{}",
            auth.replace("{dir}", &dir)
        );
        std::fs::write(storage.path().join("config.yml"), config).unwrap();
        std::fs::write(storage.path().join("users"), BOT).unwrap();
        let mut process = Command::new("/usr/bin/docker-registry")
            .arg("serve")
            .arg(storage.path().join("config.yml"))
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while log.read_line(&mut line).is_ok_and(|read| read > 0) {
            if line.contains("listening on") {
                // Its log is read on: it would stand still once the pipe is full.
                std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                return Some(Self { host: format!("127.0.0.1:{port}"), process, _storage: storage });
            }
            line.clear();
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Signatures in cosign's older format, made by openssl: a payload that names the digest, signed, under the tag made of the digest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promote_bot::domain::Digest;
use serde_json::json;
use tempfile::TempDir;

use super::image::{OCI_MANIFEST, artifact};
use super::skopeo::push;

/// A key pair of openssl's making.
pub struct Keys {
    directory: TempDir,
}

impl Keys {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys = Self { directory };
        let parameters = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
        openssl(&[&["genpkey"], &parameters[..], &["-out", keys.private().to_str().unwrap()]].concat(), None);
        openssl(
            &[
                "pkey",
                "-in",
                keys.private().to_str().unwrap(),
                "-pubout",
                "-out",
                keys.file("key.pub").to_str().unwrap(),
            ],
            None,
        );
        keys
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn private(&self) -> PathBuf {
        self.file("key.pem")
    }

    /// The public key, PEM.
    pub fn public(&self) -> String {
        std::fs::read_to_string(self.file("key.pub")).unwrap()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let file = self.file("message");
        std::fs::write(&file, message).unwrap();
        openssl(&["dgst", "-sha256", "-sign", self.private().to_str().unwrap(), file.to_str().unwrap()], None)
    }

    /// Tells whether openssl takes a signature for one by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (text, seal) = (self.file("message"), self.file("signature"));
        std::fs::write(&text, message).unwrap();
        std::fs::write(&seal, signature).unwrap();
        Command::new("openssl")
            .args([
                "dgst",
                "-sha256",
                "-verify",
                self.file("key.pub").to_str().unwrap(),
                "-signature",
                seal.to_str().unwrap(),
            ])
            .arg(&text)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    /// Signs an image in a repository (`host/name`).
    pub fn sign_image(&self, repository: &str, digest: &Digest) {
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": digest.to_string()},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let payload = payload.to_string().into_bytes();
        let signature = base64(&self.sign(&payload));
        let image = artifact(
            OCI_MANIFEST,
            "application/vnd.dev.cosign.simplesigning.v1+json",
            &payload,
            &json!({"dev.cosignproject.cosign/signature": signature}),
        );
        push(&image, &format!("{repository}:{}.sig", digest.to_string().replace(':', "-")));
    }
}

#[track_caller]
fn openssl(arguments: &[&str], directory: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let output = command.output().expect("openssl is not installed: bash tests/run installs it");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Base64 as openssl writes it, in one line.
pub fn base64(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("in"), bytes).unwrap();
    String::from_utf8(openssl(&["base64", "-A", "-in", "in"], Some(directory.path()))).unwrap().trim().to_owned()
}

/// Reads base64.
pub fn unbase64(text: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("in"), text).unwrap();
    openssl(&["base64", "-d", "-A", "-in", "in"], Some(directory.path()))
}

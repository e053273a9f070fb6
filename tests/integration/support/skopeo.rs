//! skopeo: it pushes what the tests need, and bears witness to what is there.

use std::process::{Command, Output};

use promote_bot::domain::Digest;

use super::image::Image;

fn skopeo(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new("skopeo")
        .args(["--insecure-policy", "--tmpdir", home.path().to_str().unwrap()])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .output()
        .expect("skopeo is not installed: bash tests/run installs it")
}

/// Pushes an image, whole and unchanged; `reference` is host/repository:tag.
#[track_caller]
pub fn push(image: &Image, reference: &str) {
    let directory = tempfile::tempdir().unwrap();
    image.write(directory.path());
    let (source, destination) = (format!("dir:{}", directory.path().display()), format!("docker://{reference}"));
    let output =
        skopeo(&["copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false", &source, &destination]);
    assert!(output.status.success(), "skopeo copy to {reference}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The manifest's bytes as the registry gives them; none when there is no such image.
pub fn raw(reference: &str) -> Option<Vec<u8>> {
    let output = skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{reference}")]);
    output.status.success().then_some(output.stdout)
}

/// The digest of what is there; none when there is no such image.
pub fn digest_of(reference: &str) -> Option<Digest> {
    raw(reference).map(|manifest| Digest::of(&manifest))
}

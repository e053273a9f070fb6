//! TLS: a registry with a certificate of its own authority, made by openssl for the test.

use std::path::Path;
use std::process::Command;

use super::docker_registry::DockerRegistry;
use super::sample::Sample;
use super::*;

fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes an authority and a certificate for 127.0.0.1 in `dir`.
fn certificates(dir: &Path) {
    let extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    std::fs::write(dir.join("leaf.cnf"), extensions).unwrap();
    openssl(
        dir,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
    );
    openssl(
        dir,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out leaf.csr -subj /CN=registry",
    );
    openssl(
        dir,
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tls.pem -days 2 -extfile leaf.cnf",
    );
}

#[tokio::test]
async fn a_registry_of_an_own_authority_is_trusted_where_the_settings_say_so() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let (dev, prod) = (DockerRegistry::start(), DockerRegistry::start_encrypted(dir.path()));
    let ca_pem = |name: &str| Some(std::fs::read(dir.path().join(name)).unwrap());
    let trusting =
        |name| registries_with([(prod.host.clone(), HostSettings { ca_pem: ca_pem(name), ..HostSettings::default() })]);
    let sample = Sample::image(&[(400, 1_000_000)]);
    let (from, to) = (format!("{}/api:1", dev.host), format!("{}/api:1", prod.host));
    sample.push(&registries(), &from).await;
    copied(&carry_out(&trusting("ca.pem"), vec![step(&from, &to, &sample.digest())]).await[0]);
    openssl(
        dir.path(),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout o.key -out other.pem -days 2 -subj /CN=other",
    );
    let error = trusting("other.pem").resolve(&image(&to)).await.unwrap_err();
    assert!(error.reason().contains("certificate"), "{}", error.reason());
}

#[tokio::test]
async fn a_loopback_registry_that_speaks_tls_is_spoken_to_so_and_trusted_no_sooner() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let registry = DockerRegistry::start_encrypted(dir.path());
    let error = registries().resolve(&image(&format!("{}/api:1", registry.host))).await.unwrap_err();
    assert!(error.reason().contains("certificate"), "{}", error.reason());
}

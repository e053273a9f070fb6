//! What goes wrong on the way: registries that are down, refuse, break off or lie; runs that are killed.

use std::process::Command;
use std::time::Duration;

use promote_bot::domain::Digest;
use promote_bot::registry::embedded::{Access, Action, Fault, Login, Options, Registry};
use serde_json::Value;

use crate::support::{
    DockerRegistry, Image, OCI_MANIFEST, Program, Repository, Run, Stage, config, descriptor, index, patch_image, push,
    single,
};

/// A repository with one module, and two embedded registries that can be told to misbehave.
struct Embedded {
    repository: Repository,
    dev: Registry,
    production: Registry,
    program: Program,
}

impl Embedded {
    async fn new(image: &Image) -> Self {
        Self::with(image, Options::default(), Options::default()).await
    }

    async fn with(image: &Image, dev: Options, production: Options) -> Self {
        let (dev, production) = (Registry::start(dev).await.unwrap(), Registry::start(production).await.unwrap());
        for blob in image.blobs() {
            dev.push_blob("api", blob.clone());
        }
        dev.push_manifest("api", "1.1.0", image.media_type, image.manifest.clone());
        let patch = |tag: &str| patch_image("api", &format!("{}/team/api:{tag}", production.host()));
        let path = "api/overlays/production/patch-image.yaml";
        let repository = Repository::with(&[
            ("promote-bot.yaml", &config(&dev.host(), &production.host())),
            (path, &patch("1.0.0")),
        ]);
        repository.write(&[(path, &patch("1.1.0"))]);
        Self { repository, dev, production, program: Program::new() }
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        let child = self.program.start(self.repository.path(), arguments);
        Run::of(tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap())
    }

    async fn report(&self, command: &str, code: i32) -> Value {
        self.run(&[command, "-f", "json"]).await.expect(code).json()
    }

    /// All blobs that manifests name.
    fn dev_blobs(&self, manifests: &[(String, Vec<u8>)]) -> Vec<Digest> {
        let mut blobs = Vec::new();
        for (_, content) in manifests {
            let manifest: Value = serde_json::from_slice(content).unwrap();
            let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
            let named = layers.iter().chain(manifest.get("config")).filter_map(|part| part["digest"].as_str());
            blobs.extend(named.map(|digest| digest.parse::<Digest>().unwrap()));
        }
        blobs
    }

    fn in_production(&self) -> Option<Vec<u8>> {
        self.production.manifest("team/api", "1.1.0").map(|manifest| manifest.content.to_vec())
    }
}

fn image() -> Image {
    single("api 1.1.0", &[vec![5; 300_000]])
}

#[test]
fn a_registry_that_is_down_is_exit_3_and_named() {
    let mut stage = Stage::new();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.production.stop();
    let host = stage.production.host().to_owned();
    for command in ["check", "promote"] {
        let run = stage.program.run(stage.repository.path(), &[command, "-f", "json"]).expect(3);
        let report = run.json();
        assert_eq!(report["result"], "error");
        assert_eq!(Stage::image(&report, "production", "team/api")["state"], "unknown");
        assert!(report["environments"][1]["findings"][0]["message"].as_str().unwrap().contains(&host));
    }
}

/// The bcrypt hash of `correct horse`, as `htpasswd -nbB -C 4` makes it.
const HASH: &str = "$2y$04$MkcDSCm16I5qV5XjJTPPg.zf3XSt3.PAnuxvM2g77gm3or0SF3z5i";

#[test]
fn a_wrong_password_is_exit_3_and_in_no_output() {
    let production = DockerRegistry::with_login("bot", HASH);
    let dev = DockerRegistry::start();
    push(&single("api", &[]), &format!("{}/api:1.1.0", dev.host()));
    let text = config(dev.host(), production.host())
        + &format!(
            "registries:\n  {}: {{username: 'env:BOT_USER', password: 'env:BOT_PASSWORD'}}\n",
            production.host()
        );
    let repository = Repository::with(&[("promote-bot.yaml", &text)]);
    repository.write(&[(
        "api/overlays/production/p.yaml",
        &patch_image("api", &format!("{}/team/api:1.1.0", production.host())),
    )]);
    let program = |password: &str| Program::new().env("BOT_USER", "bot").env("BOT_PASSWORD", password);
    let secret = "n0t-the-passw0rd";
    for command in ["check", "promote"] {
        for format in ["text", "json"] {
            let run = program(secret).run(repository.path(), &["-v", command, "-f", format]).expect(3);
            assert!(!run.all().contains(secret), "{}", run.all());
            assert!(!run.all().contains(&base64(&format!("bot:{secret}"))), "{}", run.all());
        }
    }
    let report = program("correct horse").json(repository.path(), &["promote"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "copied");
}

#[test]
fn a_docker_login_is_found_by_itself() {
    let production = DockerRegistry::with_login("bot", HASH);
    let dev = DockerRegistry::start();
    push(&single("api", &[]), &format!("{}/api:1.1.0", dev.host()));
    let repository = Repository::with(&[("promote-bot.yaml", &config(dev.host(), production.host()))]);
    repository.write(&[(
        "api/overlays/production/p.yaml",
        &patch_image("api", &format!("{}/team/api:1.1.0", production.host())),
    )]);
    let program = Program::new();
    program.run(repository.path(), &["promote"]).expect(3);
    let auth = format!(r#"{{"auths": {{"{}": {{"auth": "{}"}}}}}}"#, production.host(), base64("bot:correct horse"));
    std::fs::create_dir(program.home().join(".docker")).unwrap();
    std::fs::write(program.home().join(".docker/config.json"), auth).unwrap();
    program.run(repository.path(), &["promote"]).expect(0);
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_copy_leaves_no_tag_and_the_next_run_completes_it() {
    let image = image();
    let stage = Embedded::new(&image).await;
    stage
        .production
        .fault(Fault::new().method("PUT").path_contains("/blobs/uploads/").nth(2..).then(Action::PauseAfter(100)));
    let mut child = stage.program.start(stage.repository.path(), &["promote"]);
    tokio::time::timeout(Duration::from_secs(60), stage.production.until_paused())
        .await
        .expect("the copy never got there");
    assert_eq!(stage.in_production(), None, "the tag was visible before its content");
    child.kill().unwrap();
    child.wait().unwrap();
    stage.production.clear_faults();
    stage.production.release();
    assert_eq!(stage.in_production(), None);
    let report = stage.report("promote", 0).await;
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "copied");
    assert_eq!(stage.in_production(), Some(image.manifest));
    let writes = stage.production.requests();
    let named = writes
        .iter()
        .position(|request| request.method == "PUT" && request.path.ends_with("/manifests/1.1.0"))
        .unwrap();
    let last_blob = writes.iter().rposition(|r| r.method == "PUT" && r.path.contains("/blobs/uploads/")).unwrap();
    assert!(named > last_blob, "the tag was written before a blob");
}

/// An index with a signature by cosign's tag at the source: what a promotion has to bring whole.
async fn signed_index() -> (Embedded, Vec<(String, Vec<u8>)>) {
    let image = index("api 1.1.0", &[vec![7; 2_000], vec![8; 2_000], vec![9; 2_000]]);
    let stage = Embedded::new(&image).await;
    let payload = b"payload".to_vec();
    let config = b"{}".to_vec();
    let layer = descriptor("application/vnd.dev.cosign.simplesigning.v1+json", &payload);
    let config_descriptor = descriptor("application/vnd.oci.image.config.v1+json", &config);
    let signature = serde_json::json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config_descriptor, "layers": [layer],
    });
    let tag = format!("sha256-{}.sig", image.digest().hex());
    stage.dev.push_blob("api", payload);
    stage.dev.push_blob("api", config);
    stage.dev.push_manifest("api", &tag, OCI_MANIFEST, signature.to_string());
    for child in image.children() {
        stage.dev.push_manifest("api", &Digest::of(child).to_string(), OCI_MANIFEST, child.clone());
    }
    let manifests = image.children().iter().map(|child| (Digest::of(child).to_string(), child.clone()));
    let named = [("1.1.0".to_owned(), image.manifest.clone()), (tag, signature.to_string().into_bytes())];
    (stage, manifests.chain(named).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_killed_at_any_write_names_nothing_and_the_next_run_completes_all_of_it() {
    let mut killed = 0;
    for point in 0..24 {
        let (stage, expected) = signed_index().await;
        stage.production.fault(Fault::new().method("PUT").nth(point..).then(Action::Pause));
        let mut child = stage.program.start(stage.repository.path(), &["promote"]);
        let is_over = async {
            while child.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        let is_paused = tokio::select! {
            () = stage.production.until_paused() => true,
            () = is_over => false,
        };
        if is_paused {
            killed += 1;
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(stage.in_production(), None, "the tag was visible at write {point}");
        }
        stage.production.clear_faults();
        stage.production.release();
        stage.report("promote", 0).await;
        for (reference, content) in &expected {
            let there = stage.production.manifest("team/api", reference);
            assert_eq!(there.map(|there| there.content.to_vec()).as_ref(), Some(content), "{reference} after {point}");
        }
        for blob in stage.dev_blobs(&expected) {
            assert!(stage.production.blob("team/api", &blob).is_some(), "{blob} after {point}");
        }
    }
    assert!(killed >= 20, "only {killed} of the points were reached");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_copy_ends_with_143_and_names_nothing() {
    let stage = Embedded::new(&image()).await;
    stage.production.fault(Fault::new().method("PUT").path_contains("/blobs/uploads/").then(Action::Pause));
    let child = stage.program.start(stage.repository.path(), &["promote"]);
    tokio::time::timeout(Duration::from_secs(60), stage.production.until_paused())
        .await
        .expect("the copy never got there");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let run = Run::of(tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap());
    run.expect(143);
    assert_eq!(stage.in_production(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_not_what_its_digest_says_is_never_named() {
    let stage = Embedded::new(&image()).await;
    stage.dev.fault(Fault::new().method("GET").path_contains("/blobs/").then(Action::Corrupt));
    let report = stage.run(&["promote", "-f", "json"]).await.json();
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "failed");
    assert_eq!(stage.in_production(), None);
    let finding = report["environments"][1]["findings"][0]["message"].as_str().unwrap().to_owned();
    assert!(finding.contains("digest"), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_and_a_busy_registry_are_tried_again() {
    let image = image();
    let stage = Embedded::new(&image).await;
    stage.dev.fault(Fault::new().method("GET").path_contains("/blobs/").times(1).then(Action::CutAfter(1000)));
    stage.production.fault(Fault::new().method("PUT").times(1).then(Action::Status(503, Some(Duration::ZERO))));
    let report = stage.report("promote", 0).await;
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "copied");
    assert_eq!(stage.in_production(), Some(image.manifest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_not_what_its_digest_says_is_not_believed() {
    let stage = Embedded::new(&image()).await;
    stage.dev.fault(Fault::new().method("GET").path_contains("/manifests/").then(Action::Corrupt));
    stage.run(&["promote", "-f", "json"]).await.expect(1);
    assert_eq!(stage.in_production(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_stays_with_its_own_host() {
    let stranger = Registry::start(Options::default()).await.unwrap();
    let realm = format!("http://{}/token", stranger.host());
    let token = promote_bot::registry::embedded::TokenAuth { realm: Some(realm), ..Default::default() };
    let options = Options { access: Access::Token(token), ..Options::default() };
    let mut stage = Embedded::with(&image(), Options::default(), options).await;
    let auth = format!(r#"{{"auths": {{"{}": {{"auth": "{}"}}}}}}"#, stage.production.host(), base64("bot:s3cret"));
    std::fs::create_dir(stage.program.home().join(".docker")).unwrap();
    std::fs::write(stage.program.home().join(".docker/config.json"), auth).unwrap();
    stage.program = stage.program.env("PROMOTE_BOT_VERBOSE", "true");
    let run = stage.run(&["check"]).await.expect(3);
    assert!(!run.all().contains("s3cret"), "{}", run.all());
    assert!(stranger.requests().iter().all(|request| !request.had_authorization));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_tag_that_another_run_wrote_first_is_compared_not_skipped() {
    let image = image();
    let login = Access::Basic(Login::new("bot", "s3cret"));
    let options = Options { access: login, immutable_tags: true, ..Options::default() };
    let stage = Embedded::with(&image, Options::default(), options).await;
    let auth = format!(r#"{{"auths": {{"{}": {{"auth": "{}"}}}}}}"#, stage.production.host(), base64("bot:s3cret"));
    std::fs::create_dir(stage.program.home().join(".docker")).unwrap();
    std::fs::write(stage.program.home().join(".docker/config.json"), auth).unwrap();
    stage.production.fault(Fault::new().method("PUT").path_contains("/blobs/uploads/").nth(1..=1).then(Action::Pause));
    let child = stage.program.start(stage.repository.path(), &["promote", "-f", "json"]);
    tokio::time::timeout(Duration::from_secs(60), stage.production.until_paused())
        .await
        .expect("the copy never got there");
    let other = single("somebody else's", &[]);
    stage.production.push_manifest("team/api", "1.1.0", other.media_type, other.manifest.clone());
    stage.production.release();
    let run = Run::of(tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()).expect(1);
    assert_eq!(Stage::image(&run.json(), "production", "team/api")["state"], "conflict");
    assert_eq!(stage.in_production(), Some(other.manifest));
}

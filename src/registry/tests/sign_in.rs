//! Tokens: who gets credentials, how often they are sent, and what happens when they end.

use super::super::embedded::{Access, Action, Fault, Login, Options, Registry, TokenAuth};
use super::sample::Sample;
use super::*;

async fn with_tokens(auth: TokenAuth) -> Registry {
    let access = Access::Token(TokenAuth { login: Some(Login::new("bot", "s3cret")), ..auth });
    Registry::start(Options { access, ..Options::default() }).await.unwrap()
}

fn token_requests(registry: &Registry) -> usize {
    registry.requests().iter().filter(|request| request.path == "/token").count()
}

#[tokio::test]
async fn one_token_serves_a_repository_for_a_whole_copy() {
    let (dev, prod) = (with_tokens(TokenAuth::default()).await, with_tokens(TokenAuth::default()).await);
    let sample = Sample::index(100);
    sample.put_into(&dev, "api", "1");
    let registries = registries_with([(dev.host(), login("bot", "s3cret")), (prod.host(), login("bot", "s3cret"))]);
    let (from, to) = (format!("{}/api:1", dev.host()), format!("{}/api:1", prod.host()));
    copied(&carry_out(&registries, vec![step(&from, &to, &sample.digest())]).await[0]);
    assert_eq!((token_requests(&dev), token_requests(&prod)), (1, 1));
    let refused =
        |registry: &Registry| registry.requests().iter().filter(|request| request.status == Some(401)).count();
    assert_eq!((refused(&dev), refused(&prod)), (1, 1));
}

#[tokio::test]
async fn a_token_that_ends_is_fetched_anew() {
    let registry = with_tokens(TokenAuth::default()).await;
    Sample::image(&[(110, 10)]).put_into(&registry, "api", "1");
    let registries = registries_with([(registry.host(), login("bot", "s3cret"))]);
    let name = image(&format!("{}/api:1", registry.host()));
    assert!(registries.resolve(&name).await.unwrap().is_some());
    registry.expire_tokens();
    assert!(registries.resolve(&name).await.unwrap().is_some());
    assert_eq!(token_requests(&registry), 2);
}

#[tokio::test]
async fn a_strangers_token_service_gets_no_password() {
    let stranger = Registry::start(Options::default()).await.unwrap();
    let realm = Some(format!("http://{}/token", stranger.host()));
    let registry = with_tokens(TokenAuth { realm, ..TokenAuth::default() }).await;
    let registries = registries_with([(registry.host(), login("bot", "s3cret"))]);
    let error = registries.resolve(&image(&format!("{}/api:1", registry.host()))).await.unwrap_err();
    assert!(error.to_string().contains("must not be given its credentials"), "{error}");
    assert!(error.to_string().contains(&stranger.host()));
    assert_eq!(stranger.requests(), []);
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_name_and_not_shown() {
    let registry = with_tokens(TokenAuth::default()).await;
    let registries = registries_with([(registry.host(), login("bot", "hunter22"))]);
    let error = registries.resolve(&image(&format!("{}/api:1", registry.host()))).await.unwrap_err();
    assert!(error.reason().contains("refused the credentials: 401"), "{}", error.reason());
    assert!(!format!("{error:?} {}", error.reason()).contains("hunter22"));
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let registry = with_tokens(TokenAuth { identity_token: Some("refresh-me".into()), ..TokenAuth::default() }).await;
    Sample::image(&[(112, 10)]).put_into(&registry, "api", "1");
    let dir = tempfile::tempdir().unwrap();
    let file = format!(r#"{{"auths": {{"{}": {{"identitytoken": "refresh-me"}}}}}}"#, registry.host());
    std::fs::write(dir.path().join("config.json"), file).unwrap();
    let sources =
        CredentialSources { docker_config_dir: Some(dir.path().to_path_buf()), ..CredentialSources::default() };
    let registries = Registries::new(Settings::default(), &sources).unwrap();
    assert!(registries.resolve(&image(&format!("{}/api:1", registry.host()))).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_that_ends_amid_an_upload_is_fetched_anew() {
    let (dev, prod) = (Registry::start(Options::default()).await.unwrap(), with_tokens(TokenAuth::default()).await);
    let sample = Sample::image(&[(120, 3_000_000)]);
    sample.put_into(&dev, "api", "1");
    prod.fault(Fault::new().method("PUT").path_contains("blobs/uploads").times(2).then(Action::Status(401, None)));
    let registries = registries_with([(prod.host(), login("bot", "s3cret"))]);
    let (from, to) = (format!("{}/api:1", dev.host()), format!("{}/api:1", prod.host()));
    copied(&carry_out(&registries, vec![step(&from, &to, &sample.digest())]).await[0]);
    assert!((2..=3).contains(&token_requests(&prod)));
}

#[tokio::test]
async fn mounting_asks_for_the_right_to_read_the_other_repository() {
    let registry = with_tokens(TokenAuth::default()).await;
    let sample = Sample::image(&[(121, 500_000)]);
    sample.put_into(&registry, "dev/api", "1");
    let registries = registries_with([(registry.host(), login("bot", "s3cret"))]);
    let (from, to) = (format!("{}/dev/api:1", registry.host()), format!("{}/prod/api:1", registry.host()));
    let outcome = &carry_out(&registries, vec![step(&from, &to, &sample.digest())]).await[0];
    assert_eq!(copied(outcome).0, sample.manifests[0].1.len() as u64);
    assert_eq!(token_requests(&registry), 3);
}

#[tokio::test]
async fn no_authorization_follows_a_redirect_to_another_host() {
    for access in [
        Access::Basic(Login::new("bot", "s3cret")),
        Access::Token(TokenAuth { login: Some(Login::new("bot", "s3cret")), ..TokenAuth::default() }),
    ] {
        let dev = Registry::start(Options { access, ..Options::default() }).await.unwrap();
        let (store, prod) =
            (Registry::start(Options::default()).await.unwrap(), Registry::start(Options::default()).await.unwrap());
        let sample = Sample::image(&[(130, 500_000), (131, 50)]);
        sample.put_into(&dev, "api", "1");
        for blob in &sample.blobs {
            let digest = store.push_blob("store", blob.clone());
            let target = format!("http://{}/v2/store/blobs/{digest}", store.host());
            dev.fault(Fault::new().method("GET").path_contains(digest.hex()).then(Action::Redirect(target)));
        }
        // A store that asks for credentials gets none either.
        store.fault(
            Fault::new()
                .times(1)
                .then(Action::Status(401, None))
                .then(Action::Header("WWW-Authenticate".into(), "Basic".into())),
        );
        let registries = registries_with([(dev.host(), login("bot", "s3cret"))]);
        let (from, to) = (format!("{}/api:1", dev.host()), format!("{}/api:1", prod.host()));
        let one = || vec![step(&from, &to, &sample.digest())];
        reason(&carry_out(&registries, one()).await[0]);
        copied(&carry_out(&registries, one()).await[0]);
        assert!(store.requests().len() >= 4);
        assert!(store.requests().iter().all(|request| !request.had_authorization));
    }
}

#[tokio::test]
async fn a_token_service_that_stumbles_is_asked_again_as_often_as_a_registry() {
    let registry = with_tokens(TokenAuth::default()).await;
    Sample::image(&[(140, 10)]).put_into(&registry, "api", "1");
    registry.fault(Fault::new().path_contains("/token").nth(..=2).then(Action::Status(503, None)));
    let name = image(&format!("{}/api:1", registry.host()));
    let registries = registries_with([(registry.host(), login("bot", "s3cret"))]);
    assert!(registries.resolve(&name).await.unwrap().is_some());
    assert_eq!(token_requests(&registry), 3);
    registry.expire_tokens();
    registry.clear_faults();
    registry.fault(Fault::new().path_contains("/token").then(Action::Drop));
    let error = registries.resolve(&name).await.unwrap_err();
    assert!(error.to_string().contains("cannot get a token"), "{error}");
    assert_eq!(token_requests(&registry), 3 + 4);
}

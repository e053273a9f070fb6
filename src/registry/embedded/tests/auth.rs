//! Logins and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{Access, Login, TokenAuth};
use super::*;

fn basic(login: &str) -> String {
    format!("Basic {}", STANDARD.encode(login))
}

async fn with_access(access: Access) -> Registry {
    Registry::start(Options { access, ..Options::default() }).await.unwrap()
}

async fn with_tokens(token_auth: TokenAuth) -> Registry {
    let login = Some(Login::new("bot", "secret"));
    with_access(Access::Token(TokenAuth { login, ..token_auth })).await
}

async fn token(registry: &Registry, scope: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
    send(registry, &format!("GET /token?service=embedded&scope={scope}"), &headers, b"").await
}

async fn with_token(registry: &Registry, request: &str, token: &Answer) -> Answer {
    let bearer = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    send(registry, request, &[("Authorization", &bearer)], b"").await
}

#[tokio::test]
async fn a_basic_login_is_asked_for_and_checked() {
    let registry = with_access(Access::Basic(Login::new("bot", "secret"))).await;
    let answer = get(&registry, "/v2/").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"));
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"embedded\""));
    for (login, status) in [("bot:wrong", 401), ("bot:secret", 200)] {
        let answer = send(&registry, "GET /v2/", &[("Authorization", &basic(login))], b"").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_challenge_names_realm_service_and_scope() {
    let registry = with_tokens(TokenAuth::default()).await;
    let start = format!("Bearer realm=\"http://{}/token\",service=\"embedded\"", registry.host());
    let version = get(&registry, "/v2/").await;
    assert_eq!(version.header("www-authenticate"), Some(start.as_str()));
    let read = get(&registry, "/v2/team/a/tags/list").await;
    let wanted = format!("{start},scope=\"repository:team/a:pull\"");
    assert_eq!(read.header("www-authenticate"), Some(wanted.as_str()));
    let mount = format!("POST /v2/a/blobs/uploads/?mount={}&from=b", Digest::of(b"x"));
    let mount = send(&registry, &mount, &[], b"").await;
    let wanted = format!("{start},scope=\"repository:a:pull,push repository:b:pull\"");
    assert_eq!(mount.header("www-authenticate"), Some(wanted.as_str()));
}

#[tokio::test]
async fn a_token_is_good_for_what_it_was_asked_for() {
    let registry = with_tokens(TokenAuth::default()).await;
    assert_eq!(token(&registry, "repository:a:pull", None).await.status, 401);
    assert_eq!(token(&registry, "repository:a:pull", Some(&basic("bot:no"))).await.status, 401);
    let reader = token(&registry, "repository:a:pull", Some(&basic("bot:secret"))).await;
    assert_eq!((reader.status, reader.json()["expires_in"].as_u64()), (200, Some(300)));
    assert_eq!(with_token(&registry, "GET /v2/", &reader).await.status, 200);
    assert_eq!(with_token(&registry, "GET /v2/a/tags/list", &reader).await.status, 404);
    for request in ["GET /v2/b/tags/list", "POST /v2/a/blobs/uploads/"] {
        let answer = with_token(&registry, request, &reader).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").unwrap().ends_with("error=\"insufficient_scope\""));
    }
    let writer = token(&registry, "repository:a:pull,push", Some(&basic("bot:secret"))).await;
    assert_eq!(with_token(&registry, "POST /v2/a/blobs/uploads/", &writer).await.status, 202);
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let registry = with_tokens(TokenAuth { identity_token: Some("identity".to_owned()), ..TokenAuth::default() });
    let registry = registry.await;
    for (grant, status) in [
        ("grant_type=refresh_token&refresh_token=identity", 200),
        ("grant_type=refresh_token&refresh_token=other", 401),
        ("grant_type=password&username=bot&password=secret", 200),
        ("grant_type=password&username=bot", 401),
        ("grant_type=other", 405),
    ] {
        let form = format!("{grant}&service=embedded&scope=repository%3Aa%3Apull%2Cpush");
        let answer = send(&registry, "POST /token", &[], form.as_bytes()).await;
        assert_eq!(answer.status, status, "{grant}");
        if status == 200 {
            let opened = with_token(&registry, "POST /v2/a/blobs/uploads/", &answer).await;
            assert_eq!(opened.status, 202);
        }
    }
}

#[tokio::test]
async fn an_anonymous_token_reads_only() {
    let registry = with_tokens(TokenAuth { anonymous_pull: true, ..TokenAuth::default() });
    let registry = registry.await;
    let anonymous = token(&registry, "repository:a:pull,push", None).await;
    assert_eq!(with_token(&registry, "GET /v2/a/tags/list", &anonymous).await.status, 404);
    assert_eq!(with_token(&registry, "POST /v2/a/blobs/uploads/", &anonymous).await.status, 401);
}

#[tokio::test]
async fn a_token_ends_with_its_time_or_when_told() {
    let registry = with_tokens(TokenAuth { lifetime: Duration::ZERO, ..TokenAuth::default() });
    let registry = registry.await;
    let dead = token(&registry, "repository:a:pull", Some(&basic("bot:secret"))).await;
    let answer = with_token(&registry, "GET /v2/", &dead).await;
    assert!(answer.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""));

    let registry = with_tokens(TokenAuth::default()).await;
    let good = token(&registry, "repository:a:pull", Some(&basic("bot:secret"))).await;
    assert_eq!(with_token(&registry, "GET /v2/", &good).await.status, 200);
    registry.expire_tokens();
    assert_eq!(with_token(&registry, "GET /v2/", &good).await.status, 401);
}

#[test]
fn secrets_are_not_printed() {
    let token_auth = TokenAuth {
        login: Some(Login::new("bot", "hidden")),
        identity_token: Some("hidden".to_owned()),
        ..TokenAuth::default()
    };
    let printed = format!("{:?}", Access::Token(token_auth));
    assert!(printed.contains("***") && !printed.contains("hidden"), "{printed}");
}

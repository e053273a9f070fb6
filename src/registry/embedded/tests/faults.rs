//! Every action does what it says.

use std::time::Instant;

use bytes::Bytes;

use super::super::{Access, Action, Fault, Login};
use super::*;

/// A registry with one blob, and the request for it.
async fn with_blob(content: impl Into<Bytes>) -> (Registry, String) {
    let registry = registry().await;
    let digest = registry.push_blob("a", content);
    (registry, format!("GET /v2/a/blobs/{digest}"))
}

async fn under(action: Action) -> (Registry, Answer) {
    let (registry, request) = with_blob("0123456789").await;
    registry.fault(Fault::new().then(action));
    let answer = send(&registry, &request, &[], b"").await;
    (registry, answer)
}

#[tokio::test]
async fn a_rule_takes_the_requests_it_matches_and_no_others() {
    let (registry, request) = with_blob("x").await;
    let status = |status| Action::Status(status, None);
    registry.fault(Fault::new().method("PUT").then(status(500)));
    registry.fault(Fault::new().path_contains("/manifests/").then(status(501)));
    registry.fault(Fault::new().query_contains("n=").then(status(502)));
    registry.fault(Fault::new().method("GET").path_contains("/blobs/").nth(2..=3).then(status(503)));
    registry.fault(Fault::new().method("GET").path_contains("/blobs/").nth(2..).times(1).then(status(504)));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(send(&registry, &request, &[], b"").await.status);
    }
    // The last rule sees what the one before it leaves: the first, the fourth and the fifth.
    assert_eq!(statuses, [200, 503, 503, 504, 200]);
    assert_eq!(get(&registry, "/v2/a/tags/list?n=1").await.status, 502);
    let faulted: Vec<bool> = registry.requests().iter().map(|request| request.faulted).collect();
    assert_eq!(faulted, [false, true, true, true, false, true]);
    registry.clear_faults();
    assert_eq!(get(&registry, "/v2/a/tags/list?n=1").await.status, 200);
}

#[tokio::test]
async fn a_delay_delays_and_a_status_answers() {
    let (registry, request) = with_blob("x").await;
    let retry_after = Some(Duration::from_secs(7));
    let delay = Action::Delay(Duration::from_millis(50));
    registry.fault(Fault::new().then(delay).then(Action::Status(429, retry_after)));
    let began = Instant::now();
    let answer = send(&registry, &request, &[], b"").await;
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!((answer.status, answer.code().as_str()), (429, "TOOMANYREQUESTS"));
    assert_eq!(answer.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn a_401_on_request_has_the_challenge_of_the_registry() {
    let registry =
        Registry::start(Options { access: Access::Basic(Login::new("bot", "secret")), ..Options::default() });
    let registry = registry.await.unwrap();
    registry.fault(Fault::new().then(Action::Status(401, None)));
    let answer = get(&registry, "/v2/a/tags/list").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"));
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
}

#[tokio::test]
async fn answers_can_be_changed() {
    let (_, answer) = under(Action::Corrupt).await;
    assert_eq!(answer.body, b"0123446789");
    assert!(answer.is_whole());
    let (_, answer) = under(Action::Body(Bytes::from_static(b"{}"))).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert!(answer.is_whole());
    let (_, answer) = under(Action::ContentType("text/html".to_owned())).await;
    assert_eq!(answer.header("content-type"), Some("text/html"));
    let (_, answer) = under(Action::WrongDigestHeader).await;
    let claimed: Digest = answer.header("docker-content-digest").unwrap().parse().unwrap();
    assert!(!claimed.matches(&answer.body));
    let (_, answer) = under(Action::Header("X-Any".to_owned(), "1".to_owned())).await;
    assert_eq!(answer.header("x-any"), Some("1"));
    let (_, answer) = under(Action::WithoutHeader("Docker-Content-Digest".to_owned())).await;
    assert_eq!(answer.header("docker-content-digest"), None);
    let (_, answer) = under(Action::Redirect("http://a.example/".to_owned())).await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("http://a.example/")));
}

#[tokio::test]
async fn a_download_is_cut_at_the_byte() {
    for size in [0, 4, 200_000] {
        let (registry, request) = with_blob(vec![7; 300_000]).await;
        registry.fault(Fault::new().then(Action::CutAfter(size)));
        let answer = send(&registry, &request, &[], b"").await;
        assert_eq!(answer.body.len(), usize::try_from(size).unwrap());
        assert!(!answer.is_whole());
    }
}

#[tokio::test]
async fn a_cut_upload_keeps_what_arrived() {
    let registry = registry().await;
    let answer = send(&registry, "POST /v2/a/blobs/uploads/", &[], b"").await;
    let location = answer.location();
    registry.fault(Fault::new().method("PUT").times(1).then(Action::CutAfter(4)));
    let put = format!("PUT {location}&digest={}", Digest::of(b"0123456789"));
    assert!(try_send(&registry, &put, &[], b"0123456789").await.is_none());
    let last = registry.requests().pop().unwrap();
    assert_eq!((last.status, last.received_bytes), (None, 4));
    assert_eq!(get(&registry, location).await.header("range"), Some("0-3"));
    assert_eq!(send(&registry, &put, &[("Content-Range", "4-9")], b"456789").await.status, 201);
}

#[tokio::test]
async fn a_dropped_request_is_not_carried_out_and_a_lost_answer_is() {
    let registry = registry().await;
    let digest = Digest::of(b"x");
    let post = format!("POST /v2/a/blobs/uploads/?digest={digest}");
    registry.fault(Fault::new().times(1).then(Action::Drop));
    registry.fault(Fault::new().times(1).then(Action::LoseAnswer));
    assert!(try_send(&registry, &post, &[], b"x").await.is_none());
    assert_eq!(registry.blob("a", &digest), None);
    assert!(try_send(&registry, &post, &[], b"x").await.is_none());
    assert!(registry.blob("a", &digest).is_some());
}

#[tokio::test]
async fn a_throttled_body_takes_its_time_in_both_directions() {
    let (registry, request) = with_blob(vec![0; 300]).await;
    registry.fault(Fault::new().then(Action::Throttle { bytes_per_second: 3000 }));
    let post = format!("POST /v2/a/blobs/uploads/?digest={}", Digest::of(&[1; 300]));
    for (request, body) in [(request.as_str(), [].as_slice()), (&post, [1; 300].as_slice())] {
        let began = Instant::now();
        let answer = send(&registry, request, &[], body).await;
        assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
        assert!(answer.is_whole() && matches!(answer.status, 200 | 201));
    }
}

#[tokio::test]
async fn a_hanging_request_has_no_answer() {
    let (registry, request) = with_blob("x").await;
    registry.fault(Fault::new().then(Action::Hang));
    let waiting = read(open(&registry, &request, &[], b"").await);
    let waited = tokio::time::timeout(Duration::from_millis(50), waiting).await;
    assert!(waited.is_err());
    assert_eq!(registry.requests()[0].status, None);
}

#[tokio::test]
async fn a_held_request_goes_on_when_released() {
    let (registry, request) = with_blob("0123456789").await;
    registry.fault(Fault::new().times(1).then(Action::Pause));
    registry.fault(Fault::new().then(Action::PauseAfter(4)));
    for arrived in [0, 4] {
        let mut stream = open(&registry, &request, &[], b"").await;
        registry.until_paused().await;
        assert_eq!(registry.paused(), 1);
        let mut seen = Vec::new();
        let some = async { while !seen.ends_with(b"\r\n\r\n0123") && stream.read_buf(&mut seen).await.is_ok() {} };
        let timed_out = tokio::time::timeout(Duration::from_millis(50), some).await.is_err();
        assert_eq!(timed_out, arrived == 0);
        registry.release();
        assert_eq!(registry.paused(), 0);
        stream.read_to_end(&mut seen).await.unwrap();
        assert_eq!(parse(&seen).unwrap().body, b"0123456789");
    }
}

#[tokio::test]
async fn an_upload_is_held_in_the_middle_until_its_client_is_gone() {
    let registry = registry().await;
    registry.fault(Fault::new().method("POST").then(Action::PauseAfter(4)));
    let post = format!("POST /v2/a/blobs/uploads/?digest={}", Digest::of(b"0123456789"));
    let stream = open(&registry, &post, &[], b"0123456789").await;
    registry.until_paused().await;
    drop(stream);
    tokio::time::timeout(Duration::from_secs(20), async {
        while registry.paused() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the registry notices that the client is gone");
}

#[tokio::test]
async fn an_endless_body_has_no_end() {
    let (registry, request) = with_blob("x").await;
    registry.fault(Fault::new().then(Action::Endless));
    let mut stream = open(&registry, &request, &[], b"").await;
    let mut seen = vec![0; 4 << 20];
    stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(parse(&seen).unwrap().header("content-length"), None);
}

//! The first requests to a host: one goes ahead, the others follow together, and a host out of reach is tried once.

use std::net::TcpListener;
use std::time::Duration;

use futures_util::future::join_all;

use super::super::embedded::{Action, Fault, Options, Registry};
use super::*;

/// Far more than anything here takes; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a registry holds so many requests at once.
async fn until_paused(registry: &Registry, count: usize) {
    let waiting = async {
        while registry.paused() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the requests go one after the other");
}

#[tokio::test]
async fn after_the_first_answer_all_who_waited_go_on_together() {
    let registry = Registry::start(Options::default()).await.unwrap();
    registry.fault(Fault::new().then(Action::Pause));
    let registries = registries();
    let names: Vec<_> = (0..9).map(|number| image(&format!("{}/app-{number}:1", registry.host()))).collect();
    let all = join_all(names.iter().map(|name| registries.resolve(name)));
    let watching = async {
        until_paused(&registry, 1).await;
        assert_eq!(registry.requests().len(), 1);
        registry.release();
        until_paused(&registry, 8).await;
        registry.release();
    };
    let (found, ()) = tokio::join!(all, watching);
    assert!(found.into_iter().all(|found| found.unwrap().is_none()));
}

#[tokio::test]
async fn who_waited_for_a_connection_that_failed_does_not_try_again() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (registries, name) = (registries(), image(&format!("127.0.0.1:{port}/api:1")));
    let first = registries.resolve(&name).await.unwrap_err();
    // Whoever knocks from here on would be heard.
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    for outcome in join_all((0..20).map(|_| registries.resolve(&name))).await {
        assert_eq!(outcome.unwrap_err().reason(), first.reason());
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

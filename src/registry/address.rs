//! The address of a host, which may turn out to speak TLS where plain HTTP was expected: on a loopback address both are usual.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

use super::call::Answer;
use super::error::Error;
use super::redirect;

/// Scheme, host and port of a registry.
#[derive(Debug)]
pub(super) struct Address {
    expected: Url,
    is_encrypted: AtomicBool,
}

impl Address {
    pub(super) fn new(expected: Url) -> Self {
        Self { expected, is_encrypted: AtomicBool::new(false) }
    }

    /// The address as the host is spoken to by now.
    pub(super) fn base(&self) -> Url {
        self.corrected(self.expected.clone())
    }

    /// Lets an address of this host be spoken to as the host is by now.
    pub(super) fn corrected(&self, mut url: Url) -> Url {
        if self.is_encrypted.load(Ordering::Acquire) && redirect::same_origin(&self.expected, &url) {
            // Never fails between http and https.
            let _ = url.set_scheme("https");
        }
        url
    }

    /// Tells whether an answer is what a host that speaks TLS says to a request in plain HTTP; from now on it gets TLS.
    pub(super) fn turns_out_encrypted(&self, answer: &Answer) -> bool {
        let is_misunderstanding =
            answer.status == 400 && self.expected.scheme() == "http" && answer.said().code.is_none();
        is_misunderstanding && !self.is_encrypted.swap(true, Ordering::AcqRel)
    }

    /// Takes that back, after the host was given TLS and failed. Tells whether it does not speak it at all: its first answer
    /// stands then.
    pub(super) fn is_plain_after_all(&self, error: &Error) -> bool {
        self.is_encrypted.store(false, Ordering::Release);
        let root = error.root().to_string();
        root.contains("InvalidContentType") || root.contains("corrupt message")
    }
}

//! Real documents, made by cosign 3.1.1 and others, and what is wrong with them once changed.

mod documents;
mod flips;
mod keyless;
mod keys;
mod provider;
mod seal;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;
use crate::domain::{Digest, Document};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signing/unit/", $name))
    };
}
use fixture;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn document(name: &str) -> Document {
    let all: Value = serde_json::from_str(fixture!("documents.json")).unwrap();
    let text = |key: &str| all[name][key].as_str().map(str::to_owned);
    Document {
        subject: text("subject").unwrap_or_else(|| panic!("no document {name}")).parse().unwrap(),
        manifest: Digest::of(b"manifest"),
        media_type: text("media_type").unwrap(),
        signature: text("signature"),
        certificate: None,
        bytes: text("text").unwrap().into_bytes().into(),
    }
}

fn signer(name: &str, pem: &str) -> Signer {
    Signer { name: name.to_owned(), means: Means::Key(Key::from_pem(pem).unwrap()) }
}

fn a() -> Signer {
    signer("a", fixture!("a.pub"))
}

fn b() -> Signer {
    signer("b", fixture!("b.pub"))
}

fn by(names: &[&str]) -> Outcome {
    Outcome::Verified { by: names.iter().map(|&name| name.to_owned()).collect() }
}

/// Returns the reason, if the outcome is that the document is broken.
fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Broken { why } => why,
        other => panic!("{other:?}"),
    }
}

/// Returns the words for the stranger, if somebody else made the document.
fn who(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::SomebodyElse { who } => who,
        other => panic!("{other:?}"),
    }
}

/// The document with its text changed by `change`.
fn changed(name: &str, change: impl FnOnce(String) -> String) -> Document {
    let document = document(name);
    let text = String::from_utf8(document.bytes.to_vec()).unwrap();
    Document { bytes: Arc::from(change(text).into_bytes()), ..document }
}

/// The bundle with its JSON changed by `change`.
fn edited(name: &str, change: impl FnOnce(&mut Value)) -> Document {
    changed(name, |text| {
        let mut value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        value.to_string()
    })
}

fn outcome(document: &Document) -> Outcome {
    examine(document, &[a(), b()]).outcome
}

/// Replaces the payload of an envelope.
fn with_payload(envelope: &mut Value, change: impl FnOnce(String) -> String) {
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    envelope["payload"] = STANDARD.encode(change(String::from_utf8(payload).unwrap())).into();
}

fn is_about(document: &Document, predicate_type: &str) -> bool {
    let Content::Attestation { predicate_type: found, .. } = examine(document, &[a()]).content else { return false };
    found == predicate_type
}

//! in-toto statements: what is said, about which images.
//!
//! Follows <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>; cosign 3.1.1 still writes v0.1 for
//! all but signatures.

use serde_json::{Map, Value};

use super::json;
use super::proof::{Outcome, shown};
use crate::domain::Digest;

const V1: &str = "https://in-toto.io/Statement/v1";
const V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// The predicate type that makes a statement the signature of an image.
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A statement, read from the bytes that were signed.
#[derive(Debug)]
pub(super) struct Statement {
    is_v1: bool,
    subjects: Vec<Map<String, Value>>,
    pub(super) predicate_type: String,
    pub(super) predicate: Value,
}

impl Statement {
    /// Reads the payload of an envelope: a statement of any size when somebody known made it, else one small enough to
    /// cost next to nothing.
    ///
    /// # Errors
    /// [`Outcome::Broken`] when it is not an in-toto statement that names a subject, or too large.
    pub(super) fn read(payload: &[u8], is_believed: bool) -> Result<Self, Outcome> {
        let most = if is_believed { json::CONTENT } else { json::FRAME };
        let Value::Object(mut fields) = json::parse("the signed statement", payload, most)? else {
            return Err(Outcome::broken("the signed statement is not an object"));
        };
        let kind = text(&mut fields, "_type")?;
        let is_v1 = kind == V1;
        if !is_v1 && kind != V0_1 {
            return Err(Outcome::broken(format!(
                "the signed statement is of type `{}`, expected `{V1}`",
                shown(&kind)
            )));
        }
        let subjects = match fields.remove("subject") {
            Some(Value::Array(subjects)) if !subjects.is_empty() => subjects,
            _ => return Err(Outcome::broken("the signed statement has no subject")),
        };
        let subjects = subjects.into_iter().map(digests).collect::<Result<_, _>>()?;
        let predicate_type = text(&mut fields, "predicateType")?;
        let predicate = fields.remove("predicate").unwrap_or_else(|| Value::Object(Map::new()));
        Ok(Self { is_v1, subjects, predicate_type, predicate })
    }

    /// Tells whether it is the signature of an image, and nothing else.
    pub(super) fn is_signature(&self) -> bool {
        self.is_v1 && self.predicate_type == SIGNATURE
    }

    /// Tells whether some subject is exactly `digest`.
    pub(super) fn is_about(&self, digest: &Digest) -> bool {
        let algorithm = digest.algorithm().name();
        self.subjects.iter().any(|subject| subject.get(algorithm).and_then(Value::as_str) == Some(digest.hex()))
    }

    /// Names its subjects, for people.
    pub(super) fn whom(&self) -> String {
        let first = self.subjects.first().and_then(|subject| subject.iter().next());
        let first =
            first.map(|(algorithm, hex)| format!("{}:{}", shown(algorithm), shown(hex.as_str().unwrap_or_default())));
        let first = first.unwrap_or_else(|| "a subject without digest".to_owned());
        match self.subjects.len() {
            0 | 1 => first,
            count => format!("{first} and {} more", count - 1),
        }
    }
}

fn text(fields: &mut Map<String, Value>, key: &str) -> Result<String, Outcome> {
    match fields.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Outcome::broken(format!("the signed statement has no `{key}`"))),
    }
}

fn digests(mut subject: Value) -> Result<Map<String, Value>, Outcome> {
    match subject.get_mut("digest").map(Value::take) {
        Some(Value::Object(digests)) if digests.values().all(Value::is_string) => Ok(digests),
        _ => Err(Outcome::broken("a subject of the signed statement has no digests")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Statement, Outcome> {
        Statement::read(text.as_bytes(), true)
    }

    fn why(text: &str) -> String {
        match read(text) {
            Err(Outcome::Broken { why }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_subject_of_several_will_do_in_either_algorithm() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let long = format!("sha512:{}", "ab".repeat(64)).parse::<Digest>().unwrap();
        let text = format!(
            r#"{{"_type":"{V1}","predicateType":"p","subject":[{{"digest":{{"gitCommit":"1","sha256":"{}"}}}},{{"digest":{{"sha512":"{}"}}}}]}}"#,
            one.hex(),
            long.hex(),
        );
        let statement = read(&text).unwrap();
        assert!(statement.is_about(&one) && statement.is_about(&long) && !statement.is_about(&two));
        assert_eq!(statement.whom(), "gitCommit:1 and 1 more");
        assert_eq!(statement.predicate, serde_json::json!({}));
    }

    #[test]
    fn a_digest_must_be_equal_to_the_letter() {
        let digest = Digest::of(b"1");
        for hex in
            [digest.hex().to_uppercase(), format!("{} ", digest.hex()), digest.hex()[..12].to_owned(), String::new()]
        {
            let text =
                format!(r#"{{"_type":"{V1}","predicateType":"p","subject":[{{"digest":{{"sha256":"{hex}"}}}}]}}"#);
            assert!(!read(&text).unwrap().is_about(&digest), "{hex}");
        }
    }

    #[test]
    fn only_version_one_signs() {
        for (version, signs) in [(V1, true), (V0_1, false)] {
            let text =
                format!(r#"{{"_type":"{version}","predicateType":"{SIGNATURE}","subject":[{{"digest":{{}}}}]}}"#);
            assert_eq!(read(&text).unwrap().is_signature(), signs, "{version}");
        }
    }

    #[test]
    fn unexpected_shapes_are_broken() {
        for (text, expected) in [
            ("[]", "the signed statement is not an object"),
            ("{}", "the signed statement has no `_type`"),
            (
                r#"{"_type":"x\n"}"#,
                r"the signed statement is of type `x\n`, expected `https://in-toto.io/Statement/v1`",
            ),
            (r#"{"_type":"https://in-toto.io/Statement/v1","subject":[]}"#, "the signed statement has no subject"),
            (
                r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":7}}]}"#,
                "a subject of the signed statement has no digests",
            ),
            (
                r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{}}],"predicateType":1}"#,
                "the signed statement has no `predicateType`",
            ),
        ] {
            assert_eq!(why(text), expected, "{text}");
        }
        assert!(why(r#"{"_type":"a","_type":"b"}"#).contains("duplicate key `_type`"));
    }
}

//! Keyless signers: an identity that a certificate authority vouched for at the time of signing.
//!
//! `sigstore-verify` checks certificate, timestamps, log entries and signature against a pinned root, offline; who the
//! identity must be is decided here, on what it verified.

use std::fmt;

use regex::{Regex, RegexBuilder};
use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::{Artifact, ArtifactDigest, Bundle, HashAlgorithm, SignatureContent};
use sigstore_verify::{CertificateError, Error, VerificationPolicy, VerificationResult, Verifier};

use super::examine::sorted;
use super::proof::{Examined, Outcome, shown};
use super::signer::Signer;
use super::statement::Statement;
use super::{json, provider};
use crate::domain::{Algorithm, Digest, Document};

/// How much memory a pattern of identities may take, in bytes.
const LARGEST: usize = 256 << 10;

/// The trusted root of Sigstore's public instance, pinned with the program: `trusted_root: public-good`.
pub const PUBLIC_GOOD_ROOT: &str = SIGSTORE_PRODUCTION_TRUSTED_ROOT;

/// Why a text is not a trusted root.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRoot {
    /// It is not JSON, or an object has a key twice.
    #[error("the trusted root is not well-formed JSON")]
    Json(#[source] serde_json::Error),
    /// It is not what Sigstore calls a trusted root.
    #[error("the trusted root cannot be read")]
    Shape(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody in it could issue a certificate.
    #[error("the trusted root has no certificate authority")]
    NoAuthority,
    /// Nobody in it could say when something was signed, and certificates live for minutes.
    #[error("the trusted root has neither a transparency log nor a timestamp authority")]
    NoTime,
}

/// Which identities are meant: the subject alternative name of the certificate, such as a workflow's address.
#[derive(Debug, Clone)]
pub enum Identity {
    /// This one.
    Exact(String),
    /// Every one that the whole pattern matches.
    Pattern(IdentityPattern),
}

/// A regular expression that must match an identity from end to end.
#[derive(Debug, Clone)]
pub struct IdentityPattern(Regex);

impl Identity {
    /// Compiles `pattern`, to match whole identities only.
    ///
    /// # Errors
    /// When it is not a regular expression by itself.
    pub fn pattern(pattern: &str) -> Result<Self, regex::Error> {
        let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
        // By itself first: `a)|(b` would be valid between the brackets below, and no longer anchored.
        build(pattern)?;
        Ok(Self::Pattern(IdentityPattern(build(&format!("^(?:{pattern})$"))?)))
    }

    /// Tells whether `identity` is meant.
    #[must_use]
    pub fn matches(&self, identity: &str) -> bool {
        match self {
            Self::Exact(expected) => expected == identity,
            Self::Pattern(IdentityPattern(pattern)) => pattern.is_match(identity),
        }
    }
}

/// A keyless signer: whose identity, according to whom.
pub struct Keyless {
    issuer: String,
    identity: Identity,
    verifier: Verifier,
    policy: VerificationPolicy,
}

impl fmt::Debug for Keyless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyless")
            .field("issuer", &self.issuer)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Keyless {
    /// Prepares a signer; `trusted_root` is the text of a Sigstore `trusted_root.json`.
    ///
    /// What a signature must carry follows from the root: a log entry where it has transparency logs, a signed
    /// certificate timestamp where it has certificate logs; always a certificate by one of its authorities that was
    /// valid at a verified time.
    ///
    /// # Errors
    /// When the root is malformed, or could not vouch for anybody.
    pub fn new(issuer: String, identity: Identity, trusted_root: &str) -> Result<Self, InvalidRoot> {
        provider::install();
        json::read(trusted_root.as_bytes(), json::FRAME).map_err(InvalidRoot::Json)?;
        let root = TrustedRoot::from_json(trusted_root).map_err(|error| InvalidRoot::Shape(Box::new(error)))?;
        if root.certificate_authorities.is_empty() {
            return Err(InvalidRoot::NoAuthority);
        }
        if root.tlogs.is_empty() && root.timestamp_authorities.is_empty() {
            return Err(InvalidRoot::NoTime);
        }
        // Any identity, so that a stranger's good signature is told from a bad one; `is_meant` decides on the result.
        let mut policy = VerificationPolicy::any_identity();
        if root.tlogs.is_empty() {
            policy = policy.skip_tlog_unsafe();
        }
        if root.ctlogs.is_empty() {
            policy = policy.skip_sct();
        }
        let verifier = Verifier::new(&root).map_err(|error| InvalidRoot::Shape(Box::new(error)))?;
        Ok(Self { issuer, identity, verifier, policy })
    }

    fn is_meant(&self, claimed: &Claimed) -> bool {
        claimed.issuer.as_ref() == Some(&self.issuer)
            && claimed.identity.as_ref().is_some_and(|identity| self.identity.matches(identity))
    }

    fn verify(&self, bundle: &Bundle, subject: &Digest) -> Attempt {
        let claimed = Claimed::of(bundle);
        let result = match artifact(subject) {
            Some(artifact) => self.verifier.verify(artifact, bundle, &self.policy),
            None => return Attempt::Broken("the digest of the image cannot be compared".to_owned()),
        };
        match result {
            Ok(result) if !result.certificate_verified() => {
                Attempt::Broken("its certificate was not verified".to_owned())
            }
            Ok(result) => {
                let claimed = Claimed::verified(&result);
                let time = result.verified_timestamps().iter().min().copied();
                if self.is_meant(&claimed) { Attempt::Made(time) } else { Attempt::MadeBy(claimed.to_string()) }
            }
            // By then certificate and signature were found good.
            Err(Error::ArtifactMismatch(_)) if self.is_meant(&claimed) => Attempt::MadeForAnother,
            Err(Error::ArtifactMismatch(_)) => Attempt::MadeBy(claimed.to_string()),
            Err(Error::Certificate(
                error @ (CertificateError::ChainInvalid(_) | CertificateError::NoValidAuthority { .. }),
            )) => Attempt::Foreign(format!("{claimed}, which the trusted root does not vouch for: {}", said(&error))),
            Err(error) => Attempt::Broken(said(&error)),
        }
    }
}

/// What came of one signer and one bundle, from the best to the least telling.
enum Attempt {
    Made(Option<jiff::Timestamp>),
    MadeForAnother,
    MadeBy(String),
    Broken(String),
    Foreign(String),
}

/// Who a certificate says it is for.
struct Claimed {
    identity: Option<String>,
    issuer: Option<String>,
}

impl Claimed {
    /// As the bundle has it, believed by nobody yet.
    fn of(bundle: &Bundle) -> Self {
        let certificate = bundle.signing_certificate().and_then(|der| parse_certificate_info(der).ok());
        let identity =
            certificate.as_ref().and_then(|info| info.identity.as_ref()).map(|name| name.as_str().to_owned());
        Self { identity, issuer: certificate.and_then(|info| info.issuer) }
    }

    fn verified(result: &VerificationResult) -> Self {
        let identity = result.identity().map(|name| name.as_str().to_owned());
        Self { identity, issuer: result.issuer().map(str::to_owned) }
    }
}

impl fmt::Display for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |text: &Option<String>| text.as_deref().map_or_else(|| "unknown".to_owned(), shown);
        write!(f, "identity {} (issuer {})", known(&self.identity), known(&self.issuer))
    }
}

fn said(error: &dyn fmt::Display) -> String {
    shown(&error.to_string())
}

fn artifact(subject: &Digest) -> Option<Artifact<'static>> {
    let algorithm = match subject.algorithm() {
        Algorithm::Sha256 => HashAlgorithm::Sha2256,
        Algorithm::Sha512 => HashAlgorithm::Sha2512,
    };
    let pair = |at: usize| u8::from_str_radix(subject.hex().get(at..at + 2)?, 16).ok();
    let bytes = (0..subject.hex().len()).step_by(2).map(pair).collect::<Option<Vec<_>>>()?;
    ArtifactDigest::new(algorithm, bytes).ok().map(Artifact::from_digest)
}

/// Examines a bundle that carries a certificate; `text` has no duplicate keys and at most a few proofs of each kind.
pub(super) fn examine(document: &Document, signers: &[Signer], text: &str) -> Examined {
    let bundle = match Bundle::from_json(text) {
        Ok(bundle) => bundle,
        Err(error) => {
            return Examined::unknown(Outcome::broken(format!("the bundle cannot be read: {}", said(&error))));
        }
    };
    // The very bytes that are verified, not another decoding of them.
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Examined::unknown(Outcome::unsupported("sigstore bundle around a bare message signature"));
    };
    let Judged { made_by, signed_at, is_for_another } = judge(&bundle, &document.subject, signers);
    let statement = match Statement::read(envelope.payload.as_bytes(), made_by.is_ok()) {
        Ok(statement) => statement,
        Err(outcome) => return Examined::unknown(made_by.err().unwrap_or(outcome)),
    };
    // The statement is about this image, and something else of the bundle is not: a log entry of another artifact.
    if is_for_another && statement.is_about(&document.subject) {
        return Examined::unknown(Outcome::broken("the bundle holds a log entry, or a signature, of something else"));
    }
    Examined { signed_at, ..Examined::statement(statement, made_by, true, &document.subject) }
}

/// What all signers together say of a bundle.
struct Judged {
    made_by: Result<Vec<String>, Outcome>,
    signed_at: Option<jiff::Timestamp>,
    /// Whether part of it was found to be about another artifact: then the statement must be, too.
    is_for_another: bool,
}

fn judge(bundle: &Bundle, subject: &Digest, signers: &[Signer]) -> Judged {
    let (mut makers, mut times, mut is_for_another) = (Vec::new(), Vec::new(), false);
    let (mut strangers, mut faults, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for signer in signers {
        match signer.keyless().map(|keyless| keyless.verify(bundle, subject)) {
            None => (),
            Some(Attempt::Made(time)) => {
                makers.push(signer);
                times.extend(time);
            }
            Some(Attempt::MadeForAnother) => {
                makers.push(signer);
                is_for_another = true;
            }
            Some(Attempt::MadeBy(who)) => strangers.push(who),
            Some(Attempt::Broken(why)) => faults.push(why),
            Some(Attempt::Foreign(who)) => foreign.push(who),
        }
    }
    if !makers.is_empty() {
        let made_by = Ok(sorted(makers.into_iter()));
        return Judged { made_by, signed_at: times.into_iter().min(), is_for_another };
    }
    let first = |found: Vec<String>| found.into_iter().next();
    let outcome = first(strangers).map(Outcome::somebody_else);
    let outcome = outcome.or_else(|| first(faults).map(Outcome::broken));
    let outcome = outcome.or_else(|| first(foreign).map(Outcome::somebody_else));
    let nobody = || Outcome::somebody_else(format!("{}, unverified: no signer is keyless", Claimed::of(bundle)));
    Judged { made_by: Err(outcome.unwrap_or_else(nobody)), signed_at: None, is_for_another: false }
}

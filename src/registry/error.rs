//! Errors: what could not be done at which registry, and what it said.
//!
//! No message carries a URL with a query, a header or a credential; what a registry said is cut to size and freed of
//! control characters.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Digest;

/// How much of a registry's own message is kept, in characters.
const MESSAGE_LENGTH: usize = 240;

/// A cause from below.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a registry could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("cannot {action}: no answer from {registry}")]
    Unreachable {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// What the transport said.
        #[source]
        source: Cause,
    },
    /// The connection stood, and nothing moved any more or too slowly.
    #[error("cannot {action}: {registry} was waited for in vain for {} s", after.as_secs())]
    Stalled {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The registry answered with an error.
    #[error("cannot {action}: {registry} answered {said}")]
    Answered {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// What it said.
        said: Said,
    },
    /// The registry, or its token service, does not let us.
    #[error("cannot {action}: {registry} refused {}: {said}", if *.authenticated { "the credentials" } else { "anonymous access" })]
    Denied {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// Whether credentials were sent.
        authenticated: bool,
        /// What it said.
        said: Said,
    },
    /// The registry sends its users to another party for tokens.
    #[error("cannot {action}: {registry} asks for tokens from {realm}, which must not be given its credentials")]
    ForeignRealm {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// The token service's scheme and host.
        realm: String,
    },
    /// A redirect or an upload location leads where it must not.
    #[error("cannot {action}: {registry} leads to {target}, {why}")]
    Misled {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// The target's scheme and host.
        target: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An answer that the protocol does not allow.
    #[error("cannot {action}: {registry} {what}")]
    Protocol {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// What it did.
        what: String,
    },
    /// An answer longer than is read.
    #[error("cannot {action}: the answer of {registry} is longer than {limit_bytes} bytes")]
    TooLarge {
        /// What was tried, to what.
        action: String,
        /// The registry's host.
        registry: String,
        /// How much is read.
        limit_bytes: u64,
    },
    /// Content that is not what its digest says.
    #[error("cannot {action}: expected content of digest {expected}, found {found}")]
    Corrupt {
        /// What was tried, to what.
        action: String,
        /// The digest that was asked for.
        expected: Digest,
        /// What came: a digest, or a size.
        found: String,
    },
    /// A manifest that is not one, or of a kind that cannot be copied.
    #[error("cannot use manifest {digest} of {repository}: {why}")]
    Manifest {
        /// The manifest's digest.
        digest: Digest,
        /// Registry and repository.
        repository: String,
        /// What is wrong with it.
        why: String,
    },
    /// Content that is not where a manifest, or an earlier look, says it is.
    #[error("cannot copy {digest}: {repository} does not have it")]
    Missing {
        /// The digest of a manifest or a blob.
        digest: Digest,
        /// Registry and repository.
        repository: String,
    },
    /// A credential file or helper that failed.
    #[error("cannot take credentials for {registry} from {}: {why}", path.display())]
    Credentials {
        /// The registry's host.
        registry: String,
        /// The file that was read, or that names the helper.
        path: PathBuf,
        /// What went wrong; never the file's content.
        why: String,
    },
    /// Settings that cannot be used.
    #[error("cannot use the settings of registry {registry}: {why}")]
    Settings {
        /// The registry's host.
        registry: String,
        /// What is wrong with them.
        why: String,
    },
    /// Somebody else gave the name to something between our look and our writing.
    #[error("cannot name {image}: somebody else gave the name to {found} meanwhile")]
    Overtaken {
        /// The image.
        image: String,
        /// What is there now.
        found: Digest,
    },
    /// A directory that is no layout, or one that does not hold what it lists.
    #[error("cannot use {layout} as an OCI image layout: {why}")]
    Layout {
        /// `oci:` and the directory.
        layout: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of a layout that cannot be read or written.
    #[error("cannot {action}")]
    Disk {
        /// What was tried, to which layout.
        action: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// More belongs to an image than goes along, or it cannot stand where it belongs.
    #[error("cannot bring what belongs to {image}: {why}")]
    Evidence {
        /// The image, or the tag that was to hold it.
        image: String,
        /// What stands in the way.
        why: String,
    },
    /// The destination does not show what was written.
    #[error("cannot prove {image}: expected digest {expected} there after the copy, found {found}")]
    Unproved {
        /// The destination.
        image: String,
        /// What was written.
        expected: Digest,
        /// What is there.
        found: String,
    },
    /// A step without a place to copy from.
    #[error("cannot copy to {image}: it is no longer there and has no source")]
    NoSource {
        /// The destination.
        image: String,
    },
    /// A step whose source another step failed to bring about.
    #[error("cannot copy to {image}: the copy to {source_image} that it builds on did not succeed")]
    SourceStep {
        /// The destination.
        image: String,
        /// The image that was to be brought about first.
        source_image: String,
    },
}

impl Error {
    /// Returns an action the reader can take.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { registry, .. } => {
                format!(
                    "check that {registry} can be reached from here over its scheme; `registries` sets `ca` and `insecure`"
                )
            }
            Self::Stalled { registry, .. } => format!("run again when {registry} answers; nothing was named"),
            Self::Answered { said, registry, .. } if said.status == 429 => {
                format!("run again later or with fewer --jobs; {registry} limits requests")
            }
            Self::Answered { said, registry, .. } if said.status == 400 && said.code.is_none() => format!(
                "see the log of {registry}; if it speaks TLS on a loopback address, name its certificate as `ca` under `registries`"
            ),
            Self::Answered { registry, .. } => format!("see the log of {registry}, then run again"),
            Self::Denied { registry, authenticated: false, .. } => {
                format!("run `docker login {registry}`, or set username and password under `registries`")
            }
            Self::Denied { registry, .. } => format!("check the user's rights at {registry}"),
            Self::ForeignRealm { registry, realm, .. } => format!(
                "let {registry} serve tokens over https from its own host instead of {realm}, or take its credentials away"
            ),
            Self::Misled { registry, .. } => format!("set the public address in the configuration of {registry}"),
            Self::TooLarge { .. } | Self::Protocol { .. } => "check that the host is a registry".to_owned(),
            Self::Corrupt { .. } => "push the image to its source again".to_owned(),
            Self::Manifest { .. } => "build and push the image again with a current tool".to_owned(),
            Self::Missing { repository, .. } => format!("push the image to {repository} again"),
            Self::Credentials { registry, .. } => format!("run `docker login {registry}`, or repair the file"),
            Self::Settings { .. } => "correct promote-bot.yaml".to_owned(),
            Self::Layout { layout, .. } => {
                format!("copy {layout} here again, or name another directory; an empty one is made a layout")
            }
            Self::Disk { .. } => "check the directory's rights and the space on its disk, then run again".to_owned(),
            Self::Evidence { .. } => {
                "look at it with `oras discover`; `referrers` in promote-bot.yaml says what goes along".to_owned()
            }
            Self::Unproved { .. } | Self::Overtaken { .. } => {
                "see who else writes to the destination, then run again".to_owned()
            }
            Self::NoSource { .. } => "push the image, or give the environment a `from`".to_owned(),
            Self::SourceStep { .. } => "mend the earlier copy, then run again".to_owned(),
        })
    }

    /// Returns the message and its root cause in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        match std::error::Error::source(self) {
            Some(_) => format!("{self}: {}", plain(&self.root().to_string())),
            None => self.to_string(),
        }
    }

    /// Returns the cause below all others.
    pub(super) fn root(&self) -> &dyn std::error::Error {
        let mut root: &dyn std::error::Error = self;
        while let Some(source) = root.source() {
            root = source;
        }
        root
    }

    /// Tells whether what was read is at fault, and not the reading.
    pub(super) fn is_of_content(&self) -> bool {
        self.is_final() || matches!(self, Self::TooLarge { .. } | Self::Protocol { .. })
    }

    /// Tells whether the content or the destination's rules are at fault, so that running again cannot help.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::Manifest { .. }
                | Self::Missing { .. }
                | Self::Misled { .. }
                | Self::Evidence { .. }
                | Self::Layout { .. }
        )
    }

    /// Returns the status the registry answered with.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { said, .. } | Self::Denied { said, .. } => Some(said.status),
            _ => None,
        }
    }

    /// Returns how long the registry asked to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { said, .. } | Self::Denied { said, .. } => {
                said.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()))
            }
            _ => None,
        }
    }
}

/// What a registry said when it refused: its status and, cut to size, its own code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The HTTP status.
    pub status: u16,
    /// The registry's own code: `MANIFEST_UNKNOWN`.
    pub code: Option<String>,
    /// The registry's own message.
    pub message: Option<String>,
    /// How many seconds it asked to be left alone, as many as are honoured; not shown. Small, or every error would grow.
    pub(super) retry_after_seconds: Option<u8>,
}

impl Said {
    /// Reads the error body of the distribution specification; any other body is left out, it may be a page of HTML.
    pub(super) fn read(status: u16, body: &[u8], hide: impl Fn(&str) -> String) -> Self {
        #[derive(serde::Deserialize)]
        struct Errors {
            errors: Vec<One>,
        }
        #[derive(serde::Deserialize)]
        struct One {
            code: Option<String>,
            message: Option<String>,
        }
        let first = serde_json::from_slice::<Errors>(body).ok().and_then(|body| body.errors.into_iter().next());
        let (code, message) = first.map_or((None, None), |first| (first.code, first.message));
        let shown = |text: Option<String>| text.map(|text| plain(&hide(&text))).filter(|text| !text.is_empty());
        Self { status, code: shown(code), message: shown(message), retry_after_seconds: None }
    }

    /// Tells whether the registry says that content is not what its digest says.
    pub(super) fn is_invalid_digest(&self) -> bool {
        self.status == 400 && self.code.as_deref() == Some("DIGEST_INVALID")
    }

    /// Tells whether the registry keeps a tag from being written over.
    pub(super) fn is_immutable_tag(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default().to_ascii_lowercase();
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        let by_word = code == "tag_invalid" || code.contains("imagetagalreadyexists") || message.contains("immutab");
        self.status == 409 || self.status == 412 || (by_word && self.status < 500)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        self.message.as_ref().map_or(Ok(()), |message| write!(f, " ({message})"))
    }
}

/// Cuts hostile text to size and leaves only what is safe on one line.
pub(super) fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.trim().chars().take(MESSAGE_LENGTH).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_cut_to_size_and_made_plain() {
        let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"no\u001b[2J\n{}"}}]}}"#, "x".repeat(1000));
        let said = Said::read(403, body.as_bytes(), str::to_owned);
        let text = said.to_string();
        assert!(text.starts_with("403 DENIED (no?[2J?xxx"), "{text}");
        assert!(text.len() < 300);
        assert_eq!(Said::read(502, b"<html>", str::to_owned).to_string(), "502");
    }

    #[test]
    fn the_words_registries_have_for_an_immutable_tag_are_known() {
        for body in [
            r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag 'v1' already exists and cannot be overwritten because the repository is immutable."}]}"#,
            r#"{"errors":[{"code":"ImageTagAlreadyExistsException","message":"x"}]}"#,
            r#"{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}"#,
        ] {
            assert!(Said::read(400, body.as_bytes(), str::to_owned).is_immutable_tag(), "{body}");
        }
        assert!(!Said::read(400, b"{}", str::to_owned).is_immutable_tag());
    }
}

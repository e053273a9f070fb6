//! The dossier: all that was learnt of one image for its rules.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::attestation::{self, Claim, Scan};
use crate::domain::{Cause, Digest, ImagePart, ImageRef, Papers};
use crate::signature::{self, Content, Outcome, Proof, Signer};

/// All that was learnt of one image, as far as rules asked: what is `None` nobody asked for.
#[derive(Debug, Clone, Default)]
pub struct Dossier {
    /// The digest it is about, where it had to be looked up for its rules.
    pub digest: Option<Digest>,
    /// Where it was found, and what hangs on it looked for.
    pub place: Option<ImageRef>,
    /// What its tag names, where that had to be looked up.
    pub tagged: Option<Result<Option<Digest>, Gap>>,
    /// What it is made of.
    pub make: Option<Result<Make, Gap>>,
    /// What hangs on it.
    pub exhibits: Option<Result<Vec<Exhibit>, Gap>>,
    /// What claims to hang on it and cannot be used, and why.
    pub passed_over: Vec<String>,
    /// Since when environments reference it.
    pub ran_in: BTreeMap<String, Result<Ran, Gap>>,
    /// What programs said, by the rule that asked.
    pub programs: BTreeMap<String, ProgramEnd>,
    /// Reports that came with the command line and are about it.
    pub reports: Vec<Scan>,
}

/// Why something could not be learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What went wrong.
    pub reason: String,
    /// What may help.
    pub hint: String,
    /// Whether running again may help.
    pub cause: Cause,
}

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Make {
    is_index: bool,
    images: Vec<MadeImage>,
}

/// One image of those an index has, or the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeImage {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its platform, where one is named.
    pub platform: Option<String>,
    /// When it says it was created.
    pub created: Option<Timestamp>,
    /// The labels of its configuration.
    pub labels: BTreeMap<String, String>,
}

impl Make {
    /// Reads what a registry has. Manifests for no platform at all (`unknown/unknown`: a builder's attestations) are no images.
    #[must_use]
    pub fn of(papers: &Papers) -> Self {
        let read = |part: &ImagePart| {
            let is_image = part.platform.as_deref() != Some("unknown/unknown");
            is_image.then_some(())?;
            Some(MadeImage {
                digest: part.digest.parse().ok()?,
                platform: part.platform.clone(),
                created: part.created.as_deref().and_then(|text| text.parse().ok()),
                labels: part.labels.clone(),
            })
        };
        Self { is_index: papers.is_index, images: papers.parts.iter().filter_map(read).collect() }
    }

    /// Makes it of its images.
    #[must_use]
    pub fn from_images(is_index: bool, images: Vec<MadeImage>) -> Self {
        Self { is_index, images }
    }

    /// Returns the images an index has, or the only one.
    #[must_use]
    pub fn images(&self) -> &[MadeImage] {
        &self.images
    }

    /// Tells whether it is an index.
    #[must_use]
    pub fn is_index(&self) -> bool {
        self.is_index
    }

    /// Returns the platforms that are named.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.images.iter().filter_map(|image| image.platform.as_deref())
    }

    /// Returns the labels of the images, each set of them once.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<&BTreeMap<String, String>> {
        self.images.iter().map(|image| &image.labels).collect()
    }

    #[cfg(test)]
    pub(super) fn set_label(&mut self, image: usize, name: &str, value: &str) {
        self.images[image].labels.insert(name.to_owned(), value.to_owned());
    }

    #[cfg(test)]
    pub(super) fn set_created(&mut self, created: &[Option<Timestamp>]) {
        self.images.iter_mut().zip(created).for_each(|(image, created)| image.created = *created);
    }
}

/// One thing that hangs on an image: whose it is, and what it says.
#[derive(Debug, Clone)]
pub struct Exhibit {
    /// The manifest it hangs on: the image's, or a part's.
    pub subject: Digest,
    /// The manifest that holds it.
    pub manifest: Digest,
    /// What it is.
    pub what: What,
    /// Whose it is.
    pub outcome: Outcome,
    /// When it was signed, where that is proved.
    pub signed_at: Option<Timestamp>,
}

/// What an exhibit is.
#[derive(Debug, Clone)]
pub enum What {
    /// A signature of the image.
    Signature,
    /// An attestation, by its predicate type. What it says is read where it is believed only.
    Attestation(String, Box<Claim>),
    /// Something without a signature.
    Unsigned,
    /// Something that could not be told.
    Unknown,
}

impl Exhibit {
    /// Reads a proof.
    #[must_use]
    pub fn of(proof: Proof, now: Timestamp) -> Self {
        let is_believed = matches!(proof.outcome, Outcome::Verified { .. });
        let what = match proof.content {
            Content::Signature => What::Signature,
            Content::Attestation { predicate_type, predicate } => {
                let claim = match is_believed {
                    true => attestation::claim(&predicate_type, &predicate, now),
                    false => Claim::Other,
                };
                What::Attestation(predicate_type, Box::new(claim))
            }
            Content::Unsigned => What::Unsigned,
            Content::Unknown => What::Unknown,
        };
        Self {
            subject: proof.subject,
            manifest: proof.manifest,
            what,
            outcome: proof.outcome,
            signed_at: proof.signed_at,
        }
    }

    /// Returns the names of its signers, where it is verified.
    #[must_use]
    pub fn signers(&self) -> &[String] {
        match &self.outcome {
            Outcome::Verified { by } => by,
            _ => &[],
        }
    }
}

/// Examines what a registry has, once for all rules; what says that it is of later than `now` names no time.
#[must_use]
pub fn examine(papers: &Papers, signers: &[Signer], now: Timestamp) -> Vec<Exhibit> {
    papers.documents.iter().map(|document| Exhibit::of(signature::examine(document, signers), now)).collect()
}

/// Since when an environment references an image without a break, on the base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// Never, or not any more.
    Never {
        /// What it references now in the image's place: other tags or digests of the same repository.
        instead: Vec<String>,
    },
    /// It references another image under the same tag.
    Another {
        /// The reference there.
        image: String,
    },
    /// For so long.
    Since {
        /// The commit of the base branch that brought it.
        commit: String,
        /// When that commit came to the branch; none where nobody can tell.
        at: Option<Timestamp>,
        /// What tells it, for people.
        clock: String,
        /// Whether it has been there for longer, which nobody needed to find out.
        or_longer: bool,
    },
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramEnd {
    /// It said yes.
    Passed {
        /// What it printed.
        output: Vec<u8>,
    },
    /// It said no.
    Refused {
        /// Its exit code and its last words.
        why: String,
    },
    /// It could not be asked.
    Failed {
        /// Why.
        why: String,
    },
}

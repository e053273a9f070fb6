//! Examining: what a registry lets us do, and what that cost; nothing is written.

use std::time::Duration;

use super::Registries;
use super::error::Error;
use super::repository::Repository;
use crate::domain::ImageRef;

/// What a registry lets us do.
#[derive(Debug)]
pub struct Examination {
    /// Where its credentials come from; none where it is asked anonymously.
    pub credentials: Option<String>,
    /// Whether it has the image that was asked for, or why it could not be asked.
    pub answer: Result<bool, Error>,
    /// How many requests it was sent in this run.
    pub requests: u64,
    /// How long it was waited for since it asked for patience.
    pub waited: Duration,
    /// What is left of a quota, where it says so.
    pub quota: Option<String>,
}

impl Registries {
    /// Asks for one image, with the rights that copying to it (`writes`) or from it needs.
    pub async fn examine(&self, image: &ImageRef, writes: bool) -> Examination {
        let opened = if writes { self.wire.writing(image) } else { self.wire.reading(image) };
        let repository = match opened {
            Ok(repository) => repository,
            Err(error) => return Examination::failed(error),
        };
        let Repository::Remote(remote) = &repository else {
            let answer = repository.head(image.effective_tag().unwrap_or_default()).await.map(|found| found.is_some());
            return Examination { answer, ..Examination::failed(Error::NoSource { image: image.to_string() }) };
        };
        let credentials = match self.wire.credentials(image).await {
            Ok(credentials) => credentials,
            Err(error) => return Examination::failed(error),
        };
        let reference = image.digest().map(ToString::to_string);
        let reference = image.effective_tag().map(str::to_owned).or(reference).unwrap_or_default();
        let answer = repository.head(&reference).await.map(|found| found.is_some());
        let tally = &remote.host.tally;
        Examination {
            credentials,
            answer,
            requests: tally.requests(),
            waited: tally.waited_so_far(),
            quota: tally.quota(),
        }
    }
}

impl Examination {
    fn failed(error: Error) -> Self {
        Self { credentials: None, answer: Err(error), requests: 0, waited: Duration::ZERO, quota: None }
    }
}

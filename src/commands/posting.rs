//! Posting: the gate on the commit and the comment on the change, opened when work begins and closed whatever happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::domain::{Gate, GateState, Review};
use crate::forge::{Comment, Error, Forge};
use crate::report::{self, Ending, Look};

/// How long a check may take before it is said to be going on: most are done sooner, and a request less is a request less.
const QUICK: Duration = Duration::from_secs(5);

/// How long closing the gates may take: not what is left of any other time.
const CLOSING: Duration = Duration::from_secs(60);

/// How long it may take when a signal came: more is not given.
const HURRIED: Duration = Duration::from_secs(4);

/// How long a comment may be, in characters; GitHub takes 65,536.
const LONGEST_COMMENT: usize = 60_000;

/// What is shown of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// A status of each environment.
    pub status: bool,
    /// A check run of each environment.
    pub check_run: bool,
    /// One comment, changed in place.
    pub comment: bool,
    /// A comment of its own.
    pub new_comment: bool,
}

/// Shows how a run stands where its change is reviewed.
#[derive(Debug)]
pub struct Posting {
    forge: Arc<dyn Forge>,
    wanted: Wanted,
    /// Where the whole report is.
    report_url: Option<String>,
    open: Mutex<Open>,
}

/// The gates that are to be closed.
#[derive(Debug, Default)]
struct Open {
    environments: Vec<String>,
    announcing: Option<Announcing>,
}

/// A task that says that gates are being worked on. It is never cut short amid a request, which might still be carried out after what
/// came next.
#[derive(Debug)]
struct Announcing {
    /// Dropped, it lets a task that has not begun be.
    wanted: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Posting {
    /// Shows `wanted` at `forge`.
    #[must_use]
    pub fn new(forge: Arc<dyn Forge>, wanted: Wanted, report_url: Option<String>) -> Self {
        Self { forge, wanted, report_url, open: Mutex::default() }
    }

    /// Says that the gates of these environments are being worked on: at once where something is written, else when it takes a while.
    pub(super) async fn begin(&self, environments: &[String], writes: bool) -> Result<(), Error> {
        if !self.wanted.status && !self.wanted.check_run {
            return Ok(());
        }
        environments.clone_into(&mut self.lock().environments);
        let pending = |name: &String| Gate::of(name, GateState::Pending, "being judged");
        let gates: Vec<Gate> = environments.iter().map(pending).collect();
        let (forge, wanted, url) = (self.forge.clone(), self.wanted, self.report_url.clone());
        let (keep, unwanted) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let task = tokio::spawn(async move {
            if !writes {
                tokio::select! {
                    () = tokio::time::sleep(QUICK) => {}
                    _ = unwanted => return,
                }
            }
            let _ = tell.send(put(forge.as_ref(), wanted, &gates, url.as_deref()).await);
        });
        self.lock().announcing = Some(Announcing { wanted: keep, task });
        match writes {
            true => told.await.unwrap_or(Ok(())),
            false => Ok(()),
        }
    }

    /// Closes the gates with what a review says, and comments. What is only told and cannot be is returned as words.
    ///
    /// # Errors
    /// When a gate cannot be closed.
    pub async fn finish(&self, review: &Review, ending: Ending) -> Result<Vec<String>, Error> {
        self.stop_announcing().await;
        let look = Look { ending, most_chars: LONGEST_COMMENT, report_url: self.report_url.as_deref() };
        let mut told = Vec::new();
        if self.wanted.status || self.wanted.check_run {
            let gates = report::gates(review, &look);
            let closing = put(self.forge.as_ref(), self.wanted, &gates, self.report_url.as_deref());
            // A limit of its own is in there already, and longer: what holds a merge is worth waiting for.
            closing.await?;
            self.lock().environments.clear();
        }
        if self.wanted.comment || self.wanted.new_comment {
            // A change without images is not commented on.
            let has_images = review.environments.iter().any(report::is_busy);
            let text = has_images.then(|| report::markdown(review, &look));
            let nothing_left = report::nothing_left(review);
            let comment = Comment {
                key: review.config.path.as_deref().unwrap_or("promote-bot.yaml"),
                text: text.as_deref(),
                nothing_left: &nothing_left,
                is_new: self.wanted.new_comment,
            };
            if let Err(error) = self.forge.put_comment(&comment).await {
                let why = match error.is_forbidden() {
                    true => "the token may not comment, as on a change from a fork; the job's summary says the same"
                        .to_owned(),
                    false => error.reason(),
                };
                told.push(format!("no comment was written: {why}"));
            }
        }
        Ok(told)
    }

    /// Closes the gates of a run that ends without a verdict. Returns why that failed, if it did.
    pub async fn abandon(&self, why: &str, is_hurried: bool) -> Option<String> {
        let closing = self.close(why);
        match tokio::time::timeout(if is_hurried { HURRIED } else { CLOSING }, closing).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.reason()),
            Err(_) => Some(format!("{} did not answer in time", self.forge.name())),
        }
    }

    async fn close(&self, why: &str) -> Result<(), Error> {
        self.stop_announcing().await;
        let environments = std::mem::take(&mut self.lock().environments);
        if environments.is_empty() {
            return Ok(());
        }
        let gates: Vec<Gate> = environments.iter().map(|name| Gate::of(name, GateState::Error, why)).collect();
        put(self.forge.as_ref(), self.wanted, &gates, self.report_url.as_deref()).await
    }

    /// Lets nothing say any more that a gate is being worked on.
    async fn stop_announcing(&self) {
        let announcing = self.lock().announcing.take();
        if let Some(Announcing { wanted, task }) = announcing {
            drop(wanted);
            let _ = task.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put(forge: &dyn Forge, wanted: Wanted, gates: &[Gate], url: Option<&str>) -> Result<(), Error> {
    if wanted.status {
        forge.put_statuses(gates, url).await?;
    }
    if wanted.check_run {
        forge.put_checks(gates, url).await?;
    }
    Ok(())
}

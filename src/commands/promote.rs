//! `promote`: judges a change, then copies what the target registries lack, and proves it.

use std::collections::BTreeMap;

use super::error::Error;
use super::judge::{Inputs, judge};
use super::proofs::{Proofs, signing_key};
use crate::domain::Review;
use crate::policy::approve;
use crate::registry::Progress;

/// Judges as [`check`](super::check()) does, carries out what no rule denies unless `dry_run`, and compares both ends.
///
/// # Errors
/// As [`check`](super::check()). An image that cannot be copied is no error: the review says so, and the others go on.
pub async fn promote(inputs: &Inputs<'_>, dry_run: bool, progress: &dyn Progress) -> Result<Review, Error> {
    let mut judged = judge(inputs, !dry_run).await?;
    // What would keep the record from being written is told before anything is.
    let key = match signing_key(inputs, &judged.workspace) {
        Err(error) if dry_run => {
            let stop = "without --dry-run this would end here, with exit code 2";
            judged.workspace.notes.push(format!("{error}: {stop}"));
            None
        }
        key => key?,
    };
    let approved = approve(std::mem::take(&mut judged.plan), &judged.verdicts, judged.fail_on.threshold());
    let outcomes: Option<BTreeMap<_, _>> = match judged.registries.take() {
        Some(registries) if !dry_run => {
            let mut outcomes = registries.carry_out(&approved, progress).await.into_iter().collect();
            let proofs = Proofs { inputs, judged: &judged, registries: &registries, approved: &approved, key };
            let (remarks, recorded) = proofs.run(&mut outcomes).await;
            judged.remarks.extend(remarks);
            if recorded > 0 {
                let images = if recorded == 1 { "1 image".to_owned() } else { format!("{recorded} images") };
                judged.workspace.notes.push(format!("a signed promotion record was attached to {images}"));
            }
            Some(outcomes)
        }
        _ => None,
    };
    Ok(judged.review(approved.plan(), outcomes.as_ref()))
}

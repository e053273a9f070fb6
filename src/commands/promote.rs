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
    let key = if dry_run { None } else { signing_key(inputs, &judged.workspace)? };
    let approved = approve(std::mem::take(&mut judged.plan), &judged.verdicts, judged.fail_on.threshold());
    let outcomes: Option<BTreeMap<_, _>> = match judged.registries.take() {
        Some(registries) if !dry_run => {
            let mut outcomes = registries.carry_out(&approved, progress).await.into_iter().collect();
            let proofs = Proofs { inputs, judged: &judged, registries: &registries, approved: &approved, key };
            let remarks = proofs.run(&mut outcomes).await;
            judged.remarks.extend(remarks);
            Some(outcomes)
        }
        _ => None,
    };
    Ok(judged.review(approved.plan(), outcomes.as_ref()))
}

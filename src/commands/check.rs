//! `check`: judges a change and writes nothing.

use super::error::Error;
use super::judge::{Inputs, judge};
use crate::domain::Review;

/// Says which images a change newly references, whether they may go, and what is missing.
///
/// # Errors
/// When there is nothing to judge by: no repository, no range, a configuration or a policy with faults.
pub async fn check(inputs: &Inputs<'_>) -> Result<Review, Error> {
    let mut judged = judge(inputs, false).await?;
    let plan = std::mem::take(&mut judged.plan);
    Ok(judged.review(&plan, None))
}

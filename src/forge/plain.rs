//! No forge: a laptop, or a CI without one. Nothing is shown anywhere, so that no code path asks whether there is a forge.

use async_trait::async_trait;

use super::{Comment, Error, Forge};
use crate::domain::Gate;

/// No forge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

#[async_trait]
impl Forge for Plain {
    async fn put_statuses(&self, _: &[Gate], _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    async fn put_checks(&self, _: &[Gate], _: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    async fn put_comment(&self, _: &Comment<'_>) -> Result<(), Error> {
        Ok(())
    }

    async fn settle(&self, _: &str) -> Result<usize, Error> {
        Ok(0)
    }

    async fn merged_at(&self, _: &str, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    fn name(&self) -> String {
        "no forge".to_owned()
    }
}

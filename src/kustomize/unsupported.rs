//! Fields that are refused by name until they are supported: silence would mean wrong images.

use crate::manifest::{Failure, Result};

use super::section::Section;

/// Field, and what it would need.
const FIELDS: [(&str, &str); 1] =
    [("openapi", "remove the schema, or commit the rendered manifests instead of the kustomization")];

/// Refuses the first field in use that is not supported.
pub(super) fn refuse(section: &Section<'_>) -> Result<()> {
    for (field, hint) in FIELDS {
        if let Some(node) = section.get(field)
            && node.as_sequence().is_none_or(|elements| !elements.is_empty())
        {
            return Err(Failure::at(
                &section.place_of(field),
                format!("the kustomization field `{field}` is not supported"),
                hint,
            ));
        }
    }
    Ok(())
}

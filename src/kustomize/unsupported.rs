//! Fields that are refused by name until they are supported: silence would mean wrong images.

use super::error::{Failure, Result};
use super::node::Place;
use super::section::Section;

/// Field, and what it would need.
const FIELDS: [(&str, &str); 10] = [
    ("replacements", "set the image with `images:` or a patch instead"),
    ("vars", "set the value with `images:` or a patch instead"),
    (
        "configurations",
        "remove the custom field specifications, or list this overlay as rendered manifests",
    ),
    (
        "transformers",
        "use the kustomization's own fields (`images`, `patches`, …) instead",
    ),
    (
        "generators",
        "commit what the generator makes, or list this overlay as rendered manifests",
    ),
    ("validators", "run validators outside of the overlay that is promoted"),
    ("helmCharts", "commit the rendered chart and list it under `resources`"),
    (
        "helmChartInflationGenerator",
        "commit the rendered chart and list it under `resources`",
    ),
    ("helmGlobals", "commit the rendered chart and list it under `resources`"),
    (
        "openapi",
        "remove the schema, or list this overlay as rendered manifests",
    ),
];

/// Refuses the first field in use that is not supported.
pub(super) fn refuse(section: &Section<'_>) -> Result<()> {
    for (field, hint) in FIELDS {
        if let Some(node) = section.get(field)
            && node.as_sequence().is_none_or(|elements| !elements.is_empty())
        {
            return Err(Failure::at(
                &Place::of(node),
                format!("the kustomization field `{field}` is not supported"),
                hint,
            ));
        }
    }
    Ok(())
}

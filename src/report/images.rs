//! `images`: the effective images of overlays, one JSON object a line, or as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::safe::safe;
use crate::domain::{ImageUse, OverlayError, OverlayImages, UseClass};

/// One overlay with what became of resolving it.
#[derive(Debug)]
pub struct Overlay {
    /// Its directory, as it is to be shown.
    pub path: String,
    /// The environment that names it, if any does.
    pub environment: Option<String>,
    /// Its images, or why they are not known.
    pub images: Result<OverlayImages, OverlayError>,
    /// The digest over its sites (see [`crate::kustomize::sites_digest`]).
    pub sites: String,
}

/// One line of `images -f json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    overlay: String,
    environment: Option<&'a str>,
    images: Vec<Image<'a>>,
    fields: Vec<Image<'a>>,
    helm: Vec<Image<'a>>,
    configured: Vec<Image<'a>>,
    declared: Vec<Image<'a>>,
    sites: &'a str,
    partial: Vec<Partial<'a>>,
}

#[derive(Debug, Serialize)]
struct Broken<'a> {
    overlay: String,
    environment: Option<&'a str>,
    error: &'a str,
    hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Image<'a> {
    image: &'a str,
    uses: Vec<Use<'a>>,
}

#[derive(Debug, Serialize)]
struct Use<'a> {
    kind: &'a str,
    name: &'a str,
    namespace: &'a str,
    container: Option<&'a str>,
    field: &'a str,
    path: &'a str,
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize)]
struct Partial<'a> {
    reason: &'a str,
    what: &'a str,
    path: &'a str,
    line: u32,
}

/// Renders one overlay as one line of JSON, without the newline.
///
/// # Errors
/// Never: all keys are strings.
pub fn json_line(overlay: &Overlay) -> Result<String, serde_json::Error> {
    let (path, environment) = (overlay.path.clone(), overlay.environment.as_deref());
    match &overlay.images {
        Ok(images) => serde_json::to_string(&Line {
            overlay: path,
            environment,
            images: of_class(images, UseClass::Container),
            fields: of_class(images, UseClass::Field),
            helm: of_class(images, UseClass::Helm),
            configured: of_class(images, UseClass::Configured),
            declared: of_class(images, UseClass::Declared),
            sites: &overlay.sites,
            partial: images.partial.iter().map(partial).collect(),
        }),
        Err(error) => serde_json::to_string(&Broken {
            overlay: path,
            environment,
            error: &error.message,
            hint: &error.hint,
            path: error.location.as_ref().map(|location| location.path.as_str()),
            line: error.location.as_ref().map(|location| location.line),
            column: error.location.as_ref().map(|location| location.column),
        }),
    }
}

/// Renders one overlay for people: its images with the places that decided them.
#[must_use]
pub fn text(overlay: &Overlay) -> String {
    let environment = overlay.environment.as_ref().map(|name| format!("  ({})", safe(name))).unwrap_or_default();
    let mut out = format!("{}{environment}\n", safe(&overlay.path));
    match &overlay.images {
        Ok(images) => {
            for (image, uses) in grouped(images.uses.iter()) {
                let _ = writeln!(out, "  {}", safe(image));
                for image_use in uses {
                    let workload = &image_use.workload;
                    let container = image_use.container.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
                    let user = match (workload.kind.as_str(), workload.name.as_str()) {
                        ("", "") => safe(&image_use.field),
                        (kind, name) => safe(&format!("{kind}/{name}{container}")),
                    };
                    let _ = writeln!(out, "      {user}  {}", safe(&image_use.location.to_string()));
                }
            }
            for partial in &images.partial {
                let _ = writeln!(
                    out,
                    "  not resolved: {} {}  {}",
                    safe(&partial.reason),
                    safe(&partial.what),
                    safe(&partial.location.to_string())
                );
            }
            if images.uses.is_empty() {
                out.push_str("  no images\n");
            }
        }
        Err(error) => {
            let place = error.location.as_ref().map(|location| format!("{location}: ")).unwrap_or_default();
            let _ = writeln!(out, "  error: {}{}\n  hint: {}", safe(&place), safe(&error.message), safe(&error.hint));
        }
    }
    out
}

fn of_class(images: &OverlayImages, class: UseClass) -> Vec<Image<'_>> {
    let uses = images.uses.iter().filter(|image_use| image_use.class == class);
    grouped(uses)
        .into_iter()
        .map(|(image, uses)| Image { image, uses: uses.into_iter().map(describe).collect() })
        .collect()
}

fn grouped<'a>(uses: impl Iterator<Item = &'a ImageUse>) -> BTreeMap<&'a str, Vec<&'a ImageUse>> {
    let mut map: BTreeMap<&str, Vec<&ImageUse>> = BTreeMap::new();
    for image_use in uses {
        map.entry(&image_use.image).or_default().push(image_use);
    }
    map
}

fn describe(image_use: &ImageUse) -> Use<'_> {
    Use {
        kind: &image_use.workload.kind,
        name: &image_use.workload.name,
        namespace: &image_use.workload.namespace,
        container: image_use.container.as_deref(),
        field: &image_use.field,
        path: &image_use.location.path,
        line: image_use.location.line,
        column: image_use.location.column,
    }
}

fn partial(partial: &crate::domain::Partial) -> Partial<'_> {
    Partial { reason: &partial.reason, what: &partial.what, path: &partial.location.path, line: partial.location.line }
}

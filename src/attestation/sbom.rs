//! What an image is made of: SPDX and CycloneDX documents, as far as a rule asks.

use core::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::Claim;
use super::fields::{Object, wrong};
use super::json;
use super::unreadable::{Unreadable, shown};
use super::vex::{self, Vex};

/// A software bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// Its format.
    pub format: SbomFormat,
    /// The format's version as the document says it: `SPDX-2.3`, `1.5`.
    pub version: Option<String>,
    /// How many packages or components it lists at its top level; a bill of nothing has zero.
    pub components: usize,
    /// What the same document says of vulnerabilities; only CycloneDX has a place for it.
    pub vex: Option<Vex>,
}

/// A format of bills of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// <https://spdx.dev>, versions 2 and 3.
    Spdx,
    /// <https://cyclonedx.org>.
    CycloneDx,
}

impl fmt::Display for SbomFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Spdx => "spdx",
            Self::CycloneDx => "cyclonedx",
        })
    }
}

/// Reads an SPDX document: JSON, or the text that `cosign attest --type spdx` wraps (tag and value, or JSON again).
pub(super) fn read_spdx(predicate: &Value) -> Result<Sbom, Unreadable> {
    let predicate = unwrapped(predicate);
    let parsed;
    let document = match predicate {
        Value::String(text) if text.trim_start().starts_with('{') => {
            parsed = json::parse(text.as_bytes())?;
            Object::of(&parsed, "")?
        }
        Value::String(text) => return read_tag_value(text),
        _ => Object::of(predicate, "")?,
    };
    let (version, packages) = match document.filled("spdxVersion")? {
        Some(version) => (version, document.list("packages")?),
        // SPDX 3 is JSON-LD: https://spdx.github.io/spdx-spec/v3.0.1/serializations/
        None => (spdx3_context(&document)?, document.list("@graph")?),
    };
    if !(version.starts_with("SPDX-") || version.starts_with("https://spdx.org/rdf/3.")) {
        return Err(unsupported(version));
    }
    Ok(Sbom { format: SbomFormat::Spdx, version: Some(version.to_owned()), components: packages.len(), vex: None })
}

fn spdx3_context<'a>(document: &Object<'a>) -> Result<&'a str, Unreadable> {
    match document.value("@context") {
        Some(Value::String(context)) => Ok(context),
        Some(other) => Err(wrong("@context".to_owned(), "a text", other)),
        None => Err(Unreadable::Missing("spdxVersion".to_owned())),
    }
}

fn read_tag_value(text: &str) -> Result<Sbom, Unreadable> {
    let version = text.lines().find_map(|line| line.strip_prefix("SPDXVersion:")).map(str::trim);
    let version = version.ok_or_else(|| Unreadable::Missing("SPDXVersion".to_owned()))?;
    if !version.starts_with("SPDX-") {
        return Err(unsupported(version));
    }
    let components = text.lines().filter(|line| line.starts_with("PackageName:")).count();
    Ok(Sbom { format: SbomFormat::Spdx, version: Some(version.to_owned()), components, vex: None })
}

fn unsupported(version: &str) -> Unreadable {
    Unreadable::Unsupported {
        what: "version of SPDX",
        expected: "SPDX 2 or 3",
        actual: format!("`{}`", shown(version)),
    }
}

/// Reads a CycloneDX document. One that lists no components and judges vulnerabilities is a VEX document and no bill.
pub(super) fn read_cyclonedx(predicate: &Value, now: Timestamp) -> Result<Claim, Unreadable> {
    let predicate = unwrapped(predicate);
    let document = Object::of(predicate, "")?;
    let components = document.list("components")?.len();
    let vex = vex::read_cyclonedx(predicate, true, now)?;
    Ok(match vex {
        Some(vex) if components == 0 => Claim::Vex(vex),
        vex => Claim::Sbom(Sbom {
            format: SbomFormat::CycloneDx,
            version: document.filled("specVersion")?.map(str::to_owned),
            components,
            vex,
        }),
    })
}

/// Takes the document out of the wrapping of cosign before 2.0: `{"Data": …, "Timestamp": …}`.
fn unwrapped(predicate: &Value) -> &Value {
    match predicate {
        Value::Object(map) if map.len() == 2 && map.contains_key("Timestamp") => map.get("Data").unwrap_or(predicate),
        _ => predicate,
    }
}

//! OpenVEX documents: <https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>, and v0.0.1 before it.

use jiff::Timestamp;
use serde_json::Value;

use super::{Component, Product, Vex, VexStatement, VexStatus};
use crate::attestation::fields::{Object, wrong};
use crate::attestation::is_version_of;
use crate::attestation::time::Time;
use crate::attestation::unreadable::{Unreadable, shown};

/// The labels of the specification; any other gives no reason.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// Reads a document. One statement of another shape makes all unreadable: it could withdraw what another covers.
pub(in crate::attestation) fn read(document: &Value, attached: bool, now: Timestamp) -> Result<Vex, Unreadable> {
    let document = Object::of(document, "")?;
    let context = document.required("@context")?;
    if !is_version_of(context, "https://openvex.dev/ns") {
        return Err(Unreadable::Unsupported {
            what: "VEX document",
            expected: "a `@context` of OpenVEX or the `bomFormat` of CycloneDX",
            actual: format!("`{}`", shown(context)),
        });
    }
    let issued = Time::read(document.text("timestamp")?, now);
    let mut statements = Vec::new();
    for entry in document.objects("statements", "statements[]")? {
        let entry = entry?;
        statements.push(VexStatement {
            vulnerability: vulnerability(&entry)?,
            products: products(&entry)?,
            status: status(entry.text("status")?),
            justification: justification(&entry)?,
            at: Time::read(entry.text("timestamp")?, now).or(issued).known(),
            attached,
        });
    }
    Ok(Vex { statements })
}

fn status(word: Option<&str>) -> VexStatus {
    match word {
        Some("not_affected") => VexStatus::NotAffected,
        Some("fixed") => VexStatus::Fixed,
        Some("affected") => VexStatus::Affected,
        Some("under_investigation") => VexStatus::UnderInvestigation,
        _ => VexStatus::Unknown,
    }
}

fn justification(entry: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let label = entry.text("justification")?.filter(|label| JUSTIFICATIONS.contains(label));
    let impact = entry.text("impact_statement")?.filter(|text| !text.trim().is_empty());
    Ok(label.or(impact).map(str::to_owned))
}

/// An object with a name, or in v0.0.1 the name.
fn vulnerability(entry: &Object<'_>) -> Result<Vec<String>, Unreadable> {
    let place = "statements[].vulnerability";
    let names = match entry.value("vulnerability") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(value) => {
            let vulnerability = Object::of(value, place)?;
            let mut names = vec![vulnerability.required("name")?];
            names.extend(vulnerability.texts("aliases")?);
            names
        }
        None => return Err(Unreadable::Missing(place.to_owned())),
    };
    Ok(names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn products(entry: &Object<'_>) -> Result<Vec<Product>, Unreadable> {
    // In v0.0.1 the parts stand beside the products and are those of each.
    let shared = components(entry)?;
    let mut products = Vec::new();
    for value in entry.list("products")? {
        let own = match value {
            Value::Object(_) => components(&Object::of(value, "statements[].products[]")?)?,
            _ => Vec::new(),
        };
        let subcomponents = if own.is_empty() { shared.clone() } else { own };
        products.push(Product { component: component(value, "statements[].products[]")?, subcomponents });
    }
    Ok(products)
}

fn components(parent: &Object<'_>) -> Result<Vec<Component>, Unreadable> {
    parent.list("subcomponents")?.iter().map(|value| component(value, "subcomponents[]")).collect()
}

fn component(value: &Value, place: &'static str) -> Result<Component, Unreadable> {
    let fields = match value {
        Value::String(id) => return Ok(Component::of([id.as_str()])),
        Value::Object(_) => Object::of(value, place)?,
        other => return Err(wrong(place.to_owned(), "a text or an object", other)),
    };
    let identifiers = fields.object("identifiers", "identifiers")?;
    let purl = identifiers.map(|identifiers| identifiers.filled("purl")).transpose()?.flatten();
    Ok(Component::of(fields.filled("@id")?.into_iter().chain(purl)))
}

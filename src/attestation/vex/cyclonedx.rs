//! VEX in CycloneDX documents: <https://cyclonedx.org/docs/1.6/json/#vulnerabilities>.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Component, Product, Vex, VexStatement, VexStatus};
use crate::attestation::fields::Object;
use crate::attestation::time::Time;
use crate::attestation::unreadable::{Unreadable, shown};

/// The labels of the specification; any other gives no reason.
const JUSTIFICATIONS: [&str; 9] = [
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
];

/// Reads the analyses of a document; none when it has no vulnerability with an `analysis`, as a plain bill of
/// materials.
pub(in crate::attestation) fn read(
    document: &Value,
    attached: bool,
    now: Timestamp,
) -> Result<Option<Vex>, Unreadable> {
    let document = Object::of(document, "")?;
    let format = document.required("bomFormat")?;
    if format != "CycloneDX" {
        let actual = format!("`{}`", shown(format));
        return Err(Unreadable::Unsupported { what: "bill of materials", expected: "`CycloneDX`", actual });
    }
    let metadata = document.object("metadata", "metadata")?;
    let issued = metadata.map(|metadata| metadata.text("timestamp")).transpose()?.flatten();
    let issued = Time::read(issued, now);
    let mut known = None;
    let mut statements = Vec::new();
    for entry in document.objects("vulnerabilities", "vulnerabilities[]")? {
        let entry = entry?;
        let Some(analysis) = entry.object("analysis", "vulnerabilities[].analysis")? else {
            continue;
        };
        let known = match &known {
            Some(known) => known,
            None => known.insert(components(&document)?),
        };
        statements.push(statement(&entry, &analysis, known, issued, attached, now)?);
    }
    Ok((!statements.is_empty()).then_some(Vex { statements }))
}

fn statement(
    entry: &Object<'_>,
    analysis: &Object<'_>,
    known: &HashMap<&str, Component>,
    issued: Time,
    attached: bool,
    now: Timestamp,
) -> Result<VexStatement, Unreadable> {
    let mut vulnerability = vec![entry.required("id")?.to_owned()];
    for reference in entry.objects("references", "vulnerabilities[].references[]")? {
        vulnerability.extend(reference?.filled("id")?.map(str::to_owned));
    }
    let mut products = Vec::new();
    for affected in entry.objects("affects", "vulnerabilities[].affects[]")? {
        let component = component(affected?.required("ref")?, known);
        products.push(Product { component, subcomponents: Vec::new() });
    }
    let at = Time::read(analysis.text("lastUpdated")?, now)
        .or(Time::read(analysis.text("firstIssued")?, now))
        .or(Time::read(entry.text("updated")?, now))
        .or(issued);
    let label = analysis.text("justification")?.filter(|label| JUSTIFICATIONS.contains(label));
    let detail = analysis.text("detail")?.filter(|text| !text.trim().is_empty());
    Ok(VexStatement {
        vulnerability,
        products,
        status: status(analysis.text("state")?),
        justification: label.or(detail).map(str::to_owned),
        at: at.known(),
        attached,
    })
}

fn status(word: Option<&str>) -> VexStatus {
    match word {
        Some("not_affected" | "false_positive") => VexStatus::NotAffected,
        Some("resolved" | "resolved_with_pedigree") => VexStatus::Fixed,
        Some("exploitable") => VexStatus::Affected,
        Some("in_triage") => VexStatus::UnderInvestigation,
        _ => VexStatus::Unknown,
    }
}

/// What `affects` points to: a component of this document, or of another one (`urn:cdx:SERIAL/VERSION#REF`) whose
/// reference is a package URL, as most writers have it. Anything else is a component that fits nothing.
fn component(reference: &str, known: &HashMap<&str, Component>) -> Component {
    match known.get(reference) {
        Some(component) => component.clone(),
        None => {
            let local = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
            Component::of([local.map_or(reference, |(_, local)| local)])
        }
    }
}

/// The document's components at any depth, by their references. One that is there twice fits nothing.
fn components<'a>(document: &Object<'a>) -> Result<HashMap<&'a str, Component>, Unreadable> {
    let mut known: HashMap<&str, Component> = HashMap::new();
    let metadata = document.object("metadata", "metadata")?;
    let root = metadata.map(|metadata| metadata.object("component", "metadata.component")).transpose()?.flatten();
    let mut open: Vec<Object<'a>> = root.into_iter().collect();
    for component in document.objects("components", "components[]")? {
        open.push(component?);
    }
    while let Some(component) = open.pop() {
        for nested in component.objects("components", "components[]")? {
            open.push(nested?);
        }
        if let Some(reference) = component.filled("bom-ref")? {
            let purl = component.filled("purl")?;
            let twice = known.insert(reference, Component::of(purl)).is_some();
            if twice {
                known.insert(reference, Component { is_unclear: true, ..Component::default() });
            }
        }
    }
    Ok(known)
}

//! Grype's JSON: `grype/presenter/models` of <https://github.com/anchore/grype>.

use jiff::Timestamp;
use serde_json::Value;

use super::vulnerability::{Severity, UNNAMED_FIX, Vulnerability, aliases};
use super::{Scan, digest_in, named};
use crate::attestation::fields::Object;
use crate::attestation::time::Time;
use crate::attestation::unreadable::{Unreadable, shown};

pub(super) fn read(report: &Object<'_>, now: Timestamp) -> Result<Scan, Unreadable> {
    let descriptor = report.object("descriptor", "descriptor")?;
    let (version, timestamp) = match descriptor {
        Some(descriptor) => (descriptor.filled("version")?, descriptor.text("timestamp")?),
        None => (None, None),
    };
    // Grype writes an empty list for a clean image; without the list nothing was looked for.
    if report.value("matches").is_none() {
        return Err(Unreadable::Missing("matches".to_owned()));
    }
    let mut vulnerabilities = Vec::new();
    for found in report.objects("matches", "matches[]")? {
        vulnerabilities.push(vulnerability(&found?, now)?);
    }
    Ok(Scan {
        scanner: named("Grype", version),
        finished_at: Time::read(timestamp, now).known(),
        images: images(report)?,
        vulnerabilities,
        suppressed: report.list("ignoredMatches")?.len(),
    })
}

/// `target` is an object for images only; for directories and bills it is a path.
fn images(report: &Object<'_>) -> Result<Vec<String>, Unreadable> {
    let Some(source) = report.object("source", "source")? else {
        return Ok(Vec::new());
    };
    if let Some(kind) = source.filled("type")?.filter(|kind| matches!(*kind, "directory" | "file")) {
        let actual = format!("of a {}", shown(kind));
        return Err(Unreadable::Unsupported { what: "report", expected: "one of a container image", actual });
    }
    let Some(target @ Value::Object(_)) = source.value("target") else {
        return Ok(Vec::new());
    };
    let target = Object::of(target, "source.target")?;
    let own = target.filled("manifestDigest")?.map(str::to_owned);
    Ok(own.into_iter().chain(target.texts("repoDigests")?.into_iter().map(digest_in)).collect())
}

fn vulnerability(found: &Object<'_>, now: Timestamp) -> Result<Vulnerability, Unreadable> {
    let missing = |place: &str| Unreadable::Missing(place.to_owned());
    let place = "matches[].vulnerability";
    let vulnerability = found.object("vulnerability", place)?.ok_or_else(|| missing(place))?;
    let place = "matches[].artifact";
    let artifact = found.object("artifact", place)?.ok_or_else(|| missing(place))?;
    let id = vulnerability.required("id")?;
    let mut related = Vec::new();
    for other in found.objects("relatedVulnerabilities", "matches[].relatedVulnerabilities[]")? {
        related.extend(other?.filled("id")?);
    }
    let fix = vulnerability.object("fix", "matches[].vulnerability.fix")?;
    let (fixed_in, fix_available) = match fix {
        Some(fix) => (fixed_in(&fix)?, fix_available(&fix, now)?),
        None => (None, None),
    };
    Ok(Vulnerability {
        id: id.to_owned(),
        aliases: aliases(id, related),
        package: artifact.required("name")?.to_owned(),
        version: artifact.text("version")?.unwrap_or_default().to_owned(),
        purl: artifact.filled("purl")?.map(str::to_owned),
        severity: Severity::read(vulnerability.text("severity")?.unwrap_or_default()),
        fixed_in,
        published: None,
        fix_available,
    })
}

fn fixed_in(fix: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let versions = fix.texts("versions")?;
    Ok(match (versions.is_empty(), fix.text("state")?) {
        (false, _) => Some(versions.join(", ")),
        (true, Some("fixed")) => Some(UNNAMED_FIX.to_owned()),
        (true, _) => None,
    })
}

/// The earliest date of a fix. When one of the dates cannot be read, none is believed.
fn fix_available(fix: &Object<'_>, now: Timestamp) -> Result<Option<Timestamp>, Unreadable> {
    let mut earliest: Option<Timestamp> = None;
    for available in fix.objects("available", "matches[].vulnerability.fix.available[]")? {
        match Time::read(available?.text("date")?, now) {
            Time::At(at) => earliest = Some(earliest.map_or(at, |known| known.min(at))),
            Time::Absent => {}
            Time::Unusable => return Ok(None),
        }
    }
    Ok(earliest)
}

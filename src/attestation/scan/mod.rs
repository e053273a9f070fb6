//! What a scanner found in an image.

mod grype;
mod trivy;
mod vulnerability;

use jiff::Timestamp;
use serde_json::Value;

use super::fields::Object;
use super::json;
use super::time::Time;
use super::unreadable::{Unreadable, shown};

pub use vulnerability::{Severity, Vulnerability};

/// A scanner's report on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The scanner and its version, for people: `Trivy 0.60.0`.
    pub scanner: String,
    /// When the scan was finished; none when the report does not say, says nonsense, or names a time to come.
    pub finished_at: Option<Timestamp>,
    /// The digests the report says it is about, as given; none when it names none. An image is among them, or the
    /// report is about something else.
    pub images: Vec<String>,
    /// What was found. An empty list is a clean image.
    pub vulnerabilities: Vec<Vulnerability>,
    /// How many findings the scanner was told to leave out (ignore files, its own VEX); they are not in
    /// `vulnerabilities`.
    pub suppressed: usize,
}

/// Reads a report as Trivy (`--format json`, schema 2) or Grype (`-o json`) writes it; `now` is the instant nothing
/// can be later than.
///
/// A Trivy report without `Results` has no findings, as Trivy writes it for a clean image, unless it found an
/// operating system with packages: then the scan left them out, and the report is refused.
///
/// # Errors
/// The reason the report cannot be believed: not JSON, a key twice, another format or version, a field of another type.
pub fn scan_report(bytes: &[u8], now: Timestamp) -> Result<Scan, Unreadable> {
    read_report(&json::parse(bytes)?, now)
}

/// Reads cosign's vulnerability predicate, the scanner's report inside as an object or as its text:
/// <https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>
pub(super) fn read_attested(predicate: &Value, now: Timestamp) -> Result<Scan, Unreadable> {
    let predicate = Object::of(predicate, "")?;
    let missing = |place: &str| Unreadable::Missing(place.to_owned());
    let scanner = predicate.object("scanner", "scanner")?.ok_or_else(|| missing("scanner"))?;
    let mut scan = match scanner.value("result") {
        None => return Err(missing("scanner.result")),
        Some(Value::String(text)) => scan_report(text.as_bytes(), now)?,
        Some(report) => read_report(report, now)?,
    };
    if let Some(version) = scanner.filled("version")?
        && !scan.scanner.contains(' ')
    {
        scan.scanner = named(&scan.scanner, Some(version));
    }
    if let Some(metadata) = predicate.object("metadata", "metadata")? {
        let finished = Time::read(metadata.text("scanFinishedOn")?, now);
        if finished != Time::Absent {
            scan.finished_at = finished.known();
        }
    }
    Ok(scan)
}

fn read_report(report: &Value, now: Timestamp) -> Result<Scan, Unreadable> {
    let unknown = |actual| Unreadable::Unsupported {
        what: "format of a scanner's report",
        expected: "Trivy's or Grype's JSON",
        actual,
    };
    let report = match report {
        Value::Object(_) => Object::of(report, "")?,
        Value::Array(_) => return Err(unknown("a list".to_owned())),
        _ => return Err(unknown("a single value".to_owned())),
    };
    let is_grype = match report.value("descriptor") {
        Some(Value::Object(descriptor)) => descriptor.get("name").and_then(Value::as_str) == Some("grype"),
        _ => false,
    };
    match (report.value("SchemaVersion").is_some(), is_grype) {
        (true, false) => trivy::read(&report, now),
        (false, true) => grype::read(&report, now),
        (true, true) => Err(unknown("both at once".to_owned())),
        (false, false) => {
            let keys: Vec<String> = report.keys().take(8).map(|key| format!("`{}`", shown(key))).collect();
            Err(unknown(match keys.is_empty() {
                true => "an empty object".to_owned(),
                false => format!("an object with {}", keys.join(", ")),
            }))
        }
    }
}

/// A scanner's name with its version, if that is known.
fn named(scanner: &str, version: Option<&str>) -> String {
    version.map_or_else(|| scanner.to_owned(), |version| format!("{scanner} {}", shown(version)))
}

/// The digest of `registry/repository@sha256:…`, or the text itself when there is none in it.
fn digest_in(reference: &str) -> String {
    reference.rsplit_once('@').map_or(reference, |(_, digest)| digest).to_owned()
}

#[cfg(test)]
mod tests;

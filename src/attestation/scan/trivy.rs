//! Trivy's JSON, schema 2: `pkg/types/report.go` of <https://github.com/aquasecurity/trivy>.

use jiff::Timestamp;

use super::vulnerability::{Severity, UNNAMED_FIX, Vulnerability, aliases};
use super::{Scan, digest_in, named};
use crate::attestation::fields::Object;
use crate::attestation::time::Time;
use crate::attestation::unreadable::{Unreadable, shown};

pub(super) fn read(report: &Object<'_>, now: Timestamp) -> Result<Scan, Unreadable> {
    check_schema(report)?;
    if let Some(kind) = report.filled("ArtifactType")?
        && kind != "container_image"
    {
        let actual = format!("of a {}", shown(kind));
        return Err(Unreadable::Unsupported { what: "report", expected: "one of a container image", actual });
    }
    let metadata = report.object("Metadata", "Metadata")?;
    let program = report.object("Trivy", "Trivy")?;
    let version = program.map(|program| program.filled("Version")).transpose()?.flatten();
    let mut scan = Scan {
        scanner: named("Trivy", version),
        finished_at: Time::read(report.text("CreatedAt")?, now).known(),
        images: match metadata {
            Some(metadata) => metadata.texts("RepoDigests")?.into_iter().map(digest_in).collect(),
            None => Vec::new(),
        },
        vulnerabilities: Vec::new(),
        suppressed: 0,
    };
    let mut has_os_packages = false;
    for result in report.objects("Results", "Results[]")? {
        let result = result?;
        has_os_packages |= result.text("Class")? == Some("os-pkgs");
        for finding in result.objects("Vulnerabilities", "Vulnerabilities[]")? {
            scan.vulnerabilities.push(vulnerability(&finding?, now)?);
        }
        for finding in result.objects("ExperimentalModifiedFindings", "ExperimentalModifiedFindings[]")? {
            scan.suppressed += usize::from(finding?.text("Type")? == Some("vulnerability"));
        }
    }
    match metadata.map(|metadata| metadata.object("OS", "Metadata.OS")).transpose()?.flatten() {
        Some(os) if !has_os_packages => check_os(&os)?,
        _ => {}
    }
    Ok(scan)
}

fn check_schema(report: &Object<'_>) -> Result<(), Unreadable> {
    let version = report.value("SchemaVersion");
    // A number that went through protobuf may come back with a fraction.
    if version.and_then(serde_json::Value::as_f64) == Some(2.0) {
        return Ok(());
    }
    let actual = version.map(|version| shown(&version.to_string())).unwrap_or_default();
    Err(Unreadable::Unsupported { what: "schema of a Trivy report", expected: "2", actual })
}

/// Trivy writes a result for the packages of every operating system it finds, findings or not; it has none when the
/// scan was told to leave them out (`--scanners secret`, `--pkg-types library`) or when Trivy does not know the
/// system.
fn check_os(os: &Object<'_>) -> Result<(), Unreadable> {
    match os.filled("Family")? {
        Some(family) if family != "none" => Err(Unreadable::OsNotScanned(shown(family))),
        _ => Ok(()),
    }
}

fn vulnerability(finding: &Object<'_>, now: Timestamp) -> Result<Vulnerability, Unreadable> {
    let id = finding.required("VulnerabilityID")?;
    let identifier = finding.object("PkgIdentifier", "PkgIdentifier")?;
    let purl = identifier.map(|identifier| identifier.filled("PURL")).transpose()?.flatten();
    let fixed_in = finding.filled("FixedVersion")?.or(match finding.text("Status")? {
        Some("fixed") => Some(UNNAMED_FIX),
        _ => None,
    });
    Ok(Vulnerability {
        id: id.to_owned(),
        aliases: aliases(id, finding.texts("VendorIDs")?),
        package: finding.required("PkgName")?.to_owned(),
        version: finding.text("InstalledVersion")?.unwrap_or_default().to_owned(),
        purl: purl.map(str::to_owned),
        severity: Severity::read(finding.text("Severity")?.unwrap_or_default()),
        fixed_in: fixed_in.map(str::to_owned),
        published: Time::read(finding.text("PublishedDate")?, now).known(),
        fix_available: None,
    })
}

//! Which reports on an image count.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Vulnerabilities;
use crate::attestation::{Claim, Scan, scan_report};
use crate::policy::coverage::{Coverage, some_of, told};
use crate::policy::dossier::{Exhibit, ProgramEnd, What};
use crate::policy::subject::Subject;

/// A report, with what it is about and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// The digest it is about, as text.
    pub(super) about: String,
    pub(super) whose: String,
    pub(super) scan: Scan,
}

/// The reports of a subject, and what was not taken for one.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// Of each digest the newest, and every one that does not say when it was made.
    pub(super) newest: Vec<Report>,
    pub(super) refused: Vec<String>,
}

impl Reports {
    /// Collects what counts.
    pub(super) fn of(rule: &Vulnerabilities, subject: &Subject<'_>, exhibits: &[Exhibit]) -> Self {
        let mut all = Vec::new();
        let mut refused = Vec::new();
        if rule.takes_attestations {
            attested(rule, subject, exhibits, &mut all, &mut refused);
        }
        let digest = subject.digest.map(ToString::to_string).unwrap_or_default();
        if rule.takes_files {
            let of_file = |scan: &Scan| Report {
                about: digest.clone(),
                whose: format!("a file, by {}", scan.scanner),
                scan: scan.clone(),
            };
            all.extend(subject.dossier.reports.iter().map(of_file));
        } else if !subject.dossier.reports.is_empty() {
            refused.push("a report from a file, which the rule does not take".to_owned());
        }
        if rule.scanner.is_some() {
            match scanned(subject, &digest) {
                Ok(report) => all.push(report),
                Err(why) => refused.push(why),
            }
        }
        Self { newest: newest(all), refused }
    }

    /// Tells what of the image the reports are about.
    pub(super) fn coverage(&self, subject: &Subject<'_>) -> Coverage {
        let has = |digest: &str| self.newest.iter().any(|report| report.about == digest);
        if subject.digest.is_some_and(|digest| has(&digest.to_string())) {
            return Coverage::Whole;
        }
        let images = subject.make().map(|make| make.images()).unwrap_or_default();
        let without: Vec<String> = images
            .iter()
            .filter(|image| !has(&image.digest.to_string()))
            .map(|image| image.platform.clone().unwrap_or_else(|| image.digest.to_string()))
            .collect();
        match (images.len(), without.len()) {
            (0, _) => Coverage::None,
            (_, 0) => Coverage::Parts,
            (all, lacking) if all == lacking => Coverage::None,
            _ => Coverage::Some(without),
        }
    }

    /// Says what is there in place of what is wanted.
    pub(super) fn told(&self) -> String {
        some_of(&self.refused, 3)
    }
}

fn attested(
    rule: &Vulnerabilities,
    subject: &Subject<'_>,
    exhibits: &[Exhibit],
    all: &mut Vec<Report>,
    refused: &mut Vec<String>,
) {
    let mut untrusted = Vec::new();
    for exhibit in exhibits {
        let What::Attestation(kind, claim) = &exhibit.what else { continue };
        match claim.as_ref() {
            _ if !rule.by.takes(exhibit.signers()) => untrusted.extend(is_report(kind).then_some(exhibit)),
            Claim::Scan(scan) if !is_about(subject, scan) => {
                refused.push(format!("a report whose scan is of another image ({})", some_of(&scan.images, 2)));
            }
            Claim::Scan(scan) => all.push(Report {
                about: exhibit.subject.to_string(),
                whose: format!("{}, by {}", exhibit.signers().join(" and "), scan.scanner),
                scan: scan.clone(),
            }),
            Claim::Unreadable { why } if is_report(kind) => {
                refused.push(format!("a report that cannot be read ({why})"))
            }
            _ => {}
        }
    }
    refused.extend(told(untrusted.into_iter(), "a report"));
}

fn is_report(predicate_type: &str) -> bool {
    predicate_type.contains("cosign.sigstore.dev/attestation/vuln/")
}

/// Tells whether a scan that names what it is of names this image, or a part of it.
fn is_about(subject: &Subject<'_>, scan: &Scan) -> bool {
    let parts = subject.make().map(|make| make.images()).unwrap_or_default();
    let known = || subject.digest.into_iter().chain(parts.iter().map(|image| &image.digest));
    scan.images.is_empty() || scan.images.iter().any(|named| known().any(|digest| digest.to_string() == *named))
}

/// Reads what a scanner printed.
fn scanned(subject: &Subject<'_>, digest: &str) -> Result<Report, String> {
    let rule = format!("{}/{}", subject.policy, super::NAME);
    match subject.dossier.programs.get(&rule) {
        Some(ProgramEnd::Passed { output }) => match scan_report(output, subject.now) {
            Ok(scan) => {
                // It was run just now, whatever its clock says.
                let scan = Scan { finished_at: Some(scan.finished_at.unwrap_or(subject.now)), ..scan };
                Ok(Report { about: digest.to_owned(), whose: format!("the scanner {}", scan.scanner), scan })
            }
            Err(why) => Err(format!("what the scanner printed, which cannot be read ({why})")),
        },
        Some(ProgramEnd::Refused { why } | ProgramEnd::Failed { why }) => Err(format!("a scanner that failed ({why})")),
        None => Err("a scanner that was not run".to_owned()),
    }
}

/// Keeps the newest of each digest; what does not say when it was made can be told neither newer nor older, and stays.
fn newest(all: Vec<Report>) -> Vec<Report> {
    let mut by_digest: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    for report in &all {
        let newest = by_digest.entry(report.about.clone()).or_default();
        *newest = (*newest).max(report.scan.finished_at);
    }
    let is_kept = |report: &Report| {
        report.scan.finished_at.is_none() || by_digest.get(&report.about) == Some(&report.scan.finished_at)
    };
    all.into_iter().filter(is_kept).collect()
}

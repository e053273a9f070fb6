//! Which reports on an image count.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Vulnerabilities;
use crate::attestation::{Claim, Scan, scan_report};
use crate::domain::Digest;
use crate::policy::coverage::{Coverage, covered, some_of, told};
use crate::policy::dossier::{Exhibit, MadeImage, ProgramEnd, What};
use crate::policy::subject::{Subject, rule_on};

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
    /// Reports of signers the rule takes that cannot be read: what they found is not known, and may be newer.
    pub(super) unreadable: Vec<String>,
    /// Why the scanner that is to be run gave no report.
    pub(super) scanner_failed: Option<String>,
}

impl Reports {
    /// Collects what counts.
    pub(super) fn of(rule: &Vulnerabilities, subject: &Subject<'_>, exhibits: &[Exhibit]) -> Self {
        let mut all = Vec::new();
        let (mut refused, mut scanner_failed) = (Vec::new(), None);
        let mut unreadable = Vec::new();
        if rule.takes_attestations {
            attested(rule, subject, exhibits, &mut all, &mut refused);
            unreadable.extend(exhibits.iter().filter(|one| rule.by.takes(one.signers())).filter_map(unreadable_report));
        }
        if rule.takes_files {
            for scan in &subject.dossier.reports {
                let whose = format!("a file, by {}", scan.scanner);
                let about = about(subject, scan, None);
                all.extend(about.into_iter().map(|about| Report { about, whose: whose.clone(), scan: scan.clone() }));
            }
        } else if !subject.dossier.reports.is_empty() {
            refused.push("a report from a file, which the rule does not take".to_owned());
        }
        if rule.scanner.is_some() {
            match scanned(subject) {
                Ok(reports) => all.extend(reports),
                Err(why) => scanner_failed = Some(why),
            }
        }
        Self { newest: newest(all), refused, unreadable, scanner_failed }
    }

    /// Tells what of the image the reports are about.
    pub(super) fn coverage(&self, subject: &Subject<'_>) -> Coverage {
        covered(subject, |digest| self.newest.iter().any(|report| report.about == digest.to_string()))
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
            Claim::Scan(scan) => {
                let about = about(subject, scan, Some(&exhibit.subject));
                if about.is_empty() {
                    refused.push(format!("a report whose scan is of another image ({})", some_of(&scan.images, 2)));
                }
                let whose = format!("{}, by {}", exhibit.signers().join(" and "), scan.scanner);
                all.extend(about.into_iter().map(|about| Report { about, whose: whose.clone(), scan: scan.clone() }));
            }
            _ => refused.extend(unreadable_report(exhibit)),
        }
    }
    refused.extend(told(untrusted.into_iter(), "a report"));
}

/// Says why a report cannot be read.
fn unreadable_report(exhibit: &Exhibit) -> Option<String> {
    match &exhibit.what {
        What::Attestation(kind, claim) if is_report(kind) => match claim.as_ref() {
            Claim::Unreadable { why } => Some(format!("a report that cannot be read ({why})")),
            _ => None,
        },
        _ => None,
    }
}

fn is_report(predicate_type: &str) -> bool {
    predicate_type.contains("cosign.sigstore.dev/attestation/vuln/")
}

/// Tells what of this image a scan is about: the digests it names, as far as they are of it; what it hangs on, or the whole, where it
/// names none. A scan of one platform never stands for another.
fn about(subject: &Subject<'_>, scan: &Scan, hangs_on: Option<&Digest>) -> Vec<String> {
    let parts = subject.make().map(|make| make.images()).unwrap_or_default();
    let known: Vec<String> =
        subject.digest.into_iter().chain(parts.iter().map(|image| &image.digest)).map(ToString::to_string).collect();
    let whole = subject.digest.map(ToString::to_string);
    let hangs_on_part = hangs_on.map(ToString::to_string).filter(|one| Some(one) != whole.as_ref());
    if scan.images.is_empty() {
        return hangs_on_part.or(whole).into_iter().collect();
    }
    let named: Vec<String> = scan.images.iter().filter(|named| known.contains(named)).cloned().collect();
    match hangs_on_part {
        // Scanners name the index whose part they looked at.
        Some(part) if named.contains(&part) || named.iter().any(|one| Some(one) == whole.as_ref()) => vec![part],
        Some(_) => Vec::new(),
        None => named,
    }
}

/// Reads what a scanner printed of the image, or of each image of an index.
fn scanned(subject: &Subject<'_>) -> Result<Vec<Report>, String> {
    let rule = format!("{}/{}", subject.policy, super::NAME);
    let make = subject.make().ok().filter(|make| make.is_index());
    match make {
        Some(make) => {
            let of_part = |image: &MadeImage| printed(subject, &rule_on(&rule, &image.digest), Some(&image.digest));
            make.images().iter().map(of_part).collect()
        }
        None => printed(subject, &rule, subject.digest).map(|report| vec![report]),
    }
}

fn printed(subject: &Subject<'_>, rule: &str, asked: Option<&Digest>) -> Result<Report, String> {
    let output = match subject.dossier.programs.get(rule) {
        Some(ProgramEnd::Passed { output }) => output,
        Some(ProgramEnd::Refused { why } | ProgramEnd::Failed { why }) => {
            return Err(format!("a scanner that failed ({why})"));
        }
        None => return Err("a scanner that was not run".to_owned()),
    };
    let unreadable = |why| format!("what the scanner printed, which cannot be read ({why})");
    let scan = scan_report(output, subject.now).map_err(unreadable)?;
    let about = asked.map(ToString::to_string).unwrap_or_default();
    // It was told by digest what to look at; one that names what it looked at must name that.
    if !scan.images.is_empty() && !scan.images.contains(&about) {
        return Err(format!("a scanner's report on another image ({})", some_of(&scan.images, 2)));
    }
    // It was run just now, whatever its clock says.
    let scan = Scan { finished_at: Some(scan.finished_at.unwrap_or(subject.now)), ..scan };
    Ok(Report { about, whose: format!("the scanner {}", scan.scanner), scan })
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

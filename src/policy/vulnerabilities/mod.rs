//! The rule `vulnerabilities`: what a scanner may have found in an image.

mod clause;
mod covers;
mod scans;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;

use self::clause::Clause;
use self::covers::Covers;
use self::scans::{Report, Reports};
use super::complaint::{Complaint, Vulnerable};
use super::coverage::{Coverage, some_of};
use super::dossier::Exhibit;
use super::exec::{read_command, read_timeout};
use super::named::Named;
use super::rule::Ask;
use super::signed_by::SignedBy;
use super::span::{read_span, told};
use super::subject::{Needs, Program, Subject};
use crate::domain::Severity;
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "vulnerabilities";

/// What `promote-bot explain vulnerabilities` prints.
pub(super) const EXPLANATION: &str = "\
vulnerabilities: what a scanner may have found in an image

  rules:
    vulnerabilities:
      scan_no_older_than: 24h                                  # how old a report may be; any age unless given
      deny:                                                    # what is not allowed; the severity and all above it
        - {severity: critical, known_for: 7d}                  # a time of grace, from when it was published
        - {severity: high, fixable: true, known_for: 30d, since: fix_available}
      signed_by: [release-key]                                 # who attests reports; any signer of signers.yaml unless given
      vex_by: [release-key]                                    # whose VEX statements count; nobody's unless given
      reports: [attestation]                                   # attestation, file (--scan-report FILE), or both
      scanner: {command: [trivy, image, -q, -f, json, \"{image}\"], timeout: 5m}    # run one too
      unrated: deny                                            # deny | allow: what no scanner rates counts as bad as the worst
      level: deny                                              # deny | warn | off

Reports are cosign's attestations of type `vuln` with Trivy's or Grype's JSON inside, on the image or on every image of an index, or that JSON
itself. Of each image the newest report counts. A finding without a date counts as old. VEX (OpenVEX, CycloneDX) is taken from attestations by the
signers of `vex_by`: `not_affected` with a reason, and `fixed`, cover a finding, where the statement says when it was made and names as product
this image (pkg:oci/NAME@sha256:…, or pkg:oci/NAME; a name without pkg: is none) or the package itself. The newest statement decides. Where a
signer's report cannot be read the image is denied, where a statement cannot be read none counts: they may say otherwise.

To fix a finding: build anew on a fixed base, attest VEX for it, or have a waiver with owner and end written in waivers.yaml.
  cosign attest --key release.key --type vuln --predicate vuln.json REPOSITORY@DIGEST
  cosign attest --key release.key --type openvex --predicate vex.json REPOSITORY@DIGEST
";

/// How long a scanner may take unless the policy says otherwise.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How much of what a scanner prints is read.
const MOST_BYTES: u64 = 64 << 20;

/// What a scanner may have found in an image.
#[derive(Debug, Clone)]
pub(super) struct Vulnerabilities {
    no_older_than: Option<SignedDuration>,
    deny: Vec<Clause>,
    by: SignedBy,
    vex_by: SignedBy,
    takes_attestations: bool,
    takes_files: bool,
    scanner: Option<(Vec<String>, Duration)>,
    unrated_counts: bool,
}

impl Vulnerabilities {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let no_older_than = read_span(fields, "scan_no_older_than", faults);
        let deny: Vec<Clause> = fields.list("deny").iter().filter_map(|clause| Clause::read(clause, faults)).collect();
        let is_empty = fields.optional("deny").is_none_or(|node| node.as_sequence().is_some_and(<[Node]>::is_empty));
        if let Some(node) = fields.optional("deny").filter(|_| is_empty) {
            faults.push(node, "`deny` names nothing");
        }
        if no_older_than.is_none() && fields.optional("deny").is_none() {
            faults.push_with_hint(
                node,
                "the rule `vulnerabilities` asks for nothing",
                "write {deny: [{severity: critical}]}",
            );
        }
        let by = SignedBy::read(fields, "signed_by");
        let vex_by = match fields.optional("vex_by") {
            Some(_) => SignedBy::read(fields, "vex_by"),
            None => SignedBy::nobody(),
        };
        let reports = fields.strings("reports");
        for (node, text) in &reports {
            if !matches!(*text, "attestation" | "file") {
                faults.push(node, format!("`{text}` is no source of reports: attestation, file"));
            }
        }
        let scanner = fields.optional("scanner").and_then(|node| read_scanner(node, faults));
        let takes = |what: &str| reports.iter().any(|(_, text)| *text == what);
        let unrated = fields.non_empty_string("unrated");
        if let (Some(word), Some(node)) = (unrated, fields.optional("unrated"))
            && !matches!(word, "deny" | "allow")
        {
            faults.push(node, "`unrated` must be `deny` or `allow`");
        }
        Some(Self {
            no_older_than,
            deny,
            by,
            vex_by,
            takes_attestations: takes("attestation") || (reports.is_empty() && scanner.is_none()),
            takes_files: takes("file"),
            scanner,
            unrated_counts: unrated != Some("allow"),
        })
    }

    /// Returns the scanner that is to be run, asked by the rule `rule`.
    pub(super) fn program(&self, rule: String) -> Option<Program> {
        let (command, timeout) = self.scanner.clone()?;
        Some(Program { rule, command, timeout, most_bytes: MOST_BYTES, reads_output: true })
    }

    /// Says that there is no report, or none that counts.
    fn missing(&self, subject: &Subject<'_>, reports: &Reports, coverage: &Coverage) -> Complaint {
        let name = subject.candidate.to.repository();
        let message = match (coverage, reports.refused.is_empty()) {
            (Coverage::Some(lacking), _) => {
                format!("{name} is scanned in part only: {} has no report", lacking.join(" and "))
            }
            (_, true) => format!("{name} has no report of a scanner"),
            (_, false) => format!("{name} has no report of a scanner that counts; it has {}", reports.told()),
        };
        let image = subject.at_source();
        let help = match (self.takes_attestations, self.takes_files) {
            (true, _) => format!(
                "scan it, and have the report attested by {}: cosign attest --key KEY --type vuln --predicate FILE {image}",
                self.by.told()
            ),
            (false, true) => {
                format!(
                    "scan it, and give the report: trivy image --format json --output FILE {image}, then --scan-report FILE"
                )
            }
            (false, false) => format!("see that the scanner of the rule can run here, and scan {image}"),
        };
        Complaint::new(subject.candidate, message, help)
    }

    fn stale(&self, subject: &Subject<'_>, report: &Report) -> Option<Complaint> {
        let most = self.no_older_than?;
        let name = subject.candidate.to.repository();
        let message = match report.scan.finished_at {
            None => format!(
                "the report on {name} ({}) does not say when it was made, or names a time to come",
                report.whose
            ),
            Some(at) => {
                let age = subject.now.duration_since(at);
                if age <= most {
                    return None;
                }
                format!("the report on {name} ({}) is {} old, and may be {}", report.whose, told(age), told(most))
            }
        };
        Some(Complaint::new(subject.candidate, message, "scan it again, and have the new report attested"))
    }

    /// Tells of VEX that somebody the rule names made, and that cannot be read: then none counts, since it may withdraw what others say.
    fn unreadable_vex(&self, subject: &Subject<'_>, exhibits: &[Exhibit]) -> Option<Complaint> {
        let why = covers::unreadable(exhibits, &self.vex_by)?;
        let name = subject.candidate.to.repository();
        let message = format!("the VEX of {name} counts for nothing, since some of it cannot be read ({why})");
        let complaint = Complaint::new(subject.candidate, message, "have that statement made anew, or taken away");
        Some(Complaint { most: Severity::Note, ..complaint })
    }

    /// Complains of what a report has that no statement covers.
    fn found(&self, subject: &Subject<'_>, report: &Report, covers: &Covers<'_>) -> Vec<Complaint> {
        let name = subject.candidate.to.repository();
        let mut complaints = Vec::new();
        for one in &report.scan.vulnerabilities {
            let clause = self.deny.iter().find(|clause| clause.is_about(one, self.unrated_counts, subject.now));
            let Some(clause) = clause.filter(|_| !covers.covered(one)) else { continue };
            let told = clause.told(one, subject.now);
            let help = match &one.fixed_in {
                Some(fix) => {
                    format!("build it with {} {fix}, or have VEX or a waiver say why it may stay", one.package)
                }
                None => "have VEX or a waiver say why it may stay".to_owned(),
            };
            let help = match covers.speaks_of(one) {
                true => format!(
                    "{help}; the VEX there is on it does not cover it, see: promote-bot explain vulnerabilities"
                ),
                false => help,
            };
            let names = one.names().map(str::to_owned).collect();
            let complaint = Complaint::new(subject.candidate, format!("{name} has {told}"), help);
            complaints.push(Complaint { vulnerability: Some(Vulnerable { names, told }), ..complaint });
        }
        complaints
    }
}

fn read_scanner(node: &Node, faults: &Faults) -> Option<(Vec<String>, Duration)> {
    let mut fields = Fields::of(node, "`scanner`", faults)?;
    let command = read_command(&mut fields, faults);
    let timeout = read_timeout(&mut fields, TIMEOUT, faults);
    fields.finish();
    Some((command?, timeout))
}

impl Ask for Vulnerabilities {
    fn needs(&self, needs: &mut Needs) {
        needs.make = true;
        needs.documents |= self.takes_attestations || !self.vex_by.is_nobody();
        needs.reports |= self.takes_files;
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let asks_exhibits = self.takes_attestations || !self.vex_by.is_nobody();
        let exhibits = match subject.exhibits() {
            Ok(exhibits) => exhibits,
            Err(complaint) if asks_exhibits => return vec![*complaint],
            Err(_) => &[],
        };
        let make = match subject.make() {
            Ok(make) => make,
            Err(complaint) => return vec![*complaint],
        };
        let reports = Reports::of(self, subject, exhibits);
        if let Some(why) = &reports.scanner_failed {
            let message = format!("{} was not scanned: there is {why}", subject.candidate.to.repository());
            return vec![Complaint::undecided(
                subject.candidate,
                message,
                "see that the scanner runs here, and run again",
            )];
        }
        let coverage = reports.coverage(subject);
        if !coverage.is_complete() {
            return vec![self.missing(subject, &reports, &coverage)];
        }
        if !reports.unreadable.is_empty() {
            let name = subject.candidate.to.repository();
            let told = some_of(&reports.unreadable, 3);
            let message = format!("{name} has, beside what can be read, {told}: what it found is not known");
            return vec![Complaint::new(subject.candidate, message, "have that report made anew, or taken away")];
        }
        let mut complaints: Vec<Complaint> = reports.newest.iter().filter_map(|one| self.stale(subject, one)).collect();
        for report in &reports.newest {
            let covers = Covers::new(self, subject, make, exhibits, &report.about);
            complaints.extend(self.found(subject, report, &covers));
        }
        complaints.extend(self.unreadable_vex(subject, exhibits));
        complaints.dedup_by(|a, b| a.vulnerability.is_some() && a.message == b.message);
        complaints
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        let exhibits = subject.exhibits().unwrap_or_default();
        let reports = Reports::of(self, subject, exhibits);
        let whose: Vec<&str> = reports.newest.iter().map(|report| report.whose.as_str()).collect();
        let suppressed: usize = reports.newest.iter().map(|report| report.scan.suppressed).sum();
        let left_out = match suppressed {
            0 => String::new(),
            count => format!("; the scanner was told to leave out {count} findings"),
        };
        format!("nothing that is not allowed in the report of {}{left_out}", whose.join("; "))
    }

    fn signers(&self) -> Option<Vec<&Named>> {
        let mut names = self.by.names();
        names.extend(self.vex_by.names());
        (self.takes_attestations || !names.is_empty()).then_some(names)
    }
}

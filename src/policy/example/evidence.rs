//! The evidence of an example.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::attestation::{
    Claim, Component, Product, Provenance, Purl, Sbom, SbomFormat, Scan, Severity, Source, Standing, Vex, VexStatement,
    VexStatus, Vulnerability, canonical_repository,
};
use crate::domain::Digest;
use crate::policy::dossier::{Dossier, Exhibit, MadeImage, Make, ProgramEnd, Ran, What};
use crate::policy::read::Policy;
use crate::policy::span::{End, parse_span, read_instant};
use crate::signature::Outcome;
use crate::yaml::{Faults, Fields, Node};

const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

/// Reads what was learnt of the image `digest`; without any it is known that there is nothing.
pub(super) fn read(node: Option<&Node>, digest: &Digest, policy: &Policy, now: Timestamp, faults: &Faults) -> Dossier {
    let mut dossier = Dossier {
        exhibits: Some(Ok(Vec::new())),
        make: Some(Ok(made(digest, &[], None, &BTreeMap::new()))),
        ..Dossier::default()
    };
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "`evidence`", faults)) else { return dossier };
    let mut reader = Reader { digest, now, faults, exhibits: Vec::new() };
    reader.signatures(&mut fields);
    for (key, read) in KINDS {
        for node in fields.list(key) {
            reader.statement(node, key, *read);
        }
    }
    let labels: BTreeMap<String, String> = fields
        .entries("labels")
        .into_iter()
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.as_str()?.to_owned())))
        .collect();
    let platforms: Vec<String> = fields.strings("platforms").into_iter().map(|(_, text)| text.to_owned()).collect();
    let created = fields.optional("created");
    let created = created.and_then(|node| read_instant(node, "created", End::Start, &TimeZone::UTC, faults));
    let ran = fields.entries("ran_in");
    let programs = fields.entries("exec");
    fields.finish();
    dossier.make = Some(Ok(made(digest, &platforms, created, &labels)));
    dossier.exhibits = Some(Ok(reader.exhibits));
    for (name, node) in ran {
        let (name, span) = (name.as_str().unwrap_or_default(), node.as_str().and_then(parse_span));
        match span {
            Some(span) => {
                let clock = "the forge's time of the merge".to_owned();
                let ran =
                    Ran::Since { commit: "0".repeat(40), at: now.checked_sub(span).ok(), clock, or_longer: false };
                dossier.ran_in.insert(name.to_owned(), Ok(ran));
            }
            None if node.as_str() == Some("never") => {
                dossier.ran_in.insert(name.to_owned(), Ok(Ran::Never { instead: Vec::new() }));
            }
            None => faults.push(node, "`ran_in` must be spans of time, or `never`, by environment"),
        }
    }
    for (id, node) in programs {
        let rule = format!("{}/exec/{}", policy.name, id.as_str().unwrap_or_default());
        let end = match node.as_str() {
            Some("yes") => ProgramEnd::Passed { output: Vec::new() },
            Some(why) => ProgramEnd::Refused { why: why.to_owned() },
            None => {
                faults.push(node, "`exec` must be `yes`, or the words of a no, by the rule's id");
                continue;
            }
        };
        dossier.programs.insert(rule, end);
    }
    dossier
}

fn made(digest: &Digest, platforms: &[String], created: Option<Timestamp>, labels: &BTreeMap<String, String>) -> Make {
    let image = |platform: &String| MadeImage {
        digest: if platforms.len() > 1 {
            Digest::of(format!("{digest} {platform}").as_bytes())
        } else {
            digest.clone()
        },
        platform: Some(platform.clone()),
        created,
        labels: labels.clone(),
    };
    let images = match platforms.is_empty() {
        true => vec![image(&"linux/amd64".to_owned())],
        false => platforms.iter().map(image).collect(),
    };
    Make::from_images(platforms.len() > 1, images)
}

type Read = fn(&mut Fields<'_>, &Faults, Timestamp) -> Option<(&'static str, Claim)>;

/// The kinds of statements.
const KINDS: &[(&str, Read)] =
    &[("provenance", read_provenance), ("scans", read_scan), ("sboms", read_sbom), ("vex", read_vex)];

struct Reader<'a> {
    digest: &'a Digest,
    now: Timestamp,
    faults: &'a Faults,
    exhibits: Vec<Exhibit>,
}

impl Reader<'_> {
    fn push(&mut self, what: What, outcome: Outcome) {
        let (subject, manifest) = (self.digest.clone(), Digest::of(b"example"));
        self.exhibits.push(Exhibit { subject, manifest, what, outcome, signed_at: None });
    }

    /// Signatures: by whom, or what is wrong with one.
    fn signatures(&mut self, fields: &mut Fields<'_>) {
        let by: Vec<String> = fields.strings("signed_by").into_iter().map(|(_, name)| name.to_owned()).collect();
        if !by.is_empty() {
            self.push(What::Signature, Outcome::Verified { by });
        }
        for node in fields.list("bad_signatures") {
            let Some(mut bad) = Fields::of(node, "a bad signature", self.faults) else { continue };
            let mut text = |key| bad.non_empty_string(key).map(str::to_owned);
            let outcome = text("somebody_else")
                .map(|who| Outcome::SomebodyElse { who })
                .or_else(|| text("broken").map(|why| Outcome::Broken { why }))
                .or_else(|| text("another_image").map(|whom| Outcome::AnotherImage { whom }))
                .or_else(|| text("unsupported").map(|format| Outcome::Unsupported { format }));
            for key in ["somebody_else", "broken", "another_image", "unsupported"] {
                bad.optional(key);
            }
            bad.finish();
            match outcome {
                Some(outcome) => self.push(What::Signature, outcome),
                None => self.faults.push(node, "a bad signature says what is wrong with it"),
            }
        }
    }

    fn statement(&mut self, node: &Node, key: &str, read: Read) {
        let Some(mut fields) = Fields::of(node, format!("an entry of `{key}`"), self.faults) else { return };
        let by: Vec<String> = fields.strings("signed_by").into_iter().map(|(_, name)| name.to_owned()).collect();
        let claim = read(&mut fields, self.faults, self.now);
        fields.finish();
        let Some((kind, claim)) = claim else { return };
        let outcome = match by.is_empty() {
            true => Outcome::NotSigned,
            false => Outcome::Verified { by },
        };
        self.push(What::Attestation(kind.to_owned(), Box::new(claim)), outcome);
    }
}

fn read_provenance(fields: &mut Fields<'_>, faults: &Faults, _: Timestamp) -> Option<(&'static str, Claim)> {
    let repository = fields.required_string("repository");
    let node = fields.optional("repository");
    let reference = fields.non_empty_string("ref").map(str::to_owned);
    let builder = fields.non_empty_string("builder").map(str::to_owned);
    let wrong = |error| node.into_iter().for_each(|node| faults.push(node, format!("not a repository: {error}")));
    let repository = canonical_repository(repository?).map_err(wrong).ok()?;
    let place = "externalParameters.workflow";
    let sources = vec![Source { place, standing: Standing::Named, repository, reference, commit: None }];
    Some((
        "https://slsa.dev/provenance/v1",
        Claim::Provenance(Provenance { builder, build_type: String::new(), sources }),
    ))
}

fn read_sbom(fields: &mut Fields<'_>, _: &Faults, _: Timestamp) -> Option<(&'static str, Claim)> {
    let (kind, format) = match fields.required_string("format")? {
        "spdx" => ("https://spdx.dev/Document", SbomFormat::Spdx),
        _ => ("https://cyclonedx.org/bom", SbomFormat::CycloneDx),
    };
    Some((kind, Claim::Sbom(Sbom { format, version: None, components: 1, vex: None })))
}

fn read_scan(fields: &mut Fields<'_>, faults: &Faults, now: Timestamp) -> Option<(&'static str, Claim)> {
    let at = fields.optional("at");
    let finished_at = match at {
        Some(node) => Some(read_instant(node, "at", End::Start, &TimeZone::UTC, faults)?),
        None => Some(now),
    };
    let findings = fields.list("findings");
    let vulnerabilities = findings.iter().filter_map(|node| read_finding(node, faults)).collect();
    let scan = Scan { scanner: "Trivy".to_owned(), finished_at, images: Vec::new(), vulnerabilities, suppressed: 0 };
    Some((VULN, Claim::Scan(scan)))
}

fn read_finding(node: &Node, faults: &Faults) -> Option<Vulnerability> {
    let mut fields = Fields::of(node, "a finding", faults)?;
    let id = fields.required_string("id").map(str::to_owned);
    let severity = fields.required_string("severity").map(Severity::read);
    let mut text = |key| fields.non_empty_string(key).unwrap_or_default().to_owned();
    let (package, version, fixed_in) = (text("package"), text("version"), text("fixed_in"));
    let (published, fix) = (fields.optional("published"), fields.optional("fix_available"));
    fields.finish();
    let instant =
        |node: Option<&Node>| node.and_then(|node| read_instant(node, "published", End::Start, &TimeZone::UTC, faults));
    Some(Vulnerability {
        id: id?,
        aliases: Vec::new(),
        package,
        version,
        purl: None,
        severity: severity?,
        fixed_in: Some(fixed_in).filter(|fix| !fix.is_empty()),
        published: instant(published),
        fix_available: instant(fix),
    })
}

fn read_vex(fields: &mut Fields<'_>, faults: &Faults, now: Timestamp) -> Option<(&'static str, Claim)> {
    let vulnerability = fields.required_string("vulnerability").map(str::to_owned);
    let status = fields.required_string("status");
    let node = fields.optional("status");
    let justification = fields.non_empty_string("justification").map(str::to_owned);
    let status = match status? {
        "not_affected" => VexStatus::NotAffected,
        "fixed" => VexStatus::Fixed,
        "affected" => VexStatus::Affected,
        "under_investigation" => VexStatus::UnderInvestigation,
        _ => {
            node.into_iter().for_each(|node| {
                faults.push(node, "`status` must be not_affected, fixed, affected or under_investigation");
            });
            return None;
        }
    };
    let component = Component { purls: Purl::parse("pkg:oci/image").into_iter().collect(), is_unclear: false };
    let products = vec![Product { component, subcomponents: Vec::new() }];
    let statement = VexStatement {
        vulnerability: vec![vulnerability?],
        products,
        status,
        justification,
        at: Some(now),
        attached: true,
    };
    Some(("https://openvex.dev/ns", Claim::Vex(Vex { statements: vec![statement] })))
}

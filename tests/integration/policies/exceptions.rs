//! Waivers and broken glass, as reports, exit codes and gates show them.

use super::{said, signed_stage, stage_with};

const WAIVED: &str = "version: 1\nwaivers:\n- {id: w1, rule: production/tag, images: 'team/**', owner: ann, reason: a beta, ticket: OPS-7, expires: 2026-12-24}\n";
const AT: [&str; 3] = ["check", "--at", "2026-11-27T12:00:00Z"];

fn stage() -> crate::support::Stage {
    let policy = "version: 1\npolicy: production\nrules: {tag: {forbid: [latest]}, digest: {pinned: true, level: warn}}\nbreak_glass: {may_skip: [tag]}\n";
    let stage = stage_with(&[("production.yaml", policy), ("waivers.yaml", WAIVED)]);
    stage.seed_small("api", "latest");
    stage.bump("api", "latest");
    stage
}

#[test]
fn a_waiver_lets_pass_and_every_report_counts_it_apart() {
    let stage = stage();
    let report = stage.program.json(stage.repository.path(), &AT, 0);
    assert_eq!((&report["stats"]["waived"], &report["stats"]["errors"]), (&1.into(), &0.into()));
    assert_eq!(
        said(&report, "note"),
        [
            "production/tag: team/api is referenced by the forbidden tag `latest` [let pass: waiver `w1` of ann: a beta, OPS-7, until 2026-12-25 00:00 UTC]"
        ]
    );
    let findings = report["environments"][1]["findings"].as_array().unwrap();
    let exception = &findings.iter().find(|one| one["severity"] == "note").unwrap()["exception"];
    assert_eq!(exception["kind"], "waiver");
    let show = |format: &str| {
        stage.program.run(stage.repository.path(), &[&AT[..], &["-f", format]].concat()).expect(0).stdout
    };
    assert!(show("text").contains("1 waived"), "{}", show("text"));
    assert!(show("markdown").contains("By exception in production: 1 waived"), "{}", show("markdown"));
    let sarif: serde_json::Value = serde_json::from_str(&show("sarif")).unwrap();
    let suppressed = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["suppressions"][0]["kind"] == "external");
    assert_eq!(suppressed.count(), 1);
    assert!(show("junit").contains("let pass: waiver `w1`"), "{}", show("junit"));
}

#[test]
fn a_waiver_that_has_ended_is_named_in_the_denial() {
    let stage = stage();
    let report = stage.program.json(stage.repository.path(), &["check", "--at", "2026-12-25T00:00:00Z"], 1);
    let told = said(&report, "error").remove(0);
    assert!(told.ends_with("; the waiver `w1` of ann expired at 2026-12-25 00:00 UTC"), "{told}");
}

#[test]
fn broken_glass_is_for_listed_rules_needs_a_reason_and_is_said_everywhere() {
    let (stage, _) = signed_stage();
    let refused = |arguments: &[&str]| {
        let all = [&["check", "--config-from", "base"], arguments].concat();
        stage.program.run(stage.repository.path(), &all).expect(2).stderr
    };
    let told = refused(&["--break-glass", "signature", "--reason", "the shop is down"]);
    assert!(told.contains("no policy at the base lets --break-glass skip `signature`"), "{told}");
    let told = refused(&["--break-glass", "digest", "--reason", "x"]);
    assert!(told.contains("the rule `digest` can never be skipped"), "{told}");
    assert!(refused(&["--break-glass", "signature"]).contains("--reason"));

    let stage = self::stage();
    let glass = ["--config-from", "base", "--break-glass", "tag", "--reason", "the shop is down"];
    let late = ["check", "--at", "2027-01-01T00:00:00Z"];
    let report = stage.program.json(stage.repository.path(), &[&late[..], &glass].concat(), 0);
    assert_eq!(report["stats"]["glass_broken"], 1);
    let note = report["notes"].as_array().unwrap().iter().find(|note| note.as_str().unwrap().contains("GLASS BROKEN"));
    assert!(note.unwrap().as_str().unwrap().ends_with("1 finding was let pass. Reason: the shop is down"));
    let text =
        stage.program.run(stage.repository.path(), &[&late[..], &glass, &["-f", "text"]].concat()).expect(0).stdout;
    assert!(text.contains("1 through broken glass") && text.contains("GLASS BROKEN"), "{text}");
}

#[test]
fn glass_is_not_broken_by_the_policies_of_the_change() {
    let (stage, _) = signed_stage();
    let loose = "version: 1\npolicy: production\nrules: {signature: {signed_by: [release]}}\nbreak_glass: {may_skip: [signature]}\n";
    stage.repository.write(&[("policies/production.yaml", loose)]);
    let glass = ["check", "--break-glass", "signature", "--reason", "mine"];
    let told = stage.program.run(stage.repository.path(), &glass).expect(2).stderr;
    assert!(told.contains("--break-glass is decided by the policies of the base"), "{told}");
    let base = [&glass[..], &["--config-from", "base"]].concat();
    let told = stage.program.run(stage.repository.path(), &base).expect(2).stderr;
    assert!(told.contains("no policy at the base lets --break-glass skip `signature`"), "{told}");
}

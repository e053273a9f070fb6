//! The base judges: a change cannot loosen the rules it is judged by, whatever of them it touches.

use super::{said, signed_stage, stage_with};
use crate::support::{Keys, Program, Stage};

fn in_ci(stage: &mut Stage) {
    stage.program = Program::new().env("CI", "true");
}

/// Judges `stage` in CI after the change put `files` there; expects that nothing passes.
fn is_still_denied(mut stage: Stage, files: &[(&str, &str)]) -> (serde_json::Value, String) {
    in_ci(&mut stage);
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.write(files);
    stage.repository.commit("a change that loosens its rules");
    let arguments = ["promote", "--base", "main", "--head", "HEAD"];
    let report = stage.program.json(stage.repository.path(), &arguments, 1);
    assert_eq!(stage.in_production("api", "1.1.0"), None);
    let notes =
        report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    (report, notes)
}

#[test]
fn a_policy_that_is_taken_away_or_switched_off_judges_the_change_that_does_it() {
    for text in [
        "version: 1\npolicy: production\nrules: {signature: {level: off}}\n",
        "version: 1\npolicy: production\nenvironments: [none]\nrules: {tag: {forbid: x}}\n",
    ] {
        let (report, notes) = is_still_denied(signed_stage().0, &[("policies/production.yaml", text)]);
        assert_eq!(said(&report, "error").len(), 1);
        assert!(
            notes.contains("this change edits policies/production.yaml: it is judged by the version at"),
            "{notes}"
        );
    }
}

#[test]
fn a_signer_a_key_or_a_waiver_of_the_change_counts_for_nothing() {
    let mine = Keys::new();
    let waiver = "version: 1\nwaivers:\n- {id: w, rule: production/signature, images: '**', owner: me, reason: mine, expires: 2026-12-31}\n";
    for (path, text) in [
        ("policies/keys/release.pub", mine.public().as_str()),
        ("policies/waivers.yaml", waiver),
        ("policies/signers.yaml", "version: 1\nsigners: {release: {cosign_key: keys/mine.pub}}\n"),
    ] {
        let (stage, _) = signed_stage();
        stage.repository.write(&[("policies/keys/mine.pub", &mine.public())]);
        let digest = crate::support::single("api 1.1.0", &[]).digest();
        mine.sign_image(&format!("{}/api", stage.dev.host()), &digest);
        let (report, notes) = is_still_denied(stage, &[(path, text)]);
        assert_eq!(said(&report, "error").len(), 1, "{path}");
        assert!(notes.contains(path), "{path}: {notes}");
    }
}

#[test]
fn a_configuration_that_names_no_policy_any_more_does_not_judge_itself() {
    let (stage, _) = signed_stage();
    let text = std::fs::read_to_string(stage.repository.path().join("promote-bot.yaml")).unwrap();
    let (report, notes) = is_still_denied(stage, &[("promote-bot.yaml", &text.replace("    policy: policies/\n", ""))]);
    assert_eq!(said(&report, "error").len(), 1);
    assert!(notes.contains("this change edits promote-bot.yaml"), "{notes}");
}

#[test]
fn what_would_judge_nothing_after_the_merge_is_told_before_it() {
    let config = |stage: &Stage| std::fs::read_to_string(stage.repository.path().join("promote-bot.yaml")).unwrap();
    let (stage, _) = signed_stage();
    stage.repository.git(&["rm", "--quiet", "policies/keys/release.pub"]);
    let (_, notes) = is_still_denied(stage, &[]);
    let follows = "after the merge every run would end with exit code 2: ";
    assert!(
        notes.contains(&format!("{follows}policies/signers.yaml:2:33: keys/release.pub cannot be read")),
        "{notes}"
    );
    let (stage, _) = signed_stage();
    let text = config(&stage).replace("policy: policies/", "policy: polices/");
    let (_, notes) = is_still_denied(stage, &[("promote-bot.yaml", &text)]);
    assert!(notes.contains(&format!("{follows}environment production names the policy polices/")), "{notes}");
    let (stage, _) = signed_stage();
    let text = config(&stage).replace("    policy: policies/\n", "");
    let (_, notes) = is_still_denied(stage, &[("promote-bot.yaml", &text)]);
    assert!(notes.contains("after the merge no policy judges production"), "{notes}");
}

#[test]
fn new_files_of_the_change_are_linted_and_their_faults_told() {
    let (_, notes) = is_still_denied(
        signed_stage().0,
        &[
            ("policies/more.yaml", "version: 1\npolicy: more\nrules: {sginature: {}}\n"),
            ("policies/waivers.yaml", "waivers: [{id: a}]\n"),
        ],
    );
    assert!(notes.contains("policies/more.yaml:3:9: `rules` has no field `sginature`"), "{notes}");
    assert!(notes.contains("policies/waivers.yaml:1:11: a waiver needs `expires`"), "{notes}");
}

#[test]
fn programs_that_rules_ask_are_those_of_the_base() {
    let policy = "version: 1\npolicy: production\nrules: {exec: [{id: smoke, command: [sh, smoke.sh, '{image}', '{digest}']}]}\n";
    let mut stage = stage_with(&[("production.yaml", policy)]);
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.write(&[("smoke.sh", "echo \"no route to $1\" >&2\nexit 7\n")]);
    stage.repository.commit("a smoke test");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    let dev = stage.dev.host().to_owned();
    let (report, _) = is_still_denied(stage, &[("smoke.sh", "exit 0\n")]);
    let digest = crate::support::single("api 1.1.0", &[]).digest();
    assert_eq!(
        said(&report, "error"),
        [format!(
            "production/exec/smoke: the program of `smoke` refuses team/api: exit status: 7: no route to {dev}/api@{digest}"
        )]
    );
}

#[test]
fn a_program_of_the_repository_stays_one() {
    use std::os::unix::fs::PermissionsExt;
    let policy = "version: 1\npolicy: production\nrules: {exec: [{id: smoke, command: [./smoke.sh, '{image}']}]}\n";
    let mut stage = stage_with(&[("production.yaml", policy)]);
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.write(&[("smoke.sh", "#!/bin/sh\nexit 0\n")]);
    std::fs::set_permissions(stage.repository.path().join("smoke.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    stage.repository.commit("a smoke test");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    in_ci(&mut stage);
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.repository.commit("api 1.1.0");
    stage.program.json(stage.repository.path(), &["check", "--base", "main", "--head", "HEAD"], 0);
}

#[test]
fn a_policy_or_a_waiver_for_what_is_not_there_is_a_fault() {
    let other = "version: 1\npolicy: other\nenvironments: [prodction]\nrules: {tag: {forbid: x}}\n";
    let stage = stage_with(&[("other.yaml", other)]);
    let told = stage.program.run(stage.repository.path(), &["check"]).expect(2).stderr;
    assert!(
        told.contains("policies/other.yaml is for environment prodction, which the configuration does not have"),
        "{told}"
    );
    let waiver = "waivers:\n- {id: w, rule: productoin/tag, images: x, owner: o, reason: r, expires: 2026-12-01}\n";
    let policy = "version: 1\npolicy: production\nrules: {tag: {forbid: x}}\n";
    let stage = stage_with(&[("production.yaml", policy), ("waivers.yaml", waiver)]);
    let told = stage.program.run(stage.repository.path(), &["check"]).expect(2).stderr;
    assert!(
        told.contains("the waiver `w` is for `productoin/tag`, and no environment has a policy `productoin`"),
        "{told}"
    );
}

#[test]
fn a_change_that_brings_its_rules_itself_has_none_of_its_code_run() {
    let mut stage = Stage::new();
    in_ci(&mut stage);
    stage.seed_small("api", "1.1.0");
    stage.repository.git(&["switch", "--quiet", "main"]);
    let config = std::fs::read_to_string(stage.repository.path().join("promote-bot.yaml")).unwrap();
    stage.repository.git(&["rm", "--quiet", "promote-bot.yaml"]);
    stage.repository.commit("no configuration yet");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    let policy = "version: 1\npolicy: production\nrules: {exec: [{id: run, command: [sh, -c, 'touch run-by-the-change; exit 0']}]}\n";
    stage.repository.write(&[
        ("promote-bot.yaml", &config.replace("    from: dev\n", "    from: dev\n    policy: policies/\n")),
        ("policies/production.yaml", policy),
    ]);
    stage.bump("api", "1.1.0");
    stage.repository.commit("configuration and rules");
    let report = stage.program.json(stage.repository.path(), &["check", "--base", "main", "--head", "HEAD"], 3);
    let told = said(&report, "error").remove(0);
    assert!(told.ends_with("the change brings its rules itself, and no code of a change is run"), "{told}");
}

#[test]
fn a_change_that_brings_the_configuration_is_given_no_credentials() {
    let mut stage = Stage::new();
    in_ci(&mut stage);
    let digest = stage.seed_small("api", "1.1.0");
    stage.repository.git(&["switch", "--quiet", "main"]);
    let config = std::fs::read_to_string(stage.repository.path().join("promote-bot.yaml")).unwrap();
    stage.repository.git(&["rm", "--quiet", "promote-bot.yaml"]);
    stage.repository.commit("no configuration yet");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    let secret = stage.program.home().join("secret");
    std::fs::write(&secret, "s3cret").unwrap();
    let (host, path) = (stage.dev.host(), secret.display());
    let registries = format!("registries:\n  {host}: {{username: 'env:NOBODY_SET_IT', password: 'file:{path}'}}\n");
    stage.repository.write(&[("promote-bot.yaml", &(config + &registries))]);
    stage.bump("api", &format!("1.1.0@{digest}"));
    stage.repository.commit("a configuration that names secrets");
    let report = stage.program.json(stage.repository.path(), &["check", "--base", "main", "--head", "HEAD"], 0);
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("the credentials that the new configuration names are looked up once it is merged"),
        "{notes}"
    );
}

#[test]
fn what_could_be_meant_for_a_policy_and_is_not_read_is_a_fault() {
    for name in ["strict.YAML", "more/deep/p.yaml"] {
        let stage = stage_with(&[("a.yaml", "version: 1\npolicy: a\nrules: {tag: {forbid: x}}\n"), (name, "x")]);
        let told = stage.program.run(stage.repository.path(), &["check"]).expect(2).stderr;
        assert!(told.contains("is no policy file that is read from there"), "{told}");
    }
}

#[test]
fn a_folder_may_serve_several_environments() {
    let stage = stage_with(&[
        (
            "production.yaml",
            "version: 1\npolicy: production\nenvironments: [production]\nrules: {tag: {forbid: [latest]}}\n",
        ),
        ("dev.yaml", "version: 1\npolicy: dev\nenvironments: [dev]\nrules: {digest: {pinned: true}}\n"),
    ]);
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.program.json(stage.repository.path(), &["check"], 0);
    let run = stage.program.run(stage.repository.path(), &["policy", "lint"]).expect(0);
    assert!(run.stdout.contains("production: production, 1 rule"), "{}", run.stdout);
}

#[test]
fn a_name_that_looks_like_options_or_commands_stays_one_argument() {
    let policy = "version: 1\npolicy: production\nrules: {exec: [{id: count, command: [sh, -c, 'test $# -eq 1', x, '{image}']}]}\n";
    let stage = stage_with(&[("production.yaml", policy)]);
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage.program.json(stage.repository.path(), &["check"], 0);
}

#[test]
fn an_image_outside_the_registry_is_judged_where_it_stands() {
    let (stage, keys) = signed_stage();
    let digest = stage.seed_small("elsewhere", "2.0.0");
    let outside = format!("{}/elsewhere", stage.dev.host());
    let path = "api/overlays/production/patch-image.yaml";
    stage.repository.replace(path, &format!("{}/team/api:1.0.0", stage.production.host()), &format!("{outside}:2.0.0"));
    let report = stage.program.json(stage.repository.path(), &["check"], 1);
    assert_eq!(said(&report, "error"), ["production/signature: elsewhere is not signed: it has no signature at all"]);
    keys.sign_image(&outside, &digest);
    stage.program.json(stage.repository.path(), &["check"], 0);
}

#[test]
fn policies_of_another_revision_can_be_tried_and_are_said_to_be() {
    let (mut stage, _) = signed_stage();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    stage
        .repository
        .write(&[("policies/production.yaml", "version: 1\npolicy: production\nrules: {tag: {forbid: [latest]}}\n")]);
    stage.repository.commit("looser");
    in_ci(&mut stage);
    let range = ["check", "--base", "main", "--head", "HEAD"];
    stage.program.json(stage.repository.path(), &range, 1);
    let report = stage.program.json(stage.repository.path(), &[&range[..], &["--policy-from", "head"]].concat(), 0);
    assert!(report["notes"][1].as_str().unwrap().contains("by --policy-from"), "{}", report["notes"]);
}

#[test]
fn names_that_nothing_has_are_faults_with_their_place() {
    let policy = "version: 1\npolicy: production\nrules:\n  signature: {signed_by: [relaese]}\n  ran_in: {environment: stagign}\n";
    let keys = Keys::new();
    let stage = stage_with(&[
        ("production.yaml", policy),
        ("signers.yaml", "signers: {release: {cosign_key: release.pub}}\n"),
        ("release.pub", &keys.public()),
    ]);
    let run = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: policies/production.yaml:4:27: there is no signer `relaese`
    hint: signers: release
    error: policies/production.yaml:5:25: there is no environment `stagign`
    hint: environments: dev, production
    ");
    let stage = stage_with(&[("production.yaml", policy)]);
    let run = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    assert!(run.stderr.contains("asks for signatures, and no signer is declared"), "{}", run.stderr);
}

#[test]
fn a_keyless_signer_needs_issuer_and_identity_and_keys_must_be_keys() {
    let signers = "signers:\n  a: {keyless: {issuer: 'https://i.example'}}\n  b: {keyless: {identity: x}}\n  c: {cosign_key: c.pub}\n  d: {cosign_key: ../../d.pub}\n  e: {cosign_key: missing.pub}\n";
    let policy = "version: 1\npolicy: production\nrules: {signature: {}}\n";
    let stage = stage_with(&[("production.yaml", policy), ("signers.yaml", signers), ("c.pub", "not a key")]);
    let run = stage.program.run(stage.repository.path(), &["check"]).expect(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: policies/signers.yaml:2:16: the keyless signer `a` needs `identity`, or `identity_pattern`, and not both
    hint: without it everybody who can sign in anywhere would be this signer
    error: policies/signers.yaml:3:16: `keyless` of the signer `b` needs `issuer`
    error: policies/signers.yaml:4:19: c.pub: expected one PEM block, found no line `-----BEGIN …-----`
    error: policies/signers.yaml:5:19: ../../d.pub cannot be read: it lies outside the repository
    error: policies/signers.yaml:6:19: missing.pub cannot be read: there is no policies/missing.pub
    ");
}

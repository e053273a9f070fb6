//! `policy test`, `policy lint`, `explain` and reports from files.

use serde_json::json;

use super::{said, signed_stage, stage_with};
use crate::support::Program;

const POLICY: &str = "\
version: 1
policy: production
rules: {tag: {forbid: [latest]}}
examples:
- {name: a version goes, image: 'r.example/api:1.0.0', verdict: allow}
- {name: latest does not, image: 'r.example/api:latest', verdict: deny, says: [forbidden tag]}
";

#[test]
fn examples_of_the_own_policies_are_run() {
    let stage = stage_with(&[("production.yaml", POLICY)]);
    let run = stage.program.run(stage.repository.path(), &["policy", "test"]).expect(0);
    insta::assert_snapshot!(run.stdout, @r"
    production (policies/production.yaml)
      ok    a version goes
      ok    latest does not

    2 of 2 examples as expected
    ");
    stage.repository.replace("policies/production.yaml", "verdict: allow", "verdict: warn");
    let run = stage.program.run(stage.repository.path(), &["policy", "test", "policies/production.yaml"]).expect(1);
    insta::assert_snapshot!(run.stdout, @r"
    production (policies/production.yaml)
      FAIL  a version goes
            policies/production.yaml:5:3: expected warn, found allow
      ok    latest does not

    1 of 2 examples as expected
    ");
    let run = stage.program.run(stage.repository.path(), &["policy", "test", "builtin:strict"]).expect(0);
    assert!(run.stdout.ends_with("examples as expected\n"), "{}", run.stdout);
}

#[test]
fn lint_tells_faults_and_what_is_of_no_use() {
    let waivers =
        "waivers:\n- {id: old, rule: production/tag, images: x, owner: ann, reason: r, expires: 2020-01-01}\n";
    let stage = stage_with(&[("production.yaml", POLICY), ("waivers.yaml", waivers)]);
    let run = stage.program.run(stage.repository.path(), &["policy", "lint"]).expect(0);
    insta::assert_snapshot!(run.stdout, @r"
    production: production, 1 rule, 0 signers, 1 waiver
    warning: policies/waivers.yaml:2: the waiver `old` expired at 2020-01-02 00:00 UTC
    warning: policies/waivers.yaml:2: the waiver `old` fits no image that production references
    2 files read, no fault, 2 warnings
    ");
    stage.repository.replace("policies/production.yaml", "forbid", "forbit");
    let run = stage.program.run(stage.repository.path(), &["policy", "lint"]).expect(2);
    assert!(
        run.stderr.contains("policies/production.yaml:3:15: the rule `tag` has no field `forbit`"),
        "{}",
        run.stderr
    );
}

#[test]
fn lint_tells_what_fits_nothing_and_all_faults_of_all_files_at_once() {
    let policy = "version: 1\npolicy: production\nimages: [shpo/**]\nrules:\n  freeze: {windows: [{from: 2020-01-01, to: \
                  2020-01-02}]}\n  ran_in: {environment: production}\n";
    let waivers = "waivers:\n- {id: lost, rule: production/freeze, images: team/apii, owner: ann, reason: r, expires: \
                   2026-12-31}\n";
    let more = "version: 1\npolicy: more\nenvironments: [dev]\nrules: {tag: {forbid: [latest]}}\n";
    let files = [("production.yaml", policy), ("waivers.yaml", waivers), ("more.yaml", more)];
    let stage = stage_with(&files);
    let lint = |arguments: &[&str], code| {
        stage.program.run(stage.repository.path(), &[&["policy", "lint"], arguments].concat()).expect(code)
    };
    insta::assert_snapshot!(lint(&[], 0).stdout, @r"
    production: production, 2 rules, 0 signers, 1 waiver
    warning: policies/more.yaml: no environment names this policy
    warning: policies/production.yaml: it has no examples, so nobody tests what it says
    warning: policies/production.yaml: its `images` fit nothing that production references
    warning: policies/production.yaml: the rule freeze: a window is over since 2020-01-03 00:00 UTC
    warning: policies/production.yaml: the rule ran_in: it asks that an image was in production before it comes to production
    warning: policies/waivers.yaml:2: the waiver `lost` fits no image that production references
    3 files read, no fault, 6 warnings
    ");
    for path in ["policies", "policies/waivers.yaml", "policies/production.yaml"] {
        assert!(lint(&[path], 0).stdout.contains("the waiver `lost` fits no image"), "{path}");
    }
    let alone = lint(&["policies/more.yaml"], 0).stdout;
    assert!(alone.contains("more.yaml: no environment names this policy\n1 file read"), "{alone}");
    assert!(lint(&["policies/nope.yaml"], 2).stderr.contains("there is no policies/nope.yaml"));
    assert!(lint(&["-e", "nope"], 2).stderr.contains("there is no environment nope"));
    stage.repository.write(&[("policies/signers.yaml", "version: 1\nsigners: {a: {cosign_key: nope}}\n")]);
    stage.repository.replace("policies/production.yaml", "windows", "window");
    stage.repository.replace("policies/waivers.yaml", "owner", "ower");
    let told = lint(&[], 2).stderr;
    for file in ["production.yaml:5:12", "signers.yaml:2:", "waivers.yaml:2:"] {
        assert!(told.contains(file), "{file}: {told}");
    }
}

#[test]
fn two_files_cannot_give_their_policies_one_name() {
    let other = POLICY.replace("rules:", "environments: [dev]\nrules:");
    let stage = stage_with(&[("production.yaml", POLICY), ("dev.yaml", &other)]);
    stage.repository.replace("promote-bot.yaml", "/overlays/dev'\n", "/overlays/dev'\n    policy: policies/\n");
    let run = stage.program.run(stage.repository.path(), &["policy", "lint"]).expect(2);
    assert!(run.stderr.contains("the policy `production` is there twice"), "{}", run.stderr);
}

#[test]
fn explain_says_of_an_image_what_each_rule_says_now_and_why() {
    let (mut stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.0.0");
    stage.program = Program::new();
    let run = stage.program.run(stage.repository.path(), &["explain", "production/api"]).expect(0);
    assert!(
        run.stdout.contains(
            "deny   production/signature  team/api is not signed: it has no signature at all; have it signed by release"
        ),
        "{}",
        run.stdout
    );
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    let run = stage.program.run(stage.repository.path(), &["explain", "production/api"]).expect(0);
    assert!(run.stdout.contains("allow  production/signature  signed by release"), "{}", run.stdout);
    let run = stage.program.run(stage.repository.path(), &["explain", "production/api", "--offline"]).expect(0);
    assert!(run.stdout.contains("?      production/signature  not asked"), "{}", run.stdout);
}

#[test]
fn every_rule_is_explained_by_its_name_and_its_id() {
    let stage = stage_with(&[("production.yaml", POLICY)]);
    for rule in [
        "tag",
        "digest",
        "source",
        "signature",
        "provenance",
        "vulnerabilities",
        "sbom",
        "ran_in",
        "platforms",
        "age",
        "freeze",
        "exec",
        "expr",
    ] {
        let by_name = stage.program.run(stage.repository.path(), &["explain", rule]).expect(0).stdout;
        assert!(by_name.starts_with(&format!("{rule}: ")), "{by_name}");
        let by_id =
            stage.program.run(stage.repository.path(), &["explain", &format!("production/{rule}")]).expect(0).stdout;
        assert!(by_id.ends_with(&by_name), "{by_id}");
        let known = if rule == "tag" {
            "production/tag\n  {forbid: [latest]}\n  at policies/production.yaml:3:"
        } else {
            "has no rule "
        };
        assert!(by_id.contains(known), "{by_id}");
    }
    let by_id = |subject: &str| stage.program.run(stage.repository.path(), &["explain", subject]);
    assert!(
        by_id("prod/tag").expect(0).stdout.starts_with("No environment here has a policy prod; there are production.")
    );
    assert!(by_id("prod/api").expect(2).stderr.contains("there is no environment prod"));
    let run = stage.program.run(stage.repository.path(), &["explain", "production/expr/team"]).expect(0);
    assert!(run.stdout.contains("startsWith"), "{}", run.stdout);
}

#[test]
fn a_report_from_a_file_counts_where_the_rule_takes_files_and_is_about_the_image() {
    let policy =
        "version: 1\npolicy: production\nrules: {vulnerabilities: {deny: [{severity: critical}], reports: file}}\n";
    let stage = stage_with(&[("production.yaml", policy)]);
    let digest = stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let report = |name: &str, about: &str, findings: serde_json::Value| {
        let path = stage.program.home().join(name);
        let text = json!({
            "SchemaVersion": 2, "CreatedAt": "2026-11-27T00:00:00Z", "ArtifactName": "api", "ArtifactType": "container_image",
            "Metadata": {"RepoDigests": [format!("dev.example/api@{about}")]},
            "Results": [{"Target": "api", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": findings}],
        });
        std::fs::write(&path, text.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let bad = json!([{"VulnerabilityID": "CVE-1", "PkgName": "openssl", "InstalledVersion": "3.0.9", "Severity": "CRITICAL"}]);
    let check = |path: &str, code| {
        said(&stage.program.json(stage.repository.path(), &["check", "--scan-report", path], code), "error")
    };
    assert_eq!(check(&report("clean", &digest.to_string(), json!([])), 0), Vec::<String>::new());
    let told = check(&report("bad", &digest.to_string(), bad), 1).remove(0);
    assert!(told.contains("team/api has CVE-1 (critical) in openssl 3.0.9"), "{told}");
    let other = format!("sha256:{}", "0".repeat(64));
    assert_eq!(
        check(&report("other", &other, json!([])), 1),
        ["production/vulnerabilities: team/api has no report of a scanner"]
    );
    let path = stage.program.home().join("garbage");
    std::fs::write(&path, "{").unwrap();
    let run = stage.program.run(stage.repository.path(), &["check", "--scan-report", path.to_str().unwrap()]).expect(2);
    assert!(run.stderr.contains("cannot be used"), "{}", run.stderr);
}

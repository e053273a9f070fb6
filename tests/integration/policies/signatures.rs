//! Signatures: asked for, found, carried, and proved where the image went.

use super::{said, signed_stage};
use crate::support::{Keys, OCI_MANIFEST, Stage, artifact, digest_of, index, patch_image, push, single};

#[test]
fn an_image_that_nobody_signed_stays_where_it_is() {
    let (stage, _) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(said(&report, "error"), ["production/signature: team/api is not signed: it has no signature at all"]);
    let finding = &report["environments"][1]["findings"][0];
    let help = format!("have it signed by release: cosign sign --key KEY {}/api@{digest}", stage.dev.host());
    assert_eq!((&finding["help"], &finding["location"]["line"]), (&help.into(), &11.into()));
    assert_eq!(stage.in_production("api", "1.1.0"), None);
}

#[test]
fn one_that_is_signed_goes_and_its_signature_with_it() {
    let (stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "copied");
    assert_eq!(stage.in_production("api", "1.1.0"), Some(digest.clone()));
    let tag = format!("{}.sig", digest.to_string().replace(':', "-"));
    assert!(digest_of(&format!("{}/team/api:{tag}", stage.production.host())).is_some());
}

#[test]
fn a_signature_by_somebody_else_is_told_to_be_that() {
    let (stage, _) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    Keys::new().sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check"], 1);
    let told = said(&report, "error").remove(0);
    assert!(
        told.starts_with(
            "production/signature: team/api has no signature by release; it has a signature by somebody else"
        ),
        "{told}"
    );
}

#[test]
fn the_signature_of_one_image_does_not_serve_another_under_its_tag() {
    let (stage, keys) = signed_stage();
    let old = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &old);
    stage.seed("api", "1.1.0", &crate::support::single("another", &[]));
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(said(&report, "error").len(), 1);
    assert_eq!(stage.in_production("api", "1.1.0"), None);
}

#[test]
fn an_image_whose_signature_does_not_arrive_is_not_proved() {
    let (mut stage, keys) = signed_stage();
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.replace(
        "promote-bot.yaml",
        "    from: dev\n",
        "    from: dev\n    referrers: [application/vnd.dev.sigstore.bundle.v0.3+json]\n",
    );
    stage.repository.commit("nothing but bundles goes along, and it is signed in the old format");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert_eq!(Stage::image(&report, "production", "team/api")["state"], "failed");
    let told = said(&report, "error").join("; ");
    assert!(told.contains("its signature is not proved there: team/api is not signed"), "{told}");
    // It is no better when it is there already.
    let report = stage.program.json(stage.repository.path(), &["promote"], 1);
    assert!(said(&report, "error")[0].starts_with("signature-unproved: "), "{report:#}");
}

#[test]
fn what_was_signed_after_it_was_copied_has_its_signature_brought() {
    let (stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    push(&single("api 1.1.0", &[]), &stage.production_image("api", "1.1.0"));
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    stage.program.json(stage.repository.path(), &["promote"], 0);
    let tag = format!("{}.sig", digest.to_string().replace(':', "-"));
    assert!(digest_of(&format!("{}/team/api:{tag}", stage.production.host())).is_some());
}

#[test]
fn what_is_at_its_destination_already_is_judged_all_the_same() {
    let (stage, _) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    crate::support::push(&crate::support::single("api 1.1.0", &[]), &stage.production_image("api", "1.1.0"));
    assert_eq!(stage.in_production("api", "1.1.0"), Some(digest));
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["check"], 1);
    assert_eq!(said(&report, "error").len(), 1);
}

#[test]
fn a_registry_that_cannot_be_asked_decides_nothing() {
    let (mut stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    stage.bump("api", "1.1.0");
    stage.dev.stop();
    stage.program.json(stage.repository.path(), &["check"], 3);
}

#[test]
fn offline_says_which_rules_were_not_asked() {
    let (stage, _) = signed_stage();
    stage.bump("api", "1.1.0");
    let run = stage.program.run(stage.repository.path(), &["check", "--offline"]).expect(0);
    assert!(run.stdout.contains("note: not asked, since nobody was: the rules production/signature"), "{}", run.stdout);
}

#[test]
fn only_rules_that_need_evidence_have_it_fetched() {
    let stage = super::stage_with(&[("production.yaml", "version: 1\npolicy: p\nrules: {tag: {forbid: [latest]}}\n")]);
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let run = stage.program.run(stage.repository.path(), &["check", "-v"]).expect(0);
    assert!(!run.stderr.contains("referrers") && !run.stderr.contains(".sig"), "{}", run.stderr);
    let (stage, _) = signed_stage();
    stage.seed_small("api", "1.1.0");
    stage.bump("api", "1.1.0");
    let run = stage.program.run(stage.repository.path(), &["check", "-v"]).expect(1);
    assert!(run.stderr.contains("referrers") || run.stderr.contains("tags/list"), "{}", run.stderr);
}

#[test]
fn evidence_is_read_once_for_all_environments_on_the_way() {
    let (mut stage, keys) = signed_stage();
    let host = stage.production.host().to_owned();
    let staging = format!(
        "  staging:\n    overlays: '*/overlays/staging'\n    registry: {host}/staging\n    from: dev\n    policy: \
         policies/\n  production:\n"
    );
    // Production gets from staging, and staging from dev.
    stage.repository.git(&["switch", "--quiet", "main"]);
    stage.repository.replace("promote-bot.yaml", "    from: dev\n", "    from: staging\n");
    stage.repository.replace("promote-bot.yaml", "  production:\n", &staging);
    stage.repository.commit("staging");
    stage.repository.git(&["switch", "--quiet", "-C", "change"]);
    let digest = stage.seed_small("api", "1.1.0");
    keys.sign_image(&format!("{}/api", stage.dev.host()), &digest);
    let patch = patch_image("api", &format!("{host}/staging/api:1.1.0"));
    stage.repository.write(&[("api/overlays/staging/patch-image.yaml", &patch)]);
    stage.bump("api", "1.1.0");
    let run = stage.program.run(stage.repository.path(), &["check", "-v", "-f", "json"]).expect(0);
    assert_eq!(run.json()["stats"]["to_promote"], 2);
    let lists = run.stderr.lines().filter(|line| line.contains(&format!("/referrers/{digest}")));
    assert_eq!(lists.count(), 1, "{}", run.stderr);
    // What the change brings to staging counts where one image is explained, too.
    let told = stage.program.run(stage.repository.path(), &["explain", "production/api"]).expect(0).stdout;
    assert!(told.contains("allow  production/signature  signed by release"), "{told}");
}

#[test]
fn garbage_that_hangs_on_an_image_is_told_and_stands_in_nobody_s_way() {
    let (stage, keys) = signed_stage();
    let digest = stage.seed_small("api", "1.1.0");
    let repository = format!("{}/api", stage.dev.host());
    keys.sign_image(&repository, &digest);
    let garbage = artifact(OCI_MANIFEST, "application/vnd.dsse.envelope.v1+json", b"not json", &serde_json::json!({}));
    push(&garbage, &format!("{repository}:{}.att", digest.to_string().replace(':', "-")));
    stage.bump("api", "1.1.0");
    let report = stage.program.json(stage.repository.path(), &["promote"], 0);
    let told = said(&report, "note").join("; ");
    assert!(told.contains("beside what is good, team/api carries what cannot be used"), "{told}");
}

#[test]
fn an_image_of_an_index_that_names_no_platform_is_judged_too() {
    let policy = "version: 1\npolicy: production\nrules: {platforms: [linux/arm64]}\n";
    let stage = super::stage_with(&[("production.yaml", policy)]);
    let image = index("api 1.1.0", &[]).without_platforms();
    stage.seed("api", "1.1.0", &image);
    stage.bump("api", "1.1.0");
    // The configurations say it.
    stage.program.json(stage.repository.path(), &["check"], 0);
}

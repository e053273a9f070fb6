//! Policies, through the whole program: who judges, by what evidence, and which exceptions there are.

mod base;
mod commands;
mod exceptions;
mod history;
mod record;
mod signatures;

use crate::support::{Keys, Stage};

/// A stage whose base has these files in policies/, and a production that is judged by them; the change is begun.
fn stage_with(files: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::new();
    stage.repository.git(&["switch", "--quiet", "main"]);
    for (name, text) in files {
        stage.repository.write(&[(&format!("policies/{name}"), text)]);
    }
    stage.repository.replace("promote-bot.yaml", "    from: dev\n", "    from: dev\n    policy: policies/\n");
    stage.repository.commit("policies");
    stage.repository.git(&["branch", "--delete", "--force", "change"]);
    stage.repository.branch("change");
    stage
}

/// A stage where production asks for a signature by `release`, whose keys are returned.
fn signed_stage() -> (Stage, Keys) {
    let keys = Keys::new();
    let policy = "version: 1\npolicy: production\nrules: {signature: {signed_by: [release]}}\n";
    let signers = "version: 1\nsigners: {release: {cosign_key: keys/release.pub}}\n";
    let stage =
        stage_with(&[("production.yaml", policy), ("signers.yaml", signers), ("keys/release.pub", &keys.public())]);
    (stage, keys)
}

/// The findings of production with this severity, as `rule: message`.
fn said(report: &serde_json::Value, severity: &str) -> Vec<String> {
    let environments = report["environments"].as_array().unwrap();
    let production = environments.iter().find(|one| one["name"] == "production").unwrap();
    let findings = production["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == severity);
    findings.map(|one| format!("{}: {}", one["rule"].as_str().unwrap(), one["message"].as_str().unwrap())).collect()
}

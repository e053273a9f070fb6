//! The README, held to the program.

use std::collections::BTreeSet;
use std::path::Path;

use promote_bot::commands::Exit;

use crate::support::Program;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

fn help(arguments: &[&str]) -> String {
    Program::new().run(Path::new("."), arguments).expect(0).stdout
}

/// What `init --ci` writes is what the README shows, but for the version.
#[test]
fn its_pipeline_is_the_one_that_init_writes() {
    let (_, jenkins) = promote_bot::commands::Ci::Jenkins.file();
    assert!(readme().contains(&jenkins));
    let (_, github) = promote_bot::commands::Ci::Github.file();
    let ours = |line: &&str| !line.contains("acme/promote-bot@");
    let missing: Vec<&str> = github.lines().filter(ours).filter(|line| !readme().contains(line)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn it_names_every_command_and_no_other() {
    let text = help(&["--help"]);
    let listed = text.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).filter(|c| *c != "help").collect();
    let readme = readme();
    let table = readme.split("## Commands").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split(['`', ' ']).next().unwrap())
        .collect();
    assert_eq!(named, commands.into_iter().filter(|c| c.chars().all(char::is_lowercase)).collect());
}

#[test]
fn every_flag_it_shows_exists() {
    let all: String = ["check", "promote", "images", "report", "init", "demo"]
        .iter()
        .map(|command| help(&[command, "--help"]))
        .collect();
    let readme = readme();
    let shown = readme
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("--") && !word.ends_with('-'));
    // cargo's and cosign's.
    let foreign = ["--release", "--path", "--locked", "--help", "--key", "--insecure-ignore-tlog", "--type"];
    for flag in shown.filter(|flag| !foreign.contains(flag)) {
        assert!(all.contains(flag), "README shows {flag}, which no command has");
    }
}

#[test]
fn its_exit_codes_are_the_programs() {
    let readme = readme();
    let table = readme.split("## Exit codes").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect();
    let told: Vec<u8> = rows.iter().flat_map(|row| row.split(", ")).filter_map(|code| code.parse().ok()).collect();
    let exits = [Exit::Success, Exit::No, Exit::Usage, Exit::Undecided, Exit::Interrupted, Exit::Terminated];
    assert_eq!(told, exits.map(Exit::code));
}

#[test]
fn its_configuration_is_read_and_has_every_key() {
    let readme = readme();
    let reference = readme.split("## Configuration").nth(1).unwrap();
    let block = |language: &str, text: &str| {
        text.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap().to_owned()
    };
    let config = block("yaml", reference);
    promote_bot::config::read("promote-bot.yaml", config.as_bytes()).unwrap();
    let schema = promote_bot::config::json_schema();
    let mut keys: Vec<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    for definition in schema["$defs"].as_object().unwrap().values() {
        keys.extend(definition["properties"].as_object().into_iter().flat_map(|properties| properties.keys().cloned()));
    }
    for key in keys {
        assert!(config.contains(&format!("{key}:")), "README's configuration does not show `{key}`");
    }
    let policy = block("yaml", reference.split("### Policies").nth(1).unwrap());
    promote_bot::policy::read("policies/production.yaml", policy.as_bytes()).unwrap();
}

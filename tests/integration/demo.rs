//! `demo`: the whole story, told by the real commands.

use crate::support::Program;

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let nowhere = tempfile::tempdir().unwrap();
    // A CI around it must not change the story.
    let program = Program::new().env("CI", "true").env("GITHUB_ACTIONS", "true").env("PROMOTE_BOT_BASE", "none");
    let run = program.run(nowhere.path(), &["demo"]).expect(0);
    let expected = [
        "$ promote-bot check",
        "error[production/tag]: shop/worker is referenced by the forbidden tag `latest`",
        "no: 1 violation",
        "$ promote-bot check",
        "3 images to copy",
        "$ promote-bot promote",
        "promoted 3 images",
        "$ promote-bot check",
        "nothing to do",
    ];
    let mut rest = run.stdout.as_str();
    for part in expected {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is not in its place:\n{}", run.stdout));
        rest = &rest[at + part.len()..];
    }
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "the demo left something behind");
}

#[test]
fn a_directory_that_is_not_empty_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine"), "").unwrap();
    let run = Program::new().run(directory.path(), &["demo", "."]).expect(2);
    assert!(run.stderr.contains("is not empty"), "{}", run.stderr);
}

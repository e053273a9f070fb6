//! Runs of the program that may not crash and may not take much memory.

use std::thread;
use std::time::Duration;

use crate::support::{Program, Repository, Run};

const MEMORY_LIMIT_KIB: u64 = 1024 * 1024;
/// How often a run's memory is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Runs `images` on the overlay `o`, and fails where it crashes or takes too much memory.
#[track_caller]
pub fn images(repository: &Repository, arguments: &[&str]) -> Run {
    let mut all = vec!["images", "o"];
    all.extend(arguments);
    let program = Program::new();
    let child = program.start(repository.path(), &all);
    let status = format!("/proc/{}/status", child.id());
    let waiting = thread::spawn(move || child.wait_with_output().unwrap());
    let mut peak_kib = 0;
    while !waiting.is_finished() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak.unwrap_or(0).max(peak_kib);
        thread::sleep(POLL);
    }
    let run = Run::of(waiting.join().unwrap());
    assert!(peak_kib < MEMORY_LIMIT_KIB, "{peak_kib} KiB\n{}", run.all());
    assert!(matches!(run.code, Some(0 | 1)), "code {:?}\n{}", run.code, run.all());
    assert!(!run.all().contains("panicked"), "{}", run.all());
    run
}

/// A repository with these files in `o`.
pub fn overlay(files: &[(&str, &str)]) -> Repository {
    let repository = Repository::new();
    for (path, text) in files {
        repository.write(&[(&format!("o/{path}"), text)]);
    }
    repository
}

/// Expects a refusal that says each of `words`.
#[track_caller]
pub fn refused(files: &[(&str, &str)], words: &[&str]) {
    let run = images(&overlay(files), &["--load-restrictor", "root"]).expect(1);
    for word in words {
        assert!(run.all().contains(word), "no `{word}` in\n{}", run.all());
    }
}

//! What the tests of this module share: samples, real registries, steps and a progress that remembers.

mod copies;
mod docker_registry;
mod encryption;
mod evidence;
mod faults;
mod gathering;
mod layouts;
mod measure;
mod opening;
mod papers;
mod platforms;
mod sample;
mod sign_in;
mod steps;

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{CredentialSources, HostSettings, Progress, Registries, Secret, Settings};
use crate::domain::testing::site;
use crate::domain::{
    Candidate, ChangeKind, CopyOptions, Digest, Expected, ImageRef, Outcome, Plan, Settled, Severity, Sites, Step,
};
use crate::policy::{Approved, approve};

/// Makes registries that know nothing of this machine's credential files.
pub(super) fn registries() -> Registries {
    registries_with([])
}

/// Makes registries with settings for some hosts.
pub(super) fn registries_with<const N: usize>(hosts: [(String, HostSettings); N]) -> Registries {
    let settings = Settings { hosts: BTreeMap::from(hosts), jobs: 4, ..Settings::default() };
    Registries::new(settings, &CredentialSources::default()).unwrap()
}

/// The settings of a user with a password.
pub(super) fn login(username: &str, password: &str) -> HostSettings {
    let (username, password) = (Some(Secret::new(username)), Some(Secret::new(password)));
    HostSettings { username, password, ..HostSettings::default() }
}

pub(super) fn image(text: &str) -> ImageRef {
    text.parse().unwrap()
}

pub(super) fn candidate(from: &str, to: &str) -> Candidate {
    Candidate {
        environment: "production".to_owned(),
        to: image(to),
        from: Some(image(from)),
        copy: CopyOptions::default(),
        kind: ChangeKind::Added,
        before: None,
        sites: Sites::new(site(to)),
    }
}

pub(super) fn step(from: &str, to: &str, digest: &Digest) -> Step {
    Step {
        candidate: candidate(from, to),
        digest: digest.clone(),
        expected: Expected::Absent,
        present: false,
        content: None,
        after: None,
    }
}

pub(super) fn approved(steps: Vec<Step>) -> Approved {
    approve(Plan { settled: steps.into_iter().map(Settled::Step).collect() }, &[], Severity::Error)
}

/// Carries out steps and returns their outcomes.
pub(super) async fn carry_out(registries: &Registries, steps: Vec<Step>) -> Vec<Outcome> {
    let outcomes = registries.carry_out(&approved(steps), &Told::default()).await;
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Returns the bytes an outcome says were copied and reused; anything but a copy fails the test.
pub(super) fn copied(outcome: &Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Copied { bytes_copied, bytes_reused, .. } => (*bytes_copied, *bytes_reused),
        other => panic!("not copied: {other:?}"),
    }
}

/// Returns why a step was refused or failed.
pub(super) fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused { reason, .. } | Outcome::Failed { reason, .. } => reason,
        other => panic!("neither refused nor failed: {other:?}"),
    }
}

/// A progress that remembers how far each step came.
#[derive(Default)]
pub(super) struct Told {
    pub bytes: Mutex<BTreeMap<usize, u64>>,
    pub finished: Mutex<Vec<usize>>,
}

impl Progress for Told {
    fn begin(&self, step: usize, _: &Step, _: Option<u64>) {
        self.bytes.lock().unwrap().insert(step, 0);
    }

    fn advance(&self, step: usize, bytes: u64) {
        *self.bytes.lock().unwrap().get_mut(&step).unwrap() += bytes;
    }

    fn finish(&self, step: usize, _: &Outcome) {
        self.finished.lock().unwrap().push(step);
    }
}

#[test]
fn the_futures_may_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let (registries, plan, told) = (registries(), approved(Vec::new()), Told::default());
    is_send(registries.gather(&[]));
    is_send(registries.carry_out(&plan, &told));
}

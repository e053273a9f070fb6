//! From a judged plan to a review: pure, one environment at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::uses::EnvironmentChanges;
use super::workspace::read_optional;
use crate::domain::{
    Candidate, Cause, Change, ChangeKind, EnvironmentReview, ExceptionKind, Finding, ImageRef, ImageReview, Location,
    Outcome, Plan, ReviewResult, Settled, Severity, Sites, State, Stats, Tree, TreePath, masked,
};
use crate::plan;
use crate::policy::Verdict;

/// What a review is drawn from.
pub(super) struct Draft<'a> {
    pub(super) plan: &'a Plan,
    pub(super) verdicts: &'a [Verdict],
    /// What became of the approved steps; none where nothing was carried out.
    pub(super) outcomes: Option<&'a BTreeMap<usize, Outcome>>,
    pub(super) offline: bool,
    /// The severity a no begins at.
    pub(super) deny_from: Severity,
}

impl Draft<'_> {
    /// Reviews one environment; `head` gives the lines that findings speak of.
    pub(super) fn environment(
        &self,
        found: &EnvironmentChanges,
        has_policy: bool,
        remarks: &[(String, Finding)],
        head: &dyn Tree,
    ) -> EnvironmentReview {
        let name = &found.environment.name;
        let mut findings = found.findings.clone();
        findings.extend(remarks.iter().filter(|(environment, _)| environment == name).map(|(_, said)| said.clone()));
        let mut images = Vec::new();
        let all = self.plan.settled.iter().enumerate();
        let own = all.filter(|(_, settled)| settled.candidate().environment == *name);
        for (index, settled) in own {
            let (image, said) = self.image(index, settled);
            findings.extend(said);
            let verdicts = self.verdicts.iter().filter(|verdict| verdict.step == index);
            findings.extend(verdicts.map(|verdict| verdict.finding.clone()));
            images.push(image);
        }
        images.sort_by(|a, b| (&a.name, &a.to).cmp(&(&b.name, &b.to)));
        for (change, finding) in &found.sorted.unreadable {
            images.push(of_change(change, State::Unknown));
            findings.push(finding.clone());
        }
        for (kind, state) in [(ChangeKind::Removed, State::Removed), (ChangeKind::Unchanged, State::Unknown)] {
            let changes = found.changes.iter().filter(|change| change.kind == kind);
            images.extend(changes.map(|change| of_change(change, state)));
        }
        findings.sort_by(|a, b| (b.severity, &a.image, &a.rule).cmp(&(a.severity, &b.image, &b.rule)));
        findings
            .iter_mut()
            .for_each(|finding| finding.excerpt = finding.location.as_ref().and_then(|place| excerpt(head, place)));
        EnvironmentReview {
            name: name.clone(),
            registry: found.environment.registry.as_ref().map(ToString::to_string),
            has_policy,
            result: self.result(&images, &findings),
            images,
            findings,
        }
    }

    fn image(&self, index: usize, settled: &Settled) -> (ImageReview, Vec<Finding>) {
        let denied = self.verdicts.iter().any(|verdict| verdict.step == index && verdict.denies(self.deny_from));
        let base = of_candidate(settled.candidate(), denied);
        match settled {
            Settled::External(_) => (ImageReview { from: None, state: State::External, ..base }, Vec::new()),
            Settled::Refused(refusal) => {
                let image = ImageReview { state: refusal.state, digest: refusal.digest.clone(), ..base };
                let is_told = !self.is_offline_silence(refusal.state);
                (image, is_told.then(|| refusal.finding.clone()).into_iter().collect())
            }
            Settled::Step(step) => {
                let content = step.content.clone().unwrap_or_default();
                let outcome = self.outcomes.and_then(|outcomes| outcomes.get(&index));
                let (state, findings) = match outcome {
                    Some(outcome) => plan::after(step, outcome),
                    None if step.present => (State::Present, Vec::new()),
                    // Nothing may leave a run that copies without being copied, denied or told.
                    None if self.outcomes.is_some() && !denied => plan::after(step, &plan::forgotten()),
                    None => (State::Missing, plan::before(step)),
                };
                let (bytes_copied, bytes_reused, referrers) = match outcome {
                    Some(Outcome::Copied { bytes_copied, bytes_reused, referrers, .. }) => {
                        (*bytes_copied, *bytes_reused, referrers.clone())
                    }
                    _ => (0, 0, Vec::new()),
                };
                let image = ImageReview {
                    digest: Some(step.digest.clone()),
                    size_bytes: step.content.as_ref().map(|content| content.size_bytes),
                    platforms: content.platforms,
                    state,
                    bytes_copied,
                    bytes_reused,
                    referrers,
                    ..base
                };
                (image, findings)
            }
        }
    }

    /// An offline run says once that it asked nobody, not for each image.
    fn is_offline_silence(&self, state: State) -> bool {
        self.offline && state == State::Unknown
    }

    fn result(&self, images: &[ImageReview], findings: &[Finding]) -> ReviewResult {
        let has_error =
            |cause| findings.iter().any(|finding| finding.severity >= self.deny_from && finding.cause == cause);
        if has_error(Cause::Change) {
            return ReviewResult::Failure;
        }
        if has_error(Cause::Circumstance) {
            return ReviewResult::Error;
        }
        let is_new = |image: &&ImageReview| matches!(image.kind, ChangeKind::Added | ChangeKind::Changed);
        let is_work = |image: &ImageReview| matches!(image.state, State::Missing | State::Copied | State::Unknown);
        match images.iter().filter(is_new).any(is_work) {
            true => ReviewResult::Success,
            false => ReviewResult::Noop,
        }
    }
}

/// Counts over all environments.
pub(super) fn stats(environments: &[EnvironmentReview], elapsed: Duration) -> Stats {
    let images = || environments.iter().flat_map(|environment| &environment.images);
    let count = |predicate: &dyn Fn(&ImageReview) -> bool| images().filter(|image| predicate(image)).count();
    let findings = environments.iter().flat_map(|environment| &environment.findings);
    Stats {
        changed: count(&|image| image.kind != ChangeKind::Unchanged),
        to_promote: count(&|image| image.state == State::Missing && !image.denied),
        promoted: count(&|image| image.state == State::Copied),
        waived: environments.iter().map(|environment| environment.exceptions(ExceptionKind::Waiver)).sum(),
        glass_broken: environments.iter().map(|environment| environment.exceptions(ExceptionKind::BreakGlass)).sum(),
        errors: findings.filter(|finding| finding.severity == Severity::Error).count(),
        bytes_copied: images().map(|image| image.bytes_copied).sum(),
        bytes_reused: images().map(|image| image.bytes_reused).sum(),
        seconds: elapsed.as_secs_f64(),
    }
}

fn of_candidate(candidate: &Candidate, denied: bool) -> ImageReview {
    ImageReview {
        name: candidate.to.repository().to_owned(),
        kind: candidate.kind,
        before: candidate.before.clone(),
        to: Some(candidate.to.to_string()),
        from: candidate.from.as_ref().map(ToString::to_string),
        digest: None,
        size_bytes: None,
        bytes_copied: 0,
        bytes_reused: 0,
        platforms: Vec::new(),
        referrers: Vec::new(),
        state: State::Unknown,
        denied,
        locations: locations(&candidate.sites),
    }
}

fn of_change(change: &Change, state: State) -> ImageReview {
    let text = change.after.as_ref().or(change.before.as_ref()).cloned().unwrap_or_default();
    let name = text.parse::<ImageRef>().map_or_else(|_| text.clone(), |image| image.repository().to_owned());
    ImageReview {
        name,
        kind: change.kind,
        before: change.before.clone(),
        to: change.after.clone(),
        from: None,
        digest: None,
        size_bytes: None,
        bytes_copied: 0,
        bytes_reused: 0,
        platforms: Vec::new(),
        referrers: Vec::new(),
        state,
        denied: false,
        locations: locations(&change.sites),
    }
}

fn locations(sites: &Sites) -> Vec<Location> {
    let mut locations: Vec<Location> = sites.iter().map(|site| site.image_use.location.clone()).collect();
    locations.sort();
    locations.dedup();
    locations
}

fn excerpt(tree: &dyn Tree, place: &Location) -> Option<String> {
    let text = read_optional(tree, &TreePath::parse(&place.path)?).ok()??;
    let text = std::str::from_utf8(&text).ok()?;
    let line = text.lines().nth(place.line.checked_sub(1)? as usize)?;
    Some(masked(&line.chars().take(240).collect::<String>()))
}

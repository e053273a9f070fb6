//! The rule `ran_in`: an image must have been in another environment before.

use jiff::{SignedDuration, Timestamp};

use super::complaint::Complaint;
use super::dossier::Ran;
use super::named::Named;
use super::rule::Ask;
use super::span::{at, later, read_span, told};
use super::subject::{Needs, RanInNeed, Subject};
use crate::domain::Environment;
use crate::yaml::{Faults, Fields};

/// The rule's key.
pub(super) const NAME: &str = "ran_in";

/// What `promote-bot explain ran_in` prints.
pub(super) const EXPLANATION: &str = "\
ran_in: an image must have been in another environment before

What has run in staging for a day has been looked at. This rule asks since when the base branch has had the other environment reference the
image, without a break, and how long that is.

  rules:
    ran_in:
      environment: staging
      at_least: 24h         # 0s unless given: it must be there now
      clock: any            # any | forge: `forge` believes the times of merges alone that the forge gives
      level: deny           # deny | warn | off

Only the first-parent line of the base branch counts: what stands on a branch that was merged says nothing of what was deployed. The time of
a commit is the time of the merge that the forge gives for it; where there is none, the time its committer has, never earlier than that of
any commit before it on the line, and the verdict says so. Whoever may push to the base branch could forge that one, and where requests are
merged by fast-forward whoever wrote the commits: ask for `clock: forge` there. In a shallow clone commit times prove nothing, and the times of
authors are never looked at. Where the other environment names no digest, its tag must name the same image in its registry now.

To fix a finding, promote to the other environment first, and wait.
";

/// How far a clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// An image must have been in another environment before.
#[derive(Debug, Clone)]
pub(super) struct RanIn {
    environment: Named,
    at_least: SignedDuration,
    forge_only: bool,
}

impl RanIn {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let environment = fields.required_string("environment");
        if let (Some(name), Some(node)) = (environment, fields.optional("environment"))
            && !Environment::is_name(name)
        {
            faults.push(node, format!("`{name}` is not the name of an environment"));
        }
        let at_least = read_span(fields, "at_least", faults).unwrap_or_default();
        let forge_only = match (fields.non_empty_string("clock"), fields.optional("clock")) {
            (None | Some("any"), _) => false,
            (Some("forge"), _) => true,
            (Some(_), node) => {
                node.into_iter().for_each(|node| faults.push(node, "`clock` must be `any` or `forge`"));
                true
            }
        };
        let environment = environment.zip(fields.optional("environment")).map(|(name, node)| Named::new(node, name));
        Some(Self { environment: environment?, at_least, forge_only })
    }

    /// Returns the environment that is asked about.
    pub(super) fn environment(&self) -> &Named {
        &self.environment
    }

    fn against(&self, subject: &Subject<'_>, ran: &Ran) -> Option<(String, String)> {
        let (name, there) = (subject.candidate.to.repository(), &self.environment.name);
        if let Ran::Another { image } = ran {
            let message = format!("{name} is not in {there}: {image}, which is there, is another image by now");
            return Some((message, "give the new build a tag of its own, and promote it there first".to_owned()));
        }
        let Ran::Since { commit, at: since, clock, .. } = ran else {
            let image = match (subject.candidate.to.tag(), subject.digest) {
                (Some(tag), _) => format!("{name}:{tag}"),
                (None, Some(digest)) => format!("{name}@{digest}"),
                (None, None) => name.to_owned(),
            };
            let instead = match ran {
                Ran::Never { instead } if !instead.is_empty() => format!(", which has {}", instead.join(" and ")),
                _ => String::new(),
            };
            let message = format!("{image} is not in {there} on the base branch{instead}");
            return Some((
                message,
                format!("promote it to {there} first, and leave it there for {}", told(self.at_least)),
            ));
        };
        if self.at_least.is_zero() {
            return None;
        }
        let by = format!("by {clock}, since commit {}", commit.get(..12).unwrap_or(commit));
        let Some(since) = since.filter(|_| !self.forge_only || clock.starts_with("the forge")) else {
            let message = format!(
                "how long {name} has been in {there} cannot be told: nobody gives a time of the merge of {commit} that can be believed"
            );
            return Some((
                message,
                "ask where the forge can be asked, or take commit times with {clock: any}".to_owned(),
            ));
        };
        let ran = subject.now.duration_since(since);
        if ran < -SKEW {
            let message = format!("{name} came to {there} at {}, which is yet to come ({by})", at(since));
            return Some((message, "put the clock right that made this time".to_owned()));
        }
        if ran >= self.at_least {
            return None;
        }
        let message = format!(
            "{name} has been in {there} for {}, and must be there for {} ({by})",
            told(ran),
            told(self.at_least)
        );
        Some((message, format!("run again after {}", at(later(since, self.at_least)))))
    }
}

impl Ask for RanIn {
    fn needs(&self, needs: &mut Needs) {
        needs.ran_in.insert(RanInNeed { environment: self.environment.name.to_string(), at_least: self.at_least });
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let what = format!("the history of {}", self.environment.name);
        let found = match subject.dossier.ran_in.get(&*self.environment.name) {
            Some(Ok(ran)) => self.against(subject, ran),
            Some(Err(gap)) => return vec![subject.unknown(gap, &what)],
            None => return vec![subject.unasked(&what)],
        };
        found.map(|(message, help)| Complaint::new(subject.candidate, message, help)).into_iter().collect()
    }

    fn idle(&self, environment: &str, _now: Timestamp) -> Option<String> {
        (*self.environment.name == *environment)
            .then(|| format!("it asks that an image was in {environment} before it comes to {environment}"))
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        match subject.dossier.ran_in.get(&*self.environment.name) {
            Some(Ok(Ran::Since { commit, at: Some(since), clock, or_longer })) => {
                let longer = if *or_longer { "at least " } else { "" };
                let (ran, commit) = (told(subject.now.duration_since(*since)), commit.get(..12).unwrap_or(commit));
                format!("in {} for {longer}{ran} (by {clock}, since commit {commit})", self.environment.name)
            }
            _ => format!("it is in {}", self.environment.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, candidate, complaints};
    use super::*;
    use jiff::Timestamp;

    fn messages(rule: &str, ran: Ran) -> Vec<String> {
        let one = candidate("prod.example/shop/api:1", None);
        let found = complaints(&format!("ran_in: {rule}"), &one, |given| {
            given.dossier.ran_in.insert("staging".to_owned(), Ok(ran));
        });
        found.into_iter().map(|complaint| complaint.message).collect()
    }

    fn since(at: Option<Timestamp>, clock: &str) -> Ran {
        Ran::Since { commit: "0123456789abcdef".to_owned(), at, clock: clock.to_owned(), or_longer: false }
    }

    const RULE: &str = "{environment: staging, at_least: 24h}";

    #[test]
    fn it_must_have_been_there_for_so_long() {
        let ago = |hours| Some(NOW - SignedDuration::from_hours(hours));
        assert!(messages(RULE, since(ago(24), "the forge's time of the merge")).is_empty());
        assert_eq!(
            messages(RULE, since(ago(23), "the forge's time of the merge")),
            [
                "shop/api has been in staging for 23 hours, and must be there for 1 day (by the forge's time of the merge, since commit 0123456789ab)"
            ]
        );
        let other = Ran::Another { image: "prod.example/staging/api:1".to_owned() };
        assert_eq!(
            messages(RULE, other),
            ["shop/api is not in staging: prod.example/staging/api:1, which is there, is another image by now"]
        );
        let never = |instead: &[&str]| Ran::Never { instead: instead.iter().map(|one| (*one).to_owned()).collect() };
        assert_eq!(messages(RULE, never(&[])), ["shop/api:1 is not in staging on the base branch"]);
        assert_eq!(
            messages(RULE, never(&["staging.example/shop/api:0.9"])),
            ["shop/api:1 is not in staging on the base branch, which has staging.example/shop/api:0.9"]
        );
        assert_eq!(messages(RULE, since(ago(-2), "commit times")).len(), 1);
    }

    #[test]
    fn without_a_time_nothing_is_believed() {
        assert_eq!(messages(RULE, since(None, "commit times")).len(), 1);
        let ago = Some(NOW - SignedDuration::from_hours(48));
        let rule = "{environment: staging, at_least: 24h, clock: forge}";
        assert_eq!(messages(rule, since(ago, "commit times")).len(), 1);
        assert!(messages(rule, since(ago, "the forge's time of the merge")).is_empty());
        assert!(messages("{environment: staging}", since(None, "commit times")).is_empty());
    }

    #[test]
    fn what_nobody_looked_up_is_a_no() {
        let one = candidate("prod.example/shop/api:1", None);
        assert_eq!(complaints("ran_in: {environment: staging}", &one, |_| ()).len(), 1);
    }
}

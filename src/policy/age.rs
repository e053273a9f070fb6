//! The rule `age`: how old an image must be, and may be.

use jiff::{SignedDuration, Timestamp};

use super::complaint::Complaint;
use super::rule::Ask;
use super::span::{at, later, read_span, told};
use super::subject::{Needs, Subject};
use crate::yaml::{Faults, Fields, Node};

/// The rule's key.
pub(super) const NAME: &str = "age";

/// What `promote-bot explain age` prints.
pub(super) const EXPLANATION: &str = "\
age: how old an image must be, and may be

A young image has been seen by nobody; an old one lacks the fixes of its base. The age is counted from the time of creation that the
image's configuration names: of an image for several platforms, the youngest part counts for `at_least` and the oldest for `at_most`.

  rules:
    age:
      at_least: 1h          # a span: 90s, 60m, 24h, 7d
      at_most: 90d
      level: deny           # deny | warn | off

Reproducible builds name no true time (they say 1970, or nothing): they are denied, since their age cannot be told. Who builds an image
writes this time; where that matters, ask for `provenance` too.
";

/// How far a builder's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// No container image is older; what says so was built with a clock that was set to nothing.
const FIRST_CONTAINER: Timestamp = Timestamp::constant(1_356_998_400, 0);

/// How old an image must be, and may be.
#[derive(Debug, Clone)]
pub(super) struct Age {
    at_least: Option<SignedDuration>,
    at_most: Option<SignedDuration>,
}

impl Age {
    pub(super) fn read(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Option<Self> {
        let (at_least, at_most) = (read_span(fields, "at_least", faults), read_span(fields, "at_most", faults));
        match (at_least, at_most) {
            (None, None) => faults.push(node, "the rule `age` needs `at_least`, `at_most` or both"),
            (Some(least), Some(most)) if least > most => {
                faults.push(node, format!("no image is at least {} and at most {} old", told(least), told(most)));
            }
            _ => {}
        }
        Some(Self { at_least, at_most })
    }

    /// Says what is wrong with a part that was created then.
    fn against(&self, name: &str, created: Timestamp, now: Timestamp) -> Option<(String, String)> {
        let age = now.duration_since(created);
        if age < -SKEW {
            let message = format!("{name} says it was created at {}, which is yet to come", at(created));
            return Some((message, "build it with a clock that is right".to_owned()));
        }
        if created < FIRST_CONTAINER {
            let message = format!("the age of {name} cannot be told: it names no true time of creation");
            return Some((message, "build it with its time of creation, or ask for no age of it".to_owned()));
        }
        if let Some(least) = self.at_least.filter(|least| age < *least) {
            let message = format!("{name} is {} old, and must be {}", told(age), told(least));
            return Some((message, format!("run again after {}", at(later(created, least)))));
        }
        let most = self.at_most.filter(|most| age > *most)?;
        let message = format!("{name} is {} old, and may be {}", told(age), told(most));
        Some((message, "build it anew".to_owned()))
    }
}

impl Ask for Age {
    fn needs(&self, needs: &mut Needs) {
        needs.make = true;
    }

    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let make = match subject.make() {
            Ok(make) => make,
            Err(complaint) => return vec![*complaint],
        };
        let name = subject.candidate.to.repository();
        let unknown = (
            format!("the age of {name} cannot be told: it names no time of creation"),
            "build it with its time of creation, or ask for no age of it".to_owned(),
        );
        let found = match make.images().is_empty() {
            true => Some(unknown),
            false => make.images().iter().find_map(|image| match image.created {
                Some(created) => self.against(name, created, subject.now),
                None => Some(unknown.clone()),
            }),
        };
        found.map(|(message, help)| Complaint::new(subject.candidate, message, help)).into_iter().collect()
    }

    fn grounds(&self, subject: &Subject<'_>) -> String {
        let created = subject.make().ok().and_then(|make| make.images().iter().filter_map(|image| image.created).min());
        created.map_or_else(String::new, |created| format!("it is {} old", told(subject.now.duration_since(created))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, candidate, complaints, make};
    use jiff::{SignedDuration, Timestamp};

    fn messages(rule: &str, created: &[Option<Timestamp>]) -> Vec<String> {
        let one = candidate("prod.example/shop/api:1", None);
        let mut made = make(&vec!["linux/amd64"; created.len()]);
        made.set_created(created);
        complaints(rule, &one, |s| s.dossier.make = Some(Ok(made.clone()))).into_iter().map(|c| c.message).collect()
    }

    fn ago(hours: i64) -> Option<Timestamp> {
        Some(NOW - SignedDuration::from_hours(hours))
    }

    #[test]
    fn the_youngest_and_the_oldest_part_count() {
        assert!(messages("age: {at_least: 1h, at_most: 90d}", &[ago(2), ago(48)]).is_empty());
        assert_eq!(
            messages("age: {at_least: 3h}", &[ago(48), ago(2)]),
            ["shop/api is 2 hours old, and must be 3 hours"]
        );
        assert_eq!(messages("age: {at_most: 1d}", &[ago(2), ago(48)]), ["shop/api is 2 days old, and may be 1 day"]);
    }

    #[test]
    fn an_age_that_cannot_be_told_is_a_no() {
        let told = ["the age of shop/api cannot be told: it names no time of creation"];
        assert_eq!(messages("age: {at_most: 1d}", &[None]), told);
        assert_eq!(messages("age: {at_most: 1d}", &[]), told);
        assert_eq!(
            messages("age: {at_least: 1h}", &[Some(Timestamp::UNIX_EPOCH)]),
            ["the age of shop/api cannot be told: it names no true time of creation"]
        );
        assert_eq!(messages("age: {at_least: 0s}", &[ago(-2)]).len(), 1);
    }
}

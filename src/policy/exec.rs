//! The rule `exec`: what a program says of an image.

use std::time::Duration;

use super::complaint::Complaint;
use super::dossier::ProgramEnd;
use super::rule::Ask;
use super::span::read_span;
use super::subject::{Program, Subject};
use crate::yaml::{Faults, Fields};

/// The rule's key.
pub(super) const NAME: &str = "exec";

/// What `promote-bot explain exec` prints.
pub(super) const EXPLANATION: &str = "\
exec: what a program says of an image

Whatever the other rules cannot tell a program can: conftest, a smoke test, a scanner of your own. It says yes with exit code 0 and no with
any other; its last line is shown.

  rules:
    exec:
      - id: smoke                                # the rule's id is <policy>/exec/smoke
        command: [\"./smoke.sh\", \"{image}\"]       # no shell; {image} is the source by digest, also {digest}, {destination}, {environment}
        timeout: 60s                             # 60s unless given, 10m at most
        level: deny                              # deny | warn | off

The program runs in a copy of the revision that the policy comes from, never of the change under review, once for each image and digest. Of
the environment it sees PATH, HOME, TMPDIR, LANG, caches, proxies and certificates, and nothing else. A program that cannot be run, or takes too long, is a no. What it prints is cut at 64 KiB.
";

/// How long a program may take unless the policy says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take at most.
const LONGEST: Duration = Duration::from_secs(600);

/// How much of what a program prints is read.
const MOST_BYTES: u64 = 64 << 10;

/// What stands for something in a command.
const PLACEHOLDERS: [&str; 4] = ["{image}", "{digest}", "{destination}", "{environment}"];

/// What a program says of an image.
#[derive(Debug, Clone)]
pub(super) struct Exec {
    command: Vec<String>,
    timeout: Duration,
    id: String,
}

impl Exec {
    pub(super) fn read(fields: &mut Fields<'_>, faults: &Faults) -> Option<Self> {
        let id = fields.optional("id").and_then(|node| node.as_str()).unwrap_or_default().to_owned();
        let command = read_command(fields, faults);
        let timeout = read_timeout(fields, TIMEOUT, faults);
        Some(Self { command: command?, timeout, id })
    }

    /// Returns the program, asked by the rule `rule`.
    pub(super) fn program(&self, rule: String) -> Program {
        Program {
            rule,
            command: self.command.clone(),
            timeout: self.timeout,
            most_bytes: MOST_BYTES,
            reads_output: false,
        }
    }

    /// The command as it was run, for people.
    fn filled(&self, subject: &Subject<'_>) -> String {
        let to = &subject.candidate.to;
        let destination =
            subject.digest.map_or_else(|| to.to_string(), |digest| to.at_digest(digest.clone()).to_string());
        let digest = subject.digest.map(ToString::to_string).unwrap_or_default();
        let values = [subject.at_source(), destination, digest, subject.candidate.environment.clone()];
        let command = self.command.join(" ");
        PLACEHOLDERS.iter().zip(values).fold(command, |filled, (name, value)| filled.replace(name, &value))
    }

    fn end<'a>(&self, subject: &Subject<'a>) -> Option<&'a ProgramEnd> {
        subject.dossier.programs.get(&format!("{}/{NAME}/{}", subject.policy, self.id))
    }
}

/// Reads a command: a list whose first element is the program.
pub(super) fn read_command(fields: &mut Fields<'_>, faults: &Faults) -> Option<Vec<String>> {
    let node = fields.required("command")?;
    if node.as_sequence().is_none_or(<[_]>::is_empty) {
        faults.push_with_hint(
            node,
            "`command` must be a list: the program and its arguments",
            "no shell reads it: write [\"./smoke.sh\", \"{image}\"]",
        );
        return None;
    }
    let words: Vec<String> = fields.strings("command").into_iter().map(|(_, word)| word.to_owned()).collect();
    for word in &words {
        let unknown =
            word.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| format!("{{{name}}}"));
        for name in unknown.filter(|name| {
            !PLACEHOLDERS.contains(&name.as_str())
                && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '{' | '}' | '_'))
        }) {
            faults.push_with_hint(
                node,
                format!("`{name}` stands for nothing"),
                format!("known: {}", PLACEHOLDERS.join(", ")),
            );
        }
    }
    if words.first().is_some_and(|program| program.contains('{')) {
        faults.push(node, "the program itself may not be made of what a change says");
    }
    Some(words)
}

/// Reads `timeout`, within what is allowed.
pub(super) fn read_timeout(fields: &mut Fields<'_>, default: Duration, faults: &Faults) -> Duration {
    let node = fields.optional("timeout");
    let read = read_span(fields, "timeout", faults).and_then(|span| Duration::try_from(span).ok());
    if let (Some(node), Some(span)) = (node, read)
        && (span > LONGEST || span.is_zero())
    {
        faults.push(node, "`timeout` must be more than nothing and at most 10m");
    }
    read.unwrap_or(default)
}

impl Ask for Exec {
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let (name, id) = (subject.candidate.to.repository(), &self.id);
        let complaint = match self.end(subject) {
            Some(ProgramEnd::Passed { .. }) => return Vec::new(),
            Some(ProgramEnd::Refused { why }) => Complaint::new(
                subject.candidate,
                format!("the program of `{id}` refuses {name}: {why}"),
                format!("run it yourself: {}", self.filled(subject)),
            ),
            Some(ProgramEnd::Failed { why }) => Complaint::undecided(
                subject.candidate,
                format!("the program of `{id}` could not be asked about {name}: {why}"),
                "a program that cannot be asked is a no; see that it can run here, and run again",
            ),
            None => subject.unasked(&format!("the program of `{id}`")),
        };
        vec![complaint]
    }

    fn grounds(&self, _: &Subject<'_>) -> String {
        format!("the program of `{}` said yes", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dossier::ProgramEnd;
    use super::super::testing::{candidate, complaints, faults};
    use crate::domain::Cause;

    const RULE: &str = "exec: [{id: smoke, command: [./smoke.sh, '{image}']}]";

    #[test]
    fn a_program_says_yes_with_zero_and_nothing_else() {
        let one = candidate("prod.example/shop/api:1", None);
        let told = |end: Option<ProgramEnd>| {
            complaints(RULE, &one, |given| {
                given.dossier.programs.extend(end.map(|end| ("p/exec/smoke".to_owned(), end)));
            })
        };
        assert!(told(Some(ProgramEnd::Passed { output: Vec::new() })).is_empty());
        let refused = told(Some(ProgramEnd::Refused { why: "exit code 1: no route".to_owned() }));
        assert_eq!(refused[0].message, "the program of `smoke` refuses shop/api: exit code 1: no route");
        assert_eq!(refused[0].cause, Cause::Change);
        let failed = told(Some(ProgramEnd::Failed { why: "it took longer than 60 s".to_owned() }));
        assert_eq!(failed[0].cause, Cause::Circumstance);
        assert_eq!(told(None)[0].cause, Cause::Circumstance);
    }

    #[test]
    fn commands_that_cannot_be_run_as_meant_are_faults() {
        assert_eq!(
            faults(
                "exec: [{id: a, command: './smoke.sh {image}'}, {id: b, command: ['{image}']}, {id: b, command: [x, '{imgae}'], timeout: 1h}, {command: [x]}]"
            ),
            [
                "`command` must be a list: the program and its arguments",
                "the program itself may not be made of what a change says",
                "the id `b` is given twice",
                "`{imgae}` stands for nothing",
                "`timeout` must be more than nothing and at most 10m",
                "an entry of `exec` needs `id`",
            ]
        );
    }
}

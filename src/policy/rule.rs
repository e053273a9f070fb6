//! The rules: a closed set, each in a file of its own.

use jiff::Timestamp;

use super::age::{self, Age};
use super::complaint::Complaint;
use super::exec::{self, Exec};
use super::expr::{self, Expr};
use super::flow::flow;
use super::freeze::{self, Freeze};
use super::level::Level;
use super::named::Named;
use super::pinned::{self, PinnedDigest};
use super::platforms::{self, Platforms};
use super::provenance::{self, Built};
use super::ran_in::{self, RanIn};
use super::sbom::{self, Listed};
use super::signature_rule::{self, Signed};
use super::source::{self, Source};
use super::subject::{Needs, Subject};
use super::tag::{self, Tag};
use super::vulnerabilities::{self, Vulnerabilities};
use crate::domain::{Location, Severity};
use crate::yaml::{Faults, Fields, Node};

/// What every rule does.
pub(super) trait Ask {
    /// Adds what it has to know of an image.
    fn needs(&self, _needs: &mut Needs) {}

    /// Says what is against an image; nothing where all is well.
    fn judge(&self, subject: &Subject<'_>) -> Vec<Complaint>;

    /// Says on what grounds an image passes that [`judge`](Self::judge) has nothing against.
    fn grounds(&self, subject: &Subject<'_>) -> String;

    /// Returns the signers it names, if it asks for signatures at all.
    fn signers(&self) -> Option<Vec<&Named>> {
        None
    }

    /// Says what of it can never have an effect in an environment from now on.
    fn idle(&self, _environment: &str, _now: Timestamp) -> Option<String> {
        None
    }
}

/// One rule of a policy.
#[derive(Debug, Clone)]
pub struct Rule {
    name: &'static str,
    id: Option<String>,
    level: Level,
    kind: Kind,
    settings: String,
    place: Location,
}

#[derive(Debug, Clone)]
enum Kind {
    Tag(Tag),
    Digest(PinnedDigest),
    Source(Source),
    Signature(Signed),
    Provenance(Built),
    Vulnerabilities(Box<Vulnerabilities>),
    Sbom(Listed),
    RanIn(RanIn),
    Platforms(Platforms),
    Age(Age),
    Freeze(Freeze),
    Exec(Exec),
    Expr(Expr),
}

impl Kind {
    fn ask(&self) -> &dyn Ask {
        match self {
            Self::Tag(rule) => rule,
            Self::Digest(rule) => rule,
            Self::Source(rule) => rule,
            Self::Signature(rule) => rule,
            Self::Provenance(rule) => rule,
            Self::Vulnerabilities(rule) => rule.as_ref(),
            Self::Sbom(rule) => rule,
            Self::RanIn(rule) => rule,
            Self::Platforms(rule) => rule,
            Self::Age(rule) => rule,
            Self::Freeze(rule) => rule,
            Self::Exec(rule) => rule,
            Self::Expr(rule) => rule,
        }
    }
}

/// A rule's key, and what `promote-bot explain` prints of it.
pub(super) const RULES: [(&str, &str); 13] = [
    (tag::NAME, tag::EXPLANATION),
    (pinned::NAME, pinned::EXPLANATION),
    (source::NAME, source::EXPLANATION),
    (signature_rule::NAME, signature_rule::EXPLANATION),
    (provenance::NAME, provenance::EXPLANATION),
    (vulnerabilities::NAME, vulnerabilities::EXPLANATION),
    (sbom::NAME, sbom::EXPLANATION),
    (ran_in::NAME, ran_in::EXPLANATION),
    (platforms::NAME, platforms::EXPLANATION),
    (age::NAME, age::EXPLANATION),
    (freeze::NAME, freeze::EXPLANATION),
    (exec::NAME, exec::EXPLANATION),
    (expr::NAME, expr::EXPLANATION),
];

impl Rule {
    /// Returns the rule's name, its key under `rules`; of `exec` and `expr` with the entry's id: `expr/team`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/{id}", self.name),
            None => self.name.to_owned(),
        }
    }

    fn of(name: &'static str, id: Option<String>, level: Level, kind: Kind, node: &Node) -> Self {
        let place = Location::new(&*node.mark.file, node.mark.line, node.content_column());
        Self { name, id, level, kind, settings: flow(node), place }
    }

    /// Returns its settings as one line of YAML, those of the policies it extends included.
    #[must_use]
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// Returns where its settings are.
    #[must_use]
    pub fn place(&self) -> &Location {
        &self.place
    }

    /// Tells whether it is never asked.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.level == Level::Off
    }

    /// Tells whether it is what `name` means: its whole name, or its key.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.name() == name
    }

    /// Adds what it has to know of an image.
    pub(super) fn needs(&self, policy: &str, needs: &mut Needs) {
        if self.is_off() {
            return;
        }
        self.kind.ask().needs(needs);
        if let Kind::Exec(exec) = &self.kind {
            needs.programs.push(exec.program(format!("{policy}/{}", self.name())));
        }
        if let Kind::Vulnerabilities(rule) = &self.kind {
            needs.programs.extend(rule.program(format!("{policy}/{}", self.name())));
        }
    }

    /// Says what is against an image, each complaint weighing what the rule's level lets it weigh.
    pub(super) fn complaints(&self, subject: &Subject<'_>) -> Vec<Complaint> {
        let Some(severity) = self.level.severity() else { return Vec::new() };
        let mut complaints = self.kind.ask().judge(subject);
        complaints.iter_mut().for_each(|complaint| complaint.most = complaint.most.min(severity));
        complaints
    }

    /// Says on what grounds an image passes.
    #[must_use]
    pub fn grounds(&self, subject: &Subject<'_>) -> String {
        self.kind.ask().grounds(subject)
    }

    /// Says what of it can never have an effect in an environment from now on, for those who look over their policies.
    #[must_use]
    pub fn idle(&self, environment: &str, now: Timestamp) -> Option<String> {
        self.kind.ask().idle(environment, now)
    }

    /// Returns the signers it names, if it asks for signatures at all.
    pub(super) fn signers(&self) -> Option<Vec<&Named>> {
        self.kind.ask().signers().filter(|_| !self.is_off())
    }

    /// Returns the other environment it asks about.
    pub(super) fn environment(&self) -> Option<&Named> {
        match &self.kind {
            Kind::RanIn(rule) if !self.is_off() => Some(rule.environment()),
            _ => None,
        }
    }

    /// Tells whether it asks who signed the image itself.
    #[must_use]
    pub fn is_signature(&self) -> bool {
        matches!(self.kind, Kind::Signature(_)) && !self.is_off()
    }

    /// Returns the most a no of this rule weighs; none where it is off.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.level.severity()
    }

    /// Reads all rules of a mapping `rules`; what is not known is a fault.
    pub(super) fn read_all(mut fields: Fields<'_>, faults: &Faults) -> Vec<Self> {
        let mut rules = Vec::new();
        for (name, _) in RULES {
            let Some(node) = fields.optional(name) else { continue };
            match (name, node.as_sequence()) {
                (exec::NAME | expr::NAME, Some(entries)) => {
                    let own: Vec<Self> =
                        entries.iter().filter_map(|entry| Self::read_entry(name, entry, faults)).collect();
                    report_twice(entries, &own, faults);
                    rules.extend(own);
                }
                (exec::NAME | expr::NAME, None) => {
                    faults.push(node, format!("`{name}` must be a list, found a {}", node.kind_name()));
                }
                (platforms::NAME, Some(_)) => {
                    let kind = Platforms::read_list(node, faults).map(Kind::Platforms);
                    rules.extend(kind.map(|kind| Self::of(name, None, Level::default(), kind, node)));
                }
                (platforms::NAME, None) if node.as_str().is_some() => {
                    faults.push_with_hint(node, "`platforms` must be a list", "write [linux/amd64]");
                }
                _ => rules.extend(Self::read(name, node, faults)),
            }
        }
        fields.finish();
        rules
    }

    fn read(name: &'static str, node: &Node, faults: &Faults) -> Option<Self> {
        let mut fields = Fields::of(node, format!("the rule `{name}`"), faults)?;
        let level = Level::read(&mut fields, "level", ["deny", "warn", "off"], faults).unwrap_or_default();
        // A rule that is off need not say what it would ask.
        if level == Level::Off && node.as_mapping().is_some_and(|entries| entries.len() == 1) {
            return None;
        }
        let kind = match name {
            tag::NAME => Tag::read(&mut fields, faults).map(Kind::Tag),
            pinned::NAME => PinnedDigest::read(&mut fields, node, faults).map(Kind::Digest),
            source::NAME => Source::read(&mut fields, node, faults).map(Kind::Source),
            signature_rule::NAME => Some(Kind::Signature(Signed::read(&mut fields, faults))),
            provenance::NAME => Built::read(&mut fields, faults).map(Kind::Provenance),
            vulnerabilities::NAME => {
                Vulnerabilities::read(&mut fields, node, faults).map(|rule| Kind::Vulnerabilities(Box::new(rule)))
            }
            sbom::NAME => Listed::read(&mut fields, faults).map(Kind::Sbom),
            ran_in::NAME => RanIn::read(&mut fields, faults).map(Kind::RanIn),
            platforms::NAME => Platforms::read(&mut fields, node, faults).map(Kind::Platforms),
            age::NAME => Age::read(&mut fields, node, faults).map(Kind::Age),
            freeze::NAME => Freeze::read(&mut fields, node, faults).map(Kind::Freeze),
            _ => None,
        };
        fields.finish();
        kind.map(|kind| Self::of(name, None, level, kind, node))
    }

    fn read_entry(name: &'static str, node: &Node, faults: &Faults) -> Option<Self> {
        let mut fields = Fields::of(node, format!("an entry of `{name}`"), faults)?;
        let level = Level::read(&mut fields, "level", ["deny", "warn", "off"], faults).unwrap_or_default();
        let id = fields.required_string("id");
        if let (Some(text), Some(node)) = (id, fields.optional("id"))
            && !crate::domain::Environment::is_name(text)
        {
            faults.push(node, "an id has lower-case letters, digits, `-`, `_` and `.`, at most 63");
        }
        let kind = match name {
            exec::NAME => Exec::read(&mut fields, faults).map(Kind::Exec),
            _ => Expr::read(&mut fields, faults).map(Kind::Expr),
        };
        fields.finish();
        Some(Self::of(name, Some(id?.to_owned()), level, kind?, node))
    }
}

fn report_twice(entries: &[Node], rules: &[Rule], faults: &Faults) {
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].iter().any(|other| other.id == rule.id)
            && let Some(entry) =
                entries.iter().rfind(|entry| entry.get("id").and_then(Node::as_str) == rule.id.as_deref())
        {
            faults.push(entry, format!("the id `{}` is given twice", rule.id.as_deref().unwrap_or_default()));
        }
    }
}

/// Explains a rule by its name: what it asks, its settings, an example.
#[must_use]
pub fn explain(rule: &str) -> Option<String> {
    let (name, explanation) = RULES.iter().find(|(name, _)| *name == rule)?;
    Some(if *name == expr::NAME { format!("{explanation}\n{}", expr::MORE) } else { (*explanation).to_owned() })
}

/// Returns the names of all rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

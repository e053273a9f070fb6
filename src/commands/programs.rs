//! Running the programs that rules ask, each once for an image.

use std::collections::HashMap;

use super::evidence::places;
use crate::domain::{Digest, ImageRef, Plan, Settled};
use crate::policy::{Dossier, Needs, Program, ProgramEnd, digest_of};
use crate::render::{Checkout, Ended, Excess, Limits};

/// How many run at a time.
const AT_A_TIME: usize = 4;

/// The programs that rules ask, in the files of the revision that the rules come from: no code of a change is run.
pub(super) struct Programs<'a> {
    pub(super) checkout: Checkout<'a>,
    /// Why nothing may be run: then every rule that asks for a program says no.
    pub(super) forbidden: Option<&'static str>,
}

/// One run: the rule that asks, and the command with everything filled in.
type Run = (Program, Vec<String>);

impl Programs<'_> {
    /// Runs what is asked, and adds how it ended to each dossier.
    pub(super) async fn add(&self, plan: &Plan, needs: &[Needs], dossiers: &mut [Dossier]) {
        let mut runs: Vec<Run> = Vec::new();
        let mut wanted: Vec<(usize, usize)> = Vec::new();
        let mut seen: HashMap<Vec<String>, usize> = HashMap::new();
        for (index, (settled, needs)) in plan.settled.iter().zip(needs).enumerate() {
            let digest = dossiers[index].digest.clone().or_else(|| digest_of(settled).cloned());
            let source = places(plan, settled).into_iter().next();
            for program in &needs.programs {
                // A scanner looks at one platform of an index: each is scanned by itself.
                for (rule, digest) in targets(program, &dossiers[index], digest.as_ref()) {
                    let command = filled(&program.command, settled, source.as_ref(), digest.as_ref());
                    let mut key = command.clone();
                    key.push(format!("{:?} {} {rule}", program.timeout, program.most_bytes));
                    let run = *seen.entry(key).or_insert_with(|| {
                        runs.push((Program { rule, ..program.clone() }, command));
                        runs.len() - 1
                    });
                    wanted.push((index, run));
                }
            }
        }
        let ends = self.run_all(&runs);
        for (index, run) in wanted {
            dossiers[index].programs.insert(runs[run].0.rule.clone(), ends[run].clone());
        }
    }

    /// Runs some at a time; they wait for the outside most of the time.
    fn run_all(&self, runs: &[Run]) -> Vec<ProgramEnd> {
        let mut ends = Vec::with_capacity(runs.len());
        for part in runs.chunks(AT_A_TIME) {
            std::thread::scope(|scope| {
                let begun: Vec<_> = part.iter().map(|run| scope.spawn(|| self.run(run))).collect();
                let fallen = |_| ProgramEnd::Failed { why: "it could not be followed to its end".to_owned() };
                ends.extend(begun.into_iter().map(|handle| handle.join().unwrap_or_else(fallen)));
            });
        }
        ends
    }

    fn run(&self, (program, command): &Run) -> ProgramEnd {
        if let Some(why) = self.forbidden {
            return ProgramEnd::Failed { why: why.to_owned() };
        }
        let excess = if program.reads_output { Excess::Fail } else { Excess::Cut };
        let limits = Limits { timeout: program.timeout, most_bytes: program.most_bytes, excess };
        match self.checkout.ask(command, limits) {
            Ok(Ended::Well(output)) => ProgramEnd::Passed { output },
            Ok(Ended::Badly(why)) => ProgramEnd::Refused { why },
            Err(why) => ProgramEnd::Failed { why },
        }
    }
}

/// What a program is asked about: the image, or each image of an index by itself, under the ids that
/// [`ProgramEnd`]s are kept by.
fn targets(program: &Program, dossier: &Dossier, digest: Option<&Digest>) -> Vec<(String, Option<Digest>)> {
    let make = dossier.make.as_ref().and_then(|make| make.as_ref().ok());
    match make.filter(|make| program.reads_output && make.is_index()) {
        Some(make) => {
            let of_part =
                |image: &crate::policy::MadeImage| (program.rule_on(&image.digest), Some(image.digest.clone()));
            make.images().iter().map(of_part).collect()
        }
        None => vec![(program.rule.clone(), digest.cloned())],
    }
}

/// Fills a command in. Each placeholder becomes part of one argument: nothing splits or reads it again.
fn filled(command: &[String], settled: &Settled, source: Option<&ImageRef>, digest: Option<&Digest>) -> Vec<String> {
    let candidate = settled.candidate();
    let at = |image: &ImageRef| match digest {
        Some(digest) => image.at_digest(digest.clone()).to_string(),
        None => image.to_string(),
    };
    let source = source.unwrap_or(&candidate.to);
    let digest_text = digest.map(ToString::to_string).unwrap_or_default();
    let values = [
        ("{image}", at(source)),
        ("{destination}", at(&candidate.to)),
        ("{digest}", digest_text),
        ("{environment}", candidate.environment.clone()),
    ];
    let fill = |word: &String| {
        let mut out = String::new();
        let mut rest = word.as_str();
        // What is filled in is not looked at again.
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match values.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    out.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out + rest
    };
    command.iter().map(fill).collect()
}

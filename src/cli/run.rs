//! From the process's arguments to its exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use super::args::{
    self, Cli, Command, ConfigFromName, FailOnName, FormatKind, Global, Images, Judging, LoadRestrictorName, SchemaName,
};
use super::ci::{self, Surroundings};
use super::output::{self, Output};
use super::{errors, progress};
use crate::commands::{self, ConfigFrom, Error, Exit, FailOn, ImagesInputs, InitInputs, Inputs, SchemaOf, Scope};
use crate::domain::{LoadRestrictor, Review, ReviewResult};
use crate::git::RangeRequest;
use crate::registry::CredentialSources;
use crate::report::{self, Ending};

/// Runs the program with `arguments`, the first being its own name.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let parsed =
        args::command(is_empty).try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help to stdout and faults to stderr; a closed stream is nobody's concern.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { Exit::Success.code() });
        }
    };
    output::choose_color(cli.global.color, variable);
    if cli.global.verbose {
        trace();
    }
    let exit = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(until_signal(act(cli)));
            // What a signal left behind is not waited for.
            runtime.shutdown_background();
            exit
        }
        Err(source) => Err(Error::io("start the program's threads")(source)),
    };
    let exit = exit.unwrap_or_else(|error| {
        output::stderr(&errors::render(&error));
        error.exit()
    });
    ExitCode::from(exit.code())
}

/// Runs `action` unless SIGINT or SIGTERM comes first: then it is dropped where it stands. A copy names its image last, so what
/// was begun has either reached its tag or left it alone.
async fn until_signal(action: impl Future<Output = Result<Exit, Error>> + Send + 'static) -> Result<Exit, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for signals"))?;
    // A task of its own: reading a repository does not yield, and a signal must be heard all the same.
    let mut action = tokio::spawn(action);
    tokio::select! {
        exit = &mut action => exit.unwrap_or_else(|fault| Err(Error::io("finish")(std::io::Error::other(fault)))),
        _ = tokio::signal::ctrl_c() => Ok(interrupted(Exit::Interrupted)),
        _ = terminate.recv() => Ok(interrupted(Exit::Terminated)),
    }
}

fn interrupted(exit: Exit) -> Exit {
    output::stderr("interrupted: no image was named before it was whole; safe to run again\n");
    exit
}

/// Shows what this program does, and nothing of what the libraries below say: their words may carry whole addresses.
fn trace() {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let own = tracing_subscriber::filter::Targets::new().with_target("promote_bot", tracing::Level::DEBUG);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time().with_target(false);
    let lines = lines.with_ansi(anstream::stderr().current_choice() != anstream::ColorChoice::Never);
    // Only a second call could fail, and there is none.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}

async fn act(cli: Cli) -> Result<Exit, Error> {
    let Cli { global, command } = cli;
    match command {
        Command::Check(checking) => {
            let output = Output::new(&global.formats)?;
            let inputs = Inputs { offline: checking.offline, ..inputs(&global, &checking.judging)? };
            let review = commands::check(&inputs).await?;
            show(&output, &review, Ending::Check, checking.judging.fail_on)
        }
        Command::Promote(promoting) => {
            let output = Output::new(&global.formats)?;
            let inputs = Inputs { jobs: usize::from(promoting.jobs), ..inputs(&global, &promoting.judging)? };
            let progress = progress::progress(global.quiet);
            let review = commands::promote(&inputs, promoting.dry_run, progress.as_ref()).await?;
            let ending = if promoting.dry_run { Ending::DryRun } else { Ending::Promote };
            show(&output, &review, ending, promoting.judging.fail_on)
        }
        Command::Images(images) => show_images(&global, images),
        Command::Explain { subject } => answer(&commands::explain(&scope(&global, None)?, &subject)?),
        Command::Init { dry_run, force } => {
            let (text, path) = commands::init(&InitInputs { directory: global.directory, dry_run, force })?;
            match path {
                Some(path) => output::stderr(&format!("wrote {}; next: promote-bot check\n", path.display())),
                None => output::stdout(&text)?,
            }
            Ok(Exit::Success)
        }
        Command::Schema { of } => {
            let of = match of {
                SchemaName::Config => SchemaOf::Config,
                SchemaName::Policy => SchemaOf::Policy,
                SchemaName::Report => SchemaOf::Report,
            };
            answer(&(serde_json::to_string_pretty(&commands::schema(of))? + "\n"))
        }
        Command::Completions { shell } => {
            let script = commands::completions(&mut args::command(|_| false), shell);
            answer(&String::from_utf8_lossy(&script))
        }
        Command::Demo { keep } => {
            commands::demo(&commands::Demo { directory: keep }, &mut |line| output::stdout(line)).await
        }
    }
}

fn answer(text: &str) -> Result<Exit, Error> {
    output::stdout(text).map(|()| Exit::Success)
}

fn show(output: &Output, review: &Review, ending: Ending, fail_on: FailOnName) -> Result<Exit, Error> {
    for mut sink in output.open()? {
        sink.write(&match sink.kind {
            FormatKind::Text => report::text(review, ending),
            FormatKind::Json => report::json::json(review)?,
        })?;
    }
    Ok(match review.result {
        ReviewResult::Noop | ReviewResult::Success => Exit::Success,
        ReviewResult::Failure if matches!(fail_on, FailOnName::Never) => Exit::Success,
        ReviewResult::Failure => Exit::No,
        ReviewResult::Error => Exit::Undecided,
    })
}

fn show_images(global: &Global, images: Images) -> Result<Exit, Error> {
    let output = Output::new(&global.formats)?;
    let inputs = ImagesInputs {
        scope: scope(global, None)?,
        overlays: images.overlays,
        overlays_from: images.overlays_from,
        revision: images.rev,
        load_restrictor: images.load_restrictor.map(|name| match name {
            LoadRestrictorName::Root => LoadRestrictor::Root,
            LoadRestrictorName::None => LoadRestrictor::None,
        }),
    };
    let mut sinks = output.open()?;
    let mut is_whole = true;
    commands::images(&inputs, |overlay| {
        is_whole &= overlay.images.is_ok();
        sinks.iter_mut().try_for_each(|sink| match sink.kind {
            FormatKind::Json => sink.write(&(report::images::json_line(overlay)? + "\n")),
            FormatKind::Text => sink.write(&report::images::text(overlay)),
        })
    })?;
    Ok(if is_whole { Exit::Success } else { Exit::No })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn scope(global: &Global, judging: Option<&Judging>) -> Result<Scope, Error> {
    let surroundings = Surroundings { variable: &variable, file: &|path| std::fs::read_to_string(path).ok() };
    let config_from = judging.and_then(|judging| judging.config_from).map(|name| match name {
        ConfigFromName::Base => ConfigFrom::Base,
        ConfigFromName::Head => ConfigFrom::Head,
        ConfigFromName::Worktree => ConfigFrom::Worktree,
    });
    // Without a range to choose, what the CI says of one is nobody's concern.
    let ci = judging.map(|_| ci::range(&surroundings)).transpose()?.flatten();
    Ok(Scope {
        directory: global.directory.clone(),
        config: global.config.clone(),
        config_from,
        in_ci: ci::is_ci(&surroundings),
        environments: global.environments.clone(),
        range: RangeRequest {
            base: judging.and_then(|judging| judging.base.clone()).filter(|rev| !rev.is_empty()),
            head: judging.and_then(|judging| judging.head.clone()).filter(|rev| !rev.is_empty()),
            ci,
        },
    })
}

fn inputs(global: &Global, judging: &Judging) -> Result<Inputs<'static>, Error> {
    Ok(Inputs {
        scope: scope(global, Some(judging))?,
        offline: false,
        fail_on: match judging.fail_on {
            FailOnName::Error => FailOn::Error,
            FailOnName::Warning => FailOn::Warning,
            FailOnName::Never => FailOn::Never,
        },
        jobs: 1,
        credentials: CredentialSources::from_env(variable),
        variable: &variable,
    })
}

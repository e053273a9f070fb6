//! From the process's arguments to its exit code.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use clap::FromArgMatches as _;

use super::args::{
    self, Checking, CiName, Cli, Command, ConfigFromName, FailOnName, Format, FormatKind, Global, Images, Judging,
    LoadRestrictorName, PolicyAction, PostKind, Promoting, Reporting, SchemaName,
};
use super::ci::{self, Surroundings};
use super::output::{self, Output};
use super::show::Showing;
use super::{errors, forge, progress, runner};
use crate::commands::{
    self, BreakGlass, Ci, ConfigFrom, Error, Exit, FailOn, ImagesInputs, InitInputs, Inputs, Posting, SchemaOf, Scope,
};
use crate::domain::LoadRestrictor;
use crate::git::RangeRequest;
use crate::registry::CredentialSources;
use crate::report::{self, Ending};

/// Where a run puts what has to be closed when it ends early.
type Slot = Arc<OnceLock<Arc<Posting>>>;

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
            let slot = Slot::default();
            let exit = runtime.block_on(until_signal(act(cli, slot.clone()), &slot));
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
async fn until_signal(
    action: impl Future<Output = Result<Exit, Error>> + Send + 'static,
    slot: &Slot,
) -> Result<Exit, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for signals"))?;
    // A task of its own: reading a repository does not yield, and a signal must be heard all the same.
    let mut action = tokio::spawn(action);
    let signal = tokio::select! {
        exit = &mut action => {
            let exit = exit.unwrap_or_else(|fault| Err(Error::io("finish")(std::io::Error::other(fault))));
            if let Err(error) = &exit {
                abandon(slot, &error.to_string(), false).await;
            }
            return exit;
        }
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    };
    action.abort();
    output::stderr("interrupted: no image was named before it was whole; safe to run again\n");
    abandon(slot, "interrupted; run it again", true).await;
    Ok(signal)
}

/// Closes the gates that a run leaves without a verdict.
async fn abandon(slot: &Slot, why: &str, is_hurried: bool) {
    if let Some(posting) = slot.get()
        && let Some(why) = posting.abandon(why, is_hurried).await
    {
        output::stderr(&format!(
            "note: a gate was left pending: {}; promote-bot report --settle closes it\n",
            report::safe(&why)
        ));
    }
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

async fn act(cli: Cli, slot: Slot) -> Result<Exit, Error> {
    let Cli { global, command } = cli;
    match command {
        Command::Check(checking) => check(&global, &checking, &slot).await,
        Command::Promote(promoting) => promote(&global, &promoting, &slot).await,
        Command::Report(reporting) => report(&global, &reporting, &slot).await,
        Command::Images(images) => show_images(&global, images),
        Command::Explain { subject, offline } => {
            note_formats(&global, "explain");
            let judging = Judging::default();
            let inputs = Inputs { offline, ..inputs(&global, &judging, None).await? };
            answer(&commands::explain(&inputs, &subject).await?)
        }
        Command::Policy { action } => policy(&global, action),
        Command::Doctor => doctor(&global).await,
        Command::Init { ci, dry_run, force } => {
            let inputs = InitInputs { directory: global.directory, dry_run, force };
            let (text, path) = match ci {
                Some(ci) => commands::init_ci(&inputs, of_ci(ci))?,
                None => commands::init(&inputs)?,
            };
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

/// Says that a format was asked for in vain; it may come from the environment of all steps of a job.
fn note_formats(global: &Global, command: &str) {
    let is_vain = |format: &Format| format.kind != FormatKind::Text || format.file.is_some();
    if !global.quiet && global.formats.iter().any(is_vain) {
        output::stderr(&format!(
            "note: {command} answers with text on stdout; formats are for check, promote, report and images\n"
        ));
    }
}

fn policy(global: &Global, action: PolicyAction) -> Result<Exit, Error> {
    note_formats(global, "policy");
    let scope = scope(global, None)?;
    let (text, is_well) = match action {
        PolicyAction::Test { paths } => commands::policy_test(&scope, &paths)?,
        PolicyAction::Lint { paths } => (commands::policy_lint(&scope, &paths)?, true),
    };
    output::stdout(&text)?;
    Ok(if is_well { Exit::Success } else { Exit::No })
}

fn answer(text: &str) -> Result<Exit, Error> {
    output::stdout(text).map(|()| Exit::Success)
}

async fn check(global: &Global, checking: &Checking, slot: &Slot) -> Result<Exit, Error> {
    let judging = &checking.judging;
    let opens = judging.post.iter().any(|post| matches!(post, PostKind::Status | PostKind::CheckRun));
    if checking.offline && opens {
        return Err(Error::Usage {
            message: "an offline check proves nothing, and opens no gate".to_owned(),
            hint: "leave out --offline, or --post status and check-run".to_owned(),
        });
    }
    let showing = showing(global, Ending::Check, judging.fail_on)?;
    let posting = posting(judging, slot).await?;
    let mut inputs = inputs(global, judging, posting.as_deref()).await?;
    (inputs.offline, inputs.scope.policy_from) = (checking.offline, checking.policy_from.clone());
    inputs.scope.is_time_assumed = checking.at.is_some();
    inputs.scope.now = checking.at.unwrap_or(inputs.scope.now);
    let review = commands::check(&inputs).await?;
    Showing { posting: posting.as_deref(), ..showing }.show(&review).await
}

async fn promote(global: &Global, promoting: &Promoting, slot: &Slot) -> Result<Exit, Error> {
    let judging = &promoting.judging;
    let ending = if promoting.dry_run { Ending::DryRun } else { Ending::Promote };
    let showing = showing(global, ending, judging.fail_on)?;
    let posting = posting(judging, slot).await?;
    let inputs = Inputs { jobs: usize::from(promoting.jobs), ..inputs(global, judging, posting.as_deref()).await? };
    let progress = progress::progress(global.quiet);
    let review = commands::promote(&inputs, promoting.dry_run, progress.as_ref()).await?;
    Showing { posting: posting.as_deref(), ..showing }.show(&review).await
}

async fn report(global: &Global, reporting: &Reporting, slot: &Slot) -> Result<Exit, Error> {
    let Some(file) = reporting.file.as_ref().filter(|_| !reporting.settle) else {
        let forge = forge::settling(&surroundings()).await?;
        match commands::settle(forge.as_ref()).await {
            Ok(settled) => output::stderr(&format!("settled {settled} at {}\n", forge.name())),
            // Who may not write has left nothing.
            Err(Error::Forge(error)) if error.is_forbidden() => {
                output::stderr("settled nothing: the token may not see to statuses, so none was left\n");
            }
            Err(error) => return Err(error),
        }
        return Ok(Exit::Success);
    };
    forge::check_change(&surroundings(), &reporting.post, reporting.change)?;
    let review = commands::saved_report(file)?;
    // What was promoted shows it; what was only judged may still be.
    let ending = if review.stats.promoted > 0 { Ending::Promote } else { Ending::Check };
    let showing = showing(global, ending, FailOnName::Error)?;
    let posting = forge::posting(&surroundings(), &reporting.post, reporting.change).await?;
    posting.iter().for_each(|posting| drop(slot.set(posting.clone())));
    Showing { posting: posting.as_deref(), ..showing }.show(&review).await
}

fn of_ci(name: CiName) -> Ci {
    match name {
        CiName::Github => Ci::Github,
        CiName::Jenkins => Ci::Jenkins,
        CiName::Gitlab => Ci::Gitlab,
        CiName::Hook => Ci::Hook,
        CiName::Presync => Ci::Presync,
    }
}

async fn doctor(global: &Global) -> Result<Exit, Error> {
    let judging = Judging::default();
    let diagnoses =
        commands::doctor(&inputs(global, &judging, None).await?, forge::at_forge(&surroundings()).await).await?;
    output::stdout(&super::health::text(&diagnoses))?;
    let is_ill = diagnoses.iter().any(|diagnosis| diagnosis.health == commands::Health::Ill);
    Ok(if is_ill { Exit::No } else { Exit::Success })
}

/// Opens what `--post` asks for, to be closed when the run ends early.
async fn posting(judging: &Judging, slot: &Slot) -> Result<Option<Arc<Posting>>, Error> {
    let posting = forge::posting(&surroundings(), &judging.post, None).await?;
    posting.iter().for_each(|posting| drop(slot.set(posting.clone())));
    Ok(posting)
}

fn showing(global: &Global, ending: Ending, fail_on: FailOnName) -> Result<Showing<'static>, Error> {
    let output = Output::new(&global.formats, runner::is_there(variable))?;
    Ok(Showing { output, ending, fail_on, posting: None, variable: &variable })
}

fn show_images(global: &Global, images: Images) -> Result<Exit, Error> {
    let output = Output::new(&global.formats, false)?;
    let is_known = |kind| matches!(kind, FormatKind::Json | FormatKind::Text);
    if !output.formats().iter().all(|format| is_known(format.kind)) {
        let hint = "images are printed as text or json".to_owned();
        return Err(Error::Usage { message: "this format is for reviews".to_owned(), hint });
    }
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
            _ => sink.write(&report::images::text(overlay)),
        })
    })?;
    Ok(if is_whole { Exit::Success } else { Exit::No })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn surroundings() -> Surroundings<'static> {
    Surroundings { variable: &variable, file: &|path| std::fs::read_to_string(path).ok() }
}

fn scope(global: &Global, judging: Option<&Judging>) -> Result<Scope, Error> {
    let surroundings = surroundings();
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
        now: jiff::Timestamp::now(),
        is_time_assumed: false,
        policy_from: None,
    })
}

async fn inputs<'a>(global: &Global, judging: &Judging, posting: Option<&'a Posting>) -> Result<Inputs<'a>, Error> {
    let break_glass = (!judging.break_glass.is_empty()).then(|| BreakGlass {
        rules: judging.break_glass.clone(),
        reason: judging.reason.clone().unwrap_or_default(),
        who: ci::actor(&surroundings()),
    });
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
        posting,
        from_fork: forge::is_from_fork(&surroundings()),
        scan_reports: judging.scan_report.clone(),
        actor: ci::actor(&surroundings()),
        break_glass,
        branch: ci::target_branch(&surroundings()),
        forge: forge::reading(&surroundings()).await,
    })
}

//! The arguments as they are typed. Every flag has a variable `PROMOTE_BOT_*`; an empty variable counts as unset.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Promotes the images that a change to an overlay repository newly references.
#[derive(Debug, Parser)]
#[command(name = "promote-bot", version, max_term_width = 120)]
#[command(
    after_help = "Exit codes: 0 allowed, promoted, or nothing to do · 1 the verdict is no · 2 wrong usage or configuration · \
3 could not decide or finish, safe to run again · 130/143 interrupted"
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Work in this directory of the repository, as git's -C
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        global = true,
        env = "PROMOTE_BOT_DIRECTORY",
        default_value = ".",
        hide_env_values = true
    )]
    pub(super) directory: PathBuf,
    /// The configuration, from that directory [default: promote-bot.yaml at the root of the repository]
    #[arg(short = 'c', long, value_name = "FILE", global = true, env = "PROMOTE_BOT_CONFIG", hide_env_values = true)]
    pub(super) config: Option<String>,
    /// Only this environment; may be given again
    #[arg(
        short = 'e',
        long = "environment",
        value_name = "ENV",
        global = true,
        env = "PROMOTE_BOT_ENVIRONMENT",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(super) environments: Vec<String>,
    /// How to answer, to stdout or to a file: text, json, markdown, github, sarif, junit, gitlab; may be given again
    #[arg(
        short = 'f',
        long = "format",
        value_name = "FORMAT[=FILE]",
        global = true,
        env = "PROMOTE_BOT_FORMAT",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(super) formats: Vec<Format>,
    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        env = "PROMOTE_BOT_COLOR",
        default_value = "auto",
        hide_env_values = true
    )]
    pub(super) color: Color,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, env = "PROMOTE_BOT_QUIET", value_parser = BoolishValueParser::new(), conflicts_with = "verbose", hide_env_values = true)]
    pub(super) quiet: bool,
    /// Show requests to registries
    #[arg(short, long, global = true, env = "PROMOTE_BOT_VERBOSE", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge a change: which images are new, may they go, what is missing (writes nothing)
    #[command(visible_alias = "plan")]
    Check(Checking),
    /// Judge a change, then copy what the target registries lack
    Promote(Promoting),
    /// Print the effective images of overlays
    Images(Images),
    /// Render or post a saved report, or close gates that a dead run left open
    Report(Reporting),
    /// Explain a rule, a finding, or one image as ENVIRONMENT/NAME
    Explain {
        /// A rule (tag, production/tag), a finding (missing-source), or an image (production/api)
        subject: String,
        /// Ask no registry: an image is told without what its rules would say
        #[arg(long, env = "PROMOTE_BOT_OFFLINE", value_parser = BoolishValueParser::new(), hide_env_values = true)]
        offline: bool,
    },
    /// Test and check policies
    Policy {
        #[command(subcommand)]
        action: PolicyAction,
    },
    /// Prove configuration, credentials and gate, each with its way out (writes nothing)
    Doctor,
    /// Write promote-bot.yaml from the overlays found, or what a CI needs
    Init {
        /// Write this CI's file instead
        #[arg(long, value_name = "CI", env = "PROMOTE_BOT_CI", hide_env_values = true)]
        ci: Option<CiName>,
        /// Print it and write nothing
        #[arg(short = 'n', long, env = "PROMOTE_BOT_DRY_RUN", value_parser = BoolishValueParser::new(), hide_env_values = true)]
        dry_run: bool,
        /// Write over a file that is there
        #[arg(long, env = "PROMOTE_BOT_FORCE", value_parser = BoolishValueParser::new(), hide_env_values = true)]
        force: bool,
    },
    /// Print the JSON schema of a format
    Schema {
        /// Which format
        of: SchemaName,
    },
    /// Print a script that completes the command line
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Tell the whole story on this machine: a sample repository and two embedded registries
    Demo {
        /// Leave the sample repository here, and the registries up until Ctrl-C
        #[arg(value_name = "DIR")]
        keep: Option<PathBuf>,
    },
}

/// What is done with policies.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyAction {
    /// Run the examples that stand in policies
    Test {
        /// Policy files or folders, or builtin:NAME [default: those of all environments]
        paths: Vec<String>,
    },
    /// Read policies, signers and waivers, and tell what is wrong or of no use
    Lint {
        /// Policy files or folders [default: those of all environments]
        paths: Vec<String>,
    },
}

/// What `check` and `promote` have in common.
#[derive(Debug, Default, Args)]
pub(super) struct Judging {
    /// The older side: any revision, or `empty` to compare with nothing
    #[arg(long, value_name = "REV", env = "PROMOTE_BOT_BASE", hide_env_values = true)]
    pub(super) base: Option<String>,
    /// The newer side: any revision, `worktree` or `index`
    #[arg(long, value_name = "REV", env = "PROMOTE_BOT_HEAD", hide_env_values = true)]
    pub(super) head: Option<String>,
    /// Whose configuration judges [default: base in CI, else worktree]
    #[arg(long, value_name = "WHICH", env = "PROMOTE_BOT_CONFIG_FROM", hide_env_values = true)]
    pub(super) config_from: Option<ConfigFromName>,
    /// Show the verdict where the change is reviewed: comment, new-comment, status, check-run; may be given again
    #[arg(long, value_name = "WHAT", env = "PROMOTE_BOT_POST", value_delimiter = ',', hide_env_values = true)]
    pub(super) post: Vec<PostKind>,
    /// From which severity on a finding is a no
    #[arg(long, value_name = "SEVERITY", env = "PROMOTE_BOT_FAIL_ON", default_value = "error", hide_env_values = true)]
    pub(super) fail_on: FailOnName,
    /// A scanner's report (Trivy's or Grype's JSON) for rules that take files; may be given again
    #[arg(long, value_name = "FILE", env = "PROMOTE_BOT_SCAN_REPORT", value_delimiter = ',', hide_env_values = true)]
    pub(super) scan_report: Vec<PathBuf>,
    /// Let pass what these rules deny, where the base's policy allows that; needs --reason
    #[arg(
        long,
        value_name = "RULE",
        env = "PROMOTE_BOT_BREAK_GLASS",
        value_delimiter = ',',
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        requires = "reason",
        hide_env_values = true
    )]
    pub(super) break_glass: Vec<String>,
    /// Why the glass is broken, for the report, the gate and the promotion record
    #[arg(long, value_name = "TEXT", env = "PROMOTE_BOT_REASON", hide_env_values = true)]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Checking {
    #[command(flatten)]
    pub(super) judging: Judging,
    /// Ask no registry: only what the repository itself says
    #[arg(long, env = "PROMOTE_BOT_OFFLINE", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub(super) offline: bool,
    /// Judge by the policies of this revision: any revision, `base`, `head` or `worktree`
    #[arg(long, value_name = "REV", env = "PROMOTE_BOT_POLICY_FROM", hide_env_values = true)]
    pub(super) policy_from: Option<String>,
    /// Judge as at this time: 2026-12-24T12:00:00Z, or 2026-12-24 for its midnight (UTC) [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = super::instant::instant, env = "PROMOTE_BOT_AT", hide_env_values = true)]
    pub(super) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct Promoting {
    #[command(flatten)]
    pub(super) judging: Judging,
    /// Stop before the first write
    #[arg(short = 'n', long, env = "PROMOTE_BOT_DRY_RUN", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub(super) dry_run: bool,
    /// How many images are copied at a time
    #[arg(short, long, value_name = "N", env = "PROMOTE_BOT_JOBS", default_value = "32", value_parser = clap::value_parser!(u16).range(1..=256), hide_env_values = true)]
    pub(super) jobs: u16,
}

#[derive(Debug, Args)]
pub(super) struct Reporting {
    /// The saved report; - for standard input
    #[arg(required_unless_present = "settle")]
    pub(super) file: Option<PathBuf>,
    /// Show it where the change is reviewed: comment, new-comment, status, check-run; may be given again
    #[arg(long, value_name = "WHAT", env = "PROMOTE_BOT_POST", value_delimiter = ',', hide_env_values = true)]
    pub(super) post: Vec<PostKind>,
    /// The number of the pull or merge request, where the CI does not say it
    #[arg(long, value_name = "NUMBER", env = "PROMOTE_BOT_CHANGE", hide_env_values = true)]
    pub(super) change: Option<u64>,
    /// Close every gate that a dead run left pending
    #[arg(long, env = "PROMOTE_BOT_SETTLE", value_parser = BoolishValueParser::new(), conflicts_with = "file", hide_env_values = true)]
    pub(super) settle: bool,
}

#[derive(Debug, Args)]
pub(super) struct Images {
    /// Overlay directories [default: those of all environments]
    pub(super) overlays: Vec<String>,
    /// The revision to read: any revision, `worktree` or `index` [default: worktree, HEAD in a bare repository]
    #[arg(long, value_name = "REV", env = "PROMOTE_BOT_REV", hide_env_values = true)]
    pub(super) rev: Option<String>,
    /// A file with overlay directories, one a line; - for standard input
    #[arg(long, value_name = "FILE", env = "PROMOTE_BOT_OVERLAYS_FROM", hide_env_values = true)]
    pub(super) overlays_from: Option<PathBuf>,
    /// Which files a kustomization may read [default: as the environment says, else root]
    #[arg(long, value_name = "WHICH", env = "PROMOTE_BOT_LOAD_RESTRICTOR", hide_env_values = true)]
    pub(super) load_restrictor: Option<LoadRestrictorName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ConfigFromName {
    Base,
    Head,
    Worktree,
}

/// What `init --ci` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CiName {
    /// .github/workflows/promote.yml
    Github,
    /// Jenkinsfile
    Jenkins,
    /// .gitlab/promote-bot.yml, to be included
    Gitlab,
    /// The pre-push hook of this clone
    Hook,
    /// promote-bot-presync.yaml, a job that Argo CD runs before it syncs
    Presync,
}

/// What is shown where a change is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PostKind {
    /// One comment, changed in place
    Comment,
    /// A comment of its own
    NewComment,
    /// A commit status of each environment
    Status,
    /// A check run of each environment, with annotations; for the token of an App
    CheckRun,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum FailOnName {
    #[default]
    Error,
    Warning,
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LoadRestrictorName {
    Root,
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SchemaName {
    /// promote-bot.yaml
    Config,
    /// A policy file
    Policy,
    /// The JSON report of check and promote
    Report,
}

/// A format with the file it goes to; stdout when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: FormatKind,
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormatKind {
    Text,
    Json,
    Markdown,
    Github,
    Sarif,
    Junit,
    Gitlab,
}

impl FormatKind {
    /// All, as they are typed.
    const ALL: [(&'static str, Self); 7] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("github", Self::Github),
        ("sarif", Self::Sarif),
        ("junit", Self::Junit),
        ("gitlab", Self::Gitlab),
    ];
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, file) = text.split_once('=').map_or((text, None), |(kind, file)| (kind, Some(file)));
        let Some((_, kind)) = FormatKind::ALL.into_iter().find(|(name, _)| *name == kind) else {
            let names = FormatKind::ALL.map(|(name, _)| name).join(", ");
            return Err(format!("`{kind}` is not a format: {names}"));
        };
        match file {
            Some("") => Err("a file name is missing after `=`".to_owned()),
            file => Ok(Self { kind, file: file.map(PathBuf::from) }),
        }
    }
}

/// Returns the command line's description with every variable that is set to nothing left out.
pub(super) fn command(is_empty: impl Fn(&std::ffi::OsStr) -> bool + Copy) -> clap::Command {
    forget_empty(Cli::command(), is_empty)
}

fn forget_empty(command: clap::Command, is_empty: impl Fn(&std::ffi::OsStr) -> bool + Copy) -> clap::Command {
    let forget = |arg: clap::Arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(clap::builder::Resettable::Reset),
        _ => arg,
    };
    command.mut_args(forget).mut_subcommands(|command| forget_empty(command, is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_sound_and_every_flag_has_a_variable() {
        let command = Cli::command();
        command.clone().debug_assert();
        let all: Vec<_> =
            command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments)).collect();
        for arg in all.into_iter().filter(|arg| arg.get_long().is_some()) {
            let variable = arg.get_env().and_then(|name| name.to_str()).unwrap_or_default();
            assert!(variable.starts_with("PROMOTE_BOT_"), "--{} has no variable", arg.get_long().unwrap());
        }
    }

    #[test]
    fn a_format_names_its_file_after_an_equals_sign() {
        assert_eq!("json".parse(), Ok(Format { kind: FormatKind::Json, file: None }));
        assert_eq!("text=a=b".parse(), Ok(Format { kind: FormatKind::Text, file: Some("a=b".into()) }));
        assert!("json=".parse::<Format>().is_err());
        assert!("xml".parse::<Format>().is_err());
    }
}

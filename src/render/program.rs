//! One program, run once.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(300);
/// How long what it printed is waited for after it ended.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// How often it is looked after.
const INTERVAL: Duration = Duration::from_millis(10);
/// How much it may print, 64 MiB.
const MAX_OUTPUT_BYTES: u64 = 64 << 20;
/// How much of what it complains of is kept.
const MAX_ERROR_BYTES: u64 = 64 << 10;
/// What of the environment programs need; whatever may hold a secret is not among it.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// How long a program may take, and how much it may print.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take.
    pub timeout: Duration,
    /// How much of what it prints is read, in bytes.
    pub most_bytes: u64,
    /// What becomes of one that prints more.
    pub excess: Excess,
}

/// What becomes of a program that prints more than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// What it printed is cut: only how it ends counts.
    Cut,
    /// What it printed is needed whole: it has failed.
    Fail,
}

impl Limits {
    /// Those of programs that render.
    pub(super) const RENDER: Self = Self { timeout: LIMIT, most_bytes: MAX_OUTPUT_BYTES, excess: Excess::Fail };
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// With exit code 0; what it printed.
    Well(Vec<u8>),
    /// With another, and its last words.
    Badly(String),
}

/// Runs `command` in `directory` and returns what it printed.
pub(super) fn run(command: &[String], directory: &Path) -> Result<Vec<u8>, String> {
    match ask(command, directory, Limits::RENDER)? {
        Ended::Well(output) => Ok(output),
        Ended::Badly(why) => Err(format!("{} failed with {why}", command.first().map_or("", String::as_str))),
    }
}

/// Runs `command` in `directory` within `limits`; the words say why it could not be run to its end.
pub(super) fn ask(command: &[String], directory: &Path, limits: Limits) -> Result<Ended, String> {
    let Some((name, arguments)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let mut program = Command::new(name);
    program.args(arguments).current_dir(directory).env_clear();
    program.envs(PASSED_ON.into_iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: what it started ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut program, 0);
    let mut child = program.spawn().map_err(|error| format!("cannot run {name}: {error}"))?;
    let output = collect(child.stdout.take(), limits.most_bytes);
    let errors = collect(child.stderr.take(), MAX_ERROR_BYTES);
    let status = wait(&mut child, limits.timeout);
    // What it left running would hold the pipes open.
    end_group(&child);
    let status = status.map_err(|error| format!("{name} {error}"))?;
    // What left its group may still hold them: it is not waited for.
    let read = |pipe: Receiver<Vec<u8>>| pipe.recv_timeout(AFTERWARDS);
    let (Ok(output), Ok(errors)) = (read(output), read(errors)) else {
        return Err(format!("{name} ended, and something it started goes on and holds its output"));
    };
    if !status.success() {
        let text = String::from_utf8_lossy(if errors.is_empty() { &output } else { &errors }).into_owned();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Ok(Ended::Badly(format!("{status}: {}", last.chars().take(500).collect::<String>())));
    }
    match limits.excess == Excess::Fail && output.len() as u64 >= limits.most_bytes {
        true => Err(format!("{name} printed more than {} bytes", limits.most_bytes)),
        false => Ok(Ended::Well(output)),
    }
}

/// Ends what a program started and left behind.
fn end_group(child: &Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Nothing may be left of it, which is as well.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// Reads a pipe to its end, lest the program waits for a reader, and keeps its beginning.
fn collect(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What a broken pipe gave until then is what there is.
            let _ = pipe.by_ref().take(limit).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        // Nobody may wait for it any more.
        let _ = sender.send(kept);
    });
    receiver
}

fn wait(child: &mut Child, limit: Duration) -> Result<std::process::ExitStatus, String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            return Ok(status);
        }
        if begun.elapsed() > limit {
            // It may have ended by itself just now.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("took longer than {} seconds", limit.as_secs()));
        }
        thread::sleep(INTERVAL);
    }
}

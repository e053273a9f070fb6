//! One program, run once.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(300);
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

/// Runs `command` in `directory` and returns what it printed.
pub(super) fn run(command: &[String], directory: &Path) -> Result<Vec<u8>, String> {
    let Some((name, arguments)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let mut program = Command::new(name);
    program.args(arguments).current_dir(directory).env_clear();
    program.envs(PASSED_ON.into_iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().map_err(|error| format!("cannot run {name}: {error}"))?;
    let output = collect(child.stdout.take(), MAX_OUTPUT_BYTES);
    let errors = collect(child.stderr.take(), MAX_ERROR_BYTES);
    let status = wait(&mut child).map_err(|error| format!("{name} {error}"))?;
    let (output, errors) = (output.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if !status.success() {
        let errors = String::from_utf8_lossy(&errors);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Err(format!("{name} failed with {status}: {}", last.chars().take(500).collect::<String>()));
    }
    match output.len() as u64 >= MAX_OUTPUT_BYTES {
        true => Err(format!("{name} printed more than {MAX_OUTPUT_BYTES} bytes")),
        false => Ok(output),
    }
}

/// Reads a pipe to its end, lest the program waits for a reader, and keeps its beginning.
fn collect(pipe: Option<impl Read + Send + 'static>, limit: u64) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What a broken pipe gave until then is what there is.
            let _ = pipe.by_ref().take(limit).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        kept
    })
}

fn wait(child: &mut Child) -> Result<std::process::ExitStatus, String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            return Ok(status);
        }
        if begun.elapsed() > LIMIT {
            // It may have ended by itself just now.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("took longer than {} seconds", LIMIT.as_secs()));
        }
        thread::sleep(INTERVAL);
    }
}

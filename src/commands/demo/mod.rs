//! `demo`: the whole story on this machine, told by running the real commands on a sample repository and two embedded
//! registries. Nothing to install, no network.

mod images;
mod sample;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Error, Exit};
use crate::git::Creation;
use crate::registry::embedded::{Options, Registry};
use sample::Sample;

/// What the demo needs to know.
#[derive(Debug)]
pub struct Demo {
    /// Where the repository stays, with the registries up until Ctrl-C; a temporary directory when not given.
    pub directory: Option<PathBuf>,
}

/// Prints a piece of the story.
type Say<'a> = &'a mut (dyn FnMut(&str) -> Result<(), Error> + Send);

/// Tells the story: a change is denied, mended, allowed, promoted, and has nothing left to do.
///
/// # Errors
/// When the directory cannot be used, or the story takes another turn than it tells.
pub async fn demo(demo: &Demo, say: Say<'_>) -> Result<Exit, Error> {
    let temporary = tempfile::tempdir().map_err(Error::io("make a temporary directory"))?;
    let root = match &demo.directory {
        Some(directory) => empty_directory(directory)?,
        None => temporary.path().join("shop"),
    };
    fs::create_dir_all(&root).map_err(Error::io(format!("make {}", root.display())))?;
    let start = || Registry::start(Options::default());
    let dev = start().await.map_err(Error::io("start the dev registry"))?;
    let production = start().await.map_err(Error::io("start the production registry"))?;
    images::seed(&dev, &production);
    let sample = Sample::new(&dev.host(), &production.host());
    sample.write(&mut Creation::new(&root)?)?;
    say(&format!(
        "A shop's overlay repository, and a registry for each of its environments:\n  \
         dev         {}\n  production  {}\nThe branch `release` moves production to new images.\n",
        dev.host(),
        production.host()
    ))?;
    let stage = Stage { root: &root, home: temporary.path() };
    tell(&stage, &sample, say).await?;
    if demo.directory.is_some() {
        let program = std::env::current_exe().map_err(Error::io("find promote-bot itself"))?;
        let (program, root) = (program.display(), root.display());
        say(&format!(
            "\nThe repository is in {root}, and both registries stay up until Ctrl-C. Try in another terminal:\n  \
             {program} -C {root} images\n  {program} -C {root} explain production/api\n"
        ))?;
        // The signal that ends the program ends this too, and the registries with it.
        std::future::pending::<()>().await;
    }
    Ok(Exit::Success)
}

async fn tell(stage: &Stage<'_>, sample: &Sample, say: Say<'_>) -> Result<(), Error> {
    say("\n1. The change asks for an image by a tag that moves. The gate stays shut:\n")?;
    stage.run(&["check"], Exit::No, say).await?;
    say(&format!("\n2. The fix, in {}:\n\n{}", sample::PATCH, sample.fix_as_diff()))?;
    let patch = stage.root.join(sample::PATCH);
    fs::write(&patch, sample.fixed_patch()).map_err(Error::io(format!("write {}", patch.display())))?;
    say("\n3. Now it may go:\n")?;
    stage.run(&["check"], Exit::Success, say).await?;
    say("\n4. Exactly the new images are copied, digests unchanged, tags last, and proved:\n")?;
    stage.run(&["promote"], Exit::Success, say).await?;
    say("\n5. And there is nothing left to do:\n")?;
    stage.run(&["check"], Exit::Success, say).await
}

/// Where the commands of the story run.
struct Stage<'a> {
    root: &'a Path,
    home: &'a Path,
}

impl Stage<'_> {
    /// Shows a command line, runs it as a process of its own, and holds it to the exit code the story needs.
    async fn run(&self, arguments: &[&str], expected: Exit, say: Say<'_>) -> Result<(), Error> {
        say(&format!("\n$ promote-bot {}\n", arguments.join(" ")))?;
        let program = std::env::current_exe().map_err(Error::io("find promote-bot itself"))?;
        let mut command = Command::new(program);
        // The story must not depend on the CI, the credentials or the settings around it.
        let kept = ["PATH", "TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "PROMOTE_BOT_COLOR"];
        let kept = kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .args(arguments)
            .current_dir(self.root)
            .stdin(Stdio::null())
            .env_clear()
            .envs(kept)
            .env("HOME", self.home);
        let status = tokio::task::spawn_blocking(move || command.status()).await;
        let status =
            status.map_err(std::io::Error::other).and_then(|status| status).map_err(Error::io("run promote-bot"))?;
        match status.code() == Some(i32::from(expected.code())) {
            true => Ok(()),
            false => Err(Error::usage(
                format!(
                    "promote-bot {} ended with {status}, and the story expects {}",
                    arguments.join(" "),
                    expected.code()
                ),
                "the output above says why; report this as a fault of promote-bot",
            )),
        }
    }
}

fn empty_directory(directory: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(directory).map_err(Error::io(format!("find {}", directory.display())))?;
    match fs::read_dir(&absolute).is_ok_and(|mut entries| entries.next().is_some()) {
        true => Err(Error::usage(
            format!("{} is not empty", directory.display()),
            "name a directory that does not exist yet",
        )),
        false => Ok(absolute),
    }
}

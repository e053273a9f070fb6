//! The files of a layout: read within bounds, written whole or not at all. Everything here blocks.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use crate::domain::{Digest, Hasher};

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".promote-bot-";

/// After how long an unfinished file belongs to nobody any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// How many bytes are hashed at a time.
const PIECE: usize = 256 << 10;

/// A layout's directory.
#[derive(Debug)]
pub(super) struct Disk {
    pub dir: PathBuf,
}

/// What tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: SystemTime,
    length: u64,
    number: u64,
}

/// What a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A layout.
    Layout,
    /// It is not there, or has nothing in it but what a beginning leaves.
    Nothing,
    /// Something else.
    Other,
}

impl Disk {
    /// Tells what the directory is, by its file `oci-layout`.
    pub(super) fn kind(&self) -> io::Result<Kind> {
        for directory in ["blobs", "blobs/sha256", "blobs/sha512"] {
            let path = self.dir.join(directory);
            // A link could lead anywhere, for writing too.
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => {}
                Ok(_) => return Err(io::Error::other(format!("{} is no directory", path.display()))),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(error),
            }
        }
        match about(&self.dir.join("oci-layout")) {
            Ok(Some(_)) => return Ok(Kind::Layout),
            Err(error) if error.kind() != io::ErrorKind::NotADirectory => return Err(error),
            _ => {}
        }
        match fs::read_dir(&self.dir) {
            Ok(entries) => {
                for entry in entries {
                    let name = entry?.file_name();
                    if name != "blobs" && !name.to_string_lossy().starts_with(UNFINISHED) {
                        return Ok(self.kind_of_filled());
                    }
                }
                Ok(Kind::Nothing)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kind::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Kind::Other),
            Err(error) => Err(error),
        }
    }

    /// What a directory with something in it is, which another run may have begun a moment ago.
    fn kind_of_filled(&self) -> Kind {
        if self.dir.join("oci-layout").exists() { Kind::Layout } else { Kind::Other }
    }

    /// Makes the directory a layout; one that another run made in the meantime stays, since it may be locked.
    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.dir.join("blobs/sha256"))?;
        let mut file = self.begin()?;
        file.write_all(br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(self.dir.join("oci-layout")) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            _ => Ok(()),
        }
    }

    /// Returns where a blob is.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    /// Reads a file of at most `limit_bytes`; `None` when it is not there.
    pub(super) fn read(&self, path: &Path, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((file, about)) = open(path)? else { return Ok(None) };
        if about.len() > limit_bytes {
            return Err(io::Error::other(format!("it is longer than {limit_bytes} bytes")));
        }
        let mut bytes = Vec::new();
        file.take(limit_bytes).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Returns a file's stamp; `None` when it is not there.
    pub(super) fn stamp(&self, path: &Path) -> io::Result<Option<Stamp>> {
        let Some(about) = about(path)? else { return Ok(None) };
        Ok(Some(Stamp { modified: about.modified()?, length: about.len(), number: number(&about) }))
    }

    /// Tells whether a blob's file is there with this content.
    pub(super) fn holds(&self, digest: &Digest) -> io::Result<bool> {
        let Some((mut file, _)) = open(&self.blob(digest))? else { return Ok(false) };
        let (mut hasher, mut piece) = (Hasher::new(digest.algorithm()), vec![0; PIECE]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finish() == *digest),
                read => hasher.update(&piece[..read]),
            }
        }
    }

    /// Tells whether a blob's file is there with this length.
    pub(super) fn has_length(&self, digest: &Digest, size_bytes: u64) -> io::Result<bool> {
        Ok(about(&self.blob(digest))?.is_some_and(|about| about.len() == size_bytes))
    }

    /// Begins a file that nobody sees until it is [kept](Self::keep).
    pub(super) fn begin(&self) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // What others may see of it their umask says.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(&self.dir)
    }

    /// Gives a file that was begun its place, once all of it is on disk.
    pub(super) fn keep(&self, file: NamedTempFile, path: &Path) -> io::Result<()> {
        file.as_file().sync_all()?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Writes a file whole.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.begin()?;
        file.write_all(bytes)?;
        self.keep(file, path)
    }

    /// Keeps all others who change `index.json` waiting until what is returned is dropped.
    pub(super) fn lock(&self) -> io::Result<File> {
        let path = self.dir.join("oci-layout");
        about(&path)?;
        // Some file systems lock only what may be written.
        let file = File::options().read(true).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    }

    /// Removes what runs that were killed left behind.
    pub(super) fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let is_ours = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
            let age = || entry.metadata().and_then(|about| about.modified()).map(|then| then.elapsed());
            if is_ours && age().is_ok_and(|age| age.is_ok_and(|age| age > ABANDONED)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Opens a regular file; `None` when it is not there. A link could lead anywhere, a pipe would never end.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    match about(path)? {
        Some(about) => Ok(Some((File::open(path)?, about))),
        None => Ok(None),
    }
}

fn about(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => Ok(Some(about)),
        Ok(_) => Err(io::Error::other(format!("{} is no regular file", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn number(about: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

//! Uploads under way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::domain::Digest;

use super::errors::{Code, Refusal};

/// What a client must show to go on with an upload: all of its `Location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) repository: String,
    pub(super) id: String,
    /// The `_state` in the query; docker-registry has one too, and a client that rebuilds the URL would lose it.
    pub(super) state: String,
}

#[derive(Debug, Default)]
struct Table {
    opened: usize,
    open: HashMap<String, (Key, BytesMut)>,
}

/// All uploads under way; what arrived of a broken request stays, as in docker-registry.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Table>);

impl Sessions {
    /// Opens an upload.
    pub(super) fn open(&self, repository: &str) -> Key {
        let mut table = self.table();
        table.opened += 1;
        let id = format!("upload-{}", table.opened);
        let key = Key { repository: repository.to_owned(), state: Digest::of(id.as_bytes()).short().to_owned(), id };
        table.open.insert(key.id.clone(), (key.clone(), BytesMut::new()));
        key
    }

    /// Returns how many bytes arrived.
    pub(super) fn length(&self, key: &Key) -> Result<usize, Refusal> {
        self.with(key, |content| content.len())
    }

    /// Adds the next bytes.
    pub(super) fn append(&self, key: &Key, piece: &[u8]) -> Result<(), Refusal> {
        self.with(key, |content| content.extend_from_slice(piece))
    }

    /// Closes an upload and returns what arrived.
    pub(super) fn close(&self, key: &Key) -> Result<Bytes, Refusal> {
        self.with(key, |_| ())?;
        let closed = self.table().open.remove(&key.id);
        closed.map(|(_, content)| content.freeze()).ok_or_else(unknown)
    }

    fn with<T>(&self, key: &Key, act: impl FnOnce(&mut BytesMut) -> T) -> Result<T, Refusal> {
        match self.table().open.get_mut(&key.id) {
            Some((opened, _)) if opened.repository != key.repository => Err(unknown()),
            Some((opened, _)) if opened.state != key.state => Err(Refusal::new(
                Code::BlobUploadInvalid,
                "the upload's location was not used as given: its `_state` is missing or wrong",
            )),
            Some((_, content)) => Ok(act(content)),
            None => Err(unknown()),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::BlobUploadUnknown, "there is no such upload in this repository")
}

//! Slots: one shared place per key, for work that is done once whoever asks first.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// A map whose values are made when first asked for, and shared from then on.
#[derive(Debug)]
pub(super) struct Slots<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Slots<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Default> Slots<K, V> {
    /// Returns the place of a key.
    pub(super) fn of(&self, key: K) -> Arc<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }

    /// Lets the next who asks for a key begin anew.
    pub(super) fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

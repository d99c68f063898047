//! Results that are kept with the facts of a file, so that they are not derived again after a keystroke elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::facts::ports::PortUse;
use crate::finding::{Finding, RelPath};
use crate::rewrite::ports::Shape;

/// Everything outside the file that a result depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The path of the registry.
    pub registry: RelPath,
    /// How the registry is used once it is imported. `None` if it cannot be read.
    pub shape: Option<Shape>,
    /// The path of the entry.
    pub entry: Vec<String>,
    /// See [`crate::rewrite::ports::Target::settled`].
    pub settled: bool,
    /// Whether the registry has an entry or group whose name is the subject of the file.
    pub has_subject: bool,
    /// The names by which function arguments refer to the registry.
    pub aliases: Vec<String>,
    /// Why the file cannot import the registry, if it cannot.
    pub obstacle: Option<String>,
}

/// The owner of the only registry entry with the number of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The service that uses the port.
    This,
    /// Certainly another service, even if the use would be assigned to the entry because no entry fits better.
    Never,
    /// Another service, unless the use would be assigned to the entry based on its name.
    Other,
    /// Another service, if some other file uses the entry for a service with one of these words in its name.
    IfNamed(Vec<String>),
}

/// The results for the ports of one file.
#[derive(Debug, Default)]
pub struct Kept {
    /// What the file is about; see [`super::other_service::subject_name`].
    pub subject: OnceLock<String>,
    /// For ports with a registry entry: the owner of the entry, and the finding to report unless another service owns
    /// it. The positions of the entry in the finding are those of the run that created it.
    pub registered: Results<(Owner, Finding)>,
    /// Whether a fix could refer to an entry that is still to be added.
    pub could_be_named: Results<bool>,
}

/// The last result for each port, with its basis. Ports are identified by their addresses, which do not change as long
/// as the facts are kept.
#[derive(Debug)]
pub struct Results<T>(Mutex<HashMap<usize, (Basis, T)>>);

impl<T> Default for Results<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Results<T> {
    /// The result for a port: the kept one if it has the same basis, or else a new one.
    pub fn get_or(&self, port: &PortUse, basis: Basis, create: impl FnOnce() -> T) -> T {
        let key = std::ptr::from_ref(port).addr();
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, result)) = lock().get(&key).filter(|(known, _)| *known == basis) {
            return result.clone();
        }
        let result = create();
        lock().insert(key, (basis, result.clone()));
        result
    }
}

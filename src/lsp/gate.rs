//! Limits on waiting messages: received messages that are not processed yet, and messages that are not written yet.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The minimum size that is counted for a message, in bytes, because a small one takes more memory than its text.
const LEAST: usize = 1 << 10;

/// Admits messages as long as the total size of those inside is within a limit.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    /// The size of the messages inside, in bytes.
    held: Mutex<usize>,
    /// Signals that a message has left.
    left: Condvar,
    limit: usize,
}

/// Represents a message that is inside. The message leaves when this is dropped.
pub struct Permit {
    gate: Gate,
    size: usize,
}

impl Gate {
    /// Creates a gate that is closed while more than `limit` bytes are inside.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { held: Mutex::new(0), left: Condvar::new(), limit }))
    }

    /// Enters with a message of this size in bytes. Waits until the gate is open.
    pub fn enter(&self, size: usize) -> Permit {
        let size = size.max(LEAST);
        let is_closed = |held: &mut usize| *held > self.0.limit;
        let mut held = self.0.left.wait_while(self.lock(), is_closed).unwrap_or_else(PoisonError::into_inner);
        *held += size;
        Permit { gate: self.clone(), size }
    }

    /// The total size of the messages inside, in bytes.
    pub fn held(&self) -> usize {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.gate.lock() -= self.size;
        self.gate.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_gate_is_closed_until_something_leaves() {
        let gate = Gate::new(10_000);
        let first = gate.enter(20_000);
        assert_eq!(gate.held(), 20_000, "a message larger than the limit can enter as well");
        let other = gate.clone();
        let (send, entered) = channel();
        let second = thread::spawn(move || send.send(other.enter(1)).unwrap());
        assert!(entered.recv_timeout(Duration::from_millis(50)).is_err(), "the gate is closed");
        drop(first);
        let permit = entered.recv().unwrap();
        assert_eq!(gate.held(), LEAST);
        drop(permit);
        second.join().unwrap();
        assert_eq!(gate.held(), 0);
    }
}

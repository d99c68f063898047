//! Delays the signals that would end the process while it writes files.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// As long as this exists, SIGHUP, SIGINT and SIGTERM are only remembered. When it is dropped, the first of them ends
/// the process as usual.
#[derive(Debug)]
pub struct DelayedSignals {
    caught: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl DelayedSignals {
    /// Starts to delay signals.
    pub fn start() -> io::Result<Self> {
        let delayed = Self { caught: Arc::default(), is_over: Arc::default() };
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&delayed.is_over))?;
            flag::register_usize(signal, Arc::clone(&delayed.caught), signal.unsigned_abs() as usize)?;
        }
        Ok(delayed)
    }

    /// Whether a signal was caught.
    pub fn is_caught(&self) -> bool {
        self.caught.load(Ordering::Relaxed) != 0
    }
}

impl Drop for DelayedSignals {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Ok(signal @ 1..) = i32::try_from(self.caught.load(Ordering::Relaxed)) {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

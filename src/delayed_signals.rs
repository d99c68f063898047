//! Delays the signals that would end the process while it writes files.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signal handlers of the process. They are registered once, because removing a handler would leave its signal
/// without effect.
static HANDLERS: Mutex<Option<Handlers>> = Mutex::new(None);

struct Handlers {
    caught: Arc<AtomicUsize>,
    /// Whether signals end the process as usual, because no delay is active.
    is_over: Arc<AtomicBool>,
    /// The number of [`DelayedSignals`] instances.
    delays: usize,
}

impl Handlers {
    fn register() -> io::Result<Self> {
        let handlers = Self { caught: Arc::default(), is_over: Arc::new(AtomicBool::new(true)), delays: 0 };
        for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal)) {
            flag::register_conditional_default(signal, Arc::clone(&handlers.is_over))?;
            flag::register_usize(signal, Arc::clone(&handlers.caught), signal.unsigned_abs() as usize)?;
        }
        Ok(handlers)
    }
}

/// Whether a signal is ignored, for example because of `nohup`. A handler would change that.
fn is_ignored(signal: i32) -> bool {
    // This file exists only on Linux. Elsewhere, signals count as not ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (signal - 1) != 0)
}

/// As long as an instance exists, SIGHUP, SIGINT and SIGTERM are only recorded. When the last instance is dropped, the
/// most recent of these signals ends the process as usual.
#[derive(Debug)]
pub struct DelayedSignals {
    caught: Arc<AtomicUsize>,
}

impl DelayedSignals {
    /// Starts to delay signals.
    pub fn start() -> io::Result<Self> {
        let mut handlers = handlers();
        let known = match handlers.take() {
            Some(known) => known,
            None => Handlers::register()?,
        };
        let known = handlers.insert(known);
        known.delays += 1;
        known.is_over.store(false, Ordering::Relaxed);
        Ok(Self { caught: Arc::clone(&known.caught) })
    }

    /// Whether a signal was caught.
    pub fn is_caught(&self) -> bool {
        self.caught.load(Ordering::Relaxed) != 0
    }
}

impl Drop for DelayedSignals {
    fn drop(&mut self) {
        let mut handlers = handlers();
        let Some(known) = handlers.as_mut() else { return };
        known.delays -= 1;
        if known.delays > 0 {
            return;
        }
        known.is_over.store(true, Ordering::Relaxed);
        if let Ok(signal @ 1..) = i32::try_from(known.caught.load(Ordering::Relaxed)) {
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

fn handlers() -> MutexGuard<'static, Option<Handlers>> {
    HANDLERS.lock().unwrap_or_else(PoisonError::into_inner)
}

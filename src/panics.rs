//! Suppresses the output of panics, and records their positions and messages for notes about them.

use std::cell::RefCell;
use std::panic;

thread_local! {
    /// The position and message of this thread's last panic.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Stops panics from printing anything. The code that catches a panic reports it.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| format!("at {}:{}", place.file(), place.line()));
        let payload = info.payload();
        let said = payload.downcast_ref::<&str>().copied();
        let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        LAST.set(Some(format!("{place}{said}")));
    }));
}

/// Takes the position and message of this thread's last panic.
pub fn take() -> Option<String> {
    LAST.take()
}

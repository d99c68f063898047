//! Panics: kept quiet, and their place remembered for the message about them.

use std::cell::RefCell;
use std::panic;

thread_local! {
    /// Where this thread last panicked, and what was said.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From here on a panic prints nothing by itself: whoever catches it says what happened.
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

/// Where this thread last panicked.
pub fn take() -> Option<String> {
    LAST.take()
}

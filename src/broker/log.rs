//! Log lines as Mosquitto writes them: seconds since 1970, a colon, the text.

use std::fmt;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the lines go.
#[derive(Clone, Default)]
pub(super) struct Log(Option<Rc<dyn Fn(&str)>>);

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    /// Every line is handed to `sink`, escaped.
    pub(super) fn to(sink: Rc<dyn Fn(&str)>) -> Self {
        Self(Some(sink))
    }

    /// Writes a line if anybody reads it.
    pub(super) fn notice(&self, text: impl FnOnce() -> String) {
        if let Some(sink) = &self.0 {
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            sink(&format!("{seconds}: {}", crate::name::escape(&text())));
        }
    }
}

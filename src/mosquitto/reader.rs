//! The reader's state: which listener, bridge and plugin a line belongs to, as Mosquitto's own reader keeps it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keywords::{self, Keyword, Kind, Scope};
use super::lines::{self, Line};
use super::values::{self, Spanned};
use super::version::Version;
use super::{Directive, MosquittoConf, Protocol, Refusal};
use crate::place::{Located, Place, SpanBytes};
use crate::tree::Tree;

/// What `per_listener_settings` moves between the broker and the listener.
#[derive(Debug, Clone, Default)]
pub(crate) struct Security {
    pub strings: BTreeMap<&'static str, Located<String>>,
    pub allow_anonymous: Option<Located<bool>>,
    pub bools: BTreeMap<&'static str, Located<bool>>,
    pub plugins: Vec<Located<String>>,
}

/// A listener while it is read.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub port: i32,
    pub bind: Option<String>,
    pub protocol: Protocol,
    pub place: Place,
    pub strings: BTreeMap<&'static str, Located<String>>,
    pub bools: BTreeMap<&'static str, Located<bool>>,
    pub security: Security,
    pub max_connections: i64,
    /// A line that by itself brings the default listener to life (2.0).
    pub wanted: bool,
}

impl Draft {
    pub fn new(port: i32, bind: Option<String>, place: Place) -> Self {
        Self {
            port,
            bind,
            place,
            protocol: Protocol::Mqtt,
            strings: BTreeMap::new(),
            bools: BTreeMap::new(),
            security: Security::default(),
            max_connections: -1,
            wanted: false,
        }
    }
}

/// A bridge while it is read.
#[derive(Debug, Clone)]
pub(crate) struct BridgeDraft {
    pub name: Located<String>,
    pub addresses: Vec<Located<String>>,
    pub strings: BTreeMap<&'static str, Located<String>>,
    pub bools: BTreeMap<&'static str, Located<bool>>,
    pub topics: usize,
    pub lines: Vec<Directive>,
}

/// What the reader keeps for each file: an included file starts without listener, bridge and plugin.
#[derive(Debug, Clone)]
pub(crate) struct FileState {
    pub file: Arc<Path>,
    pub nested: bool,
    pub listener: Option<usize>,
    pub bridge: Option<usize>,
    pub plugin: bool,
}

/// The whole state.
pub(crate) struct Reader<'a> {
    pub tree: &'a dyn Tree,
    pub resolve: &'a dyn Fn(&str) -> Option<PathBuf>,
    pub version: Version,
    pub main: Arc<Path>,
    pub per_listener: bool,
    pub security_seen: bool,
    pub local_only: bool,
    pub global: Security,
    /// The default listener; in force only if something asks for it.
    pub default: Draft,
    pub listeners: Vec<Draft>,
    pub bridges: Vec<BridgeDraft>,
    pub strings: BTreeMap<&'static str, Located<String>>,
    pub directives: Vec<Directive>,
    pub refusals: Vec<Refusal>,
    pub unread: Vec<(String, String)>,
    pub log_file: bool,
}

/// Mosquitto's complaint about a line, without its `Error: `.
pub(crate) type Taken = Result<(), String>;

impl<'a> Reader<'a> {
    pub fn new(
        tree: &'a dyn Tree,
        path: &Path,
        resolve: &'a dyn Fn(&str) -> Option<PathBuf>,
        version: Version,
    ) -> Self {
        Self {
            tree,
            resolve,
            version,
            main: Arc::from(path),
            per_listener: false,
            security_seen: false,
            local_only: true,
            global: Security::default(),
            default: Draft::new(0, None, Place::file(path)),
            listeners: Vec::new(),
            bridges: Vec::new(),
            strings: BTreeMap::new(),
            directives: Vec::new(),
            refusals: Vec::new(),
            unread: Vec::new(),
            log_file: false,
        }
    }

    /// Reads a file and, for the main one, what it includes.
    pub fn file(&mut self, path: &Path, nested: bool) {
        let text = match self.tree.read(path) {
            Ok(text) => text,
            Err(error) => {
                self.unread.push((path.to_string_lossy().into_owned(), error.to_string()));
                return;
            }
        };
        let mut state =
            FileState { file: Arc::from(path), nested, listener: None, bridge: None, plugin: false };
        for line in lines::lines(&text) {
            self.line(&mut state, &line);
        }
    }

    fn line(&mut self, state: &mut FileState, line: &Line<'_>) {
        let keyword = String::from_utf8_lossy(line.keyword).into_owned();
        let (value, span) = line.trimmed().unwrap_or((b"", line.offset..line.offset));
        let place = Place { file: state.file.clone(), line: line.number, span: span.into() };
        let directive = Directive {
            keyword: keyword.clone(),
            value: String::from_utf8_lossy(value).into_owned(),
            place: place.clone(),
        };
        self.directives.push(directive.clone());
        let taken = match keywords::find(&keyword).filter(|k| self.version >= k.since) {
            None => Err(unknown(&keyword, self.version)),
            Some(known) => self.keyword(state, line, known, directive),
        };
        if let Err(message) = taken {
            self.refusals.push(Refusal { place, message });
        }
    }

    fn keyword(
        &mut self,
        state: &mut FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
        directive: Directive,
    ) -> Taken {
        self.require(state, keyword)?;
        if let (Scope::Bridge, Some(bridge)) =
            (keyword.scope, state.bridge.and_then(|b| self.bridges.get_mut(b)))
        {
            bridge.lines.push(directive);
        }
        match keyword.kind {
            Kind::Ignored => Ok(()),
            Kind::Special => self.special(state, line, keyword),
            Kind::Bool => {
                let read = values::boolean(line, keyword, self.version)?;
                self.keep_bool(state, line, keyword, read);
                Ok(())
            }
            Kind::Int => {
                let (number, _) = values::int(line, keyword, self.version)?;
                values::check_range(keyword.name, number, self.version)?;
                let changes_default = matches!(keyword.name, "max_qos" | "maximum_qos") && number != 2;
                if changes_default && state.listener.is_none() {
                    self.default.wanted = true;
                }
                Ok(())
            }
            Kind::Str => self.keep_string(state, line, keyword),
        }
    }

    /// What has to stand above a line of this scope.
    fn require(&mut self, state: &mut FileState, keyword: &Keyword) -> Taken {
        let is_2_1 = self.version.at_least(2, 1, 0);
        let needs =
            |what: &str| Err(format!("The '{}' option requires a {what} to be defined first.", keyword.name));
        match keyword.scope {
            Scope::Bridge if state.bridge.is_none() && keyword.name != "connection" => {
                if is_2_1 {
                    needs("bridge")
                } else {
                    Err("Invalid bridge configuration.".to_owned())
                }
            }
            Scope::Listener if is_2_1 && state.listener.is_none() && keyword.needs_listener_in_2_1 => {
                needs("listener")
            }
            Scope::Security if is_2_1 && state.listener.is_none() && self.per_listener => needs("listener"),
            Scope::Listener
                if is_2_1
                    && state.listener.is_none()
                    && !matches!(keyword.name, "listener" | "port" | "bind_address") =>
            {
                self.default.wanted = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub fn located<T>(&self, state: &FileState, line: &Line<'_>, (value, span): Spanned<T>) -> Located<T> {
        let span = SpanBytes::from(span);
        Located::new(value, Place { file: state.file.clone(), line: line.number, span })
    }

    /// The text of a keyword, with its place.
    pub fn text(
        &self,
        state: &FileState,
        line: &Line<'_>,
        keyword: &Keyword,
    ) -> Result<Located<String>, String> {
        values::string(line, keyword, self.version).map(|read| self.located(state, line, read))
    }

    /// The listener that a line belongs to.
    pub fn draft(&mut self, state: &FileState) -> &mut Draft {
        match state.listener.and_then(|l| self.listeners.get_mut(l)) {
            Some(draft) => draft,
            None => &mut self.default,
        }
    }

    /// Where a security option goes; from then on `per_listener_settings` comes too late.
    pub fn security(&mut self, state: &FileState) -> &mut Security {
        self.security_seen = true;
        if self.per_listener { &mut self.draft(state).security } else { &mut self.global }
    }

    fn keep_bool(
        &mut self,
        state: &FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
        read: Spanned<bool>,
    ) {
        let value = self.located(state, line, read);
        match (keyword.scope, keyword.name) {
            (Scope::Security, "allow_anonymous") => self.security(state).allow_anonymous = Some(value),
            (Scope::Security, name) => {
                self.security(state).bools.insert(name, value);
            }
            (_, "listener_allow_anonymous") => {
                self.draft(state).security.allow_anonymous = Some(value);
            }
            (Scope::Listener, name) => {
                self.draft(state).bools.insert(name, value);
            }
            (Scope::Bridge, name) => {
                if let Some(bridge) = state.bridge.and_then(|b| self.bridges.get_mut(b)) {
                    bridge.bools.insert(name, value);
                }
            }
            _ => {}
        }
    }

    fn keep_string(&mut self, state: &FileState, line: &Line<'_>, keyword: &'static Keyword) -> Taken {
        let version = self.version;
        self.refuse_mixed_psk(state, keyword)?;
        // Mosquitto looks for an earlier value after it knows that there is one, and before it looks at it.
        if line.rest.is_none() {
            return Err(values::empty(keyword.called, version));
        }
        let replaces = keyword.replaces_in_2_1 && version.at_least(2, 1, 0);
        let Some(slots) = self.slots(state, keyword) else { return Ok(()) };
        if slots.contains_key(keyword.called) && !replaces {
            return Err(format!("Duplicate {} value in configuration.", keyword.called));
        }
        let read = values::string(line, keyword, version)?;
        let value = self.located(state, line, read);
        if let Some(slots) = self.slots(state, keyword) {
            slots.insert(keyword.called, value);
        }
        Ok(())
    }

    /// Where a string of this scope is kept.
    fn slots(
        &mut self,
        state: &FileState,
        keyword: &Keyword,
    ) -> Option<&mut BTreeMap<&'static str, Located<String>>> {
        match keyword.scope {
            Scope::Global | Scope::Plugin => Some(&mut self.strings),
            Scope::Security => Some(&mut self.security(state).strings),
            Scope::Listener => Some(&mut self.draft(state).strings),
            Scope::Bridge => {
                state.bridge.and_then(|b| self.bridges.get_mut(b)).map(|bridge| &mut bridge.strings)
            }
        }
    }

    /// A certificate and a pre-shared key exclude each other on a listener and on a bridge.
    fn refuse_mixed_psk(&mut self, state: &FileState, keyword: &Keyword) -> Taken {
        let both = |what: &str, on: &str| {
            Err(format!("Cannot use both certificate and {what} encryption in a single {on}."))
        };
        let has_hint = self.draft(state).strings.contains_key("psk_hint");
        let bridge = state.bridge.and_then(|b| self.bridges.get(b)).map(|b| &b.strings);
        let has = |names: &[&str]| bridge.is_some_and(|b| names.iter().any(|n| b.contains_key(n)));
        match keyword.name {
            "cafile" | "certfile" if has_hint => both("psk", "listener"),
            "bridge_cafile" | "bridge_capath" | "bridge_certfile" | "bridge_keyfile"
                if has(&["bridge_psk", "bridge_identity"]) =>
            {
                both("psk", "bridge")
            }
            "bridge_psk" | "bridge_identity"
                if has(&["bridge_cafile", "bridge_capath", "bridge_certfile", "bridge_keyfile"]) =>
            {
                both(if keyword.name == "bridge_psk" { "psk" } else { "identity" }, "bridge")
            }
            _ => Ok(()),
        }
    }

    /// A file without a single line of Mosquitto's language is somebody else's: nothing of it is repeated.
    fn hide_what_is_no_configuration(&mut self) {
        let known = |d: &&Directive| keywords::find(&d.keyword).is_some();
        let ours: HashSet<_> = self.directives.iter().filter(known).map(|d| d.place.file.clone()).collect();
        for refusal in self.refusals.iter_mut().filter(|r| !ours.contains(&r.place.file)) {
            if refusal.message.starts_with(UNKNOWN) {
                refusal.message = unknown("…", self.version);
            }
        }
    }

    /// What was read, once every line is taken.
    pub fn finish(mut self) -> MosquittoConf {
        let listeners = self.listeners_in_force();
        self.hide_what_is_no_configuration();
        self.refuse_bridges();
        self.refuse_listeners(&listeners);
        let bridges = std::mem::take(&mut self.bridges).into_iter().map(super::force::bridge_of).collect();
        MosquittoConf {
            place: Place::file(self.main.to_path_buf()),
            version: self.version,
            directives: self.directives,
            listeners,
            per_listener_settings: self.per_listener,
            user: self.strings.get("user").cloned(),
            bridges,
            refusals: self.refusals,
            unread: self.unread,
        }
    }
}

/// How Mosquitto begins to speak of a line that it does not know.
const UNKNOWN: &str = "Unknown configuration variable";

/// Its words; what has not the form of a keyword may be anything, and is not repeated.
fn unknown(keyword: &str, version: Version) -> String {
    let word = keyword.trim_start_matches(['\t', '\u{feff}']);
    let is_word =
        word.len() <= 40 && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let shown = if is_word { keyword } else { "…" };
    if version.at_least(2, 1, 0) {
        format!("{UNKNOWN} '{shown}'.")
    } else {
        format!("{UNKNOWN} \"{shown}\".")
    }
}

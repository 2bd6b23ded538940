//! Keywords of plugins and their options.

use crate::mosquitto::keywords::Keyword;
use crate::mosquitto::lines::Line;
use crate::mosquitto::reader::Taken;
use crate::mosquitto::reader::{FileState, Reader};
use crate::mosquitto::values::{self, empty};

impl Reader<'_> {
    pub(super) fn plugin(
        &mut self,
        state: &mut FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        state.plugin = true;
        let value = self.text(state, line, keyword)?;
        if keyword.name == "global_plugin" {
            self.security_seen = true;
            self.global.plugins.push(value);
        } else {
            self.security(state).plugins.push(value);
        }
        Ok(())
    }

    pub(super) fn plugin_load(&mut self, state: &mut FileState, line: &Line<'_>) -> Taken {
        let mut words = line.words();
        match (words.next(), words.next()) {
            (None, _) => Err(empty("plugin_load", self.version)),
            (Some((name, _)), None) => {
                Err(format!("Missing plugin path for plugin name '{}'.", String::from_utf8_lossy(name)))
            }
            _ => {
                state.plugin = true;
                Ok(())
            }
        }
    }

    pub(super) fn plugin_use(
        &mut self,
        state: &mut FileState,
        line: &Line<'_>,
        keyword: &'static Keyword,
    ) -> Taken {
        let value = self.text(state, line, keyword)?;
        state.plugin = true;
        self.draft(state).security.plugins.push(value);
        Ok(())
    }

    pub(super) fn plugin_bool(&self, state: &FileState, line: &Line<'_>, keyword: &Keyword) -> Taken {
        if !state.plugin {
            let what = if self.version.at_least(2, 1, 0) { "a plugin" } else { "an auth_plugin" };
            return Err(format!(
                "An auth_plugin_deny_special_chars option exists in the config file without {what}."
            ));
        }
        values::boolean(line, keyword, self.version).map(|_| ())
    }

    pub(super) fn plugin_option(&self, state: &FileState, line: &Line<'_>) -> Taken {
        let keyword = String::from_utf8_lossy(line.keyword);
        if !state.plugin {
            return if self.version.at_least(2, 1, 0) {
                Err(format!(
                    "The '{keyword}' option requires plugin/global_plugin/plugin_load to be defined first."
                ))
            } else {
                Err("An auth_opt_ option exists in the config file without an auth_plugin.".to_owned())
            };
        }
        let key = keyword.trim_start_matches("auth_opt_").trim_start_matches("plugin_opt_");
        if key.len() < 3 {
            return Err("Invalid auth_opt_ config option.".to_owned());
        }
        if line.trimmed().is_none_or(|(text, _)| text.is_empty()) {
            return Err(empty(key, self.version));
        }
        Ok(())
    }
}

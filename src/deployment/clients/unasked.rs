//! Variables of a container that its code asks for nowhere: whoever set them thought of another program.

use std::rc::Rc;

use super::super::EnvVar;
use super::super::code::{self, File, Language};
use super::super::dialect::speaks_mqtt;
use super::Seen;

/// Which variables name no broker, whatever they say.
pub(super) fn unused<'s>(seen: &'s Seen<'_>) -> impl Fn(&EnvVar) -> bool + 's {
    let code: Vec<&Rc<File>> = seen.files.iter().filter(|f| f.language != Language::Data).collect();
    let fills_in = |f: &Rc<File>| ["envsubst", "printenv", "gomplate"].iter().any(|w| f.text.contains(w));
    let binds = |f: &&Rc<File>| match f.language {
        Language::Java | Language::Other => true,
        // A script that starts the program asks by name too, unless it fills in templates.
        Language::Shell => fills_in(f),
        _ => false,
    };
    let readable = !code.is_empty() && !code.iter().any(binds);
    // Code that knows neither the variable nor MQTT dials nothing by it.
    let knows_nothing = |f: &&Rc<File>| match f.language {
        Language::Python | Language::JavaScript => !speaks_mqtt(f),
        Language::Shell => !speaks_mqtt(f) && !fills_in(f),
        _ => false,
    };
    let strange = seen.starts_code && !code.is_empty() && code.iter().all(knows_nothing);
    // An `env_file` that several services share says nothing of one whose code does not ask for the variable.
    move |v| (strange || v.from_env_file && readable) && !code::mentions(seen.files, &v.key)
}

/// Whether the code spells out what it asks for, and never asks for this variable.
pub(super) fn leaves_unread(seen: &Seen<'_>, var: &EnvVar) -> bool {
    let told = || seen.container.argv().iter().any(|w| w.contains(var.key.as_str()));
    seen.starts_code && code::leaves_unread(seen.files, &var.key) && !told()
}

//! Which containers run Mosquitto: told by what they start, then by their image.

use super::container::{Container, image_name};
use crate::compose::words;

/// Whether a container runs Mosquitto: by what it starts, then by its image.
pub(super) fn is_mosquitto(container: &Container<'_>) -> bool {
    let programs = programs(&container.argv());
    let image = container.image().map(image_name).unwrap_or("").to_ascii_lowercase();
    let of_image = image.rsplit('/').next().is_some_and(|n| n.contains("mosquitto"))
        && !["exporter", "manag", "-ui", "webui", "client", "mosquitto-tools", "test"]
            .iter()
            .any(|w| image.contains(w));
    if programs.iter().any(|p| p == "mosquitto") {
        return of_image || !image.contains('/') || installs(container) || container.dockerfile.is_some();
    }
    if programs.iter().any(|p| matches!(p.as_str(), "mosquitto_sub" | "mosquitto_pub" | "mosquitto_rr")) {
        return false;
    }
    if programs
        .first()
        .is_some_and(|p| matches!(p.as_str(), "tail" | "sleep" | "mosquitto_passwd" | "true" | "chown"))
    {
        return false;
    }
    of_image || (installs(container) && programs.is_empty() && image.is_empty()) || built_elsewhere(container)
}

/// A broker whose Dockerfile is not here: its service is called so, and gets a mosquitto.conf.
fn built_elsewhere(container: &Container<'_>) -> bool {
    let service = container.service;
    let called = service.name.value.to_ascii_lowercase().contains("mosquitto");
    let given = |m: &crate::compose::Mount| m.target.rsplit('/').next() == Some("mosquitto.conf");
    container.dockerfile_missing && called && service.mounts.iter().any(given)
}

/// The programs that a command line starts: its first word, what follows `exec` or a separator of the shell, and a
/// word behind another program that is no value of a flag.
pub(super) fn programs(argv: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    let mut before = "";
    for word in argv {
        if word.contains(char::is_whitespace) {
            for part in without_quoted(word).split([';', '|', '&', '\n', '(', ')']) {
                let mut words = part.split_whitespace().filter(|w| {
                    !matches!(
                        *w,
                        "exec"
                            | "then"
                            | "do"
                            | "else"
                            | "su-exec"
                            | "gosu"
                            | "sudo"
                            | "nohup"
                            | "if"
                            | "while"
                            | "!"
                    ) && !w.contains('=')
                });
                out.extend(words.next().map(name_of));
            }
        } else if !before.starts_with('-') && !word.starts_with('-') {
            out.push(name_of(word));
        }
        before = word;
    }
    out
}

/// Whether a command does nothing but bring a database up to date: `alembic upgrade head`, `manage.py migrate`.
pub(super) fn only_migrates(argv: &[String]) -> bool {
    let commands: Vec<Vec<String>> = match argv {
        [_, flag, line] if flag.starts_with('-') && flag.ends_with('c') => {
            line.split([';', '&', '|', '\n']).map(words::split).collect()
        }
        _ => vec![argv.to_vec()],
    };
    let mut some = false;
    let all = commands.iter().all(|command| {
        let launcher =
            |w: &String| matches!(w.as_str(), "exec" | "uv" | "poetry" | "run") || w.starts_with("python");
        let mut words = command.iter().map(|w| name_of(w)).skip_while(launcher);
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let migrates = match first.as_str() {
            "" | "echo" | "sleep" | "true" | "exit" => return true,
            "alembic" => true,
            "manage.py" => matches!(
                second.as_str(),
                "migrate" | "makemigrations" | "collectstatic" | "createsuperuser" | "loaddata"
            ),
            "flask" => second == "db",
            _ => false,
        };
        some |= migrates;
        migrates
    });
    some && all
}

/// A shell's text, with what separates commands blotted out where quotes hold it together; what is quoted for another
/// shell stays.
fn without_quoted(text: &str) -> String {
    if text.contains("sh -c ") {
        return text.to_owned();
    }
    let mut quote = None;
    let blot = |c: char| if matches!(c, ';' | '|' | '&' | '\n' | '(' | ')') { '_' } else { c };
    text.chars()
        .map(|c| match quote {
            Some(q) if c == q => {
                quote = None;
                c
            }
            Some(_) => blot(c),
            None => {
                quote = matches!(c, '"' | '\'').then_some(c);
                c
            }
        })
        .collect()
}

fn name_of(word: &str) -> String {
    word.rsplit('/').next().unwrap_or(word).trim_matches(['"', '\'']).to_owned()
}

fn installs(container: &Container<'_>) -> bool {
    let runs = container.dockerfile.iter().flat_map(|d| &d.runs);
    runs.into_iter().any(|r| r.value.split_whitespace().any(|w| w == "mosquitto"))
}

#[cfg(test)]
mod tests {
    use super::{only_migrates, programs};
    use crate::compose::words;

    #[test]
    fn quoted_text_starts_no_program() {
        let of = |text: &str| programs(&["sh".into(), "-c".into(), text.to_owned()]);
        assert_eq!(of("echo 'nothing (would write)'; sleep 9"), ["sh", "echo", "sleep"]);
        assert_eq!(of("bash -c 'cd /x && mosquitto -c m.conf'"), ["sh", "bash", "mosquitto"]);
    }

    #[test]
    fn a_migration_is_told_from_a_program_that_migrates_first() {
        let only = |command: &str| only_migrates(&words::split(command));
        assert!(only("alembic upgrade head"));
        assert!(only("python manage.py migrate --noinput"));
        assert!(only("sh -c 'python manage.py migrate && python manage.py collectstatic'"));
        assert!(!only("sh -c 'alembic upgrade head; exec uvicorn app:app'"));
        assert!(!only("python manage.py runserver 0.0.0.0:8000"));
        assert!(!only("/entrypoint.sh alembic upgrade head"));
        assert!(!only("sleep 5"));
    }
}

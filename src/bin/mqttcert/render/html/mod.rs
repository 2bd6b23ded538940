//! One self-contained page to hand to a colleague: the answer, the deployment as a picture, the certificates' lives
//! as a timeline, and every finding with its cure. No script, nothing from elsewhere.

mod picture;
mod timeline;

use std::fmt::Write as _;

use mqttcert::finding::{Finding, Fix, Severity};
use mqttcert::name::escape;

use super::project::{Project, Setting, Verdict, about};

const STYLE: &str = include_str!("style.css");

/// The page of all projects.
pub fn check(setting: &Setting, projects: &[Project]) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mqttcert: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        match projects {
            [one] => text(&setting.path(&one.dir)),
            many => format!("{} projects", many.len()),
        }
    );
    for (nth, project) in projects.iter().enumerate() {
        self::project(&mut out, setting, project, nth);
    }
    let _ = write!(
        out,
        "</main>\n<footer>mqttcert {}, as of {}.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        date_time(setting.now)
    );
    out
}

fn project(out: &mut String, setting: &Setting, project: &Project, nth: usize) {
    let report = &project.report;
    let (class, answer) = match report.ok() {
        Some(true) => ("good", "In order"),
        Some(false) => ("bad", "Not in order"),
        None => ("unsure", "No error found, but not everything could be judged"),
    };
    let _ = write!(
        out,
        "<div class=\"project\">\n<header>\n<p class=\"folder\">{}</p>\n<h1 class=\"{class}\">{answer}</h1>\n<p>{}{}</p>\n",
        text(&setting.path(&project.dir)),
        counts(project),
        match report.suppressed {
            0 => String::new(),
            n => format!(" {n} suppressed by the project."),
        }
    );
    if let Some(verdict) = &project.answer {
        let _ = writeln!(out, "<p>{}</p>", flag(verdict));
    }
    out.push_str("</header>\n");

    if let Some(verdict) = &project.answer
        && !verdict.dials.is_empty()
    {
        out.push_str("<section>\n<h2>Who dials what</h2>\n");
        picture::draw(out, &project.brokers, &verdict.dials, nth);
        clients(out, verdict);
        out.push_str("</section>\n");
    }
    if !project.lives.is_empty() {
        out.push_str("<section>\n<h2>Lives of the certificates</h2>\n");
        timeline::draw(out, setting, &project.lives, nth);
        out.push_str("</section>\n");
    }
    findings(out, setting, project);
    if !report.not_decided.is_empty() {
        out.push_str("<section>\n<h2>Not judged</h2>\n<ul>\n");
        for left in &report.not_decided {
            let _ = writeln!(out, "<li><b>{}</b>: {}</li>", text(&left.what), text(&left.because));
        }
        out.push_str("</ul>\n</section>\n");
    }
    out.push_str("</div>\n");
}

fn counts(project: &Project) -> String {
    let word = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}.",
        word(project.report.count(Severity::Error), "error"),
        word(project.report.count(Severity::Warning), "warning"),
        word(project.report.count(Severity::Note), "note")
    )
}

fn flag(verdict: &Verdict) -> String {
    let until = verdict.holds_until.map_or(String::new(), |t| format!(", until {}", t.date()));
    match (verdict.insecure, verdict.decision) {
        (Some(false), "verified") => {
            format!("Every client verifies the broker; no flag switches that off{until}.")
        }
        (Some(false), _) => format!("<code>MQTT_TLS_INSECURE</code> can be switched off{until}."),
        (Some(true), _) => {
            "<code>MQTT_TLS_INSECURE</code> must stay on: a client would be cut off.".to_owned()
        }
        (None, "broken") => {
            "At least one client cannot connect, whatever <code>MQTT_TLS_INSECURE</code> says.".to_owned()
        }
        (None, "no-tls") => {
            "No TLS is spoken; <code>MQTT_TLS_INSECURE</code> has no meaning here.".to_owned()
        }
        (None, _) => "Whether <code>MQTT_TLS_INSECURE</code> can be switched off is undecided.".to_owned(),
    }
}

fn clients(out: &mut String, verdict: &Verdict) {
    out.push_str(
        "<div class=\"wide\"><table>\n<thead><tr><th>client</th><th>dials</th><th>stack</th><th>decision</th>\
         <th>why</th></tr></thead>\n<tbody>\n",
    );
    for d in &verdict.dials {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td><span class=\"mark {}\">{}</span></td><td>{}</td></tr>",
            text(&d.who),
            text(&d.to),
            text(&d.stack),
            class_of(d.decision),
            d.decision,
            text(&d.why)
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn findings(out: &mut String, setting: &Setting, project: &Project) {
    if project.report.findings.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Findings</h2>\n");
    let mut file = None;
    for finding in &project.report.findings {
        let here = setting.path(project.file_of(finding));
        if file.as_ref() != Some(&here) {
            let _ = writeln!(out, "<h3>{}</h3>", text(&here));
            file = Some(here);
        }
        self::finding(out, finding);
    }
    out.push_str("</section>\n");
}

fn finding(out: &mut String, finding: &Finding) {
    let severity = finding.severity.as_str();
    let line = finding
        .place
        .as_ref()
        .and_then(|p| p.line_number())
        .map_or(String::new(), |n| format!("<span class=\"line\">line {n}</span> "));
    let about = about(finding);
    let about = if about.is_empty() { String::new() } else { format!(" <span>{}</span>", text(&about)) };
    let cure = match finding.fix {
        Fix::Safe => " <span class=\"line\"><code>mqttcert check --fix</code> does it.</span>",
        Fix::Unsafe => {
            " <span class=\"line\"><code>mqttcert check --unsafe-fixes</code> does it, and cuts off whoever relied on it.</span>"
        }
        Fix::None => "",
    };
    let _ = write!(
        out,
        "<article class=\"{severity}\">\n<h4>{line}<span class=\"mark {severity}\">{severity}</span> \
         <code>{}</code>{about}</h4>\n<p>{}</p>\n<p class=\"cure\"><b>Cure:</b> {}{cure}</p>\n\
         <p class=\"source\">{}</p>\n</article>\n",
        text(finding.rule),
        prose(&finding.message),
        prose(&finding.help),
        text(finding.source)
    );
}

/// A sentence as HTML; what stands between two backticks is code.
fn prose(raw: &str) -> String {
    let shown = text(raw);
    let parts: Vec<&str> = shown.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return shown;
    }
    let mark = |(i, part): (usize, &&str)| match i % 2 {
        0 => (*part).to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    parts.iter().enumerate().map(mark).collect()
}

/// The class, and with it the colour, of a decision; the word always stands beside it.
fn class_of(decision: &str) -> &'static str {
    match decision {
        "verified" => "good",
        "switch-off" => "fine",
        "keep-on" => "late",
        "broken" => "bad",
        _ => "unsure",
    }
}

fn date_time(t: time::OffsetDateTime) -> String {
    let t = t.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", t.date(), t.hour(), t.minute())
}

/// A text from outside as HTML text or attribute value: no control or bidi character, no markup.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in escape(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// At most `n` characters of a text; the rest is an ellipsis (the whole stands in the element's title).
fn short(raw: &str, n: usize) -> String {
    let clean = escape(raw);
    if clean.chars().count() <= n {
        return text(&clean);
    }
    let cut: String = clean.chars().take(n.saturating_sub(1)).collect();
    text(&format!("{cut}…"))
}

#[cfg(test)]
mod tests {
    use super::super::project::sample;
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_runs_nothing() {
        let page = check(&sample::setting(), &[sample::plain(), sample::plain()]);
        for never in ["<script", "http://", "https://", "src=", "@import", "url(", "javascript:"] {
            let found = page
                .match_indices(never)
                .filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org"))
                .count();
            assert_eq!(found, 0, "{never}");
        }
        for said in ["Not in order", "acl-scope", "line 40", "device_sim", "broken", "until 2028-02-15"] {
            assert!(page.contains(said), "{said}");
        }
    }

    #[test]
    fn no_text_from_outside_becomes_markup() {
        let page = check(&sample::setting(), &[sample::evil()]);
        sample::assert_clean(&page);
        assert!(!page.contains("<script") && !page.contains("alert(1)<"), "markup got through");
    }

    #[test]
    fn an_empty_project_makes_a_page_too() {
        let mut p = sample::plain();
        (p.answer, p.brokers, p.lives, p.report) = (None, vec![], vec![], Default::default());
        assert!(check(&sample::setting(), &[p]).contains("In order"));
        assert!(check(&sample::setting(), &[]).contains("0 projects"));
    }
}

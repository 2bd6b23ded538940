//! JUnit XML: a suite per project, a test case per finding. An error is a failure (a warning too with `--strict`),
//! what was not judged is a skipped test, so that a CI's count never says more than the exit status does.

use anyhow::Context as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use mqttcert::finding::{Finding, Severity};
use mqttcert::name::escape;

use super::project::{Project, Setting, about};

/// The report of all projects.
///
/// # Errors
/// Where the XML writer fails, which a writer in memory does not.
pub fn check(setting: &Setting, projects: &[Project]) -> anyhow::Result<String> {
    let mut report = Report::new("mqttcert check");
    for project in projects {
        let mut suite = TestSuite::new(setting.path(&project.dir));
        for finding in &project.report.findings {
            suite.add_test_case(case(setting, project, finding));
        }
        for left in &project.report.not_decided {
            let mut status = TestCaseStatus::skipped();
            status.set_message(escape(&left.because));
            let mut case = TestCase::new(format!("not judged: {}", escape(&left.what)), status);
            case.set_classname("not-judged");
            suite.add_test_case(case);
        }
        if project.report.findings.is_empty() && project.report.not_decided.is_empty() {
            // A suite without a case is an error to some readers; this one passed.
            let mut case = TestCase::new("every rule", TestCaseStatus::success());
            case.set_classname("check");
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let xml = report.to_string().context("the JUnit report cannot be written")?;
    Ok(without_skipped(xml))
}

/// The root without its `skipped` count: the schema that Jenkins publishes (junit-10.xsd) has it on suites only.
fn without_skipped(xml: String) -> String {
    let Some(start) = xml.find("<testsuites ") else { return xml };
    let (head, rest) = xml.split_at(start);
    let Some((root, below)) = rest.split_once('>') else { return xml };
    let attributes: Vec<&str> = root.split(' ').filter(|a| !a.starts_with("skipped=")).collect();
    format!("{head}{}>{below}", attributes.join(" "))
}

fn case(setting: &Setting, project: &Project, finding: &Finding) -> TestCase {
    let file = setting.path(project.file_of(finding));
    let place = match finding.place.as_ref().and_then(|p| p.line_number()) {
        Some(line) => format!("{file}:{line}"),
        None => file.clone(),
    };
    let message = escape(&finding.message);
    let mut text = format!("{place}: {}: {message}", finding.severity);
    let about = about(finding);
    if !about.is_empty() {
        text.push_str(&format!("\n{about}"));
    }
    text.push_str(&format!("\nhelp: {}\nsource: {}\n", escape(&finding.help), escape(finding.source)));

    let fails =
        finding.severity == Severity::Error || (setting.strict && finding.severity == Severity::Warning);
    let mut status = TestCaseStatus::success();
    if fails {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message).set_type(finding.severity.as_str()).set_description(text.clone());
    }
    let mut case = TestCase::new(format!("{} {place}", finding.rule), status);
    case.set_classname(finding.rule);
    if !fails {
        case.set_system_out(text);
    }
    case
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::project::sample;
    use super::*;

    #[test]
    fn errors_fail_warnings_pass_and_what_was_not_judged_is_skipped() {
        let xml = check(&sample::setting(), &[sample::plain()]).unwrap();
        assert!(
            xml.contains(
                "<testsuite name=\"compose\" tests=\"4\" skipped=\"1\" errors=\"0\" failures=\"1\">"
            ),
            "{xml}"
        );
        assert!(
            xml.contains("<testsuites name=\"mqttcert check\" tests=\"4\" failures=\"1\" errors=\"0\">"),
            "{xml}"
        );
        assert!(xml.contains("name=\"acl-scope compose/mosquitto/mosquitto.conf:40\""), "{xml}");
        let strict = Setting { strict: true, ..sample::setting() };
        assert!(check(&strict, &[sample::plain()]).unwrap().contains("failures=\"2\""));
    }

    #[test]
    fn a_clean_project_has_one_passed_case() {
        let mut p = sample::plain();
        p.report = mqttcert::finding::Report::default();
        let xml = check(&sample::setting(), &[p]).unwrap();
        assert!(xml.contains("tests=\"1\" skipped=\"0\" errors=\"0\" failures=\"0\""), "{xml}");
    }

    #[test]
    fn no_text_from_outside_becomes_markup() {
        let xml = check(&sample::setting(), &[sample::evil()]).unwrap();
        sample::assert_clean(&xml);
        assert!(!xml.contains("<script"), "{xml}");
    }
}

//! `mqttcert issue`

use std::io::{self, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use mqttcert::ca::book::Book;
use mqttcert::ca::list::{self, ListError, ListFlaw, Row};
use mqttcert::ca::mass::{self, IssueError, Order, Out, Plan, Summary};
use mqttcert::ca::request::Request;
use mqttcert::ca::stream::StreamOut;
use mqttcert::ca::subject::Subject;
use mqttcert::ca::{pem, runs};
use mqttcert::disk::books::{self, OutFolder};
use mqttcert::name::escape;

use crate::args::{self, Format, Output};
use crate::authority;
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::{line, time};

/// Issues one client certificate or thousands.
pub fn run(args: &args::Issue, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("issue speaks human and json");
    }
    if args.names.is_empty() && args.csr.is_none() && args.from.is_none() {
        bail!("nobody is named; give a NAME, --csr FILE or --from LIST.csv");
    }
    inputs::refuse_now(output)?;
    let orders = named(args)?;
    let found = authority::find(&args.ca, output)?;
    let signer = found.signer(&args.ca.inputs)?;
    let authority = found.authority(&signer)?;
    let (mut book, mended) = Book::open(&found.files.ledger, found.now)?;
    authority::say_mended(&mended, output);
    authority::pay_owed(&book, &authority, found.now, 30, output)?;

    let stream = args.out == Path::new("-");
    let mut out = if stream {
        let fd = io::stdout().as_fd().try_clone_to_owned().context("standard output")?;
        Out::Stream(StreamOut::new(fd).context("standard output")?)
    } else {
        Out::Folder(OutFolder::open(&args.out).with_context(|| shown(&args.out))?)
    };
    let list = match &args.from {
        Some(from) => Some(books::open(from).and_then(runs::digest).with_context(|| shown(from))?),
        None => None,
    };
    // With --again a list that was worked off begins anew; without, it has nothing left to do.
    let before = match &list {
        Some(list) => runs::last(book.path(), list)?.filter(|run| !(args.again && run.done)),
        None => None,
    };
    let plan = Plan {
        authority: &authority,
        ca_file: &found.files.certificate,
        kind: args.key_type.into(),
        days: args.days,
        now: found.now,
        again: args.again,
        skip_issued: args.skip_issued,
        begun_at: before.map(|run| run.begun_at),
        list,
    };
    let mut bar = Bar::new(output);
    let result =
        mass::issue(&mut book, &plan, &mut |take| orders_of(args, &orders, take), &mut out, &mut |d, n| {
            bar.show(d, n);
        });
    bar.end();
    let (text, outcome) = match &result {
        Ok(summary) => {
            // Also where nothing is left to do: the run that issued may have been stopped just before.
            if !stream && summary.issued + summary.skipped > 0 {
                trust_file(&args.out, authority.certificate().der())?;
            }
            let text = match output.format {
                Format::Json => line(&as_json(args, summary, book.path())),
                _ => human(args, summary, book.path()),
            };
            (text, Outcome::Holds)
        }
        Err(e @ IssueError::Refused(..)) => (refused(e, output), Outcome::DoesNotHold),
        Err(_) => {
            result?;
            return Ok(Answer::new("", Outcome::DoesNotHold));
        }
    };
    if stream && output.output.is_none() {
        // Standard output carries the certificates; the answer goes beside it.
        if !output.quiet || outcome == Outcome::DoesNotHold {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
        return Ok(Answer::new("", outcome));
    }
    Ok(Answer::new(text, outcome))
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// The orders of the command line: names, or a request.
fn named(args: &args::Issue) -> anyhow::Result<Vec<Order>> {
    if let Some(file) = &args.csr {
        if args.names.len() > 1 {
            bail!("--csr is for one identity; {} names are given", args.names.len());
        }
        let bytes = books::read(file).with_context(|| shown(file))?;
        let name = args.names.first().map(String::as_str);
        let request = Request::read(&bytes, name, &args.subject).with_context(|| shown(file))?;
        let row = Row { line: 0, subject: request.subject, days: None };
        return Ok(vec![Order { row, public: Some(request.public) }]);
    }
    args.names
        .iter()
        .map(|name| {
            let subject = Subject::client(name, &args.subject).with_context(|| format!("{name:?}"))?;
            Ok(Order { row: Row { line: 0, subject, days: None }, public: None })
        })
        .collect()
}

fn orders_of(
    args: &args::Issue,
    named: &[Order],
    take: &mut dyn FnMut(Order) -> Result<(), IssueError>,
) -> Result<(), IssueError> {
    let Some(from) = &args.from else {
        return named.iter().cloned().try_for_each(take);
    };
    let io = |e| ListError { file: from.clone(), line: 0, what: ListFlaw::Io(e) };
    let reader = BufReader::with_capacity(1 << 16, books::open(from).map_err(io)?);
    list::each(from, reader, &args.subject, &mut |row| take(Order { row, public: None }))
}

/// What a device has to trust lies beside its certificate, unless something is there already.
fn trust_file(out: &Path, der: &[u8]) -> anyhow::Result<()> {
    let path = out.join("ca.crt");
    match books::create_new(&path, &pem::file("CERTIFICATE", der), 0o644) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e).with_context(|| shown(&path)),
        _ => Ok(()),
    }
}

fn refused(error: &IssueError, output: &Output) -> String {
    let IssueError::Refused(some, count) = error else { return String::new() };
    if output.format != Format::Json {
        return format!("{error}\n");
    }
    let each = |r: &mass::Refusal| json!({"line": (r.line > 0).then_some(r.line), "name": escape(&r.identity), "why": r.why});
    line(&json!({
        "schema": "mqttcert.issue/1",
        "result": "refused",
        "issued": 0,
        "refused": count,
        "refusals": some.iter().map(each).collect::<Vec<_>>(),
    }))
}

fn as_json(args: &args::Issue, s: &Summary, ledger: &Path) -> Value {
    let stream = args.out == Path::new("-");
    let file = |path: &Path, suffix: &str| (!stream).then(|| shown(&args.out.join(path)) + suffix);
    let each = s.first.iter().map(|(name, serial, end, path)| {
        json!({
            "name": escape(name),
            "serial": serial,
            "not_after": time(*end),
            "certificate": file(path, ".crt"),
            "key": file(path, ".key").filter(|_| args.csr.is_none()),
        })
    });
    json!({
        "schema": "mqttcert.issue/1",
        "result": if s.issued > 0 { "issued" } else { "nothing-to-do" },
        "issued": s.issued,
        "skipped": s.skipped,
        "shortened": s.shortened,
        "out": shown(&args.out),
        "ledger": shown(ledger),
        "certificates": each.collect::<Vec<_>>(),
        "certificates_complete": s.issued <= s.first.len() as u64,
    })
}

fn human(args: &args::Issue, s: &Summary, ledger: &Path) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let _ = match (s.issued, s.skipped) {
        (0, n) => writeln!(out, "nothing to do: {n} issued before"),
        (n, 0) => writeln!(out, "issued   {n}"),
        (n, before) => writeln!(out, "issued   {n}, and {before} before"),
    };
    let stream = args.out == Path::new("-");
    for (name, serial, end, path) in s.first.iter().take(if s.issued > 10 { 3 } else { 10 }) {
        let files = match (stream, args.csr.is_some()) {
            (true, _) => String::new(),
            (_, true) => format!("   {}.crt", shown(&args.out.join(path))),
            _ => format!("   {0}.crt  {0}.key", shown(&args.out.join(path))),
        };
        let _ = writeln!(out, "         {}   until {}   serial {serial}{files}", escape(name), end.date());
    }
    if s.issued > 10 {
        let _ = writeln!(out, "         …");
    }
    if s.shortened > 0 {
        let _ = writeln!(
            out,
            "note     {} end with the CA, earlier than asked; `mqttcert ca renew`",
            s.shortened
        );
    }
    let _ = writeln!(out, "ledger   {}", shown(ledger));
    if s.issued > 0 {
        let _ = writeln!(
            out,
            "next     a listener with require_certificate true and use_identity_as_username true sees each as its user"
        );
    }
    out
}

/// A bar on a terminal, at most ten times a second.
struct Bar {
    on: bool,
    shown: Option<Instant>,
    start: Instant,
}

impl Bar {
    fn new(output: &Output) -> Self {
        Self { on: !output.quiet && io::stderr().is_terminal(), shown: None, start: Instant::now() }
    }

    fn show(&mut self, done: u64, total: u64) {
        const WIDTH: u64 = 30;
        let due = self.shown.is_none_or(|at| at.elapsed() > Duration::from_millis(100));
        if !self.on || total < 2 || !due {
            return;
        }
        self.shown = Some(Instant::now());
        let full = (done.min(total) * WIDTH / total.max(1)) as usize;
        let bar: String = (0..WIDTH as usize).map(|i| if i < full { '█' } else { '░' }).collect();
        let rate = done as f64 / self.start.elapsed().as_secs_f64().max(0.001);
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r{bar} {done}/{total}   {rate:.0}/s ");
        let _ = err.flush();
    }

    fn end(&mut self) {
        if self.shown.take().is_some() {
            // Clears the line: the answer says it all.
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

//! `mqttcert init`

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use ring::rand::SystemRandom;
use serde_json::json;

use mqttcert::ca::crl::{self, CrlPlan};
use mqttcert::ca::founding::{self, FoundingError, Needed};
use mqttcert::ca::server::{ServerCertificate, Validity, sign_server};
use mqttcert::ca::subject::Subject;
use mqttcert::ca::{FileSigner, KeyKind, Signer, encrypt, fresh, pem, root, signer};
use mqttcert::cert::Certificate;
use mqttcert::deployment::{self, Deployment};
use mqttcert::disk::together::{self, NewFile};
use mqttcert::name::{San, escape};
use mqttcert::secret::Secret;

use super::ca_show::random_serial;
use crate::args::{self, Format, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;
use crate::render::json::{line, time};
use crate::secrets;

/// The life of the first CRL, where a listener reads one.
const CRL_DAYS: i64 = 30;
/// What a run that is stopped leaves beside the CA's key, so that the next one ends it.
const NOTE: &str = ".mqttcert-init";
/// The CA's life.
const CA_DAYS: u32 = 3650;

/// Makes a CA and a server certificate.
pub fn run(args: &args::Init, output: &Output) -> anyhow::Result<Answer> {
    if !matches!(output.format, Format::Human | Format::Json) {
        bail!("init speaks human and json");
    }
    inputs::refuse_now(output)?;
    secrets::guard();
    let now = inputs::now(output);
    let key_file = args.inputs.ca_key.clone().unwrap_or_else(|| below(&args.dir, "ca/ca.key"));
    let home = key_file.parent().unwrap_or(Path::new("")).to_owned();
    let note = home.join(NOTE);
    if let Some(files) = together::finish(&note)? {
        return Ok(Answer::new(resumed(&files, output.format), Outcome::Holds));
    }
    let deployment = deployment(args, output)?;
    if let Some(service) = founding::mounted_in(&deployment, &key_file) {
        return Err(FoundingError::Mounted(key_file, service).into());
    }
    let needed = needed(args, &deployment)?;
    let names = founding::names(&deployment);
    let Some((first, _)) = names.first() else { return Err(FoundingError::NoNames.into()) };

    let rng = SystemRandom::new();
    let kind: KeyKind = args.key_type.into();
    let ca_key = fresh::generate(kind, &rng)?;
    let signer = FileSigner::from_pkcs8(&Secret::new(ca_key.pkcs8.to_vec()))?;
    let subject = Subject::new(&ca_name(&args.dir), &[])?;
    let ca_der = root::make(&subject.der(), CA_DAYS, now, &random_serial(&rng)?, &signer)?;
    let ca = Certificate::from_der(&ca_der)?;
    let ca_pem = pem::file("CERTIFICATE", &ca_der);
    let key_pem = if args.encrypt_ca_key {
        let passphrase = inputs::passphrase(&args.inputs, &key_file)?;
        if passphrase.expose().is_empty() {
            bail!("an empty passphrase protects nothing; leave --encrypt-ca-key out, or give one");
        }
        pem::file("ENCRYPTED PRIVATE KEY", &encrypt::encrypt(&ca_key.pkcs8, &passphrase)?)
    } else {
        pem::file("PRIVATE KEY", &ca_key.pkcs8)
    };

    let plain =
        |path: PathBuf, content: &[u8]| NewFile { path, content: content.to_vec(), mode: 0o644, owner: None };
    let mut files = vec![
        NewFile { path: key_file.clone(), content: key_pem, mode: 0o600, owner: None },
        plain(home.join("ca.crt"), &ca_pem),
        plain(home.join("index.txt"), b""),
        plain(home.join("index.txt.attr"), b"unique_subject = no\n"),
        plain(home.join("crlnumber"), b"01\n"),
        plain(home.join("serial"), serial_file(&random_serial(&rng)?).as_bytes()),
        plain(home.join(".gitignore"), b"*.key\n"),
    ];
    let root_user = rustix::process::geteuid().is_root();
    let mut trust = founding::trust_files(&deployment);
    for pair in &needed {
        files.extend(server(pair, &names, (&ca, &signer), args, now, root_user)?);
        let beside = pair.certificate.with_file_name("ca.crt");
        if trust.is_empty() && !trust.contains(&beside) {
            trust.push(beside);
        }
    }
    let taken: Vec<PathBuf> = files.iter().map(|f| f.path.clone()).collect();
    trust.retain(|p| !taken.contains(p));
    files.extend(trust.iter().map(|p| plain(p.clone(), &ca_pem)));
    // Mosquitto does not start without the file that crlfile names.
    let crls = founding::crl_files(&deployment);
    let crl_until = now.saturating_add(::time::Duration::days(CRL_DAYS));
    if !crls.is_empty() {
        let plan = CrlPlan {
            issuer: ca.subject().der(),
            key_id: ca.subject_key_id(),
            number: &[1],
            this_update: now,
            next_update: crl_until,
        };
        let crl = pem::file("X509 CRL", &crl::build(&plan, &[], &signer)?);
        files.extend(crls.iter().map(|p| plain(p.clone(), &crl)));
        if let Some(number) = files.iter_mut().find(|f| f.path.ends_with("crlnumber")) {
            number.content = b"02\n".to_vec();
        }
    }
    together::make(&note, &files).map_err(FoundingError::from)?;

    let shown: Vec<String> = names.iter().map(|(n, _)| escape(n)).collect();
    let text = match output.format {
        Format::Json => line(&json!({
            "schema": "mqttcert.init/1",
            "ca": {"certificate": show(&home.join("ca.crt")), "key": show(&key_file), "encrypted": args.encrypt_ca_key,
                   "ledger": show(&home.join("index.txt")), "key_type": kind.as_str()},
            "servers": needed.iter().map(|n| json!({"certificate": show(&n.certificate), "key": show(&n.key)}))
                .collect::<Vec<_>>(),
            "trust": trust.iter().map(|p| show(p)).collect::<Vec<_>>(),
            "crls": crls.iter().map(|p| json!({"file": show(p), "next_update": time(crl_until)})).collect::<Vec<_>>(),
            "names": shown,
        })),
        _ => human(&Made {
            home: &home,
            key: &key_file,
            needed: &needed,
            trust: &trust,
            crls: &crls,
            crl_until,
            names: &shown,
            first,
            listener: founding::first_listener(&deployment),
            root_user,
            args,
        }),
    };
    Ok(Answer::new(text, Outcome::Holds))
}

/// An earlier run was stopped after it had made everything; what it made has its names now.
fn resumed(files: &[PathBuf], format: Format) -> String {
    let shown: Vec<String> = files.iter().map(|p| show(p)).collect();
    match format {
        Format::Json => line(&json!({"schema": "mqttcert.init/1", "resumed": true, "files": shown})),
        _ => {
            let files: String = shown.iter().map(|p| format!("         {p}\n")).collect();
            format!(
                "ended    a run of init that was stopped; these files are whole and in place now:\n{files}"
            )
        }
    }
}

fn show(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

fn below(dir: &Path, path: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(path) } else { dir.join(path) }
}

/// The project; a folder with nothing in it is one whose names come from flags.
fn deployment(args: &args::Init, output: &Output) -> anyhow::Result<Deployment> {
    // Files that are to be made are not there to be read.
    let mut given = inputs::given(&args.inputs, output)?;
    (given.cert, given.key, given.ca, given.ca_key) = (None, None, None, None);
    let tree = inputs::tree(&args.inputs, &args.dir)?;
    match deployment::discover(&tree, &args.dir, &given) {
        Ok(found) => Ok(found),
        Err(_) if !given.names.is_empty() && args.inputs.compose.is_empty() && args.inputs.conf.is_none() => {
            let clients = given.names.iter().map(|n| named(&n.name)).collect();
            Ok(Deployment { dir: args.dir.clone(), clients, ..Deployment::default() })
        }
        Err(deployment::DiscoverError::Nothing { dir }) => bail!(
            "{}: no compose file and no mosquitto.conf below; name them by -f or --conf, or tell by --name NAME (repeat) \
             what the clients dial",
            show(&dir)
        ),
        Err(e) => Err(e.into()),
    }
}

fn named(name: &mqttcert::name::PeerName) -> deployment::Client {
    deployment::Client {
        service: None,
        name: name.clone(),
        port: None,
        place: None,
        via: deployment::VIA_NAME,
        transport: deployment::Transport::Tls,
        verifies_name: None,
        trust: deployment::Trust::Unknown,
        flag: None,
        stacks: Vec::new(),
        stack_evidence: None,
        client_certificate: None,
        pins_tls_1_2: None,
        user: None,
        broker: None,
        broker_port: None,
    }
}

/// Flags win over what the configuration names.
fn needed(args: &args::Init, deployment: &Deployment) -> anyhow::Result<Vec<Needed>> {
    let Some(certificate) = &args.inputs.cert else { return Ok(founding::needed(deployment)?) };
    Ok(vec![Needed {
        key: args.inputs.key.clone().unwrap_or_else(|| certificate.with_extension("key")),
        certificate: certificate.clone(),
        uid: deployment.brokers.first().and_then(|b| b.service.as_ref().map(|_| b.uid)),
        configured: true,
    }])
}

fn ca_name(dir: &Path) -> String {
    let full = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let name = full.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c)).take(40).collect();
    match plain.trim() {
        "" => "MQTT CA".to_owned(),
        name => format!("{name} MQTT CA"),
    }
}

fn serial_file(serial: &[u8]) -> String {
    mqttcert::ca::serial::serial_hex(serial) + "\n"
}

fn server(
    pair: &Needed,
    names: &[(String, San)],
    (ca, ca_signer): (&Certificate, &FileSigner),
    args: &args::Init,
    now: ::time::OffsetDateTime,
    root_user: bool,
) -> anyhow::Result<Vec<NewFile>> {
    let rng = SystemRandom::new();
    let kind: KeyKind = args.key_type.into();
    let key = fresh::generate(kind, &rng)?;
    let spki = signer::spki_of(kind.spki_algorithm(), &key.public);
    let common = names.iter().map(|(n, _)| n.as_str()).find(|n| n.chars().count() <= 64).unwrap_or("mqtt");
    let subject = Subject::new(common, &[])?.der();
    let sans: Vec<San> = names.iter().map(|(_, s)| s.clone()).collect();
    let Some(validity) = Validity::of(now, args.days, ca) else {
        bail!("the clock lies outside the CA's life")
    };
    let what = ServerCertificate {
        subject: &subject,
        spki: &spki,
        sans: &sans,
        validity,
        serial: &random_serial(&rng)?,
    };
    let der = sign_server(&what, ca, ca_signer)?;
    if mqttcert::cert::signature::verify(ca_signer.spki_der(), &Certificate::from_der(&der)?)
        != mqttcert::cert::signature::Check::Good
    {
        bail!("the fresh server certificate does not verify; nothing was made");
    }
    // The broker drops root before it reads the key: the key has to be its own.
    let uid = pair.uid.or_else(system_mosquitto);
    let owner = uid.filter(|_| root_user).map(|uid| (uid, uid));
    Ok(vec![
        NewFile { path: pair.key.clone(), content: pem::file("PRIVATE KEY", &key.pkcs8), mode: 0o600, owner },
        NewFile {
            path: pair.certificate.clone(),
            content: pem::file("CERTIFICATE", &der),
            mode: 0o644,
            owner,
        },
    ])
}

/// The user that a Mosquitto outside a container becomes.
fn system_mosquitto() -> Option<u32> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|l| l.strip_prefix("mosquitto:")?.split(':').nth(1)?.parse().ok())
}

struct Made<'a> {
    home: &'a Path,
    key: &'a Path,
    needed: &'a [Needed],
    trust: &'a [PathBuf],
    crls: &'a [PathBuf],
    crl_until: ::time::OffsetDateTime,
    names: &'a [String],
    first: &'a str,
    listener: Option<(u16, bool)>,
    root_user: bool,
    args: &'a args::Init,
}

fn human(m: &Made<'_>) -> String {
    let mut out = String::new();
    let sealed = if m.args.encrypt_ca_key { "encrypted" } else { "mode 0600" };
    let _ = writeln!(out, "ca       {}   10 years", show(&m.home.join("ca.crt")));
    let _ = writeln!(
        out,
        "         {}   {sealed}, outside every mount: keep a copy elsewhere, commit it nowhere",
        show(m.key)
    );
    let _ = writeln!(out, "ledger   {}", show(&m.home.join("index.txt")));
    for pair in m.needed {
        let _ =
            writeln!(out, "server   {}  {}   {} days", show(&pair.certificate), show(&pair.key), m.args.days);
    }
    let _ = writeln!(out, "names    {}", m.names.join("  "));
    for path in m.trust {
        let _ = writeln!(out, "trust    {}", show(path));
    }
    for path in m.crls {
        let _ = writeln!(
            out,
            "crl      {}   empty, until {}: renew it before by `mqttcert ca crl`, or every client is refused",
            show(path),
            m.crl_until.date()
        );
    }
    for pair in m.needed.iter().filter(|p| !p.configured) {
        let folder = show(pair.certificate.parent().unwrap_or(Path::new(".")));
        let _ = writeln!(
            out,
            "next     no listener speaks TLS yet. Mount {folder} into the broker at /mosquitto/certs, and write:\n\
             \u{20}          listener 8883\n           cafile /mosquitto/certs/ca.crt\n           \
             certfile /mosquitto/certs/server.crt\n           keyfile /mosquitto/certs/server.key"
        );
    }
    if !m.root_user {
        for (uid, pair) in m.needed.iter().filter_map(|p| Some((p.uid?, p))) {
            let _ = writeln!(
                out,
                "next     sudo chown {uid} {}     the broker reads it as this user",
                show(&pair.key)
            );
        }
    }
    let (port, requires) = m.listener.unwrap_or((8883, false));
    let (host, trust) =
        (escape(m.first), show(m.trust.first().map_or(Path::new("ca.crt"), PathBuf::as_path)));
    let (before, with) = if requires {
        (", and `mqttcert issue probe`", " --cert clients/probe.crt --key clients/probe.key")
    } else {
        ("", "")
    };
    let _ = writeln!(
        out,
        "next     start the broker{before}, then: mosquitto_sub -h {host} -p {port} --cafile {trust}{with} -t '#'"
    );
    out
}

//! What the clients did, the file that keeps it, and the comparison with the verdict.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use mqttcert::cert::strict::{Deviation, Field, Kind};
use mqttcert::cert::{Certificate, pem};
use mqttcert::judgement::{Judgement, ReasonCode};
use mqttcert::name::PeerName;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented};
use mqttcert_fixtures::CLOCK;

use crate::recipes::Case;

/// One client's answers, by case and name as [`shown`].
pub struct Table {
    stack: StackId,
    version: String,
    answers: HashMap<(String, String), bool>,
    errors: Vec<String>,
}

impl Table {
    pub fn new(stack: StackId, version: &str) -> Table {
        Table { stack, version: version.to_owned(), answers: HashMap::new(), errors: Vec::new() }
    }

    pub fn enter(&mut self, case: &str, name: Option<&str>, answer: Result<bool, String>) {
        match answer {
            Ok(accepts) => drop(self.answers.insert((case.to_owned(), shown(name)), accepts)),
            Err(why) => self.errors.push(format!("{case} {}: {}", shown(name), why.trim())),
        }
    }
}

/// Everything that was measured.
pub struct Results<'a> {
    cases: Vec<(&'a Case, Verdicts)>,
    tables: Vec<Table>,
}

impl<'a> Results<'a> {
    pub fn new(cases: impl Iterator<Item = &'a Case>, tables: Vec<Table>) -> Results<'a> {
        let stacks: Vec<StackId> = tables.iter().map(|t| t.stack).collect();
        Results { cases: cases.map(|case| (case, verdicts(case, &stacks))).collect(), tables }
    }

    /// An earlier run with these answers in it: a column for each of `columns`, a line for each of `cases`.
    pub fn merged_into<'b>(
        &self,
        before: &str,
        cases: impl Iterator<Item = &'b Case>,
        columns: &[(StackId, String)],
    ) -> Results<'b> {
        let mut old = Results::read(before, std::iter::empty()).tables;
        let table = |(stack, version): &(StackId, String)| {
            let mut table = Table::new(*stack, version);
            let earlier = old.iter_mut().find(|t| t.stack == *stack);
            table.answers = earlier.map(|t| std::mem::take(&mut t.answers)).unwrap_or_default();
            let now = self.tables.iter().filter(|t| t.stack == *stack);
            table.answers.extend(now.flat_map(|t| t.answers.clone()));
            table
        };
        Results {
            tables: columns.iter().map(table).collect(),
            cases: cases.map(|c| (c, Verdicts::new())).collect(),
        }
    }

    /// What an earlier run of everything wrote.
    pub fn read(text: &str, cases: impl Iterator<Item = &'a Case>) -> Results<'a> {
        let columns = text.lines().filter_map(|l| l.strip_prefix("# ")).filter_map(|l| {
            let mut words = l.split_whitespace();
            words.next()?.parse::<usize>().ok()?;
            words.next()?.parse::<StackId>().ok()
        });
        let mut tables: Vec<Table> = columns.map(|stack| Table::new(stack, "as in results.txt")).collect();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let mut parts = line.splitn(3, "  ");
            let (letters, case, name) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            for (table, letter) in tables.iter_mut().zip(letters.chars()) {
                if letter != '.' {
                    table.answers.insert((case.to_owned(), name.to_owned()), letter == 'A');
                }
            }
        }
        Results::new(cases, tables)
    }

    /// The file: versions, then a line per case and name with one letter per stack.
    pub fn text(&self, missing: &[(StackId, String)]) -> String {
        let mut out = String::from(
            "# What real clients did with each case; written by `make conformance`, never edited.\n\
             # A accepts, r refuses, . was not asked. The columns are the stacks in this order:\n",
        );
        for (number, table) in self.tables.iter().enumerate() {
            out += &format!("# {:2} {:<15} {}\n", number + 1, table.stack.as_str(), table.version);
        }
        for (stack, why) in missing {
            out += &format!("#  - {:<15} not run: {why}\n", stack.as_str());
        }
        for (case, _) in &self.cases {
            for name in names(case) {
                let letters: String = self
                    .tables
                    .iter()
                    .map(|t| match t.answers.get(&(case.id.clone(), shown(name))) {
                        Some(true) => 'A',
                        Some(false) => 'r',
                        None => '.',
                    })
                    .collect();
                out += &format!("{letters}  {}  {}\n", case.id, shown(name));
            }
        }
        out
    }

    /// What differs from the verdict without an explanation in `known`, which clients could not be asked, and, if
    /// everything was run, which explanations no longer explain anything.
    pub fn differences(&self, known: &Path, everything: bool) -> Vec<String> {
        let mut known = Known::read(known);
        let mut out = Vec::new();
        for table in &self.tables {
            out.extend(table.errors.iter().map(|e| format!("{}: could not be asked: {e}", table.stack)));
            for (case, verdicts) in &self.cases {
                for name in names(case) {
                    let Some(real) = table.answers.get(&(case.id.clone(), shown(name))) else {
                        continue;
                    };
                    let ours = &verdicts[&(table.stack, name.map(str::to_owned))];
                    let agrees = match ours {
                        Judgement::Accept { .. } => *real,
                        // The clients were asked through a server that sends anything; no Mosquitto starts with it.
                        Judgement::Refuse(reasons)
                            if reasons.iter().any(|r| r.code == ReasonCode::BrokerDoesNotStart) =>
                        {
                            true
                        }
                        Judgement::Refuse(_) => !*real,
                        Judgement::Unknown(_) => true,
                    };
                    if !agrees && !known.explains(table.stack, &case.id, name) {
                        let real = if *real { "accepts" } else { "refuses" };
                        out.push(format!(
                            "{}  {}  {}  client {real}, verdict {ours:?}",
                            table.stack,
                            case.id,
                            shown(name)
                        ));
                    }
                }
            }
        }
        if everything {
            out.extend(known.stale());
        }
        out
    }

    /// Stack, case, name and whether it accepted, of every case whose id starts with `prefix`.
    pub fn answers(&self, prefix: &str) -> Vec<(&'static str, String, String, bool)> {
        let of_table = |t: &Table| {
            let stack = t.stack.as_str();
            let all = t.answers.iter().filter(|((case, _), _)| case.starts_with(prefix));
            all.map(|((case, name), accepts)| (stack, case.clone(), name.clone(), *accepts))
                .collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(of_table).collect()
    }

    /// The deviations of form that a stack is said to know although none of the cases that were put to it has them.
    pub fn models_without_measurement(&self) -> Vec<(StackId, Deviation)> {
        let fields = Field::ALL.iter().flat_map(|field| Kind::ALL.iter().map(move |kind| (*field, *kind)));
        let all: Vec<Deviation> = fields.map(|(field, kind)| Deviation { field, kind }).collect();
        let found = |case: &Case| -> Vec<Deviation> {
            let trusted = pem::scan(&case.trust).into_iter().filter_map(|block| block.der);
            let ders = case.chain.iter().cloned().chain(trusted);
            let certs = ders.filter_map(|der| Certificate::from_der(&der).ok());
            certs.flat_map(|c| c.deviations().to_vec()).collect()
        };
        let cases: Vec<(&str, Vec<Deviation>)> =
            self.cases.iter().map(|(case, _)| (case.id.as_str(), found(case))).collect();
        let mut out = Vec::new();
        for table in &self.tables {
            let asked: HashSet<&str> = table.answers.keys().map(|(case, _)| case.as_str()).collect();
            let met: HashSet<Deviation> = cases
                .iter()
                .filter(|(id, _)| asked.contains(id))
                .flat_map(|(_, d)| d.iter().copied())
                .collect();
            let known = |d: &&Deviation| mqttcert::stacks::models(mqttcert::stacks::stack(table.stack), **d);
            out.extend(all.iter().filter(known).filter(|d| !met.contains(d)).map(|d| (table.stack, *d)));
        }
        out
    }

    /// One line per stack: answers, agreement, unknown.
    pub fn summary(&self) -> String {
        let mut out = format!("{} cases, {} stacks\n", self.cases.len(), self.tables.len());
        for table in &self.tables {
            let (mut asked, mut unknown, mut wrong) = (0, 0, 0);
            for (case, verdicts) in &self.cases {
                for name in names(case) {
                    let Some(real) = table.answers.get(&(case.id.clone(), shown(name))) else {
                        continue;
                    };
                    asked += 1;
                    match &verdicts[&(table.stack, name.map(str::to_owned))] {
                        Judgement::Unknown(_) => unknown += 1,
                        Judgement::Refuse(r)
                            if r.iter().any(|r| r.code == ReasonCode::BrokerDoesNotStart) => {}
                        ours => wrong += usize::from(ours.is_accept() != *real),
                    }
                }
            }
            out += &format!(
                "{:<15} {asked:5} asked {wrong:4} differ {unknown:4} unknown   {}\n",
                table.stack.as_str(),
                table.version
            );
        }
        out
    }
}

/// The file without the answers of any stack that is not among these with the same version.
pub fn of_versions(text: &str, stacks: &[(StackId, String)]) -> String {
    let header = |l: &str| {
        let (number, rest) = l.strip_prefix("# ")?.trim_start().split_once(' ')?;
        number.parse::<usize>().ok()?;
        let (stack, version) = rest.split_once(' ')?;
        Some(stacks.iter().any(|(s, v)| s.as_str() == stack && v == version.trim_start()))
    };
    let stays: Vec<bool> = text.lines().filter_map(header).collect();
    let blank = |line: &str| {
        let letters = line.chars().zip(stays.iter().chain(std::iter::repeat(&true)));
        letters.map(|(letter, stays)| if *stays { letter } else { '.' }).collect::<String>() + "\n"
    };
    text.lines().map(|l| if l.starts_with('#') { format!("{l}\n") } else { blank(l) }).collect()
}

/// The names of a case, and the chain alone.
fn names(case: &Case) -> impl Iterator<Item = Option<&str>> {
    case.names.iter().map(|n| Some(n.as_str())).chain([None])
}

fn shown(name: Option<&str>) -> String {
    name.map_or_else(
        || "(chain)".to_owned(),
        |n| if n.len() > 60 { format!("{}…", &n[..60]) } else { n.to_owned() },
    )
}

/// What the verdict says of a case, by stack and name.
type Verdicts = HashMap<(StackId, Option<String>), Judgement>;

fn verdicts(case: &Case, stacks: &[StackId]) -> Verdicts {
    let certfile = case.certfile();
    let presented = Presented { certfile: &certfile, completion: &[], trust: &case.trust };
    let evaluation = Evaluation::new(presented, CLOCK);
    let mut out = Verdicts::new();
    for stack in stacks {
        for name in names(case) {
            let judgement = match name {
                Some(text) => evaluation.verify(*stack, &PeerName::parse(text).unwrap()),
                None => evaluation.chain_only(*stack, None),
            };
            out.insert((*stack, name.map(str::to_owned)), judgement);
        }
    }
    out
}

/// Two generations of the same cases get the same verdicts from every stack.
pub fn same_verdicts(first: &[Case], second: &[Case]) {
    let mut differ = Vec::new();
    for (a, b) in first.iter().zip(second) {
        assert_eq!(a.id, b.id);
        let other = verdicts(b, StackId::ALL);
        for ((stack, name), one) in verdicts(a, StackId::ALL) {
            let other = &other[&(stack, name.clone())];
            if one.as_str() != other.as_str() {
                differ.push(format!("{stack}  {}  {}: {one:?} and {other:?}", a.id, shown(name.as_deref())));
            }
        }
    }
    assert!(differ.is_empty(), "{} verdicts changed:\n{}", differ.len(), differ.join("\n"));
}

/// The explained divergences: `STACK  CASE  NAME or (chain) or *  reason`; a trailing `*` in CASE stands for anything.
struct Known {
    entries: Vec<(String, String, String)>,
    used: BTreeMap<usize, usize>,
}

impl Known {
    fn read(file: &Path) -> Known {
        let text = fs::read_to_string(file).unwrap_or_default();
        let entries = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
            .map(|line| {
                let mut words = line.splitn(4, "  ").map(|w| w.trim().to_owned());
                let mut next = || words.next().unwrap_or_default();
                let entry = (next(), next(), next());
                assert!(!next().is_empty(), "{}: an entry without a reason: {line}", file.display());
                entry
            })
            .collect();
        Known { entries, used: BTreeMap::new() }
    }

    fn explains(&mut self, stack: StackId, case: &str, name: Option<&str>) -> bool {
        let fits = |(s, c, n): &(String, String, String)| {
            let case_fits = c.strip_suffix('*').map_or(c == case, |start| case.starts_with(start));
            s == stack.as_str() && case_fits && (n == "*" || *n == shown(name))
        };
        let Some(at) = self.entries.iter().position(fits) else { return false };
        *self.used.entry(at).or_default() += 1;
        true
    }

    fn stale(&self) -> Vec<String> {
        let unused = (0..self.entries.len()).filter(|i| !self.used.contains_key(i));
        unused.map(|i| format!("known.txt: no longer occurs: {:?}", self.entries[i])).collect()
    }
}

//! What the threads do: keys, signatures, files.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, mpsc};

use ring::rand::SystemRandom;
use time::OffsetDateTime;

use super::{IssueError, Plan, SINGLY};
use crate::ca::fresh;
use crate::ca::pem;
use crate::ca::pending::{Item, with_suffix};
use crate::ca::signer::SignError;
use crate::ca::template::{ClientTemplate, Fill, SERIAL_LEN, Serial};
use crate::disk::books::OutFolder;

/// About how long a record of a stream is with keys on P-256: only to ask for memory once.
const RECORD: usize = 1024;

/// An order with everything that the main thread decides.
pub(super) struct Ready {
    pub(super) item: Item,
    pub(super) identity: String,
    pub(super) subject: Vec<u8>,
    pub(super) not_before: OffsetDateTime,
    pub(super) public: Option<(Vec<u8>, Vec<u8>)>,
}

/// A piece of work: its batch, its place there.
pub(super) type Slice = (u64, usize, Vec<Ready>);

/// The certificates of one slice.
pub(super) struct Made {
    pub(super) batch: u64,
    pub(super) at: usize,
    pub(super) count: usize,
    /// For a stream: the records one after the other, and where each ends.
    pub(super) text: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

/// What the threads share.
pub(super) struct Shop<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) template: ClientTemplate,
    pub(super) rng: SystemRandom,
    pub(super) folder: Option<&'a OutFolder>,
    pub(super) intermediates: Vec<u8>,
    pub(super) queue: Mutex<mpsc::Receiver<Slice>>,
    pub(super) stop: AtomicBool,
}

impl Shop<'_> {
    pub(super) fn make(&self, (batch, at, slice): Slice) -> Result<Made, IssueError> {
        let singly = slice.len() <= SINGLY;
        let mut made = Made { batch, at, count: slice.len(), text: Vec::new(), ends: Vec::new() };
        if self.folder.is_none() {
            made.text.reserve(slice.len() * (RECORD + self.intermediates.len()));
            made.ends.reserve(slice.len());
        }
        let (mut key_pem, mut crt_pem) = (zeroize::Zeroizing::new(Vec::new()), Vec::new());
        for ready in &slice {
            key_pem.clear();
            crt_pem.clear();
            self.sign(ready, &mut key_pem, &mut crt_pem)?;
            match self.folder {
                Some(folder) => {
                    let write = |suffix: &str, bytes: &[u8], mode| {
                        let path = with_suffix(&ready.item.path, suffix);
                        folder
                            .create(&path, bytes, mode, singly)
                            .map_err(|e| IssueError::Write(folder.root().join(path), e, 0))
                    };
                    if ready.item.with_key {
                        write(".key", &key_pem, 0o600)?;
                    }
                    write(".crt", &crt_pem, 0o644)?;
                }
                None => {
                    made.text.extend_from_slice(b"# ");
                    made.text.extend_from_slice(crate::name::escape(&ready.identity).as_bytes());
                    made.text.push(b'\n');
                    made.text.extend_from_slice(&key_pem);
                    made.text.extend_from_slice(&crt_pem);
                    made.ends.push(made.text.len());
                }
            }
        }
        Ok(made)
    }

    fn sign(&self, ready: &Ready, key_pem: &mut Vec<u8>, crt_pem: &mut Vec<u8>) -> Result<(), IssueError> {
        let fresh = match ready.public {
            Some(_) => None,
            None => Some(fresh::generate(self.plan.kind, &self.rng)?),
        };
        let (algorithm, key) = match (&fresh, &ready.public) {
            (Some(fresh), _) => (self.plan.kind.spki_algorithm(), fresh.public.as_slice()),
            (None, Some((algorithm, key))) => (algorithm.as_slice(), key.as_slice()),
            (None, None) => return Err(SignError::Failed("no key".into()).into()),
        };
        let mut serial: Serial = [0; SERIAL_LEN];
        serial.iter_mut().zip(&ready.item.entry.serial).for_each(|(to, from)| *to = *from);
        let fill = Fill {
            serial: &serial,
            not_before: ready.not_before,
            not_after: ready.item.entry.expires,
            subject: &ready.subject,
            key_algorithm: algorithm,
            key,
        };
        let der = self.template.sign(&fill, self.plan.authority.signer())?;
        if let Some(fresh) = &fresh {
            pem::block(key_pem, "PRIVATE KEY", &fresh.pkcs8);
        }
        pem::block(crt_pem, "CERTIFICATE", &der);
        crt_pem.extend_from_slice(&self.intermediates);
        Ok(())
    }
}

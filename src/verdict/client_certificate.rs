//! Whether the broker takes the certificate that a client shows, as far as the files tell: its dates, its purpose, and
//! that a CA of the listener's `cafile` signed it (OpenSSL 3, X509_verify_cert with the purpose of an SSL client). What
//! is not seen here leaves it to the rehearsal: revocation, security level, constraints of the CAs above.

use std::path::Path;
use std::rc::Rc;

use time::OffsetDateTime;

use crate::cert::extension::{CLIENT_AUTH, KeyUsage};
use crate::cert::signature::{self, Check};
use crate::cert::{self, Certificate};
use crate::deployment::{Host, HostFile};
use crate::judgement::ReasonCode;

use super::client::Without;

/// `Err` holds why it is refused, or why that cannot be told.
pub(super) fn judge(
    file: &HostFile,
    cafile: Option<&Path>,
    read: &dyn Fn(&Path) -> Result<Rc<[u8]>, Without>,
    now: OffsetDateTime,
) -> Result<(), Without> {
    let refuse = |why: String| Err(Without::refuse(ReasonCode::ClientCertificate, why));
    let path = match &file.host {
        Host::At(path) => path,
        Host::Missing(path) => {
            let why = format!("its client certificate {} is not there", path.display());
            return Err(Without::Unknown(why));
        }
        Host::Absent(why) | Host::Unknown(why) => {
            let why = format!("its client certificate {} cannot be seen: {why}", file.named.value);
            return Err(Without::Unknown(why));
        }
    };
    let shown = path.display();
    let sent = cert::load_pem(&read(path)?).unwrap_or_default();
    let Some(leaf) = sent.first() else {
        return Err(Without::Unknown(format!("no certificate can be read in {shown}")));
    };
    if let Some(end) = leaf.not_after().filter(|end| *end < now) {
        return refuse(format!("its client certificate {shown} ended on {}", end.date()));
    }
    if let Some(begin) = leaf.not_before().filter(|begin| *begin > now) {
        return refuse(format!("its client certificate {shown} begins on {}", begin.date()));
    }
    // OpenSSL takes anyExtendedKeyUsage for no purpose (crypto/x509/v3_purp.c, check_purpose_ssl_client).
    let is_client = |usages: &[Vec<u8>]| usages.iter().any(|usage| usage == CLIENT_AUTH);
    if leaf.extended_key_usage().is_some_and(|usages| !is_client(usages)) {
        return refuse(format!("its client certificate {shown} is not for clients (extended key usage)"));
    }
    let signs = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT;
    if leaf.key_usage().is_some_and(|usage| !usage.any(signs)) {
        return refuse(format!("the key of its client certificate {shown} may not sign (key usage)"));
    }
    let Some(cafile) = cafile else { return Ok(()) };
    let anchors = cert::load_pem(&read(cafile)?).unwrap_or_default();
    let mut issuers = sent.iter().skip(1).chain(&anchors).filter(|ca| ca.subject() == leaf.issuer());
    let signed = |ca: &Certificate| !matches!(signature::verify(ca.spki_der(), leaf), Check::Bad);
    if !anchors.is_empty() && !issuers.any(signed) {
        return refuse(format!("no CA in {} signed its client certificate {shown}", cafile.display()));
    }
    Ok(())
}

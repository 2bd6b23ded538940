//! `ciphers` and `ciphers_tls1.3`: whether OpenSSL 3.0 takes a list (ssl/ssl_ciph.c; measured with `openssl ciphers` of
//! Debian 12, which like the image's build has no 3DES, RC4, SEED or IDEA). Mosquitto does not start with one that it
//! does not take.

/// The five suites of TLS 1.3.
const TLS13: [&str; 5] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
];

/// Keywords that name at least one suite of TLS 1.2 or below.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "ALL", "COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "HIGH", "CBC", "FIPS",
    "RSA", "kRSA", "aRSA", "DH", "DHE", "EDH", "kDHE", "kEDH", "ADH", "ECDH", "ECDHE", "EECDH", "kECDHE", "kEECDH",
    "AECDH", "ECDSA", "aECDSA", "aDSS", "DSS", "aNULL", "eNULL", "NULL",
    "PSK", "kPSK", "kECDHEPSK", "kDHEPSK", "kRSAPSK", "aPSK", "SRP", "kSRP", "aSRP",
    "TLSv1", "TLSv1.0", "TLSv1.2", "SSLv3",
    "AES", "AES128", "AES256", "AESGCM", "AESCCM", "AESCCM8", "CHACHA20", "CAMELLIA", "CAMELLIA128", "CAMELLIA256",
    "ARIA", "ARIAGCM", "ARIA128", "ARIA256", "MD5", "SHA", "SHA1", "SHA256", "SHA384",
    "SUITEB128", "SUITEB128ONLY", "SUITEB128C2", "SUITEB192",
];

/// What the names of suites are made of.
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "ECDHE", "ECDSA", "RSA", "DHE", "DSS", "PSK", "SRP", "ADH", "AECDH", "NULL", "MD5", "SHA", "SHA256", "SHA384",
    "AES", "AES128", "AES256", "128", "256", "CBC", "GCM", "CCM", "CCM8", "CHACHA20", "POLY1305", "CAMELLIA128",
    "CAMELLIA256", "ARIA128", "ARIA256",
];

/// Whether a list of TLS 1.3 suites holds one that OpenSSL knows; what it does not know it passes over.
#[must_use]
pub fn is_tls13_list(list: &str) -> bool {
    list.split(':').any(|word| TLS13.contains(&word.trim()))
}

/// Whether OpenSSL takes a list and finds a suite of TLS 1.2 or below in it. What a later word strikes out is not
/// counted, so a list that strikes out everything it names is taken for good, but for a word that stands struck out
/// itself.
#[must_use]
pub fn is_cipher_list(list: &str) -> bool {
    let is_end = |c: char| matches!(c, ':' | ' ' | ';' | ',');
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '=' | '_');
    // `DEFAULT` counts at the head alone, whatever follows it.
    let (mut rest, mut added) = match list.strip_prefix("DEFAULT") {
        Some(rest) => (rest.trim_start_matches(is_end), vec!["DEFAULT"]),
        None => (list, Vec::new()),
    };
    let mut struck = Vec::new();
    loop {
        rest = rest.trim_start_matches(is_end);
        let Some(first) = rest.chars().next() else { break };
        let rule = matches!(first, '-' | '+' | '!' | '@').then_some(first);
        rest = rest.get(rule.map_or(0, char::len_utf8)..).unwrap_or_default();
        let (mut found, mut whole) = (true, "");
        let begin = rest;
        loop {
            let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(len);
            // What is neither a word nor between words ends the reading of the whole list.
            if word.is_empty() {
                return false;
            }
            rest = after;
            if rule == Some('@') {
                let level = word.strip_prefix("SECLEVEL=").map(|level| level.parse::<u8>());
                if word != "STRENGTH" && !matches!(level, Some(Ok(0..=5))) {
                    return false;
                }
                break;
            }
            let name = word.contains('-') && word.split('-').all(|part| PARTS.contains(&part));
            found &= name || KEYWORDS.contains(&word);
            whole = begin.get(..begin.len() - rest.len()).unwrap_or_default();
            match rest.strip_prefix('+') {
                Some(more) if found => rest = more,
                _ => break,
            }
        }
        match rule {
            None if found => added.push(whole),
            Some('!' | '-') if found => struck.push(whole),
            _ => {}
        }
        if !found {
            rest = rest.trim_start_matches(|c| !is_end(c));
        }
    }
    added.iter().any(|word| !struck.contains(word) && !struck.contains(&"ALL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as `openssl ciphers` of 3.0.19 answers.
    #[test]
    fn a_list_is_taken_as_openssl_takes_it() {
        for list in [
            "HIGH",
            "nonsense:HIGH",
            "HIGH:@STRENGTH",
            "HIGH:@SECLEVEL=2",
            "DEFAULT@SECLEVEL=1",
            "DEFAULTX",
            "ALL:!EXPORT",
            "ECDHE+AES:!x$y",
            "HIGH;!MD5",
            "ECDHE-RSA-AES128-GCM-SHA256,AES",
            "kEDH+AESGCM",
            "DHE-RSA-AES256-SHA:+HIGH",
            "ALL:TLS_AES_128_GCM_SHA256",
        ] {
            assert!(is_cipher_list(list), "{list}");
        }
        for list in [
            "",
            "nonsense",
            "a-b",
            "\"HIGH:!aNULL\"",
            "HIGH:!aNULL\"",
            "HIGH/MD5",
            "HIGH\\:",
            "!HIGH",
            "+HIGH",
            "HIGH:!HIGH",
            "@STRENGTH",
            "HIGH:@SECLEVEL=9",
            "HIGH:@NOPE",
            "TLS_AES_256_GCM_SHA384",
            "ecdhe-rsa-aes128-gcm-sha256",
            "RC4",
            "3DES",
            "MEDIUM",
            "RSA+nonsense",
            "TLSv1.3",
            "PROFILE=SYSTEM",
        ] {
            assert!(!is_cipher_list(list), "{list}");
        }
    }

    #[test]
    fn suites_of_tls_13_are_known_by_their_names() {
        for list in
            ["TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256:nonsense", " TLS_AES_128_GCM_SHA256 : x"]
        {
            assert!(is_tls13_list(list), "{list}");
        }
        for list in ["nonsense", ":", "HIGH", "\"TLS_AES_128_GCM_SHA256\"", "tls_aes_128_gcm_sha256"] {
            assert!(!is_tls13_list(list), "{list}");
        }
    }
}

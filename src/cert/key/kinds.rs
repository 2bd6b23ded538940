//! What a key, a cipher or a whole file is called, so that a refusal can name it.

/// The content octets of object identifiers that decide something.
pub(super) mod oid {
    pub(in super::super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(in super::super) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    pub(in super::super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(in super::super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(in super::super) const P384: &[u8] = &[0x2b, 0x81, 4, 0, 34];
    pub(in super::super) const ED25519: &[u8] = &[0x2b, 0x65, 112];
    pub(in super::super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    pub(in super::super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    pub(in super::super) const SCRYPT: &[u8] = &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11];
}

/// An object identifier in dots; what cannot be read ends with `?`.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut out = String::new();
    let mut value: u64 = 0;
    for (i, byte) in oid.iter().take(64).enumerate() {
        value = (value << 7 & 0x00ff_ffff_ffff_ffff) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if out.is_empty() {
            let first = (value / 40).min(2);
            out = format!("{first}.{}", value - first * 40);
        } else {
            out.push_str(&format!(".{value}"));
        }
        if i == 63 {
            out.push('?');
        }
        value = 0;
    }
    out
}

/// The kind of key behind an algorithm of PKCS#8.
pub(super) fn algorithm(oid: &[u8]) -> String {
    let dots = dotted(oid);
    match dots.as_str() {
        "1.2.840.113549.1.1.10" => "RSA-PSS".into(),
        "1.2.840.113549.1.1.7" => "RSA-OAEP".into(),
        "1.2.840.10040.4.1" => "DSA".into(),
        "1.2.840.113549.1.3.1" => "DH (Diffie-Hellman)".into(),
        "1.2.840.10046.2.1" => "X9.42 DH (Diffie-Hellman)".into(),
        "1.3.101.110" => "X25519".into(),
        "1.3.101.111" => "X448".into(),
        "1.3.101.113" => "Ed448".into(),
        "1.3.101.114" => "Ed25519ph".into(),
        "1.3.101.115" => "Ed448ph".into(),
        "1.3.132.1.12" => "ECDH-only EC".into(),
        "1.3.132.1.13" => "ECMQV-only EC".into(),
        "1.2.156.10197.1.302" => "SM9".into(),
        "1.3.14.7.2.1.1" => "ElGamal".into(),
        "1.2.840.113549.1.9.16.3.17" => "HSS/LMS".into(),
        "1.2.643.7.1.1.1.1" | "1.2.643.7.1.1.1.2" | "1.2.643.2.2.19" => "GOST R 34.10".into(),
        d if d.starts_with("2.16.840.1.101.3.4.3.") => {
            format!("post-quantum signature (ML-DSA or SLH-DSA, {d})")
        }
        d if d.starts_with("2.16.840.1.101.3.4.4.") => format!("ML-KEM ({d})"),
        d => format!("of the unknown kind {d}"),
    }
}

/// The name of a curve.
pub(super) fn curve(oid: &[u8]) -> String {
    let dots = dotted(oid);
    match dots.as_str() {
        "1.3.132.0.35" => "P-521 (secp521r1)".into(),
        "1.3.132.0.33" => "P-224 (secp224r1)".into(),
        "1.2.840.10045.3.1.1" => "P-192 (prime192v1)".into(),
        "1.3.132.0.10" => "secp256k1".into(),
        "1.2.156.10197.1.301" => "SM2".into(),
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1".into(),
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1".into(),
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1".into(),
        d => format!("elliptic curve {d}"),
    }
}

/// The name of a password-based encryption, and whether OpenSSL 3 needs its legacy provider for it.
pub(super) fn encryption(oid: &[u8]) -> (String, bool) {
    let dots = dotted(oid);
    let (name, legacy) = match dots.as_str() {
        "1.2.840.113549.1.5.1" => ("PBES1 pbeWithMD2AndDES-CBC", true),
        "1.2.840.113549.1.5.3" => ("PBES1 pbeWithMD5AndDES-CBC", true),
        "1.2.840.113549.1.5.4" => ("PBES1 pbeWithMD2AndRC2-CBC", true),
        "1.2.840.113549.1.5.6" => ("PBES1 pbeWithMD5AndRC2-CBC", true),
        "1.2.840.113549.1.5.10" => ("PBES1 pbeWithSHA1AndDES-CBC", true),
        "1.2.840.113549.1.5.11" => ("PBES1 pbeWithSHA1AndRC2-CBC", true),
        "1.2.840.113549.1.12.1.1" => ("PBES1 (PKCS#12) pbeWithSHA1And128BitRC4", true),
        "1.2.840.113549.1.12.1.2" => ("PBES1 (PKCS#12) pbeWithSHA1And40BitRC4", true),
        "1.2.840.113549.1.12.1.3" => ("PBES1 (PKCS#12) pbeWithSHA1And3-KeyTripleDES-CBC", false),
        "1.2.840.113549.1.12.1.4" => ("PBES1 (PKCS#12) pbeWithSHA1And2-KeyTripleDES-CBC", false),
        "1.2.840.113549.1.12.1.5" => ("PBES1 (PKCS#12) pbeWithSHA1And128BitRC2-CBC", true),
        "1.2.840.113549.1.12.1.6" => ("PBES1 (PKCS#12) pbeWithSHA1And40BitRC2-CBC", true),
        "2.16.840.1.101.3.4.1.1" => ("PBES2 with AES-128-ECB", false),
        "2.16.840.1.101.3.4.1.3" => ("PBES2 with AES-128-OFB", false),
        "2.16.840.1.101.3.4.1.4" => ("PBES2 with AES-128-CFB", false),
        "2.16.840.1.101.3.4.1.6" => ("PBES2 with AES-128-GCM", false),
        "2.16.840.1.101.3.4.1.21" => ("PBES2 with AES-192-ECB", false),
        "2.16.840.1.101.3.4.1.23" => ("PBES2 with AES-192-OFB", false),
        "2.16.840.1.101.3.4.1.24" => ("PBES2 with AES-192-CFB", false),
        "2.16.840.1.101.3.4.1.26" => ("PBES2 with AES-192-GCM", false),
        "2.16.840.1.101.3.4.1.41" => ("PBES2 with AES-256-ECB", false),
        "2.16.840.1.101.3.4.1.43" => ("PBES2 with AES-256-OFB", false),
        "2.16.840.1.101.3.4.1.44" => ("PBES2 with AES-256-CFB", false),
        "2.16.840.1.101.3.4.1.46" => ("PBES2 with AES-256-GCM", false),
        "1.2.840.113533.7.66.10" => ("PBES2 with CAST5-CBC", true),
        "1.3.6.1.4.1.3029.1.2" => ("PBES2 with Blowfish (BF-CBC)", true),
        "1.3.6.1.4.1.188.7.1.1.2" => ("PBES2 with IDEA-CBC", true),
        "1.2.410.200004.1.4" => ("PBES2 with SEED-CBC", true),
        "1.2.156.10197.1.104.2" => ("PBES2 with SM4-CBC", false),
        "1.2.840.113549.3.2" => ("PBES2 with RC2-CBC", true),
        "1.2.840.113549.3.9" => ("PBES2 with RC5-CBC", true),
        "1.3.14.3.2.7" => ("PBES2 with DES-CBC", true),
        "1.2.392.200011.61.1.1.1.2" => ("PBES2 with CAMELLIA-128-CBC", false),
        "1.2.392.200011.61.1.1.1.3" => ("PBES2 with CAMELLIA-192-CBC", false),
        "1.2.392.200011.61.1.1.1.4" => ("PBES2 with CAMELLIA-256-CBC", false),
        d if d.starts_with("1.2.410.200046.1.1.") => ("PBES2 with ARIA", false),
        d => return (format!("an encryption with the identifier {d}"), false),
    };
    (name.into(), legacy)
}

/// The name of a pseudo-random function of PBKDF2, by its identifier in dots.
pub(super) fn prf(dots: &str) -> String {
    match dots {
        "2.16.840.1.101.3.4.2.13" => "HMAC-SHA3-224".into(),
        "2.16.840.1.101.3.4.2.14" => "HMAC-SHA3-256".into(),
        "2.16.840.1.101.3.4.2.15" => "HMAC-SHA3-384".into(),
        "2.16.840.1.101.3.4.2.16" => "HMAC-SHA3-512".into(),
        "1.2.156.10197.1.401.2" | "1.2.156.10197.1.401.3.1" => "HMAC-SM3".into(),
        "1.2.643.2.2.10" => "HMAC GOST R 34.11-94".into(),
        "1.2.643.7.1.1.4.1" | "1.2.643.7.1.1.4.2" => "HMAC GOST R 34.11-2012".into(),
        d => format!("the function {d}"),
    }
}

/// Whether a cipher of `DEK-Info` is one that OpenSSL 3 keeps in its legacy provider (OSSL_PROVIDER-legacy(7)).
pub(super) fn is_legacy_cipher(name: &str) -> bool {
    ["DES-CBC", "DES-CFB", "DES-ECB", "DES-OFB", "DESX", "RC2", "RC4", "RC5", "BF-", "CAST5", "IDEA", "SEED"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// A name out of a file as an error may show it: not longer than any real one.
pub(super) fn short(name: &str) -> String {
    const MOST: usize = 60;
    match name.char_indices().nth(MOST) {
        None => name.to_owned(),
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or_default()),
    }
}

/// What a PEM block that holds no private key is.
pub(super) fn block(label: &str) -> String {
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => "a certificate".into(),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certificate request".into(),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key".into(),
        "X509 CRL" => "a revocation list (CRL)".into(),
        "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => "a PKCS#7 (CMS) bundle".into(),
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => "DH parameters".into(),
        "DSA PARAMETERS" => "DSA parameters".into(),
        "EC PARAMETERS" => "EC parameters without a key".into(),
        "AGE ENCRYPTED FILE" => "a file encrypted by age".into(),
        "PKCS#11 PROVIDER URI" => "the name of a key in a PKCS#11 token".into(),
        "TSS KEY BLOB" => "a TPM 1.2 key blob".into(),
        other => format!("a block {:?}", short(other)),
    }
}

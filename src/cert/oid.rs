//! Object identifiers of X.509 (content octets) that the readers and judges know.

/// Defines constants and the table behind [`label`].
macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $bytes:literal, $label:literal;)+) => {
        $($(#[$doc])* pub const $name: &[u8] = $bytes;)+

        /// The usual short name of an object identifier, if it has one here.
        #[must_use]
        pub fn label(oid: &[u8]) -> Option<&'static str> {
            $(if oid == $name { return Some($label); })+
            None
        }
    };
}

oids! {
    /// id-at-commonName.
    COMMON_NAME = b"\x55\x04\x03", "CN";
    /// id-at-surname.
    SURNAME = b"\x55\x04\x04", "SN";
    /// id-at-serialNumber.
    SERIAL_NUMBER = b"\x55\x04\x05", "serialNumber";
    /// id-at-countryName.
    COUNTRY = b"\x55\x04\x06", "C";
    /// id-at-localityName.
    LOCALITY = b"\x55\x04\x07", "L";
    /// id-at-stateOrProvinceName.
    STATE = b"\x55\x04\x08", "ST";
    /// id-at-streetAddress.
    STREET = b"\x55\x04\x09", "street";
    /// id-at-organizationName.
    ORGANIZATION = b"\x55\x04\x0a", "O";
    /// id-at-organizationalUnitName.
    UNIT = b"\x55\x04\x0b", "OU";
    /// emailAddress (PKCS #9).
    EMAIL = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress";
    /// domainComponent.
    DOMAIN_COMPONENT = b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC";
    /// userId.
    USER_ID = b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID";

    /// subjectDirectoryAttributes.
    SUBJECT_DIRECTORY_ATTRIBUTES = b"\x55\x1d\x09", "subjectDirectoryAttributes";
    /// subjectKeyIdentifier.
    SUBJECT_KEY_ID = b"\x55\x1d\x0e", "subjectKeyIdentifier";
    /// keyUsage.
    KEY_USAGE = b"\x55\x1d\x0f", "keyUsage";
    /// privateKeyUsagePeriod.
    PRIVATE_KEY_USAGE_PERIOD = b"\x55\x1d\x10", "privateKeyUsagePeriod";
    /// subjectAltName.
    SUBJECT_ALT_NAME = b"\x55\x1d\x11", "subjectAltName";
    /// issuerAltName.
    ISSUER_ALT_NAME = b"\x55\x1d\x12", "issuerAltName";
    /// basicConstraints.
    BASIC_CONSTRAINTS = b"\x55\x1d\x13", "basicConstraints";
    /// cRLNumber.
    CRL_NUMBER = b"\x55\x1d\x14", "cRLNumber";
    /// reasonCode of a CRL entry.
    CRL_REASON = b"\x55\x1d\x15", "reasonCode";
    /// nameConstraints.
    NAME_CONSTRAINTS = b"\x55\x1d\x1e", "nameConstraints";
    /// cRLDistributionPoints.
    CRL_DISTRIBUTION_POINTS = b"\x55\x1d\x1f", "cRLDistributionPoints";
    /// certificatePolicies.
    CERTIFICATE_POLICIES = b"\x55\x1d\x20", "certificatePolicies";
    /// policyMappings.
    POLICY_MAPPINGS = b"\x55\x1d\x21", "policyMappings";
    /// authorityKeyIdentifier.
    AUTHORITY_KEY_ID = b"\x55\x1d\x23", "authorityKeyIdentifier";
    /// policyConstraints.
    POLICY_CONSTRAINTS = b"\x55\x1d\x24", "policyConstraints";
    /// extendedKeyUsage.
    EXTENDED_KEY_USAGE = b"\x55\x1d\x25", "extendedKeyUsage";
    /// freshestCRL.
    FRESHEST_CRL = b"\x55\x1d\x2e", "freshestCRL";
    /// inhibitAnyPolicy.
    INHIBIT_ANY_POLICY = b"\x55\x1d\x36", "inhibitAnyPolicy";
    /// authorityInfoAccess.
    AUTHORITY_INFO_ACCESS = b"\x2b\x06\x01\x05\x05\x07\x01\x01", "authorityInfoAccess";
    /// subjectInfoAccess.
    SUBJECT_INFO_ACCESS = b"\x2b\x06\x01\x05\x05\x07\x01\x0b", "subjectInfoAccess";
    /// TLS feature (RFC 7633), "must-staple".
    TLS_FEATURE = b"\x2b\x06\x01\x05\x05\x07\x01\x18", "tlsFeature";
    /// Netscape certificate type.
    NETSCAPE_CERT_TYPE = b"\x60\x86\x48\x01\x86\xf8\x42\x01\x01", "nsCertType";
    /// Netscape comment.
    NETSCAPE_COMMENT = b"\x60\x86\x48\x01\x86\xf8\x42\x01\x0d", "nsComment";
    /// OCSP no check.
    OCSP_NO_CHECK = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x05", "ocspNoCheck";
    /// Proxy certificate information (RFC 3820).
    PROXY_CERT_INFO = b"\x2b\x06\x01\x05\x05\x07\x01\x0e", "proxyCertInfo";
    /// Resources of IP addresses (RFC 3779).
    IP_ADDR_BLOCKS = b"\x2b\x06\x01\x05\x05\x07\x01\x07", "ipAddrBlocks";
    /// Resources of autonomous systems (RFC 3779).
    AS_IDS = b"\x2b\x06\x01\x05\x05\x07\x01\x08", "autonomousSysIds";
    /// Signed certificate timestamps (RFC 6962).
    SCT_LIST = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02", "sctList";
    /// Precertificate poison (RFC 6962).
    CT_POISON = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03", "ctPoison";

    /// anyPolicy.
    ANY_POLICY = b"\x55\x1d\x20\x00", "anyPolicy";
    /// id-qt-cps, the address of a practice statement.
    QUALIFIER_CPS = b"\x2b\x06\x01\x05\x05\x07\x02\x01", "cps";

    /// anyExtendedKeyUsage.
    EKU_ANY = b"\x55\x1d\x25\x00", "anyExtendedKeyUsage";
    /// id-kp-serverAuth.
    EKU_SERVER = b"\x2b\x06\x01\x05\x05\x07\x03\x01", "serverAuth";
    /// id-kp-clientAuth.
    EKU_CLIENT = b"\x2b\x06\x01\x05\x05\x07\x03\x02", "clientAuth";
    /// id-kp-codeSigning.
    EKU_CODE = b"\x2b\x06\x01\x05\x05\x07\x03\x03", "codeSigning";
    /// id-kp-emailProtection.
    EKU_EMAIL = b"\x2b\x06\x01\x05\x05\x07\x03\x04", "emailProtection";
    /// id-kp-timeStamping.
    EKU_TIME = b"\x2b\x06\x01\x05\x05\x07\x03\x08", "timeStamping";
    /// id-kp-OCSPSigning.
    EKU_OCSP = b"\x2b\x06\x01\x05\x05\x07\x03\x09", "OCSPSigning";
    /// Netscape Server Gated Crypto.
    EKU_NETSCAPE_SGC = b"\x60\x86\x48\x01\x86\xf8\x42\x04\x01", "nsSGC";
    /// Microsoft Server Gated Crypto.
    EKU_MICROSOFT_SGC = b"\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x03", "msSGC";

    /// rsaEncryption.
    RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "rsaEncryption";
    /// rsa of X.500 (2.5.8.1.1), which some libraries take for rsaEncryption.
    RSA_X500 = b"\x55\x08\x01\x01", "rsa (X.500)";
    /// md2WithRSAEncryption.
    MD2_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "md2WithRSAEncryption";
    /// md5WithRSAEncryption.
    MD5_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "md5WithRSAEncryption";
    /// sha1WithRSAEncryption.
    SHA1_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "sha1WithRSAEncryption";
    /// id-mgf1.
    MGF1 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08", "mgf1";
    /// id-RSASSA-PSS.
    RSA_PSS = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "rsassaPss";
    /// sha256WithRSAEncryption.
    SHA256_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "sha256WithRSAEncryption";
    /// sha384WithRSAEncryption.
    SHA384_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "sha384WithRSAEncryption";
    /// sha512WithRSAEncryption.
    SHA512_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "sha512WithRSAEncryption";
    /// sha224WithRSAEncryption.
    SHA224_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "sha224WithRSAEncryption";
    /// id-ecPublicKey.
    EC = b"\x2a\x86\x48\xce\x3d\x02\x01", "ecPublicKey";
    /// ecdsa-with-SHA1.
    ECDSA_SHA1 = b"\x2a\x86\x48\xce\x3d\x04\x01", "ecdsa-with-SHA1";
    /// ecdsa-with-SHA224.
    ECDSA_SHA224 = b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "ecdsa-with-SHA224";
    /// ecdsa-with-SHA256.
    ECDSA_SHA256 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02", "ecdsa-with-SHA256";
    /// ecdsa-with-SHA384.
    ECDSA_SHA384 = b"\x2a\x86\x48\xce\x3d\x04\x03\x03", "ecdsa-with-SHA384";
    /// ecdsa-with-SHA512.
    ECDSA_SHA512 = b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "ecdsa-with-SHA512";
    /// id-Ed25519.
    ED25519 = b"\x2b\x65\x70", "Ed25519";
    /// id-Ed448.
    ED448 = b"\x2b\x65\x71", "Ed448";
    /// MD5.
    MD5 = b"\x2a\x86\x48\x86\xf7\x0d\x02\x05", "MD5";
    /// SHA-1.
    SHA1 = b"\x2b\x0e\x03\x02\x1a", "SHA-1";
    /// SHA-256.
    SHA256 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "SHA-256";
    /// SHA-384.
    SHA384 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "SHA-384";
    /// SHA-512.
    SHA512 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "SHA-512";
    /// SHA-224.
    SHA224 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x04", "SHA-224";

    /// secp192r1.
    P192 = b"\x2a\x86\x48\xce\x3d\x03\x01\x01", "P-192";
    /// secp224r1.
    P224 = b"\x2b\x81\x04\x00\x21", "P-224";
    /// secp256r1.
    P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256";
    /// secp384r1.
    P384 = b"\x2b\x81\x04\x00\x22", "P-384";
    /// secp521r1.
    P521 = b"\x2b\x81\x04\x00\x23", "P-521";
    /// secp256k1.
    K256 = b"\x2b\x81\x04\x00\x0a", "secp256k1";
    /// brainpoolP256r1.
    BP256 = b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1";
    /// brainpoolP384r1.
    BP384 = b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "brainpoolP384r1";
    /// brainpoolP512r1.
    BP512 = b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "brainpoolP512r1";
}

/// The short name of an object identifier, or its dotted decimal.
#[must_use]
pub fn describe(oid: &[u8]) -> String {
    label(oid).map_or_else(|| super::der::dotted(oid), str::to_owned)
}

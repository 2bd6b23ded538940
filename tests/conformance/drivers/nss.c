/* NSS with its classic verification (what its own tools use), every certificate of the file trusted as a CA. */
#include "once.h"
#include <cert.h>
#include <certdb.h>
#include <nss.h>
#include <private/pprio.h>
#include <prerror.h>
#include <ssl.h>

static const char *wanted;

static const char *version(void) { return NSS_GetVersion(); }

static SECStatus verify(void *unused, PRFileDesc *fd, PRBool signatures, PRBool server) {
    CERTCertDBHandle *store = CERT_GetDefaultCertDB();
    CERTCertificate *leaf = SSL_PeerCertificate(fd);
    (void)unused, (void)signatures, (void)server;
    if (CERT_VerifyCertificateNow(store, leaf, PR_TRUE, certificateUsageSSLServer, NULL, NULL) != SECSuccess) return SECFailure;
    return wanted ? CERT_VerifyCertName(leaf, wanted) : SECSuccess;
}

static int trusted(const char *ca) {
    CERTCertTrust as_ca = {CERTDB_VALID_CA | CERTDB_TRUSTED_CA, 0, 0};
    size_t length;
    int count = 0;
    char *at = contents(ca, &length), *end;
    while ((at = strstr(at, "-----BEGIN")) && (end = strstr(at, "-----END"))) {
        size_t size;
        CERTCertificate *one;
        char *copy;
        end += strcspn(end, "\n");
        size = (size_t)(end - at);
        copy = malloc(size + 2);
        memcpy(copy, at, size);
        memcpy(copy + size, "\n", 2);
        one = CERT_DecodeCertFromPackage(copy, (int)size + 1);
        if (one && CERT_ChangeCertTrust(CERT_GetDefaultCertDB(), one, &as_ca) == SECSuccess) count++;
        at = end;
    }
    return count;
}

static void attempt(int port, const char *ca, const char *name) {
    PRFileDesc *fd;
    if (NSS_NoDB_Init(NULL) != SECSuccess) failed("NSS_NoDB_Init");
    if (trusted(ca) == 0) refused("ca: %s", PR_ErrorToName(PR_GetError()));
    wanted = name;
    fd = SSL_ImportFD(NULL, PR_ImportTCPSocket(connected(port)));
    SSL_OptionSet(fd, SSL_SECURITY, PR_TRUE);
    SSL_OptionSet(fd, SSL_HANDSHAKE_AS_CLIENT, PR_TRUE);
    SSL_AuthCertificateHook(fd, verify, NULL);
    SSL_SetURL(fd, name ? name : "localhost");
    SSL_ResetHandshake(fd, PR_FALSE);
    if (SSL_ForceHandshake(fd) == SECSuccess) accepted();
    refused("%s", PR_ErrorToName(PR_GetError()));
}

/* GnuTLS with gnutls_session_set_verify_cert, the way its manual recommends. */
#include "once.h"
#include <gnutls/gnutls.h>

static const char *version(void) { return gnutls_check_version(NULL); }

static void attempt(int port, const char *ca, const char *name) {
    gnutls_certificate_credentials_t trust;
    gnutls_session_t session;
    int status, fd;
    gnutls_certificate_allocate_credentials(&trust);
    status = gnutls_certificate_set_x509_trust_file(trust, ca, GNUTLS_X509_FMT_PEM);
    if (status <= 0) refused("ca: %d", status);
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
    if (name && !is_address(name)) gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, strlen(name));
    gnutls_session_set_verify_cert(session, name, 0);
    fd = connected(port);
    gnutls_transport_set_int(session, fd);
    do status = gnutls_handshake(session);
    while (status < 0 && gnutls_error_is_fatal(status) == 0);
    if (status == 0) accepted();
    refused("%s, status 0x%x", gnutls_strerror_name(status), gnutls_session_get_verify_cert_status(session));
}

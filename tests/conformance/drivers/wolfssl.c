/* wolfSSL as Debian builds it: the name by wolfSSL_check_domain_name. */
#include "once.h"
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static const char *version(void) { return wolfSSL_lib_version(); }

static void attempt(int port, const char *ca, const char *name) {
    WOLFSSL_CTX *context;
    WOLFSSL *ssl;
    int status;
    wolfSSL_Init();
    context = wolfSSL_CTX_new(wolfSSLv23_client_method());
    status = wolfSSL_CTX_load_verify_locations(context, ca, NULL);
    if (status != WOLFSSL_SUCCESS) refused("ca: %d", status);
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, NULL);
    ssl = wolfSSL_new(context);
    if (name && !is_address(name)) wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name));
    if (name && wolfSSL_check_domain_name(ssl, name) != WOLFSSL_SUCCESS) refused("the name is refused");
    wolfSSL_set_fd(ssl, connected(port));
    status = wolfSSL_connect(ssl);
    if (status == WOLFSSL_SUCCESS) accepted();
    refused("%d", wolfSSL_get_error(ssl, status));
}

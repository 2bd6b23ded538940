/* Mbed TLS as esp-tls sets it up: verification required, the host name set; without the name for the chain only
 * (skip_cert_common_name_check). */
#include "once.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

static const char *version(void) { return MBEDTLS_VERSION_STRING; }

static void attempt(int port, const char *ca, const char *name) {
    static mbedtls_ctr_drbg_context random;
    static mbedtls_entropy_context entropy;
    static mbedtls_net_context net;
    static mbedtls_ssl_config config;
    static mbedtls_ssl_context ssl;
    static mbedtls_x509_crt trust;
    size_t length;
    char *pem = contents(ca, &length);
    int status;
    mbedtls_ctr_drbg_init(&random);
    mbedtls_entropy_init(&entropy);
    mbedtls_net_init(&net);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&ssl);
    mbedtls_x509_crt_init(&trust);
#if MBEDTLS_VERSION_MAJOR >= 3
    if (psa_crypto_init() != PSA_SUCCESS) failed("PSA");
#endif
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) != 0) failed("random numbers");
    /* esp-tls counts the NUL too; a positive status is the number of certificates that were left out. */
    status = mbedtls_x509_crt_parse(&trust, (unsigned char *)pem, length + 1);
    if (status < 0 || trust.raw.p == NULL) refused("ca: -0x%04x", -status);
    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_ca_chain(&config, &trust, NULL);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
    if (mbedtls_ssl_setup(&ssl, &config) != 0) failed("setup");
    if (mbedtls_ssl_set_hostname(&ssl, name) != 0) refused("the name is refused");
    net.fd = connected(port);
    mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
    do status = mbedtls_ssl_handshake(&ssl);
    while (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE);
    if (status == 0) accepted();
    refused("-0x%04x, flags 0x%x", -status, mbedtls_ssl_get_verify_result(&ssl));
}

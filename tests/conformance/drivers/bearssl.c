/* BearSSL's "minimal" X.509 engine with anchors from the PEM file, as the ESP8266 Arduino core sets it up. */
#include "once.h"
#include <bearssl.h>
#include <ctype.h>

#define ANCHORS 32

struct bytes {
    unsigned char *data;
    size_t length;
};

static const char *version(void) { return "0.6"; }

static void append(void *to, const void *data, size_t length) {
    struct bytes *bytes = to;
    bytes->data = realloc(bytes->data, bytes->length + length + 1);
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

static unsigned char *kept(const unsigned char *data, size_t length) {
    unsigned char *copy = malloc(length + 1);
    return memcpy(copy, data, length);
}

static void anchor(br_x509_trust_anchor *to, struct bytes der) {
    br_x509_decoder_context decoder;
    struct bytes name = {NULL, 0};
    br_x509_pkey *key;
    br_x509_decoder_init(&decoder, append, &name);
    br_x509_decoder_push(&decoder, der.data, der.length);
    key = br_x509_decoder_get_pkey(&decoder);
    if (!key) refused("ca: %d", br_x509_decoder_last_error(&decoder));
    to->dn.data = name.data;
    to->dn.len = name.length;
    to->flags = br_x509_decoder_isCA(&decoder) ? BR_X509_TA_CA : 0;
    to->pkey = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        to->pkey.key.rsa.n = kept(key->key.rsa.n, key->key.rsa.nlen);
        to->pkey.key.rsa.e = kept(key->key.rsa.e, key->key.rsa.elen);
    } else {
        to->pkey.key.ec.q = kept(key->key.ec.q, key->key.ec.qlen);
    }
}

/* The Arduino core looks only at a label's letters and digits. */
static int is_certificate(const char *label) {
    char letters[80];
    size_t n = 0;
    for (; *label && n + 1 < sizeof letters; label++)
        if (isalnum((unsigned char)*label)) letters[n++] = (char)toupper((unsigned char)*label);
    letters[n] = 0;
    return strcmp(letters, "CERTIFICATE") == 0 || strcmp(letters, "X509CERTIFICATE") == 0;
}

static size_t anchors(const char *ca, br_x509_trust_anchor *to) {
    br_pem_decoder_context pem;
    struct bytes der = {NULL, 0};
    size_t length, at = 0, count = 0;
    int wanted = 0;
    char *text = contents(ca, &length);
    text[length++] = '\n';
    br_pem_decoder_init(&pem);
    while (at < length) {
        at += br_pem_decoder_push(&pem, text + at, length - at);
        switch (br_pem_decoder_event(&pem)) {
        case BR_PEM_BEGIN_OBJ:
            wanted = is_certificate(br_pem_decoder_name(&pem));
            der.data = NULL;
            der.length = 0;
            br_pem_decoder_setdest(&pem, wanted ? append : NULL, &der);
            break;
        case BR_PEM_END_OBJ:
            if (wanted && count < ANCHORS) anchor(&to[count++], der);
            wanted = 0;
            break;
        case BR_PEM_ERROR:
            refused("ca: PEM");
        }
    }
    return count;
}

static int receive(void *fd, unsigned char *data, size_t length) {
    ssize_t n = read(*(int *)fd, data, length);
    return n > 0 ? (int)n : -1;
}

static int transmit(void *fd, const unsigned char *data, size_t length) {
    ssize_t n = write(*(int *)fd, data, length);
    return n > 0 ? (int)n : -1;
}

static void attempt(int port, const char *ca, const char *name) {
    static br_x509_trust_anchor trust[ANCHORS];
    static br_ssl_client_context client;
    static br_x509_minimal_context minimal;
    static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
    br_sslio_context io;
    size_t count = anchors(ca, trust);
    int fd;
    if (count == 0) refused("ca: no certificate");
    br_ssl_client_init_full(&client, &minimal, trust, count);
    br_ssl_engine_set_buffer(&client.eng, buffer, sizeof buffer, 1);
    if (!br_ssl_client_reset(&client, name, 0)) refused("the name is refused");
    fd = connected(port);
    br_sslio_init(&io, &client.eng, receive, &fd, transmit, &fd);
    br_sslio_flush(&io);
    if (br_ssl_engine_last_error(&client.eng) == 0 && br_ssl_engine_current_state(&client.eng) != BR_SSL_CLOSED) accepted();
    refused("%d", br_ssl_engine_last_error(&client.eng));
}

#!/bin/sh
make_key() { openssl genrsa -out "$1" 2048; }
sign() {
  openssl x509 -req \
    -in "$1" -CA certs/ca.crt -CAkey certs/ca.key -CAcreateserial \
    -out "$2" -days 365
}
sign web.csr web/site.crt
sign server.csr "certs/server.crt"

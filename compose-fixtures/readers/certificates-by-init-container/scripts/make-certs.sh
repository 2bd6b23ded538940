#!/bin/sh
set -eu
CERT_DIR="${1:-/certs}"
CA_KEY="${CERT_DIR}/ca.key"
if [ ! -f "${CA_KEY}" ]; then
    openssl genrsa -out "${CA_KEY}" 4096
    openssl req -x509 -new -nodes -key "${CA_KEY}" -days 3650 -subj /CN=ca -out "${CERT_DIR}/ca.crt"
fi
openssl genrsa -out "${CERT_DIR}/server.key" 2048
openssl req -new -key "${CERT_DIR}/server.key" -out "${CERT_DIR}/server.csr" -subj /CN=broker
openssl x509 -req -in "${CERT_DIR}/server.csr" -CA "${CERT_DIR}/ca.crt" -CAkey "${CA_KEY}" \
    -CAcreateserial -out "${CERT_DIR}/server.crt" -days 825

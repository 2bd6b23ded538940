#!/usr/bin/env bash
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
OUT="${OUT:-$ROOT/mqtt/certs}"
BROKER_IP="${BROKER_IP:-192.0.2.7}"
mkdir -p "$OUT"
openssl req -x509 -new -nodes -days 3650 -subj /CN=ca \
  -keyout "$OUT/ca.key" -out "$OUT/ca.crt"
openssl req -new -nodes -subj /CN=broker -keyout "$OUT/server.key" -out "$OUT/server.csr"
openssl x509 -req -in "$OUT/server.csr" -CA "$OUT/ca.crt" -CAkey "$OUT/ca.key" -CAcreateserial \
  -extfile <(printf "subjectAltName=IP:%s" "$BROKER_IP") -out "$OUT/server.crt"
rm -f "$OUT/server.csr"

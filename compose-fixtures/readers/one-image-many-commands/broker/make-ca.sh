#!/bin/sh
mkdir -p certs
openssl genrsa -out ./certs/ca.key 4096
openssl req -new -x509 -key ./certs/ca.key -out ./certs/ca.crt -subj "/CN=CA"

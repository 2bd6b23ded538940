//! The pages that `--help` of the CA's commands ends with.

pub(super) const START_FROM_NOTHING: &str = "\
Start from nothing
  1. Write the compose file and mosquitto.conf; the conf names cafile, certfile and keyfile below a mounted folder.
  2. mqttcert init                      makes the CA in ca/ (10 years), the server certificate where the conf means it,
                                        for every name that the deployment dials, and ca.crt for the clients.
     --encrypt-ca-key                   asks for a passphrase (or MQTTCERT_CA_PASSPHRASE, --passphrase-file)
     --ca-key /elsewhere/ca.key         puts the CA outside the project
  3. Start the broker. mqttcert verdict says whether every client verifies it.
Nothing is ever overwritten. The CA's key lies outside every mount; keep a copy of ca/ and commit no key.
Keys that are made are P-256, P-384 or Ed25519 (few devices know Ed25519); RSA keys are taken, not made.";

pub(super) const TAKE_OVER_A_CA: &str = "\
Take over a CA of easy-rsa, OpenSSL or step
  easy-rsa   run the commands beside pki/: ca.crt, private/ca.key and index.txt are found. easy-rsa goes on working.
  OpenSSL    mqttcert ca show --ca cacert.pem --ca-key private/cakey.pem --ledger index.txt
             `openssl ca` reads the ledger and crlnumber that are written here; a CA without ledger gets one.
  step       mqttcert ca show --ca certs/intermediate_ca.crt --ca-key secrets/intermediate_ca_key
             step keeps no ledger: certificates that it issued are revoked by their file, mqttcert revoke FILE.crt.
  1. mqttcert ca show      who it is, until when, what it signed, which client stacks refuse it and why
  2. mqttcert ca renew     the same key and subject with what is missing: every certificate and every old ca.crt go on;
                           --dry-run shows who needs the new file, and who together with the broker (easy-rsa).
                           An intermediate is renewed by its issuer.
  3. mqttcert ca crl       the list that crlfile reads; write a new one before its nextUpdate, or every client is
                           refused. mqttcert check --expiring tells in time.";

pub(super) const DEVICES_WITH_MTLS: &str = "\
Devices with mTLS
  1. mosquitto.conf, below the listener:  require_certificate true
                                          use_identity_as_username true
                                          crlfile /mosquitto/certs/crl.pem   (mqttcert ca crl makes it)
  2. mqttcert issue tenant/device --out clients       clients/tenant/device.crt and .key, and clients/ca.crt
     mqttcert issue --csr device.csr                  the device keeps its key; the request is checked
     mqttcert issue --from devices.csv --out clients  thousands; the first line names the columns: name,days,C,ST,L,O,OU
     mqttcert issue --from devices.csv --out -        one after the other: key, certificate, intermediates
  3. mosquitto_pub --cafile ca.crt --cert device.crt --key device.key …    Mosquitto sees the user tenant/device
An identity is given once; --again gives it a new key (the old certificate stays valid until it is revoked).
An interrupted list goes on where it stopped when the same command is run again. Characters that do not belong into
file names are percent-encoded; the common name is exact. Certificates never outlive the CA.";

pub(super) const A_LEAKED_DEVICE_KEY: &str = "\
A leaked device key
  1. mqttcert revoke tenant/device --reason keyCompromise    ledger and CRL, in one step
  2. Make the broker read it: docker compose exec BROKER kill -HUP 1 (Mosquitto 2.0, TCP listeners). Websockets
     listeners ignore crlfile. Who is connected stays connected: restart the broker to end that.
  3. mqttcert issue tenant/device --again --out NEW          a new key for the same identity
A serial number, a name or a certificate's file says what is revoked. Without crlfile below the listener a revocation
has no effect; the answer says so.";

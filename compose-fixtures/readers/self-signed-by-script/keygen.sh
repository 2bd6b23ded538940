openssl genrsa -out certs/own.key 2048
openssl req -new -x509 -days 3650 -key certs/own.key -out certs/own.crt -subj "/CN=localhost"
openssl req -new -x509 -days 3650 -key certs/reader.key -out certs/reader.crt -subj "/CN=reader"

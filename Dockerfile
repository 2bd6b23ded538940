# The static binary alone. `make dist` first; then:
#   docker build -t mqttcert .
#   docker run --rm -v "$PWD:/project:ro" mqttcert check
FROM scratch
COPY dist/mqttcert /usr/bin/mqttcert
WORKDIR /project
ENTRYPOINT ["/usr/bin/mqttcert"]
CMD ["check"]

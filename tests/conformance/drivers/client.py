"""Python clients: client.py paho|default|strict|awscrt. Reads requests `PORT <TAB> CA <TAB> NAME or -`, answers
`yes`, `no <TAB> why` or `failed <TAB> why`; the first line is the version."""
import socket
import ssl
import sys

LOOK_UP = socket.getaddrinfo
FLAVOUR = sys.argv[1]


def loopback(host, *rest, **named):
    return LOOK_UP("127.0.0.1" if host else host, *rest, **named)


socket.getaddrinfo = loopback


def version():
    base = "Python %s, %s" % (sys.version.split()[0], ssl.OPENSSL_VERSION)
    if FLAVOUR == "paho":
        import paho.mqtt
        return "paho-mqtt %s, %s" % (paho.mqtt.__version__, base)
    if FLAVOUR == "awscrt":
        import awscrt
        return "awscrt %s" % awscrt.__version__
    return base


def paho(port, ca, name):
    """The seed's code, with the loop run by hand so that every error is seen."""
    import paho.mqtt.client as mqtt
    client = mqtt.Client()
    client.tls_set(ca_certs=ca, tls_version=ssl.PROTOCOL_TLSv1_2)
    if name is None:
        client.tls_insecure_set(True)
    client.connect(name or "localhost", port, keepalive=60)
    client.disconnect()


def context(port, ca, name):
    chosen = ssl.create_default_context(cafile=ca)
    if FLAVOUR == "strict":
        # What create_default_context sets from Python 3.13 on.
        chosen.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if name is None:
        chosen.check_hostname = False
    with socket.create_connection(("127.0.0.1", port), 6) as tcp:
        with chosen.wrap_socket(tcp, server_hostname=name):
            pass


def awscrt(port, ca, name):
    from awscrt import io, mqtt
    group = io.EventLoopGroup(1)
    options = io.TlsContextOptions()
    with open(ca, "rb") as file:
        options.override_default_trust_store(file.read())
    client = mqtt.Client(io.ClientBootstrap(group, io.DefaultHostResolver(group)), io.ClientTlsContext(options))
    connection = mqtt.Connection(client, host_name=name, port=port, client_id="conformance", ping_timeout_ms=2000,
                                 keep_alive_secs=60)
    # s2n hides a refusal behind a delay of many seconds: no CONNACK by then is one.
    try:
        connection.connect().result(2)
    except TimeoutError:
        raise ConnectionAbortedError("no CONNACK within two seconds") from None
    connection.disconnect().result(6)


def main():
    attempt = {"paho": paho, "awscrt": awscrt}.get(FLAVOUR, context)
    print(version(), flush=True)
    for line in sys.stdin:
        port, ca, name = line.rstrip("\n").split("\t")
        try:
            attempt(int(port), ca, None if name == "-" else name)
            answer = "yes"
        except (ConnectionRefusedError, socket.timeout) as error:
            answer = "failed\t%s" % error
        except Exception as error:
            answer = "no\t%s: %s" % (type(error).__name__, " ".join(str(error).split()))
        print(answer, flush=True)


main()

"""paho-mqtt 1.6.1 or 2.x. Each line of the input is one try, `SCHEME HOST PORT PASSWORD`; each line of the output says
what the library told its user: `accepted` (the message came back), `refused` (by the TLS handshake), `login` or `lost`,
with the library's own words."""
import ssl
import sys
import threading

import paho.mqtt.client as mqtt

CA, USER, TOPIC = sys.argv[1:]


def client():
    transport = "websockets" if SCHEME.startswith("ws") else "tcp"
    if hasattr(mqtt, "CallbackAPIVersion"):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, transport=transport)
    return mqtt.Client(transport=transport)


def attempt(host, port, password):
    said, done = [], threading.Event()

    def say(*words):
        said.append(" ".join(str(w) for w in words))
        done.set()

    def connected(c, _data, _flags, code):
        if code:
            say("login", code)
        else:
            c.subscribe(TOPIC, 1)

    c = client()
    c.on_connect = connected
    c.on_subscribe = lambda c, *_: c.publish(TOPIC, "from " + host, 1)
    c.on_message = lambda _c, _data, m: say("accepted", m.payload.decode())
    c.on_disconnect = lambda _c, _data, code: say("lost", code)
    c.username_pw_set(USER, password)
    if SCHEME in ("mqtts", "wss"):
        c.tls_set(ca_certs=CA)
    try:
        c.connect(host, port)
    except ssl.SSLCertVerificationError as error:
        return "refused %s" % error.verify_message
    except Exception as error:
        return "lost %s: %s" % (type(error).__name__, error)
    c.loop_start()
    done.wait(8)
    # Waiting for its thread would cost a second a try; it ends by itself.
    c.disconnect()
    return said[0] if said else "nothing within 8 s"


for line in sys.stdin:
    SCHEME, name, number, secret = line.split()
    print(attempt(name, int(number), secret), flush=True)

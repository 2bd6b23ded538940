"""A TLS server of OpenSSL's: server.py. Reads lines `CERTFILE <TAB> KEYFILE`, answers each with a port at which these are
served, on 127.0.0.1 and ::1, until the input ends. It takes any server name indication, unlike rustls."""
import socket
import ssl
import sys
import threading

CONNACK = b"\x20\x02\x00\x00"
PAGE = (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nreached\n")


def answer(tcp, context):
    try:
        tcp.settimeout(8)
        with context.wrap_socket(tcp, server_side=True) as tls:
            while True:
                data = tls.recv(4096)
                if not data:
                    break
                if data[0] == 0x10:
                    tls.sendall(CONNACK)
                elif data[0] == 0xC0:
                    tls.sendall(b"\xd0\x00")
                elif data[:1] in (b"G", b"H"):
                    tls.sendall(PAGE)
                    break
    except (OSError, ssl.SSLError):
        pass
    finally:
        tcp.close()


def accept(listener, context):
    while True:
        tcp, _ = listener.accept()
        threading.Thread(target=answer, args=(tcp, context), daemon=True).start()


def main():
    for line in sys.stdin:
        certificate, key = line.rstrip("\n").split("\t")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        first = socket.create_server(("127.0.0.1", 0))
        port = first.getsockname()[1]
        listeners = [first]
        try:
            listeners.append(socket.create_server(("::1", port), family=socket.AF_INET6))
        except OSError:
            pass
        for listener in listeners:
            threading.Thread(target=accept, args=(listener, context), daemon=True).start()
        print(port, flush=True)


main()

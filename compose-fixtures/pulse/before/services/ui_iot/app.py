"""The user interface in small: POST /tenants/T/devices/D/shadow sends the body to the device."""
import json
import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from services.mqtt_sender import publish_alert

UI_PORT = int(os.getenv("UI_PORT", "8080"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"status": "ok"})

    def do_POST(self):
        parts = self.path.strip("/").split("/")
        if len(parts) != 5 or parts[0] != "tenants" or parts[2] != "devices" or parts[4] != "shadow":
            self.answer(404, {"error": "unknown path"})
            return
        try:
            desired = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        except ValueError:
            self.answer(400, {"error": "the body is not JSON"})
            return
        sent = publish_alert(f"tenant/{parts[1]}/device/{parts[3]}/shadow", desired)
        self.answer(202 if sent else 502, {"published": sent})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main():
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    server = ThreadingHTTPServer(("0.0.0.0", UI_PORT), Handler)
    logging.getLogger("ui").info("listening port=%d", server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()

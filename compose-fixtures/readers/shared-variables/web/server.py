from http.server import HTTPServer

HTTPServer(("", 80), None).serve_forever()

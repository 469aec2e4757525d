"""A receiver as a team would write it in Python: verifies by the specification, and drops ids that it has had.

Prints its port, then one JSON line for each request. Ends with its standard input.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading
import time

KEY = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
TOLERANCE_S = 300
seen = set()
printing = threading.Lock()


def is_authentic(headers, body):
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    entries = (entry.partition(",") for entry in headers["webhook-signature"].split(" "))
    return any(v == "v1" and hmac.compare_digest(s, expected) for v, _, s in entries)


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        authentic = is_authentic(self.headers, body)
        message_id = self.headers["webhook-id"]
        is_first = message_id not in seen
        seen.add(message_id)
        report = {"authentic": authentic, "first": is_first, "id": message_id, "body": base64.b64encode(body).decode()}
        # One line at a time: requests are answered by threads, and `print` writes the end of the line apart.
        with printing:
            print(json.dumps(report), flush=True)
        self.send_response(204 if authentic else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

"""Stands in for a process of the Procfile: a small server with what makes real ones hard to stop.

It answers every call with the training runs given as the second argument (JSON). Its socket is
held by a child in a session of its own, which outlives it when it is killed; another child is a
"training run". As the trainer, it does not listen to SIGTERM.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RUNS = json.loads(sys.argv[2]) if len(sys.argv) > 2 else []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_ready = self.path != "/readyz" or not RUNS
        self.send_response(200 if is_ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"runs": RUNS}).encode())

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    worker = os.fork()
    if not worker:
        os.setsid()
        server.serve_forever()

    def end(*_: object) -> None:
        os.kill(worker, signal.SIGTERM)
        sys.exit()

    signal.signal(signal.SIGTERM, end)
    if os.environ["WARDROBE_PROCESS"] == "trainer":
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"a line on {stream.name.strip('<>')}\n")
        stream.flush()
    os.waitpid(worker, 0)


if __name__ == "__main__":
    main()

"""A page of a shop in a real browser, which loads an SDK and does what a test tells it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
SCRIPTS = {
    "/segment.js": MODULES / "@segment/analytics-next/dist/umd/index.js",
    "/rudder.js": MODULES / "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
}
HTML = b"<!doctype html><title>Shop</title><script src=/segment.js></script><script src=/rudder.js></script><body>Shop"


class Page:
    """One tab; `origin` is where its page comes from, which is not where Shoal is."""

    def __init__(self, process: subprocess.Popen[str], origin: str) -> None:
        self._process, self.origin = process, origin

    def tell(self, **line: Any) -> Any:
        """Does one thing of browser.mjs and returns its value."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, "the browser has ended"
        reply = json.loads(said)
        assert "error" not in reply, reply
        return reply["value"]

    def open(self) -> None:
        self.tell(goto=self.origin)

    def run(self, code: str) -> Any:
        """Runs code in the page, where `import` lines name the global objects of the SDKs instead."""
        code = code.replace('import { AnalyticsBrowser } from "@segment/analytics-next";', "")
        code = code.replace('import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";', "")
        head = "const { AnalyticsBrowser } = AnalyticsNext, { RudderAnalytics } = rudderanalytics;\n"
        return self.tell(run=head + code)


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name that http.server calls
        script = SCRIPTS.get(self.path)
        content = script.read_bytes() if script else HTML
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def browsing(node: str, chromium: str) -> Iterator[Page]:
    """A browser with an empty page of a shop on loopback."""
    shop = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    command = [node, "browser.mjs", chromium]
    process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Page(process, f"http://127.0.0.1:{shop.server_port}/")
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        shop.shutdown()
        shop.server_close()

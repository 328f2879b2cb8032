"""HTTP servers within the test's process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer


class ThreadedServer(ThreadingHTTPServer):
    """A server of 127.0.0.1 that says nothing of clients that give up."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type["Handler"]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    """Answers GET and POST likewise, without a log."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_GET  # noqa: N815 - http.server's name

    def answer(self) -> None:
        raise NotImplementedError

    def body(self) -> bytes:
        """Return the body of the request, if it has a length."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, body: bytes, media_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving_in_thread(server: HTTPServer) -> Iterator[None]:
    """Serve in a thread for the duration of the block, then close the server."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

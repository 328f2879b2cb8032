"""A way to a server that can be cut."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Relay:
    """Passes connections on to a server on this machine.

    Attributes:
        port: where it listens, on 127.0.0.1.
        target_port: where the server listens.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept(self._listener)

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        # A thread that waits in accept() would keep the port open until a client connects.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def silence(self, seconds: float) -> None:
        """Pass nothing on for some time, neither bytes nor the end of a connection."""
        self._silent_until = time.monotonic() + seconds

    def repair(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    self._pass_on(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            client.close()
            return
        with self._lock:
            self._open += [client, server]
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while received := source.recv(65536):
                time.sleep(max(0.0, self._silent_until - time.monotonic()))
                sink.sendall(received)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """A relay to a port, cut at the end."""
    relay = Relay(port)
    yield relay
    relay.cut()

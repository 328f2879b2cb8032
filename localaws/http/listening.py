"""An HTTP server on a socket that listens already."""

import socket
from typing import Any

from cheroot.wsgi import Server


class ListeningServer(Server):
    """cheroot's WSGI server on a given socket.

    Args:
        listener: the socket; the server closes it.
        application: the WSGI application.
        options: of cheroot's server.
    """

    def __init__(self, listener: socket.socket, application: Any, **options: Any) -> None:
        super().__init__(listener.getsockname(), application, **options)
        self._listener = listener

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002, ARG002 - cheroot's names
        """Use the given socket; connections inherit its options."""
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self._listener
        return self._listener

"""The service in a world where a test says which address a name has, as DNS does when a database fails over."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app as create_real_app

NAME = "localhost"
"""The server's certificate is valid for it."""


def create_app() -> Flask:
    """The service as it is. The file ``NAMES`` has the address and port of NAME as a pair in JSON."""
    resolve, names = socket.getaddrinfo, Path(os.environ["NAMES"])

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        if host == NAME:
            host, port = json.loads(names.read_text())
        return resolve(host, port, *arguments, **named)

    socket.getaddrinfo = getaddrinfo
    return create_real_app()

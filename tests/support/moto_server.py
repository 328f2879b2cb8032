"""moto behind HTTP on loopback, in this process, for services that are tested without the whole local AWS."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from devtools.certificates import create_authority
from devtools.images.store import ImageStore
from devtools.processes import ProcessRegister
from localaws.http.listening import ListeningServer
from localaws.journal import Journal
from localaws.settings import Context, Settings


@dataclass(frozen=True)
class MotoServer:
    """A running moto, and the context that services are installed with."""

    context: Context

    @property
    def balancer_port(self) -> int:
        port: int = self.context.balancer_socket.getsockname()[1]
        return port

    def client(self, service: str, region: str | None = None) -> Any:
        settings = self.context.settings
        session: Any = boto3  # its overloads want a literal name
        return session.client(
            service,
            endpoint_url=settings.endpoint,
            region_name=region or settings.region,
            aws_access_key_id="administrator",
            aws_secret_access_key="none",
            config=botocore.config.Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=50),
        )


@contextmanager
def moto_server(run_directory: Path) -> Iterator[MotoServer]:
    """An empty moto; its processes are ended afterwards."""
    api, balancer = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    settings = Settings(run_directory, api.getsockname()[1])
    context = Context(
        settings=settings,
        journal=Journal(settings.logs_directory / "journal.jsonl"),
        processes=ProcessRegister(run_directory / "processes.jsonl"),
        images=ImageStore(run_directory / "images"),
        authority=create_authority(run_directory / "authority"),
        balancer_socket=balancer,
    )
    application = DomainDispatcherApplication(create_backend_app)
    server = ListeningServer(api, application, numthreads=16, shutdown_timeout=2)
    server.prepare()
    serving = threading.Thread(target=server.serve)
    serving.start()
    try:
        urllib.request.urlopen(urllib.request.Request(f"{settings.endpoint}/moto-api/reset", method="POST")).close()
        yield MotoServer(context)
    finally:
        server.stop()
        serving.join()
        context.processes.stop_all(2)
        balancer.close()

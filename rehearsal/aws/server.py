"""The local AWS as a process: ``python -m rehearsal.aws.server --run-directory DIR --port N --balancer-port P``.

moto behind a threaded HTTP server on 127.0.0.1, with the layers that an apply needs around it and the rooms that
bring resources to life inside it. SIGTERM, SIGINT and ``POST /_rehearsal/stop`` end it in order: rooms first, in
reverse, then the API, then whatever child process is left.
"""

from __future__ import annotations

import argparse
import http
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from rehearsal.aws import functions, gaps, secrets
from rehearsal.aws.calls import Answer, ask, read_call
from rehearsal.aws.control import PREFIX, Control
from rehearsal.aws.journal import Journal
from rehearsal.aws.layers import Handler, honest_about_gaps, journaled, judged, one_at_a_time, replayed
from rehearsal.aws.permissions import Judge
from rehearsal.aws.settings import Context, Room, Settings
from rehearsal.certificates import create_authority
from rehearsal.images import ImageStore
from rehearsal.processes import ProcessRegister

if TYPE_CHECKING:
    from collections.abc import Iterable

Install = Callable[[Context], Room]

# Terraform makes ten calls at a time; functions, tasks and waiting invocations come on top.
THREADS = 48
BACKLOG = 128
STOP_SECONDS = 5

# Rooms that need nothing but moto; the others are added by `main`.
OWN_ROOMS: Mapping[str, Install] = {
    "gaps": gaps.install,
    "functions": functions.install,
    "secrets": secrets.install,
}


class LocalAws:
    """A local AWS, from the moment it is listening until it is stopped.

    Args:
        settings: where to work and listen.
        rooms: what to install, in this order, by name.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, settings: Settings, rooms: Mapping[str, Install]) -> None:
        self._stop_asked = threading.Event()
        self._rooms: dict[str, Room] = {}
        settings.logs_directory.mkdir(parents=True, exist_ok=True)
        self._context = Context(
            settings=settings,
            journal=Journal(settings.logs_directory / "journal.jsonl"),
            processes=ProcessRegister(settings.run_directory / "processes.jsonl"),
            images=ImageStore(settings.run_directory / "images"),
            authority=create_authority(settings.run_directory / "authority"),
        )
        self._control = Control(settings, self._rooms, self._stop_asked.set)
        self._handle = _handler(self._context)
        self._server = Server(
            ("127.0.0.1", settings.port),
            self._application,
            numthreads=THREADS,
            request_queue_size=BACKLOG,
            shutdown_timeout=STOP_SECONDS,
        )
        self._server.prepare()
        for name, install in rooms.items():
            self._rooms[name] = install(self._context)

    def run(self) -> None:
        """Serve until somebody asks for the end, then end everything that was started here."""
        serving = threading.Thread(target=self._server.serve, name="api")
        serving.start()
        self._context.journal.record("server.started", port=self._context.settings.port, pid=os.getpid())
        try:
            self._stop_asked.wait()
        finally:
            self._end(serving)

    def ask_to_stop(self) -> None:
        """Let ``run`` return soon. Safe to call from a signal handler."""
        self._stop_asked.set()

    def _end(self, serving: threading.Thread) -> None:
        for name, room in reversed(self._rooms.items()):
            try:
                room.stop()
            except Exception as error:  # noqa: BLE001 - the other rooms must still be stopped
                self._context.journal.record("server.room_did_not_stop", room=name, error=repr(error))
        self._server.stop()
        serving.join()
        self._context.processes.stop_all()
        self._context.journal.record("server.stopped")

    def _application(
        self, environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "/")
        if path.startswith(PREFIX):
            answer = self._control.answer(environ["REQUEST_METHOD"], path)
        else:
            answer = self._handle(read_call(environ))
        status = http.HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", _headers(answer))
        return [answer.body]


def serve(settings: Settings, rooms: Mapping[str, Install]) -> None:
    """Run a local AWS with these rooms in the calling thread, the main one, until a signal or a request ends it.

    Raises:
        OSError: the port is taken.
    """
    isolate_environment(settings)
    local_aws = LocalAws(settings, rooms)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _number, _frame: local_aws.ask_to_stop())
    local_aws.run()


def isolate_environment(settings: Settings) -> None:
    """Forget everything about another AWS, a proxy or a certificate bundle; tell moto what this one is like."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="rehearsal",
        AWS_SECRET_ACCESS_KEY="rehearsal",  # noqa: S106 - no credential: it opens nothing
        AWS_DEFAULT_REGION=settings.region,
        AWS_ENDPOINT_URL=settings.endpoint,
        AWS_EC2_METADATA_DISABLED="true",
        MOTO_ACCOUNT_ID=settings.account_id,
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_PORT=str(settings.port),
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)


def main(arguments: list[str] | None = None) -> int:
    """Run the whole local AWS; the exit code."""
    # These bring databases, tasks and listeners; a test of the API alone need not load them.
    from rehearsal.aws import databases, load_balancer, services  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m rehearsal.aws.server", description="A local AWS.")
    parser.add_argument("--run-directory", type=Path, required=True, help="folder of this run")
    parser.add_argument("--port", type=int, required=True, help="port of the API on 127.0.0.1")
    parser.add_argument("--balancer-port", type=int, required=True, help="port of the first load balancer")
    options = parser.parse_args(arguments)
    settings = Settings(options.run_directory.resolve(), options.port, options.balancer_port)
    rooms = {
        **OWN_ROOMS,
        "databases": databases.install,
        "services": services.install,
        "load_balancer": load_balancer.install,
    }
    try:
        serve(settings, rooms)
    except OSError as error:
        sys.stderr.write(
            f"The local AWS cannot listen on 127.0.0.1:{settings.port}: {error}. "
            "Stop what listens there (`make down`, if it is an earlier rehearsal) or choose another --port.\n"
        )
        return 1
    return 0


def _handler(context: Context) -> Handler:
    moto = DomainDispatcherApplication(create_backend_app)
    judge = Judge(context.settings, context.journal)
    handle: Handler = lambda call: ask(moto, call)  # noqa: E731 - a name for the innermost layer
    handle = replayed(handle, context.journal)
    handle = one_at_a_time(handle)
    handle = judged(handle, judge.refusal)
    handle = honest_about_gaps(handle, context.journal)
    return journaled(handle, context.journal, judge.name_caller)


def _headers(answer: Answer) -> list[tuple[str, str]]:
    headers = list(answer.headers)
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(answer.body))))
    return headers


if __name__ == "__main__":
    sys.exit(main())

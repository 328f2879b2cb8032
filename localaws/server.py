"""The local AWS: moto behind a threaded HTTP server, with middleware around it and services inside it.

It listens on 127.0.0.1 only. SIGTERM and SIGINT end it in order: the services in reverse, then the API, then the
remaining child processes. Import it only after the environment has been isolated (``__main__``): moto reads the
environment when it is imported.
"""

import functools
import gc
import http
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.core import responses
from moto.core.utils import method_names_from_class
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from devtools.certificates import create_authority
from devtools.images.store import ImageStore
from devtools.processes import ProcessRegister
from localaws.admin import PREFIX, Control
from localaws.budgets.budgets import Budgets
from localaws.cloudwatch.alarms import Alarms
from localaws.cloudwatch.metrics import Metrics
from localaws.ecs.services import Services
from localaws.elbv2.load_balancers import LoadBalancers
from localaws.events.rules import Events
from localaws.events.schedules import Schedules
from localaws.http.call import Answer, call_wsgi, read_call
from localaws.http.faults import Faults
from localaws.http.gate import misdirected, unauthorized
from localaws.http.listening import ListeningServer
from localaws.http.middleware import (
    Handler,
    authorized,
    journaled,
    not_implemented,
    repeated,
    replayed,
    serialized,
    validated,
)
from localaws.iam.authorizer import Authorizer
from localaws.journal import Journal
from localaws.lambda_.functions import Functions
from localaws.moto_patches import MotoPatches
from localaws.rds.instances import Databases
from localaws.secretsmanager.secrets import Secrets
from localaws.settings import Context, Listeners, Service, Settings

Install = Callable[[Context], Service]

# Terraform makes ten calls at a time; functions, tasks and waiting invocations come on top.
THREADS = 48
BACKLOG = 128
STOP_SECONDS = 5
# Longer than SDKs keep an idle connection, so that none is closed under a request that is just being sent.
KEEP_ALIVE_SECONDS = 120

SERVICES: Mapping[str, Install] = {
    "moto_patches": MotoPatches,
    "budgets": Budgets,
    "lambda": Functions,
    "events": Events,
    "secretsmanager": Secrets,
    "metrics": Metrics,
    "alarms": Alarms,
    "scheduler": Schedules,
    "rds": Databases,
    "ecs": Services,
    "elbv2": LoadBalancers,
}


class LocalAws:
    """A local AWS, from the moment it is listening until it is stopped.

    Args:
        settings: where to work.
        listeners: where to listen.
        services: what to install, in this order, by name.
    """

    def __init__(self, settings: Settings, listeners: Listeners, services: Mapping[str, Install]) -> None:
        self._stop_asked = threading.Event()
        self._services: dict[str, Service] = {}
        settings.logs_directory.mkdir(parents=True, exist_ok=True)
        settings.administrator.write(settings.run_directory, settings.endpoint, settings.region)
        self._context = Context(
            settings=settings,
            journal=Journal(settings.logs_directory / "journal.jsonl"),
            processes=ProcessRegister(settings.run_directory / "processes.jsonl"),
            images=ImageStore(settings.run_directory / "images"),
            authority=create_authority(settings.run_directory / "authority"),
            balancer_socket=listeners.balancer,
            status_socket=listeners.status,
        )
        faults = Faults()
        self._control = Control(settings, self._services, faults)
        self._handle = _handler(self._context, faults)
        self._server = ListeningServer(
            listeners.api,
            self._application,
            numthreads=THREADS,
            request_queue_size=BACKLOG,
            timeout=KEEP_ALIVE_SECONDS,
            shutdown_timeout=STOP_SECONDS,
        )
        self._server.prepare()
        for name, install in services.items():
            self._services[name] = install(self._context)

    def run(self) -> None:
        """Serve until ``ask_to_stop``, then end everything that was started here."""
        gc.freeze()  # what was loaded stays: no collection looks at it
        gc.enable()
        serving = threading.Thread(target=self._server.serve, name="api")
        serving.start()
        self._context.journal.record("server.started", port=self._context.settings.port, pid=os.getpid())
        try:
            # Python runs a signal's handler in this thread, which a signal does not always wake up.
            while not self._stop_asked.wait(1):
                pass
        finally:
            self._end(serving)

    def ask_to_stop(self) -> None:
        """Make ``run`` return. Safe to call from a signal handler."""
        self._stop_asked.set()

    def _end(self, serving: threading.Thread) -> None:
        self._stop_services()
        self._server.stop()
        serving.join()
        self._context.processes.stop_all()
        self._context.journal.record("server.stopped")

    def _stop_services(self) -> None:
        for name, service in reversed(self._services.items()):
            try:
                service.stop()
            except Exception as error:  # noqa: BLE001 - the other services must still be stopped
                self._context.journal.record("server.service_did_not_stop", service=name, error=repr(error))

    def _application(
        self, environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "/")
        settings = self._context.settings
        if refusal := misdirected(environ, settings.port):
            self._context.journal.record(
                "api.misdirected", host=environ.get("HTTP_HOST"), origin=environ.get("HTTP_ORIGIN")
            )
            answer = refusal
        elif path.startswith(PREFIX):
            refusal = unauthorized(environ, settings.administrator)
            answer = refusal or self._control.answer(environ["REQUEST_METHOD"], path)
        else:
            answer = self._handle(read_call(environ))
        status = http.HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", _headers(answer))
        return [answer.body]


def serve(settings: Settings, listeners: Listeners, services: Mapping[str, Install]) -> None:
    """Run a local AWS with these services in the calling thread, the main one, until a signal ends it."""
    local_aws = LocalAws(settings, listeners, services)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _number, _frame: local_aws.ask_to_stop())
    local_aws.run()


def _handler(context: Context, faults: Faults) -> Handler:
    moto = DomainDispatcherApplication(create_backend_app)
    # Otherwise it lists the folder of its packages, and the methods of a class, at each request.
    moto.get_backend_for_host = functools.cache(moto.get_backend_for_host)  # type: ignore[method-assign]
    responses.method_names_from_class = functools.cache(method_names_from_class)  # type: ignore[attr-defined]
    authorizer = Authorizer(context.settings, context.journal)
    handle: Handler = lambda call: call_wsgi(moto, call)  # noqa: E731 - a name for the innermost layer
    handle = repeated(handle)
    handle = faults.middleware(handle, authorizer.is_role)
    handle = validated(handle, context.journal)
    handle = authorized(handle, authorizer.denial)
    handle = replayed(handle, context.journal)
    handle = serialized(handle)
    handle = not_implemented(handle, context.journal)
    return journaled(handle, context.journal, authorizer.caller_name)


def _headers(answer: Answer) -> list[tuple[str, str]]:
    headers = list(answer.headers)
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("Content-Length", str(len(answer.body))))
    return headers

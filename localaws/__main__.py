"""The local AWS as a program: ``python -m localaws --run-directory DIR --port N --balancer-port P``.

A port is a number or ``fd://N``, an inherited socket that listens already. All of them listen from the start, so that
no other program can take them.

It first clears the environment's settings for another AWS: moto reads it as it is loaded, and a developer's
profile or certificate bundle would get in the way. Everything else is imported after that.
"""

import argparse
import gc
import importlib
import os
import socket
import sys
from pathlib import Path

from localaws.settings import Listeners, Settings


def isolate_environment(settings: Settings) -> None:
    """Forget every AWS, proxy and certificate bundle of the environment; tell moto what this AWS is like."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MOTO_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        # No credentials: they open nothing, but boto3 wants some.
        AWS_ACCESS_KEY_ID="rehearsal",
        AWS_SECRET_ACCESS_KEY="rehearsal",  # noqa: S106
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_DEFAULT_REGION=settings.region,
        AWS_ENDPOINT_URL=settings.endpoint,
        AWS_EC2_METADATA_DISABLED="true",
        MOTO_DISABLE_GLOBAL_CORS="true",
        MOTO_ACCOUNT_ID=settings.account_id,
        MOTO_ACM_VALIDATION_WAIT="1",  # seconds until a certificate that waits for its DNS record is issued
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_PORT=str(settings.port),
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the local AWS until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localaws", description="A local AWS.")
    parser.add_argument("--run-directory", type=Path, required=True, help="folder of this run")
    parser.add_argument("--port", type=_listener, required=True, help="port of the API on 127.0.0.1, or fd://N")
    parser.add_argument("--balancer-port", type=_listener, required=True, help="port of the first load balancer")
    parser.add_argument("--status-port", type=_listener, help="port for an installed page that shows what runs")
    parser.add_argument(
        "--install",
        metavar="MODULE",
        action="append",
        default=[],
        help="install a further service: a module",
    )
    options = parser.parse_args(arguments)
    settings = Settings(options.run_directory.resolve(), options.port.getsockname()[1])
    isolate_environment(settings)
    gc.disable()
    # Only now: moto reads the environment as it is loaded.
    from localaws.server import SERVICES, serve  # noqa: PLC0415

    further = {name.rpartition(".")[2]: importlib.import_module(name).install for name in options.install}
    serve(settings, Listeners(options.port, options.balancer_port, options.status_port), {**SERVICES, **further})
    return 0


def _listener(text: str) -> socket.socket:
    """Return the socket that a ``--port`` names."""
    if text.startswith("fd://"):
        listener = socket.socket(fileno=int(text.removeprefix("fd://")))
        listener.set_inheritable(False)
        return listener
    try:
        return socket.create_server(("127.0.0.1", int(text)))
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"cannot listen on 127.0.0.1:{text}: {error}. Stop the program that listens there or choose another port."
        ) from None


if __name__ == "__main__":
    sys.exit(main())

"""Rehearse the deployment on this machine: ``python -m rehearsal COMMAND``; ``make`` wraps the common calls."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from devtools.errors import UserError
from devtools.images.engine import build_image
from devtools.serve import serve
from rehearsal import commands
from rehearsal.rotate import rotate
from rehearsal.run import DEFAULT_FOLDER, Run
from rehearsal.write_token import write_token

INTERRUPTED_EXIT_CODE = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    run = Run(options.folder)
    for hangup in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(hangup, _interrupt)
    try:
        return _run(options, run)
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE


def _run(options: argparse.Namespace, run: Run) -> int:
    match options.command:
        case "up":
            commands.up(run, options.port, in_containers=options.tasks == "container")
        case "down":
            commands.down(run)
        case "rehearse":
            commands.rehearse(run, options.port)
        case "token":
            print(write_token(run))
        case "rotate":
            rotate(run, options.login)
        case "fire":
            commands.fire(run, options.schedule)
        case "serve":
            return serve(options.port)
        case "image":
            build_image(options.tag, options.base)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description="Rehearse the deployment on this machine.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=DEFAULT_FOLDER,
        help="where the rehearsal keeps its logs and state (default: %(default)s)",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    port = argparse.ArgumentParser(add_help=False)
    port.add_argument("--port", type=_port, default=_port_from_environment(), help="port of the load balancer (8080)")
    up = subparsers.add_parser(
        "up", parents=[port], help="deploy to a local AWS and leave it running; again: apply changes"
    )
    up.add_argument(
        "--tasks",
        choices=["process", "container"],
        default=os.environ.get("TASKS") or "process",
        help="run tasks as processes with the image's command, or with podman from the image itself (%(default)s)",
    )
    subparsers.add_parser("down", help="destroy it, check that nothing is left, clean up")
    subparsers.add_parser("rehearse", parents=[port], help="up, checks and down in one go")
    subparsers.add_parser("token", help="print the token that changing the rehearsed catalogue takes")
    rotation = subparsers.add_parser("rotate", help="rotate the logins of the running rehearsal under load")
    rotation.add_argument("--login", help="only this one, such as beers_app; master is the database's own")
    fire = subparsers.add_parser("fire", help="let a schedule fire now that AWS would fire at its time")
    fire.add_argument("schedule", help="its name, such as taproom-dev-access-verify")
    subparsers.add_parser("serve", parents=[port], help="serve the application alone, with a PostgreSQL of its own")
    image = subparsers.add_parser("image", help="build the image with docker, podman or buildah")
    image.add_argument("--tag", default="taproom", help="its name (%(default)s)")
    image.add_argument(
        "--base", default=os.environ.get("BASE") or None, help="what to build upon, instead of its own base"
    )
    return parser


def _port_from_environment() -> int | None:
    text = os.environ.get("PORT")
    return _port(text) if text else None


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) <= 65535:  # noqa: PLR2004 - the highest port
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

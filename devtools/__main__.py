"""Tools that need no AWS: ``python -m devtools run|image|postgresql``; ``make`` wraps the common calls."""

import argparse
import os
import sys

from devtools.command_line import port_number, run_command
from devtools.images.engine import build_image
from devtools.postgres.binaries import install_all
from devtools.serve import DEFAULT_PORT, serve


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "run":
            return serve(options.port)
        case "image":
            build_image(options.tag, options.base)
        case "postgresql":
            return install_all(options.majors)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devtools", description="Tools that need no AWS.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = subparsers.add_parser("run", help="serve the application (database: DATABASE_URL, or a temporary one)")
    run.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT") or DEFAULT_PORT,
        help=f"port of 127.0.0.1 ({DEFAULT_PORT}, or PORT)",
    )
    image = subparsers.add_parser("image", help="build the image with docker, podman or buildah")
    image.add_argument("--tag", default="taproom", help="its name (%(default)s)")
    image.add_argument("--base", default=os.environ.get("BASE") or None, help="base image instead of the Dockerfile's")
    postgresql = subparsers.add_parser("postgresql", help="install PostgreSQL servers next to the Python environment")
    postgresql.add_argument("majors", type=int, nargs="+", metavar="MAJOR", help="major version, such as 17")
    return parser


if __name__ == "__main__":
    sys.exit(main())

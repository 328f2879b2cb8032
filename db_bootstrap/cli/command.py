"""The command line: ``python -m db_bootstrap plan --document access.yaml --dsn postgresql://...``.

It does what the functions do, except for credentials, which only the functions create. All actions but `apply` use
read-only sessions. The exit status is 0, 2 for differences, or 1 for any error with one paragraph on standard error,
including invalid arguments, for which argparse would use 2.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from db_bootstrap.apply import ReviewedPlan, apply, locked
from db_bootstrap.cli.document_file import read_document, render_document
from db_bootstrap.cli.dsn import PASSWORD_VARIABLE, parse_dsn
from db_bootstrap.cli.generate import Generated, generate
from db_bootstrap.cli.survey import survey
from db_bootstrap.document import AccessDocument, parse_document
from db_bootstrap.errors import BootstrapError, ConfigurationError, GenerationError
from db_bootstrap.inspect.session import Session, connected_as_master
from db_bootstrap.model import Credential, Endpoint, Plan
from db_bootstrap.plan import digest_for, make_plan
from db_bootstrap.plan_digest import is_digest
from db_bootstrap.report import Action, Format, Report, render

DSN_VARIABLE = "DB_BOOTSTRAP_DSN"

DONE, FAILED, DIFFERENT = 0, 1, 2
"""Exit statuses."""


@dataclass(frozen=True)
class Options:
    """The validated command line.

    Attributes:
        document: The file with the access document; None for `Action.GENERATE`.
        dsn: The database's address, which can contain a password.
        expected_digest: The digest that the plan of `Action.APPLY` must have, unless it is empty.
    """

    action: Action
    document: Path | None
    dsn: str = field(repr=False)
    output_format: Format
    expected_digest: str | None

    @classmethod
    def parse(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> "Options":
        """Parse the arguments.

        Raises:
            ConfigurationError: They are invalid, or contradict each other.
        """
        given = _parser(arguments).parse_args(arguments)
        dsn = given.dsn or environment.get(DSN_VARIABLE)
        if not dsn:
            raise ConfigurationError(
                f"The address of the database is missing; give it with --dsn, or in {DSN_VARIABLE}."
            )
        if (given.document is None) is not (given.action == Action.GENERATE):
            raise ConfigurationError(
                "generate creates a document, and reads none; leave --document out."
                if given.document
                else "The document is missing; give its file with --document."
            )
        digest = given.expect_digest
        if digest is not None and given.action != Action.APPLY:
            raise ConfigurationError(f"--expect-digest is for apply; {given.action} changes nothing. Leave it out.")
        if digest is not None and not is_digest(digest):
            raise ConfigurationError(
                "--expect-digest is not a valid digest; copy it from plan, as sha256: and 64 digits."
            )
        return cls(Action(given.action), given.document, dsn, Format(given.format), digest)

    def reviewed(self, host: str) -> ReviewedPlan | None:
        """Return the reviewed plan on the server of this name, if any."""
        return None if self.expected_digest is None else ReviewedPlan(host, self.expected_digest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    try:
        options = Options.parse(sys.argv[1:] if arguments is None else arguments, os.environ)
        return _run(options)
    except BootstrapError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("Interrupted; what was not committed is rolled back.")


def _run(options: Options) -> int:
    address = parse_dsn(options.dsn, os.environ)
    if options.document is None:
        _write(render_document(*_generated(*address), options.output_format))
        return DONE
    document = parse_document(read_document(options.document))
    report = _run_action(options, document, *address)
    _write(render(report, options.output_format))
    if report.refusals:
        return _failed(f"The document cannot be applied, for {len(report.refusals)} reason(s); see above.")
    return DONE if report.is_in_sync else DIFFERENT


def _run_action(options: Options, document: AccessDocument, endpoint: Endpoint, credential: Credential) -> Report:
    def opened(database: str) -> AbstractContextManager[Session]:
        there = replace(endpoint, database=database)
        is_read_only = options.action is not Action.APPLY
        return connected_as_master(there, lambda: credential, retry_seconds=0, is_read_only=is_read_only)

    with opened(endpoint.database) as connection:
        if options.action is Action.APPLY:
            with locked(connection):
                done = apply(connection, document, options.reviewed(endpoint.host), opened)
            digest = None
        else:
            done = make_plan(connection, document, opened)
            digest = digest_for(connection, endpoint.host, done) if options.action is Action.PLAN else None
    return Report(
        options.action, document.database, done.statements, done.refusals, done.unmanaged, done.summary, digest
    )


def _generated(endpoint: Endpoint, credential: Credential) -> tuple[Generated, Plan]:
    """Return a document that describes the database, and its plan, which has no statements."""
    with connected_as_master(endpoint, lambda: credential, retry_seconds=0, is_read_only=True) as connection:
        generated = generate(*survey(connection))
        planned = make_plan(connection, parse_document(generated.document))
    if planned.statements:
        listed = "\n".join(f"- {step.sql}" for step in planned.statements[:20])
        raise GenerationError(
            "The generated document does not match the database: something changed in the meantime, or db_bootstrap "
            f"has a bug. Run it again; if the error persists, report it with these statements.\n{listed}"
        )
    return generated, planned


def _write(text: str) -> None:
    try:
        # Documents are UTF-8 on every system, and so is the output about them.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe; without this, Python would fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str) -> int:
    sys.stderr.buffer.write(f"{message}\n".encode(errors="backslashreplace"))
    return FAILED


class _Parser(argparse.ArgumentParser):
    """A parser that raises, and repeats no argument that may be a secret, like an address after ``--dns``."""

    possible_secrets: tuple[str, ...] = ()

    def error(self, message: str) -> NoReturn:
        for argument in self.possible_secrets:
            message = message.replace(repr(argument), "...").replace(argument, "...")
        raise ConfigurationError(f"{message}\n{self.format_usage().strip()}\nRun it with --help for details.")


def _parser(arguments: Sequence[str]) -> _Parser:
    parser = _Parser(
        prog="python -m db_bootstrap",
        description="Make the access of a PostgreSQL database what a document declares, or print the differences.",
        epilog="Exit status: 0 in sync or done; 2 differences; 1 an error, with the remedy on standard error.",
        allow_abbrev=False,
    )
    parser.possible_secrets = tuple(argument for argument in arguments if "://" in argument or "=" in argument)
    parser.add_argument(
        "action",
        choices=[action.value for action in Action],
        help="plan: print what would run; apply: run it; verify: print what differs and what is not managed; "
        "generate: print a document that describes the database as it is",
    )
    parser.add_argument("--document", type=Path, metavar="FILE", help="the access document; not for generate")
    parser.add_argument(
        "--dsn",
        metavar="URL",
        help="postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE, of a login that can create roles; "
        f"or in {DSN_VARIABLE}. Put the password into {PASSWORD_VARIABLE}: arguments are visible to every process.",
    )
    parser.add_argument("--format", choices=[known.value for known in Format], default=Format.TEXT.value)
    parser.add_argument(
        "--expect-digest", metavar="D", help="with apply: run exactly the plan with this digest, or nothing"
    )
    return parser

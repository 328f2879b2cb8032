"""The command line: ``python -m db_bootstrap plan --document access.yaml --dsn postgresql://...``.

It does what the function does, but for credentials: those are made where the secrets are. All but `apply` work in
sessions that may only read. The exit status is 0, 2 for differences, and 1 with one paragraph on standard error for
everything that went wrong, an argument included, for which argparse would take 2.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap import apply as reconcile
from db_bootstrap import document as access
from db_bootstrap.apply import Plan, Reviewed
from db_bootstrap.cli import document_file
from db_bootstrap.cli.dsn import PASSWORD_VARIABLE, parse_dsn
from db_bootstrap.cli.generate import Generated, generate
from db_bootstrap.cli.survey import survey
from db_bootstrap.cli.yaml_output import rendered_document
from db_bootstrap.document import AccessDocument
from db_bootstrap.errors import BootstrapError, ConfigurationError, GenerationError
from db_bootstrap.inspect.session import Credential, Endpoint, connected_as_master, describe
from db_bootstrap.plan_digest import is_digest
from db_bootstrap.report import Action, Format, Report, rendered

DSN_VARIABLE = "DB_BOOTSTRAP_DSN"

_READ_ONLY = "SET default_transaction_read_only = on"

DONE, FAILED, DIFFERENT = 0, 1, 2
"""Exit statuses."""


@dataclass(frozen=True)
class Options:
    """The command line, checked.

    Attributes:
        document: The file with the access document; None for `Action.GENERATE`, which makes one.
        dsn: The database's address; it may hold a password.
        expected_digest: What `Action.APPLY` must find to do, unless it finds nothing to do.
    """

    action: Action
    document: Path | None
    dsn: str = field(repr=False)
    form: Format
    expected_digest: str | None

    @classmethod
    def parse(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> "Options":
        """Read the arguments.

        Raises:
            ConfigurationError: They are not understood, or do not go together.
        """
        given = _parser(arguments).parse_args(arguments)
        dsn = given.dsn or environment.get(DSN_VARIABLE)
        if not dsn:
            raise ConfigurationError(f"Which database? Give its address with --dsn, or in {DSN_VARIABLE}.")
        if (given.document is None) is not (given.action == Action.GENERATE):
            raise ConfigurationError(
                "generate makes a document, and reads none; leave --document out."
                if given.document
                else "Which document? Name its file with --document."
            )
        digest = given.expect_digest
        if digest is not None and given.action != Action.APPLY:
            raise ConfigurationError(f"--expect-digest is for apply; {given.action} changes nothing. Leave it out.")
        if digest is not None and not is_digest(digest):
            raise ConfigurationError("--expect-digest is no digest; copy it from plan, as sha256: and 64 digits.")
        return cls(Action(given.action), given.document, dsn, Format(given.format), digest)

    def reviewed(self, host: str) -> Reviewed | None:
        """The plan to be held to on the server of this name, if any."""
        return None if self.expected_digest is None else Reviewed(host, self.expected_digest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    try:
        options = Options.parse(sys.argv[1:] if arguments is None else arguments, os.environ)
        return _run(options)
    except BootstrapError as error:
        return _failed(str(error))
    except (pg8000.exceptions.Error, OSError) as error:
        message, _ = describe(error)
        return _failed(f"The work broke off; what was not committed is rolled back. Run it again.\n{message}")
    except KeyboardInterrupt:
        return _failed("Interrupted; what was not committed is rolled back.")


def _run(options: Options) -> int:
    address = parse_dsn(options.dsn, os.environ)
    if options.document is None:
        _write(rendered_document(*_generated(*address), options.form))
        return DONE
    document = access.parse(document_file.read(options.document))
    report = _carried_out(options, document, *address)
    _write(rendered(report, options.form))
    if report.refusals:
        return _failed(f"The document cannot be carried out, for {len(report.refusals)} reason(s); see above.")
    return DONE if report.is_in_sync else DIFFERENT


def _carried_out(options: Options, document: AccessDocument, endpoint: Endpoint, credential: Credential) -> Report:
    @contextmanager
    def elsewhere(database: str) -> Iterator[Connection]:
        there = replace(endpoint, database=database)
        with connected_as_master(there, lambda: credential, patience_seconds=0) as connection:
            if options.action is not Action.APPLY:
                connection.run(_READ_ONLY)
            yield connection

    with connected_as_master(endpoint, lambda: credential, patience_seconds=0) as connection:
        if options.action is Action.APPLY:
            with reconcile.locked(connection):
                done = reconcile.apply(connection, document, options.reviewed(endpoint.host), elsewhere)
            digest = None
        else:
            connection.run(_READ_ONLY)
            done = reconcile.plan(connection, document, elsewhere)
            digest = reconcile.digest(connection, endpoint.host, done) if options.action is Action.PLAN else None
    return Report(options.action, document.database, done.statements, done.refusals, done.unmanaged, digest)


def _generated(endpoint: Endpoint, credential: Credential) -> tuple[Generated, Plan]:
    """A document that describes the database, and its plan, in which nothing is to do."""
    with connected_as_master(endpoint, lambda: credential, patience_seconds=0) as connection:
        connection.run(_READ_ONLY)
        generated = generate(*survey(connection))
        planned = reconcile.plan(connection, access.parse(generated.document))
    if planned.statements:
        listed = "\n".join(f"- {step.sql}" for step in planned.statements[:20])
        raise GenerationError(
            "What was generated is not what the database has: somebody changed something meanwhile, or this is a "
            f"fault of db_bootstrap. Run it again; if it stays, report it with these statements.\n{listed}"
        )
    return generated, planned


def _write(text: str) -> None:
    try:
        # The document is UTF-8 wherever it is read, and so is what is said about it.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever listened has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str) -> int:
    sys.stderr.buffer.write(f"{message}\n".encode(errors="backslashreplace"))
    return FAILED


class _Parser(argparse.ArgumentParser):
    """A parser that raises, and repeats nothing that may hold a password, such as an address after ``--dns``."""

    unspeakable: tuple[str, ...] = ()

    def error(self, message: str) -> NoReturn:
        for argument in self.unspeakable:
            message = message.replace(repr(argument), "...").replace(argument, "...")
        raise ConfigurationError(f"{message}\n{self.format_usage().strip()}\nMore is said by --help.")


def _parser(arguments: Sequence[str]) -> _Parser:
    parser = _Parser(
        prog="python -m db_bootstrap",
        description="Make a PostgreSQL's access what a document declares, or say what differs.",
        epilog="Exit status: 0 in sync or done; 2 differences; 1 an error, with what to do on standard error.",
        allow_abbrev=False,
    )
    parser.unspeakable = tuple(argument for argument in arguments if "://" in argument or "=" in argument)
    parser.add_argument(
        "action",
        choices=[action.value for action in Action],
        help="plan: print what would run; apply: run it; verify: say what differs and what is not managed; "
        "generate: print a document that describes the database as it is",
    )
    parser.add_argument("--document", type=Path, metavar="FILE", help="the access document; not for generate")
    parser.add_argument(
        "--dsn",
        metavar="URL",
        help="postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE, of a login that may make roles; "
        f"or in {DSN_VARIABLE}. Put the password into {PASSWORD_VARIABLE}: arguments are seen by every process.",
    )
    parser.add_argument("--format", choices=[form.value for form in Format], default=Format.TEXT.value)
    parser.add_argument("--expect-digest", metavar="D", help="with apply: run exactly what plan showed, or nothing")
    return parser

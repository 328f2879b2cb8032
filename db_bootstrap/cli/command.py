"""The command line: ``python -m db_bootstrap plan --document access.yaml --dsn postgresql://...``.

It does what the functions do, except for credentials, which only the functions create. All actions but `apply` use
read-only sessions. The exit status is 0, 2 for differences, or 1 for any error with one paragraph on standard error,
including invalid arguments, for which argparse would use 2.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from db_bootstrap.apply import ReviewedPlan, apply, locked
from db_bootstrap.cli.color import in_color
from db_bootstrap.cli.document_file import STANDARD_INPUT, notes, read_document, render_document
from db_bootstrap.cli.dsn import PASSWORD_VARIABLE, parse_dsn
from db_bootstrap.document import parse_document
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.errors import BootstrapError, ConfigurationError, GenerationError
from db_bootstrap.inspect.session import OpenElsewhere, Session, connected_as_master
from db_bootstrap.model import Endpoint, Plan
from db_bootstrap.plan import digest_for, make_plan
from db_bootstrap.plan_digest import is_digest
from db_bootstrap.report import Action, Format, Report, as_lines, render
from db_bootstrap.values import dataclass

if TYPE_CHECKING:
    from db_bootstrap.cli.generate import Generated
    from db_bootstrap.effective.access import Access
    from db_bootstrap.effective.questions import Question

DSN_VARIABLE = "DB_BOOTSTRAP_DSN"

DONE, FAILED, DIFFERENT = 0, 1, 2
"""Exit statuses."""

_ACTIONS = {
    Action.PLAN: ("print what an apply would run", "--document access.yaml --format sql"),
    Action.APPLY: ("run it, in one transaction", "--document access.yaml --expect-digest sha256:..."),
    Action.VERIFY: ("print what differs, and what is not managed", "--document - < access.yaml"),
    Action.GENERATE: ("print a document that describes the database as it is", "> access.yaml"),
    Action.WHO: ("print the roles that have privileges on an object", "--on beers.beers --privilege DELETE"),
    Action.WHAT: ("print what a role can do", "--of beers_report"),
    Action.WHY: ("print each way in which a role has privileges", "--of ann --on 'beers.rate(integer, text)'"),
    Action.AUDIT: ("print who can do what, what is surprising, and a document to adopt", "> access.yaml"),
}
"""The description of each action, and the options of an example."""

_WITH_DOCUMENT = (Action.PLAN, Action.APPLY, Action.VERIFY)
_QUESTIONS = (Action.WHO, Action.WHAT, Action.WHY)


@dataclass(frozen=True)
class Options:
    """The validated command line.

    Attributes:
        dsn: The database's address, which can contain a password.
        expected_digest: The digest that the plan of `Action.APPLY` must have, unless it is empty.
        is_verbose: Whether text output has all reasons.
    """

    action: Action
    dsn: str = field(repr=False)
    output_format: Format
    document: Path | None = None
    expected_digest: str | None = None
    question: "Question | None" = None
    is_verbose: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> "Options":
        """Parse the arguments.

        Raises:
            ConfigurationError: They are invalid, or contradict each other.
            QuestionError: The question is invalid.
        """
        given = _parsed(arguments)
        action = Action(given["action"])
        dsn = given["dsn"] or environment.get(DSN_VARIABLE)
        if not dsn:
            raise ConfigurationError(
                f"The address of the database is missing; give it with --dsn, or in {DSN_VARIABLE}."
            )
        digest = given.get("expect_digest")
        if digest is not None and not is_digest(digest):
            raise ConfigurationError(
                "--expect-digest is not a valid digest; copy it from plan, as sha256: and 64 digits."
            )
        question = None
        if action in _QUESTIONS:
            from db_bootstrap.effective.questions import Question  # noqa: PLC0415 - other actions start faster

            question = Question.parse({key: given.get(key) for key in ("action", "of", "on", "privilege")})
        output_format = Format(given["format"])
        return cls(action, dsn, output_format, given.get("document"), digest, question, given["verbose"])


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
    document = None if options.document is None else parse_document(read_document(options.document))
    endpoint, credential = parse_dsn(options.dsn, os.environ)

    def opened(database: str) -> AbstractContextManager[Session]:
        there = replace(endpoint, database=database)
        is_read_only = options.action is not Action.APPLY
        return connected_as_master(there, lambda: credential, retry_seconds=0, is_read_only=is_read_only)

    if document is None:
        with opened(endpoint.database) as session:
            return _read_only_action(options, session, endpoint)
    report = _run_action(options, document, endpoint, opened)
    shown = render(report, options.output_format, is_verbose=options.is_verbose)
    _write(in_color(shown) if options.output_format is Format.TEXT else shown)
    if report.refusals:
        return _failed(f"The document cannot be applied, for {len(report.refusals)} reason(s); see above.")
    return DONE if report.is_in_sync else DIFFERENT


def _run_action(options: Options, document: AccessDocument, endpoint: Endpoint, opened: OpenElsewhere) -> Report:
    digest = None
    with opened(endpoint.database) as session:
        if options.action is Action.APPLY:
            reviewed = ReviewedPlan(endpoint.host, options.expected_digest) if options.expected_digest else None
            with locked(session):
                done = apply(session, document, reviewed, opened)
        else:
            done = make_plan(session, document, opened)
            digest = digest_for(session, endpoint.host, done) if options.action is Action.PLAN else None
    return Report(**vars(done), action=options.action, database=document.database, digest=digest)


def _read_only_action(options: Options, session: Session, endpoint: Endpoint) -> int:
    from db_bootstrap.effective.access import Access  # noqa: PLC0415 - other actions start faster
    from db_bootstrap.effective.audit import audit_as_dict, audit_lines  # noqa: PLC0415
    from db_bootstrap.effective.questions import answer, as_dict  # noqa: PLC0415
    from db_bootstrap.effective.sentences import answer_lines  # noqa: PLC0415
    from db_bootstrap.inspect.catalog import read_catalog  # noqa: PLC0415

    access = Access(read_catalog(session))
    if options.question is not None:
        answered = answer(options.question, access)
        is_verbose = options.is_verbose or options.action is Action.WHY
        if options.output_format is Format.JSON:
            _write(json.dumps(as_dict(answered, endpoint.database), indent=2) + "\n")
        else:
            _write(as_lines(answer_lines(answered, is_verbose=is_verbose)))
        return DONE
    generated, planned = _generated(session, access)
    if options.output_format is Format.TEXT:
        is_audit = options.action is Action.AUDIT
        audit = [*audit_lines(access, is_verbose=options.is_verbose), ""] if is_audit else ()
        shown = render_document(generated, (*audit, *notes(generated, planned)))
        _write(in_color(shown) if is_audit else shown)
    elif options.action is Action.AUDIT:
        audited = audit_as_dict(access) | {"document": generated.document, "left_out": generated.left_out}
        _write(json.dumps(audited, indent=2) + "\n")
    else:
        _write(json.dumps(generated.document, indent=2) + "\n")
        _complain(as_lines(notes(generated, planned)))
    return DONE


def _generated(session: Session, access: "Access") -> "tuple[Generated, Plan]":
    """Return a document that describes the database, and its plan, which has no statements."""
    from db_bootstrap.cli.generate import generate  # noqa: PLC0415 - other actions start faster

    generated = generate(access.catalog)
    planned = make_plan(session, parse_document(generated.document))
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


def _complain(text: str) -> None:
    sys.stderr.buffer.write(text.encode(errors="backslashreplace"))


def _failed(message: str) -> int:
    _complain(f"{message}\n")
    return FAILED


class _Parser(argparse.ArgumentParser):
    """A parser that raises."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}\n{self.format_usage().strip()}\nRun it with --help for details.")


class _Version(argparse.Action):
    """Prints the version, which is read only then, so that other runs start faster."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        import tomllib  # noqa: PLC0415 - see above
        from importlib.metadata import version  # noqa: PLC0415

        pyproject = Path(__file__).parents[2] / "pyproject.toml"
        if pyproject.exists():
            number = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"]
        else:
            number = version("taproom-db-bootstrap")
        sys.stdout.write(f"db_bootstrap {number}\n")
        parser.exit()


def _parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse the arguments; errors repeat none that may be a secret, like an address after ``--dns``."""
    try:
        return vars(_parser().parse_args(arguments))
    except ConfigurationError as error:
        message = str(error)
        for argument in arguments:
            if "://" in argument or "=" in argument:
                message = message.replace(repr(argument), "...").replace(argument, "...")
        raise ConfigurationError(message) from None


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m db_bootstrap",
        description="Make the access of a PostgreSQL database what a document declares, or explain what it is.",
        epilog="Exit status: 0 in sync or done; 2 differences; 1 an error, with the remedy on standard error.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="action", required=True)
    for action, (summary, example) in _ACTIONS.items():
        command = commands.add_parser(
            action,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"Example: python -m db_bootstrap {action} {example}. Passwords: {PASSWORD_VARIABLE} or .pgpass.",
            allow_abbrev=False,
        )
        _add_options(command, action)
    return parser


def _add_options(parser: argparse.ArgumentParser, action: Action) -> None:
    add = parser.add_argument
    if action in _WITH_DOCUMENT:
        add("--document", required=True, type=Path, metavar="FILE", help=f"{STANDARD_INPUT} reads standard input")
    if action is Action.APPLY:
        add("--expect-digest", metavar="D", help="run exactly the plan with this digest, or nothing")
    if action in {Action.WHAT, Action.WHY}:
        add("--of", required=True, metavar="ROLE", help="the role, or public for what every role can do")
    if action in {Action.WHO, Action.WHY}:
        add("--on", required=True, metavar="OBJECT", help="beers.beers, 'schema beers' or 'beers.rate(integer, text)'")
    if action in _QUESTIONS:
        add("--privilege", metavar="P", help="only this privilege, such as DELETE")
    add(
        "--dsn",
        metavar="URL",
        help=f"postgresql://USER@HOST:PORT/DATABASE?sslrootcert=FILE; or in {DSN_VARIABLE}. "
        "Leave the password out: arguments are visible to every process.",
    )
    formats = [known.value for known in Format if action in _WITH_DOCUMENT or known is not Format.SQL]
    add("--format", choices=formats, default=Format.TEXT.value)
    add("--verbose", action="store_true", help="print all reasons")

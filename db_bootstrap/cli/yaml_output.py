"""A generated document as a file: YAML with what could not be said as comments, or JSON with the same as lists.

Pure.
"""

import json
from collections.abc import Iterator

from db_bootstrap.apply import Plan
from db_bootstrap.cli.generate import Generated
from db_bootstrap.errors import ConfigurationError
from db_bootstrap.report import Format, visible


def rendered_document(generated: Generated, planned: Plan, form: Format) -> str:
    """The document with the reason for each role that it leaves out, and what its plan says is not managed.

    Raises:
        ConfigurationError: It is wanted as YAML, and there is no PyYAML; or as SQL, which it is not.
    """
    match form:
        case Format.TEXT:
            return "".join(f"# {visible(line)}\n" for line in _notes(generated, planned)) + _yaml(generated.document)
        case Format.JSON:
            content = {
                "document": generated.document,
                "left_out": generated.left_out,
                "refusals": list(planned.refusals),
                "unmanaged": list(planned.unmanaged),
            }
            return json.dumps(content, indent=2) + "\n"
        case Format.SQL:
            raise ConfigurationError("A document is no SQL; choose --format text, which is YAML, or json.")


def _notes(generated: Generated, planned: Plan) -> Iterator[str]:
    yield f"What the database {generated.document['database']} has. Applied as it is, it changes nothing."
    yield "What it does not say is reported and stays; `unlisted: revoke` takes it away."
    by_reason: dict[str, list[str]] = {}
    for name, reason in generated.left_out.items():
        by_reason.setdefault(reason, []).append(name)
    yield from _listed("Roles that are left out:", [f"{', '.join(names)}: {why}" for why, names in by_reason.items()])
    yield from _listed("Before it can be applied:", planned.refusals)
    yield from _listed("Found, and not said here:", planned.unmanaged)


def _listed(title: str, lines: list[str] | tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield title
        for line in lines:
            yield f"- {line}"


def _yaml(document: object) -> str:
    try:
        import yaml  # noqa: PLC0415 - the function's zip has none, and generates nothing
    except ImportError:
        raise ConfigurationError(
            "A document is printed as YAML, and this Python has no PyYAML. Run `pip install pyyaml`, or choose "
            "--format json."
        ) from None
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return text

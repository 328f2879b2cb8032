"""Access documents as files: read from JSON or YAML, and printed as either after `generate`.

Duplicate keys are refused: the parsers of both formats would silently keep the last, and so lose a role.
"""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db_bootstrap.errors import AccessDocumentError, ConfigurationError
from db_bootstrap.model import Plan
from db_bootstrap.report import escaped, listed

if TYPE_CHECKING:
    from ruamel.yaml import YAML

    from db_bootstrap.cli.generate import Generated

STANDARD_INPUT = Path("-")
"""The name of standard input, as a document."""

_YAML_SUFFIXES = frozenset({".yaml", ".yml"})


def read_document(file: Path) -> object:
    """Parse a file: as YAML if its name ends with ``.yaml`` or ``.yml``, otherwise as JSON.

    `STANDARD_INPUT` is JSON if it begins with a brace, and otherwise YAML.

    Raises:
        ConfigurationError: It cannot be read, or it is YAML and ruamel.yaml is missing.
        AccessDocumentError: It is neither.
    """
    is_standard_input = file == STANDARD_INPUT
    name = "standard input" if is_standard_input else str(file)
    try:
        text = (sys.stdin.buffer.read() if is_standard_input else file.read_bytes()).decode()
    except OSError as error:
        raise ConfigurationError(
            f"The access document {name} cannot be read: {error.strerror}. Name an existing file with --document."
        ) from None
    except UnicodeDecodeError:
        raise AccessDocumentError((f"{name}: this is not text in UTF-8; save it as such.",)) from None
    is_json = text.lstrip().startswith("{") if is_standard_input else file.suffix.lower() not in _YAML_SUFFIXES
    return _json(name, text) if is_json else _yaml(name, text)


def _json(name: str, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise AccessDocumentError(
            (f"{name}: this is not valid JSON ({error}); correct it, or name it .yaml.",)
        ) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        duplicates = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"duplicate keys: {', '.join(map(repr, duplicates))}")
    return mapping


def _yaml(name: str, text: str) -> object:
    parser, error_type = _yaml_1_2("write JSON")
    try:
        return parser.load(text)
    except (error_type, RecursionError) as error:
        raise AccessDocumentError((f"{name}: this is not valid YAML ({error}); correct it.",)) from None


def render_document(generated: "Generated", remarks: Iterable[str]) -> str:
    """Return a generated document as YAML, below remarks.

    Raises:
        ConfigurationError: ruamel.yaml is missing.
    """
    parser, _ = _yaml_1_2("choose --format json")
    text = io.StringIO()
    parser.dump(generated.document, text)
    return "".join(f"# {escaped(line)}".rstrip() + "\n" for line in remarks) + text.getvalue()


def notes(generated: "Generated", plan: Plan) -> Iterator[str]:
    """Yield what a generated document means, which roles it leaves out and why, and what its plan does not manage."""
    yield f"The access of the database {generated.document['database']}. Applied unchanged, it changes nothing."
    yield "Access that it does not declare is reported and stays; `unlisted: revoke` revokes it."
    by_reason: dict[str, list[str]] = {}
    for name, reason in generated.left_out.items():
        by_reason.setdefault(reason, []).append(name)
    yield from listed("Roles that are left out:", [f"{', '.join(names)}: {why}" for why, names in by_reason.items()])
    yield from listed("Before it can be applied:", plan.refusals)
    yield from listed("Not declared here:", plan.unmanaged)


def _yaml_1_2(alternative: str) -> "tuple[YAML, type[Exception]]":
    """Return a parser of YAML 1.2, which refuses duplicate keys and merges ``<<``, and its errors."""
    try:
        from ruamel.yaml import YAML  # noqa: PLC0415 - needed for YAML only
        from ruamel.yaml.constructor import SafeConstructor  # noqa: PLC0415
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            f"This needs YAML, and ruamel.yaml is not installed. Run `pip install ruamel.yaml`, or {alternative}."
        ) from None

    class Constructor(SafeConstructor):
        """Constructs JSON's values only: a date is text."""

    Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    parser = YAML(typ="safe", pure=True)
    parser.Constructor = Constructor
    parser.default_flow_style = None  # lists of plain values on one line
    parser.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    parser.width = 120
    return parser, YAMLError

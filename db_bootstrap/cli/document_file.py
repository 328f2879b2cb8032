"""Access documents as files: read from JSON or YAML, and printed as either after `generate`.

Duplicate keys are refused: the parsers of both formats would silently keep the last, and so lose a role.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from db_bootstrap.cli.generate import Generated
from db_bootstrap.errors import AccessDocumentError, ConfigurationError
from db_bootstrap.model import Plan
from db_bootstrap.report import Format, escaped

_YAML_SUFFIXES = frozenset({".yaml", ".yml"})


def read_document(file: Path) -> object:
    """Parse the file: as YAML if its name ends with ``.yaml`` or ``.yml``, otherwise as JSON.

    Raises:
        ConfigurationError: It cannot be read, or it is YAML and PyYAML is missing.
        AccessDocumentError: It is neither.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The access document {file} cannot be read: {error.strerror}. Name an existing file with --document."
        ) from None
    except UnicodeDecodeError:
        raise AccessDocumentError((f"{file}: this is not text in UTF-8; save it as such.",)) from None
    return _yaml(file, text) if file.suffix.lower() in _YAML_SUFFIXES else _json(file, text)


def _json(file: Path, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise AccessDocumentError(
            (f"{file}: this is not valid JSON ({error}); correct it, or name it .yaml.",)
        ) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        duplicates = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"duplicate keys: {', '.join(map(repr, duplicates))}")
    return mapping


def _yaml(file: Path, text: str) -> object:
    yaml = _pyyaml("write JSON")

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as PyYAML calls it
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            if len(mapping) != len(node.value):
                raise yaml.constructor.ConstructorError(None, None, "duplicate key", node.start_mark)
            return mapping

    # Booleans as in YAML 1.2, which editors use: in version 1.1 the key `on` is a boolean, and so is a role named no.
    tag = "tag:yaml.org,2002:bool"
    Loader.yaml_implicit_resolvers = {
        first: [(name, pattern) for name, pattern in resolvers if name != tag]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(tag, re.compile("(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])

    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise AccessDocumentError((f"{file}: this is not valid YAML ({error}); correct it.",)) from None


def render_document(generated: Generated, plan: Plan, output_format: Format) -> str:
    """Return a generated document, the reason for each role that it leaves out, and what its plan does not manage.

    Raises:
        ConfigurationError: The format is YAML, and PyYAML is missing; or it is SQL, which a document is not.
    """
    match output_format:
        case Format.TEXT:
            notes = "".join(f"# {escaped(line)}\n" for line in _notes(generated, plan))
            text: str = _pyyaml("choose --format json").safe_dump(
                generated.document, sort_keys=False, allow_unicode=True, width=120
            )
            return notes + text
        case Format.JSON:
            content = {
                "document": generated.document,
                "left_out": generated.left_out,
                "refusals": list(plan.refusals),
                "unmanaged": list(plan.unmanaged),
            }
            return json.dumps(content, indent=2) + "\n"
        case Format.SQL:
            raise ConfigurationError("A document is not SQL; choose --format text, which is YAML, or json.")


def _notes(generated: Generated, plan: Plan) -> Iterator[str]:
    yield f"The access of the database {generated.document['database']}. Applied unchanged, it changes nothing."
    yield "Access that it does not declare is reported and stays; `unlisted: revoke` revokes it."
    by_reason: dict[str, list[str]] = {}
    for name, reason in generated.left_out.items():
        by_reason.setdefault(reason, []).append(name)
    yield from _listed("Roles that are left out:", [f"{', '.join(names)}: {why}" for why, names in by_reason.items()])
    yield from _listed("Before it can be applied:", plan.refusals)
    yield from _listed("Not declared here:", plan.unmanaged)


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield title
        for line in lines:
            yield f"- {line}"


def _pyyaml(alternative: str) -> ModuleType:
    try:
        import yaml  # noqa: PLC0415 - needed for YAML only
    except ImportError:
        raise ConfigurationError(
            f"This needs YAML, and PyYAML is not installed. Run `pip install pyyaml`, or {alternative}."
        ) from None
    return yaml

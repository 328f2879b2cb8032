"""The access document in a file, as JSON or YAML.

A key that stands twice is refused: both formats' readers would silently keep the last, and so lose a role.
"""

import json
import re
from pathlib import Path
from typing import Any

from db_bootstrap.errors import AccessDocumentError, ConfigurationError

_YAML_SUFFIXES = frozenset({".yaml", ".yml"})


def read(file: Path) -> object:
    """What the file holds: YAML if its name ends with ``.yaml`` or ``.yml``, otherwise JSON.

    Raises:
        ConfigurationError: It cannot be read, or it is YAML and there is no PyYAML.
        AccessDocumentError: It is neither.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The access document {file} cannot be read: {error.strerror}. Name an existing file with --document."
        ) from None
    except UnicodeDecodeError:
        raise AccessDocumentError((f"{file}: this is no text in UTF-8; save it as such.",)) from None
    return _yaml(file, text) if file.suffix.lower() in _YAML_SUFFIXES else _json(file, text)


def _json(file: Path, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise AccessDocumentError((f"{file}: this is no JSON ({error}); correct it, or name it .yaml.",)) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"keys that stand twice: {', '.join(map(repr, twice))}")
    return found


def _yaml(file: Path, text: str) -> object:
    try:
        import yaml  # noqa: PLC0415 - the function's zip has none, and its documents come as JSON
    except ImportError:
        raise ConfigurationError(
            f"{file} is YAML, and this Python has no PyYAML to read it. Run `pip install pyyaml`, or write JSON."
        ) from None

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as PyYAML calls it
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            if len(mapping) != len(node.value):
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
            return mapping

    # Truths as YAML 1.2 has them, and editors: in version 1.1 the key `on` was one, and so was a role named no.
    tag = "tag:yaml.org,2002:bool"
    Loader.yaml_implicit_resolvers = {
        first: [(name, pattern) for name, pattern in resolvers if name != tag]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(tag, re.compile("(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])

    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise AccessDocumentError((f"{file}: this is no YAML ({error}); correct it.",)) from None

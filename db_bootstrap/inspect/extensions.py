"""Extensions as the catalogs have them."""

from collections.abc import Iterator

from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect import queries
from db_bootstrap.inspect.session import Run
from db_bootstrap.model import ActualExtension, ExtensionExists, ExtensionSchema, Fact


def extensions(run: Run, document: AccessDocument) -> tuple[ActualExtension, ...]:
    """Read the declared extensions; runs no query if there are none."""
    if not document.extensions:
        return ()
    names = sorted(document.extensions)
    schemas = [document.extensions[name].schema or "" for name in names]
    rows = run(queries.EXTENSIONS, names=names, extension_schemas=schemas)
    return tuple(ActualExtension(*row) for row in sorted(rows, key=lambda row: str(row[0])))


def extension_facts(actual: tuple[ActualExtension, ...], document: AccessDocument) -> Iterator[Fact]:
    """Yield which are installed, and their schemas if the document declares them."""
    for extension in actual:
        if extension.is_installed:
            yield ExtensionExists(extension.name)
            schema = document.extensions[extension.name].schema
            if schema is not None and extension.schema is not None:
                yield ExtensionSchema(extension.name, extension.schema if extension.is_movable else schema)


def extension_notes(actual: tuple[ActualExtension, ...], document: AccessDocument) -> Iterator[str]:
    """Yield a sentence for each that is in another schema than declared and cannot be moved."""
    for extension in actual:
        schema = document.extensions[extension.name].schema
        if extension.is_installed and schema not in {None, extension.schema} and not extension.is_movable:
            yield (
                f"The extension {extension.name!r} is in schema {extension.schema!r}, not in {schema!r} as declared, "
                "and cannot be moved here."
            )

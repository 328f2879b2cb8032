"""The routines that the names in a document mean: PostgreSQL itself resolves the types in a signature."""

import json
from collections.abc import Iterable

from db_bootstrap.diff.scope import readings
from db_bootstrap.inspect.session import Run
from db_bootstrap.model import Signatures
from db_bootstrap.sql import literal, text_array

# An argument's mode and name come before its type: drop words from the left until the rest is a type. A block, because
# a type that cannot be parsed is an error, which would end the transaction.
_RESOLVE = """
DO $resolve$
DECLARE
    written text;
    rest text;
    found text;
    types jsonb := '{{}}';
BEGIN
    FOREACH written IN ARRAY CAST({written} AS text[]) LOOP
        rest := written;
        found := NULL;
        WHILE rest <> '' AND found IS NULL LOOP
            BEGIN
                found := format_type(to_regtype(rest), NULL);
            EXCEPTION
                WHEN insufficient_privilege THEN -- no USAGE on its schema, in which it may exist nevertheless
                    SELECT format_type(t.oid, NULL) || CASE WHEN rest LIKE '%[]' THEN '[]' ELSE '' END INTO found
                    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                    WHERE ARRAY[n.nspname, t.typname]::text[] = parse_ident(rest, false);
                WHEN OTHERS THEN
                    NULL;
            END;
            rest := regexp_replace(rest, '^("([^"]|"")*"|\\S+)\\s*', '');
        END LOOP;
        types := types || jsonb_build_object(written, found);
    END LOOP;
    PERFORM set_config('db_bootstrap.types', types::text, false);
END $resolve$
"""
_RESOLVED = "SELECT current_setting('db_bootstrap.types')"


def resolve_signatures(run: Run, names: Iterable[str], known_types: Iterable[str]) -> Signatures:
    """Resolve the types in the names of routines; runs no query if all are among ``known_types``."""
    readings_of = {written: tuple(readings(written)) for written in names}
    types: dict[str, str | None] = {name: name for name in known_types}
    new = {part for options in readings_of.values() for _, parts in options for part in parts} - types.keys()
    if new:
        run(_RESOLVE.format(written=literal(text_array(sorted(new)))))
        types |= json.loads(run(_RESOLVED)[0][0])
    meanings: dict[str, frozenset[tuple[str, tuple[str, ...]]]] = {}
    unknown: dict[str, str] = {}
    for written, options in readings_of.items():
        missing = [part for _, parts in options for part in parts if types[part] is None]
        meanings[written] = frozenset(
            (name, tuple(types[part] or "" for part in parts))
            for name, parts in options
            if not set(missing).intersection(parts)
        )
        if options and not meanings[written]:
            unknown[written] = missing[0]
    return Signatures(meanings, unknown)

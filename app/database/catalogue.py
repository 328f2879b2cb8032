"""The catalogue's queries.

PostgreSQL writes the JSON of a beer: it is several times faster at that than Python, and a numeric keeps its two
decimal places. Names are unique regardless of case; a unique index enforces it, so no race can add one twice.
"""

import json
from collections.abc import Sequence
from decimal import Decimal

from app.database.pool import Database
from app.models import MAX_ABV, BeersQuery, NewBeer

COLUMNS = "id, name, style, brewery, abv, created_at"

_IN_ORDER = "id > :after"
_BY_ABV = "(abv, id) > (:after_abv, :after) AND abv BETWEEN :abv_min AND :abv_max"
_OF_STYLE = "lower(style) = lower(:style)"


def _page(condition: str, order: str) -> str:
    """Return the statement for a page. Each condition is a prefix of an index (migration 0002).

    It reads one beer more than the page contains, to know whether there is a next page.
    """
    return f"""
        SELECT coalesce(json_agg(beer) FILTER (WHERE place <= :limit), '[]')::text,
               count(*) > :limit,
               max((beer).id) FILTER (WHERE place = :limit),
               max((beer).abv) FILTER (WHERE place = :limit)
        FROM (SELECT beer, row_number() OVER () AS place
              FROM (SELECT {COLUMNS} FROM beers.beers WHERE {condition} ORDER BY {order} LIMIT :limit + 1) AS beer
             ) AS placed
    """  # noqa: S608 - the conditions and orders are the constants in this module


# By whether there is a style filter, and whether the order is by abv.
_PAGES = {
    (False, False): _page(_IN_ORDER, "id"),
    (False, True): _page(_BY_ABV, "abv, id"),
    (True, False): _page(f"{_OF_STYLE} AND {_IN_ORDER}", "id"),
    (True, True): _page(f"{_OF_STYLE} AND {_BY_ABV}", "abv, id"),
}

# Skips along the index from one style to the next, so that it reads one entry for each style.
_STYLES = """
    WITH RECURSIVE known AS (
        (SELECT lower(style) AS key, style FROM beers.beers ORDER BY lower(style), id LIMIT 1)
        UNION ALL
        SELECT following.* FROM known CROSS JOIN LATERAL (
            SELECT lower(style), style FROM beers.beers WHERE lower(style) > known.key ORDER BY lower(style), id LIMIT 1
        ) AS following
    )
    SELECT style FROM known LIMIT :limit
"""

_ONE = f"""
    WITH beer AS (SELECT {COLUMNS} FROM beers.beers WHERE id = :id)
    SELECT row_to_json(beer)::text FROM beer
"""  # noqa: S608

_ADD = f"""
    WITH beer AS (
        INSERT INTO beers.beers (name, style, brewery, abv) VALUES (:name, :style, :brewery, :abv)
        ON CONFLICT DO NOTHING
        RETURNING {COLUMNS}
    )
    SELECT id, row_to_json(beer)::text FROM beer
"""  # noqa: S608

_ADD_MANY = """
    WITH added AS (
        INSERT INTO beers.beers (name, style, brewery, abv)
        SELECT name, style, brewery, abv
        FROM jsonb_to_recordset(CAST(:beers AS jsonb)) AS beer (name text, style text, brewery text, abv numeric)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM added
"""


class Catalogue:
    """The beers in the database. Every method runs one statement and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: BeersQuery) -> tuple[str, str | None]:
        """Return the page that ``query`` describes as a JSON array, and the query string of the next page if any."""
        statement, parameters = page_statement(query)
        ((beers, has_more, last_id, last_abv),) = self._database.run(statement, parameters)
        return beers, query.next_page(last_id, last_abv) if has_more else None

    def styles(self, limit: int) -> list[str]:
        """Return the first ``limit`` styles in alphabetical order, each in one of its spellings."""
        return [style for (style,) in self._database.run(_STYLES, {"limit": limit})]

    def beer(self, beer_id: int) -> str | None:
        """Return the JSON of one beer, or None if there is none with that id."""
        rows = self._database.run(_ONE, {"id": beer_id})
        return str(rows[0][0]) if rows else None

    def add(self, beer: NewBeer) -> tuple[int, str] | None:
        """Add one beer; return its id and its JSON, or None if there is already one of that name."""
        rows = self._database.run(_ADD, beer.model_dump(), is_write=True)
        return (rows[0][0], rows[0][1]) if rows else None

    def add_missing(self, beers: Sequence[NewBeer]) -> int:
        """Add those of ``beers`` whose names are not in the catalogue; return how many were added.

        Concurrent callers add each beer once: PostgreSQL makes the later insert wait for the earlier one. All insert in
        the same order, so they cannot deadlock.
        """
        document = json.dumps([beer.model_dump(mode="json") for beer in beers])
        ((added,),) = self._database.run(_ADD_MANY, {"beers": document}, is_write=True)
        return int(added)


def page_statement(query: BeersQuery) -> tuple[str, dict[str, object]]:
    """Return the statement for ``query`` and its parameters."""
    parameters: dict[str, object] = {"limit": query.limit, "after": query.after}
    if query.style is not None:
        parameters["style"] = query.style
    if query.is_by_abv:
        abv_min = Decimal(0) if query.abv_min is None else query.abv_min
        parameters["abv_min"] = abv_min
        parameters["abv_max"] = MAX_ABV if query.abv_max is None else query.abv_max
        parameters["after_abv"] = abv_min if query.after_abv is None else query.after_abv
    return _PAGES[query.style is not None, query.is_by_abv], parameters

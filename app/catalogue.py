"""The catalogue's queries.

PostgreSQL writes the JSON of a beer: it is several times quicker at that than Python, and a numeric keeps its two
places. Names are unique whatever their case; the unique index decides, so that no race can add one twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.database import Database
from app.models import NewBeer

_COLUMNS = "id, name, style, brewery, abv, created_at"

_PAGE = text(f"""
    WITH ahead AS (SELECT {_COLUMNS} FROM beers.beers WHERE id > :after ORDER BY id LIMIT :limit + 1),
         page AS (SELECT * FROM ahead ORDER BY id LIMIT :limit)
    SELECT coalesce(json_agg(page ORDER BY id), '[]')::text,
           CASE WHEN (SELECT count(*) FROM ahead) > :limit THEN max(id) END
    FROM page
""")  # noqa: S608 - the only thing put in is the list of columns above

_ONE = text(f"""
    WITH beer AS (SELECT {_COLUMNS} FROM beers.beers WHERE id = :id)
    SELECT row_to_json(beer)::text FROM beer
""")  # noqa: S608

_ADD = text(f"""
    WITH beer AS (
        INSERT INTO beers.beers (name, style, brewery, abv) VALUES (:name, :style, :brewery, :abv)
        ON CONFLICT DO NOTHING
        RETURNING {_COLUMNS}
    )
    SELECT id, row_to_json(beer)::text FROM beer
""")  # noqa: S608

_ADD_MANY = text("""
    WITH added AS (
        INSERT INTO beers.beers (name, style, brewery, abv)
        SELECT name, style, brewery, abv
        FROM jsonb_to_recordset(CAST(:beers AS jsonb)) AS beer (name text, style text, brewery text, abv numeric)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM added
""")


@dataclass(frozen=True)
class Page:
    """A part of the catalogue, in the order of ids.

    Attributes:
        beers: a JSON array.
        next_after: the last id of this page if more beers follow, else ``None``.
    """

    beers: str
    next_after: int | None


@dataclass(frozen=True)
class AddedBeer:
    """A beer that was just added: its id and its JSON."""

    id: int
    beer: str


class Catalogue:
    """The beers in the database. Every method is one statement and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, *, limit: int, after: int) -> Page:
        """At most ``limit`` beers whose ids are greater than ``after``."""
        with self._database.connection() as connection:
            beers, next_after = connection.execute(_PAGE, {"limit": limit, "after": after}).one()
        return Page(beers, next_after)

    def beer(self, beer_id: int) -> str | None:
        """The JSON of one beer, or ``None`` if there is none with that id."""
        with self._database.connection() as connection:
            found: str | None = connection.execute(_ONE, {"id": beer_id}).scalar_one_or_none()
        return found

    def add(self, beer: NewBeer) -> AddedBeer | None:
        """Add one beer; ``None`` if there is one of that name."""
        with self._database.connection() as connection:
            row = connection.execute(_ADD, beer.model_dump()).one_or_none()
        return None if row is None else AddedBeer(row[0], row[1])

    def add_missing(self, beers: Sequence[NewBeer]) -> int:
        """Add those of ``beers`` whose names are not there yet; how many that were.

        However many callers do it at once, each beer is added once: PostgreSQL lets the later insert wait for the
        earlier one. They all insert in the same order, so they cannot wait for one another in a circle.
        """
        document = json.dumps([beer.model_dump(mode="json") for beer in beers])
        with self._database.connection() as connection:
            added: int = connection.execute(_ADD_MANY, {"beers": document}).scalar_one()
        return added

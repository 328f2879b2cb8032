"""The types of requests and responses. They validate input, and the OpenAPI document is generated from them.

The database has the same limits as constraints.
"""

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_ID = 2**63 - 1
MAX_PAGE_SIZE = 200
MAX_ABV = Decimal(100)

_PLACES = Decimal("0.01")
# The relative error of binary arithmetic: 0.1 + 0.2 is 0.30000000000000004 in most languages, and means 0.3.
_NOISE = Decimal("1e-12")


def _normalized(value: object) -> object:
    """Strip surrounding space and normalize characters (NFC), so that names that look equal are equal.

    Both change the length, so this must run before the length is validated; pydantic's own stripping runs after.
    """
    return unicodedata.normalize("NFC", value.strip()) if isinstance(value, str) else value


def _json_number(value: object) -> object:
    """Accept only JSON numbers, not ``"5.0"`` or ``true``."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "Input should be a number")
    return _without_noise(Decimal(value))


def _decimal_text(value: object) -> object:
    """Parse a number from a query string, without sign, exponent or digit grouping."""
    if not isinstance(value, str):
        return value
    whole, _, places = value.partition(".")
    if not (value.isascii() and whole.isdigit() and (places.isdigit() or "." not in value)):
        raise PydanticCustomError("decimal_number", "Input should be a decimal number, such as 4.5")
    return _without_noise(Decimal(value))


def _without_noise(number: Decimal) -> Decimal:
    if not (number.is_finite() and 0 <= number <= MAX_ABV):
        return number
    rounded = number.quantize(_PLACES)
    return rounded if abs(number - rounded) <= rounded * _NOISE else number


def _digits(value: object) -> object:
    """Accept only digits; pydantic alone would also accept ``1_0`` and ``10.0``."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("whole_number", "Input should be a whole number")
    return value


# The Unicode categories Cc, Cf, Zl and Zp, except for joiners, which some scripts need. PostgreSQL's text cannot have a
# NUL; the others would let different names look equal. Ranges, because the OpenAPI document contains this pattern.
_INVISIBLE = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
# Joiners, and letters and symbols without ink.
_BLANK = r"\s\u115f\u1160\u200c\u200d\u2800\u3164\uffa0"
_VISIBLE = f"^[^{_INVISIBLE}]*[^{_BLANK}{_INVISIBLE}][^{_INVISIBLE}]*$"
# The limits must precede the validator, or pydantic's JSON schema lacks them.
_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_VISIBLE), BeforeValidator(_normalized)]
_Style = Annotated[str, Field(min_length=1, max_length=50, pattern=_VISIBLE), BeforeValidator(_normalized)]
# This API reads and writes decimals as JSON numbers.
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_Abv = Annotated[
    Decimal,
    Field(ge=0, le=MAX_ABV, decimal_places=2),
    WithJsonSchema(_PERCENT | {"multipleOf": 0.01}, mode="validation"),
    WithJsonSchema(_PERCENT, mode="serialization"),
]
_AbvQuery = Annotated[_Abv, BeforeValidator(_decimal_text)]


class NewBeer(BaseModel):
    """A beer to add."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={"examples": [{"name": "House Stout", "style": "Stout", "brewery": "The House", "abv": 6.5}]},
    )

    name: Annotated[_Name, Field(description="Unique, regardless of case.")]
    style: Annotated[_Style, Field(description="Such as Pilsner or Dry stout.")]
    brewery: Annotated[_Name | None, Field(description="The brewery.")] = None
    abv: Annotated[
        _Abv,
        BeforeValidator(_json_number),
        Field(description="Alcohol by volume in percent, with at most two decimal places."),
    ]


class BeersQuery(BaseModel):
    """The parameters of a page of the catalogue.

    Beers are in the order in which they were added; with a limit of ``abv``, from the weakest to the strongest. The
    position after a page is the last beer's ``id`` and, in the second order, also its ``abv``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[
        int,
        Field(ge=1, le=MAX_PAGE_SIZE, description="The maximum number of beers in the page."),
        BeforeValidator(_digits),
    ] = 50
    style: Annotated[_Style | None, Field(description="Only beers of this style, regardless of case.")] = None
    abv_min: Annotated[_AbvQuery | None, Field(description="Only beers at least this strong, weakest first.")] = None
    abv_max: Annotated[_AbvQuery | None, Field(description="Only beers at most this strong, weakest first.")] = None
    after_abv: Annotated[
        _AbvQuery | None, Field(description="The end of the previous page, from `next`. Weakest first.")
    ] = None
    after: Annotated[
        int, Field(ge=0, le=MAX_ID, description="The end of the previous page, from `next`."), BeforeValidator(_digits)
    ] = 0

    @property
    def is_by_abv(self) -> bool:
        """Return True if the beers are in order of ``abv``."""
        return self.abv_min is not None or self.abv_max is not None or self.after_abv is not None

    def next_page(self, last_id: int, last_abv: Decimal) -> str:
        """Return the query string of the page after the beer with this ``id`` and ``abv``."""
        given = self.model_dump(exclude_none=True, exclude={"after", "after_abv"})
        return urlencode(given | ({"after_abv": last_abv} if self.is_by_abv else {}) | {"after": last_id})


class Beer(BaseModel):
    """A beer in the catalogue."""

    id: Annotated[int, Field(ge=1, le=MAX_ID)]
    name: _Name
    style: _Style
    brewery: _Name | None
    abv: Annotated[_Abv, Field(description="Alcohol by volume in percent.")]
    created_at: datetime


class BeerPage(BaseModel):
    """A page of the catalogue."""

    beers: list[Beer]
    next: Annotated[str | None, Field(description="URL of the next page, or null on the last one.")]


class SeedReport(BaseModel):
    """The result of seeding."""

    inserted: Annotated[int, Field(ge=0, description="Number of beers added.")]
    present: Annotated[int, Field(ge=0, description="Number of beers whose names were already in the catalogue.")]

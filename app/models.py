"""What callers send and get, as types: they check the input, and the OpenAPI document is made from them.

The database repeats the limits as constraints.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST_ID = 2**63 - 1
LARGEST_PAGE = 200
LARGEST_ABV = Decimal(100)

_PLACES = Decimal("0.01")
# What binary arithmetic leaves behind, as a share: 0.1 + 0.2 is 0.30000000000000004 in most languages, and means 0.3.
_NOISE = Decimal("1e-12")


def _normalized(value: object) -> object:
    """No space around it and one spelling of each character (NFC), so that names that look the same are the same.

    It comes before the length is checked, because both change it. (pydantic's own stripping would come after.)
    """
    return unicodedata.normalize("NFC", value.strip()) if isinstance(value, str) else value


def _json_number(value: object) -> object:
    """JSON's numbers and nothing that merely looks like one: neither ``"5.0"`` nor ``true``."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "Input should be a number")
    return _without_noise(Decimal(value))


def _decimal_text(value: object) -> object:
    """A number as a query string spells it, without sign, exponent or thousands."""
    if not isinstance(value, str):
        return value
    whole, _, places = value.partition(".")
    if not (value.isascii() and whole.isdigit() and (places.isdigit() or "." not in value)):
        raise PydanticCustomError("decimal_number", "Input should be a decimal number, such as 4.5")
    return _without_noise(Decimal(value))


def _without_noise(number: Decimal) -> Decimal:
    if not (number.is_finite() and 0 <= number <= LARGEST_ABV):
        return number
    rounded = number.quantize(_PLACES)
    return rounded if abs(number - rounded) <= rounded * _NOISE else number


def _digits(value: object) -> object:
    """A whole number as a query string spells it; pydantic alone would take ``1_0`` and ``10.0`` too."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("whole_number", "Input should be a whole number")
    return value


# Something to see, and no control character: NUL, which PostgreSQL's text cannot hold, is one of them.
_VISIBLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
# A limit stands before the function that prepares the value, or pydantic's JSON schema would lack it.
_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_VISIBLE), BeforeValidator(_normalized)]
_Style = Annotated[str, Field(min_length=1, max_length=50, pattern=_VISIBLE), BeforeValidator(_normalized)]
_Abv = Annotated[Decimal, Field(ge=0, le=LARGEST_ABV, decimal_places=2)]
_AbvQuery = Annotated[_Abv, BeforeValidator(_decimal_text)]


class NewBeer(BaseModel):
    """A beer that is to be added."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={
            "examples": [{"name": "House Stout", "style": "Stout", "brewery": "The House", "abv": 6.5}],
        },
    )

    name: Annotated[_Name, Field(description="Unique, whatever its case.")]
    style: Annotated[_Style, Field(description="Such as Pilsner or Dry stout.")]
    brewery: Annotated[_Name | None, Field(description="Who brews it.")] = None
    abv: Annotated[
        _Abv,
        BeforeValidator(_json_number),
        Field(description="Alcohol by volume in percent, with at most two places."),
    ]


class BeersQuery(BaseModel):
    """Which part of the catalogue is asked for.

    Beers come in the order in which they were added; with a bound of ``abv``, from the weakest to the strongest. The
    position after a page is the last beer's ``id``, and in the second order its ``abv`` too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[
        int, Field(ge=1, le=LARGEST_PAGE, description="The most beers in a page."), BeforeValidator(_digits)
    ] = 50
    style: Annotated[_Style | None, Field(description="Only beers of this style, whatever its case.")] = None
    abv_min: Annotated[_AbvQuery | None, Field(description="Only beers at least this strong, weakest first.")] = None
    abv_max: Annotated[_AbvQuery | None, Field(description="Only beers at most this strong, weakest first.")] = None
    after_abv: Annotated[
        _AbvQuery | None, Field(description="Where the page before ended; take it from `next`. Weakest first.")
    ] = None
    after: Annotated[
        int,
        Field(ge=0, le=LARGEST_ID, description="Where the page before ended; take it from `next`."),
        BeforeValidator(_digits),
    ] = 0

    @property
    def is_by_abv(self) -> bool:
        """Whether the beers come from the weakest to the strongest."""
        return self.abv_min is not None or self.abv_max is not None or self.after_abv is not None

    def following(self, last: "Position") -> str:
        """The query string that asks for the page after ``last``."""
        filters = {"style": self.style, "abv_min": self.abv_min, "abv_max": self.abv_max}
        given = {name: value for name, value in filters.items() if value is not None}
        position = {"after_abv": last.abv, "after": last.id} if self.is_by_abv else {"after": last.id}
        return urlencode({"limit": self.limit, **given, **position})


@dataclass(frozen=True)
class Position:
    """Where a page ended."""

    id: int
    abv: Decimal


class Beer(BaseModel):
    """A beer in the catalogue."""

    id: Annotated[int, Field(ge=1, le=LARGEST_ID)]
    name: _Name
    style: _Style
    brewery: _Name | None
    abv: Annotated[_Abv, Field(description="Alcohol by volume in percent.")]
    created_at: datetime


class BeerPage(BaseModel):
    """A part of the catalogue."""

    beers: list[Beer]
    next: Annotated[str | None, Field(description="Address of the page that follows, or null on the last one.")]


class SeedReport(BaseModel):
    """What seeding did."""

    inserted: Annotated[int, Field(ge=0, description="Well-known beers that were added.")]
    present: Annotated[int, Field(ge=0, description="Well-known beers whose names were there already.")]

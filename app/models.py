"""What callers may send, as types that check it. The database repeats the limits as constraints."""

import unicodedata
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST_ID = 2**63 - 1
LARGEST_PAGE = 200


def _normalized(value: object) -> object:
    """No space around it and one spelling of each character (NFC), so that names that look the same are the same.

    It comes before the length is checked, because both change it. (pydantic's own stripping would come after.)
    """
    return unicodedata.normalize("NFC", value.strip()) if isinstance(value, str) else value


def _json_number(value: object) -> object:
    """JSON's numbers and nothing that merely looks like one: neither ``"5.0"`` nor ``true``."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "Input should be a number")
    return Decimal(value)


def _digits(value: object) -> object:
    """A whole number as a query string spells it; pydantic alone would take ``1_0`` and ``10.0`` too."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("whole_number", "Input should be a whole number")
    return value


# Cc are the control characters, NUL among them, which PostgreSQL's text cannot hold.
_Text = Annotated[str, BeforeValidator(_normalized), Field(min_length=1, pattern=r"^\P{Cc}*$")]


class NewBeer(BaseModel):
    """A beer that is to be added."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[_Text, Field(max_length=100, description="Unique, whatever its case.")]
    style: Annotated[_Text, Field(max_length=50)]
    brewery: Annotated[_Text, Field(max_length=100)] | None = None
    abv: Annotated[
        Decimal,
        BeforeValidator(_json_number),
        Field(ge=0, le=100, decimal_places=2, description="Alcohol by volume in percent, with at most two places."),
    ]


class PageQuery(BaseModel):
    """Which part of the catalogue is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, BeforeValidator(_digits), Field(ge=1, le=LARGEST_PAGE, description="Beers in a page.")] = 50
    after: Annotated[int, BeforeValidator(_digits), Field(ge=0, le=LARGEST_ID, description="The last id seen.")] = 0

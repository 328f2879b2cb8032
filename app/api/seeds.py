"""The beers that ``POST /beers/seed`` adds."""

import json
from decimal import Decimal
from pathlib import Path

from app.models import NewBeer

_TEXT = Path(__file__).with_name("seeds.json").read_text("utf-8")
SEEDS = tuple(NewBeer.model_validate(beer) for beer in json.loads(_TEXT, parse_float=Decimal))

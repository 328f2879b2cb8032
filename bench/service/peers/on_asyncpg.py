"""FastAPI directly on asyncpg: its pool, and rows that become JSON without validation."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

_COLUMNS = "id, name, style, brewery, abv::float8, created_at::text"
_PAGE = f"SELECT {_COLUMNS} FROM beers.beers WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608
_ADD = f"""
    INSERT INTO beers.beers (name, style, brewery, abv) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608


@asynccontextmanager
async def pool(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool open for the lifetime of the process."""
    size = int(os.environ["PEER_POOL_SIZE"])
    verified = ssl.create_default_context(cafile=os.environ["PEER_CA_FILE"])
    async with asyncpg.create_pool(os.environ["PEER_URL"], ssl=verified, min_size=size, max_size=size) as opened:
        app.state.pool = opened
        yield


app = FastAPI(lifespan=pool)


class NewBeer(BaseModel):
    """The body of a request."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    style: Annotated[str, Field(min_length=1, max_length=50)]
    brewery: Annotated[str | None, Field(max_length=100)] = None
    abv: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]


@app.get("/beers")
async def page(
    request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50, after: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Return a page in the order of IDs."""
    rows = await request.app.state.pool.fetch(_PAGE, after, limit)
    return JSONResponse([dict(row) for row in rows])


@app.post("/beers")
async def add(request: Request, beer: NewBeer) -> Response:
    """Add a beer."""
    row: Any = await request.app.state.pool.fetchrow(_ADD, beer.name, beer.style, beer.brewery, beer.abv)
    if row is None:
        raise HTTPException(409, "A beer of this name is in the catalogue already.")
    return JSONResponse(dict(row), 201)

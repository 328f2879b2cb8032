"""FastAPI directly on asyncpg: its pool, and rows that become JSON without validation."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

_COLUMNS = "id, name, style, brewery, abv::float8, created_at::text"
_PAGE = f"SELECT {_COLUMNS} FROM beers.beers WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608


@asynccontextmanager
async def pool(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool open for the lifetime of the process."""
    size = int(os.environ["PEER_POOL_SIZE"])
    verified = ssl.create_default_context(cafile=os.environ["PEER_CA_FILE"])
    async with asyncpg.create_pool(os.environ["PEER_URL"], ssl=verified, min_size=size, max_size=size) as opened:
        app.state.pool = opened
        yield


app = FastAPI(lifespan=pool)


@app.get("/beers")
async def page(
    request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50, after: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Return a page in the order of IDs."""
    rows = await request.app.state.pool.fetch(_PAGE, after, limit)
    return JSONResponse([dict(row) for row in rows])

"""FastAPI as in its documentation: SQLAlchemy's asyncio on asyncpg, and models that validate each response."""

import os
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from bench.service.peers.beer import Beer

engine = create_async_engine(
    os.environ["PEER_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    connect_args={"ssl": ssl.create_default_context(cafile=os.environ["PEER_CA_FILE"])},
    pool_size=int(os.environ["PEER_POOL_SIZE"]),
    max_overflow=0,
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class ShownBeer(BaseModel):
    """A beer in a response."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    style: str
    brewery: str | None
    abv: Decimal
    created_at: datetime


async def session() -> AsyncIterator[AsyncSession]:
    """Provide a session for each request."""
    async with new_session() as opened:
        yield opened


@app.get("/beers", response_model=list[ShownBeer])
async def page(
    opened: Annotated[AsyncSession, Depends(session)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Sequence[Beer]:
    """Return a page in the order of IDs."""
    return (await opened.scalars(select(Beer).where(Beer.id > after).order_by(Beer.id).limit(limit))).all()

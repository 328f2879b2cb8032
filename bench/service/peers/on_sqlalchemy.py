"""FastAPI as its documentation has it: SQLAlchemy's asyncio on asyncpg, and models that check every answer."""

import os
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Identity, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(
    os.environ["PEER_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    connect_args={"ssl": ssl.create_default_context(cafile=os.environ["PEER_CA_FILE"])},
    pool_size=int(os.environ["PEER_POOL_SIZE"]),
    max_overflow=0,
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    """What all tables have in common."""


class Beer(Base):
    """A row."""

    __tablename__ = "beers"
    __table_args__ = ({"schema": "beers"},)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    style: Mapped[str]
    brewery: Mapped[str | None]
    abv: Mapped[Decimal]
    created_at: Mapped[datetime] = mapped_column(server_default="now()")


class NewBeer(BaseModel):
    """What is sent."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    style: Annotated[str, Field(min_length=1, max_length=50)]
    brewery: Annotated[str | None, Field(max_length=100)] = None
    abv: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]


class ShownBeer(NewBeer):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime


async def session() -> AsyncIterator[AsyncSession]:
    """A session for each request."""
    async with new_session() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@app.get("/beers", response_model=list[ShownBeer])
async def page(
    opened: Session, limit: Annotated[int, Query(ge=1, le=200)] = 50, after: Annotated[int, Query(ge=0)] = 0
) -> Sequence[Beer]:
    """A page in the order of ids."""
    return (await opened.scalars(select(Beer).where(Beer.id > after).order_by(Beer.id).limit(limit))).all()


@app.post("/beers", response_model=ShownBeer, status_code=201)
async def add(opened: Session, beer: NewBeer) -> Beer:
    """Add a beer."""
    row = Beer(**beer.model_dump())
    opened.add(row)
    try:
        await opened.commit()
    except IntegrityError as error:
        raise HTTPException(409, "A beer of this name is in the catalogue already.") from error
    await opened.refresh(row)
    return row

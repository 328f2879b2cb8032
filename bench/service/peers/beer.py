"""The table of beers for SQLAlchemy's ORM."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Identity
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The base of all tables."""


class Beer(Base):
    """A row."""

    __tablename__ = "beers"
    __table_args__ = ({"schema": "beers"},)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    style: Mapped[str]
    brewery: Mapped[str | None]
    abv: Mapped[Decimal]
    created_at: Mapped[datetime]

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON's types."""
        row = {column.name: getattr(self, column.name) for column in self.__table__.columns}
        return {**row, "abv": float(self.abv), "created_at": self.created_at.isoformat()}

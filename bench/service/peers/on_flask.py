"""Flask with SQLAlchemy's ORM on pg8000, in gunicorn's threads."""

import os
import ssl

from flask import Flask, Response, jsonify, request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from bench.service.peers.beer import Beer

engine = create_engine(
    os.environ["PEER_URL"].replace("postgresql://", "postgresql+pg8000://"),
    connect_args={"ssl_context": ssl.create_default_context(cafile=os.environ["PEER_CA_FILE"])},
    pool_size=int(os.environ["PEER_POOL_SIZE"]),
    max_overflow=0,
)
app = Flask(__name__, static_folder=None)


@app.get("/beers")
def page() -> Response:
    """Return a page in the order of IDs."""
    limit, after = int(request.args.get("limit", 50)), int(request.args.get("after", 0))
    with Session(engine) as session:
        beers = session.scalars(select(Beer).where(Beer.id > after).order_by(Beer.id).limit(limit)).all()
        return jsonify([beer.as_dict() for beer in beers])

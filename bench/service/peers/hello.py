"""The least that Flask can do: what is left of the service's own time is gunicorn's and Flask's."""

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.get("/beers")
def hello() -> str:
    """Greet."""
    return "Hello"

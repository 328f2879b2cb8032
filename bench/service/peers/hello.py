"""The minimal Flask application, which shows the cost of gunicorn and Flask alone."""

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.get("/beers")
def hello() -> str:
    """Greet."""
    return "Hello"

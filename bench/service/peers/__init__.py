"""The services to compare with. They run in a separate virtual environment and import nothing of this project."""

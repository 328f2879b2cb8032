"""The HTML pages, with their templates and static files."""

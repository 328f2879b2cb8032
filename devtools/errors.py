"""The error that ends a command with a message instead of a traceback."""


class UserError(Exception):
    """An error that the user can fix; its message says how."""

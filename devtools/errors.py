"""What can go wrong in a rehearsal that a person can mend."""


class RehearsalError(Exception):
    """A rehearsal cannot go on; the message says what was found and what to do next."""

"""Everything this package raises on purpose.

An error is the only way for the function to fail a ``terraform apply``, and its message is all that the
person behind the apply sees. So each one names its subject, what was found, what was expected and the next
step, and none ever holds a password.
"""


class BootstrapError(Exception):
    """The root of this package's errors: catch this one to catch them all."""


class AccessDocumentError(BootstrapError):
    """The access document is not one that can be carried out; every problem is listed with its path."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The access document has {counted}; nothing was changed.\n{listed}")


class EventError(BootstrapError):
    """The function was invoked with an event that it does not understand."""


class ConfigurationError(BootstrapError):
    """The environment lacks a value, or has one that cannot be used."""


class UnreachableDatabaseError(BootstrapError):
    """No connection, or none that can be trusted, could be opened.

    Attributes:
        sqlstate: The server's own code when it answered, else "".
    """

    def __init__(self, message: str, sqlstate: str = "") -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class RefusedLoginError(BootstrapError):
    """The server answered, and refused the login.

    Attributes:
        sqlstate: The server's own code: 28P01 for a wrong password, 28000 for a login that is not let in at all.
    """

    def __init__(self, message: str, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class StatementError(BootstrapError):
    """A statement failed, and its transaction was rolled back.

    Attributes:
        sqlstate: The server's own code, or "" when the connection broke.
    """

    def __init__(self, message: str, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class UnmanageableError(BootstrapError):
    """The document asks for something that this master, on this server, must not or cannot do."""


class UnexpectedPlanError(BootstrapError):
    """What would have to be done is not what the plan showed whose digest was given; nothing was changed."""


class NotConvergedError(BootstrapError):
    """All statements ran, and yet the database is not what the document declares; it was rolled back."""


class GenerationError(BootstrapError):
    """A document that was generated does not describe the database; nothing was changed."""


class SecretError(BootstrapError):
    """A secret could not be read or written, or does not hold what it should."""


class UnfitLoginError(BootstrapError):
    """A login role is not what it should be, and could not be made so."""


class RotationError(BootstrapError):
    """A step of a rotation cannot be done; what is AWSCURRENT stays so, and logs in as before."""


class NotPendingError(RotationError):
    """The version that is to be rotated to is not the one that waits for it, or its rotation is turned off."""


class MissingVersionError(RotationError):
    """A version that the step needs has no value: the secret never had one, or the steps came out of order."""


class SameLoginError(RotationError):
    """The pending version is for the login role that serves now, whose password must not be touched."""

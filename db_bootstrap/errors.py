"""The errors that this package raises on purpose.

An error is the only way for the function to fail a ``terraform apply``, and its message is all that the operator sees.
So each names its subject, the actual and the expected value, and the next step. None contains a password.
"""


class BootstrapError(Exception):
    """The root of this package's errors: catch this one to catch them all."""


class UnexpectedError(BootstrapError):
    """An error that this package did not expect; its message, which may contain a secret, is left out."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"Unexpected {kind}: db_bootstrap has a bug. What was not committed is rolled back. Report it with the "
            "traceback in the function's log, which contains no values."
        )


class AccessDocumentError(BootstrapError):
    """The access document is invalid; every problem is listed with its path."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The access document has {counted}; nothing was changed.\n{listed}")


class EventError(BootstrapError):
    """The function was invoked with an invalid event."""


class ConfigurationError(BootstrapError):
    """A setting is missing or invalid."""


class DatabaseError(BootstrapError):
    """The database did not do what it was asked to.

    Attributes:
        sqlstate: The server's code if it answered, else "".
    """

    def __init__(self, message: str, sqlstate: str = "") -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class UnreachableDatabaseError(DatabaseError):
    """No verified connection could be opened."""


class NotReadyError(UnreachableDatabaseError):
    """The server starts, is full, is a standby or refuses connections, and another attempt may succeed."""


class RefusedLoginError(DatabaseError):
    """The server refused the login: with 28P01 for a wrong password, 28000 for a login that cannot connect at all."""


class StatementError(DatabaseError):
    """A statement failed, or the connection broke; its transaction was rolled back."""


class UnmanageableError(BootstrapError):
    """The document declares something that this master must not or cannot do on this server."""


class UnexpectedPlanError(BootstrapError):
    """The plan is not the one whose digest was given; nothing was changed."""


class NotConvergedError(BootstrapError):
    """All statements ran, but the database is not what the document declares; it was rolled back."""


class QuestionError(BootstrapError):
    """A question about effective access is invalid, or names a role or an object that does not exist."""


class AnswerTooLongError(BootstrapError):
    """A plan or an answer is longer than Lambda can return."""


class GenerationError(BootstrapError):
    """A document that was generated does not describe the database; nothing was changed."""


class SecretError(BootstrapError):
    """A secret could not be read or written, or has unexpected content."""


class UnfitLoginError(BootstrapError):
    """A login role is not in the required state, and could not be repaired."""


class RotationError(BootstrapError):
    """A step of a rotation failed; the AWSCURRENT version is unchanged, and logs in as before."""


class NotPendingError(RotationError):
    """The version to rotate to is not the pending one, or rotation is turned off."""


class MissingVersionError(RotationError):
    """A version that the step needs has no value: the secret never had one, or the steps are out of order."""


class SameLoginError(RotationError):
    """The pending version is for the login role in use, whose password must not be changed."""

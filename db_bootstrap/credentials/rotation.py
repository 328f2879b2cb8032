"""Secrets Manager's four steps, for a login that is a pair of login roles.

A rotation gives the login role that does not serve now a new password, tries it, and moves AWSCURRENT to it. The one
that served keeps its password until the rotation after this one, so that whoever holds it goes on working, and what is
AWSCURRENT logs in at every moment, whatever crashes where. Secrets Manager answers any error with another attempt at
the whole rotation, with the same token: each step finds out what is done already, and does the rest.

No session is ended here, and no login role is locked out.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

import pg8000.exceptions
from pg8000.native import Connection

from db_bootstrap import apply as reconcile
from db_bootstrap.credentials.alternate import Change, mend
from db_bootstrap.credentials.initial import credential_in, set_password, username_in
from db_bootstrap.credentials.passwords import new_password
from db_bootstrap.credentials.store import CURRENT, PENDING, LoginSecret, SecretStore, SecretVersions
from db_bootstrap.credentials.verify import prove
from db_bootstrap.document import sibling_names
from db_bootstrap.errors import EventError, MissingVersionError, NotPendingError, SameLoginError, StatementError
from db_bootstrap.inspect.session import (
    MASTER_PATIENCE_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
    Credential,
    Endpoint,
    connected_as_master,
    describe,
)

RESERVE_SECONDS = 30
"""What is left of an invocation for the work when the master has let itself be waited for."""

_LEAST_SECONDS = 1.0


class Step(StrEnum):
    """What Secrets Manager asks for, in its order."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    ALREADY_DONE = "already done"
    ALREADY_CURRENT = "already current"


@dataclass(frozen=True)
class RotationEvent:
    """What Secrets Manager invokes the function with.

    Attributes:
        step: ``Step``.
        secret_arn: ``SecretId``.
        version_id: ``ClientRequestToken``: the id of the version that is to become current.
    """

    step: Step
    secret_arn: str
    version_id: str

    @classmethod
    def parse(cls, event: object) -> "RotationEvent":
        """Check an event; keys that are not known are Secrets Manager's own affair, such as its ``RotationToken``.

        Raises:
            EventError: It is not one.
        """
        given = event if isinstance(event, Mapping) else {}
        step, arn, token = (given.get(key) for key in ("Step", "SecretId", "ClientRequestToken"))
        if not (isinstance(arn, str) and arn and isinstance(token, str) and token):
            raise EventError("The event must have Step, SecretId and ClientRequestToken, as Secrets Manager sends it.")
        if not isinstance(step, str) or step not in list(Step):
            raise EventError(f"The step must be one of {', '.join(Step)}, and is {step!r}.")
        return cls(Step(step), arn, token)


@dataclass(frozen=True)
class StepReport:
    """What a step did; it holds no password.

    Attributes:
        username: The login role of the version that is rotated to; None where that was not looked at.
        replaced: The version that was current before, when AWSCURRENT has just been moved.
        mended: What was found wrong with the login role and made right.
        read_table: Schema and table that the credential has read, as its proof.
    """

    step: Step
    outcome: Outcome
    username: str | None = None
    replaced: str | None = None
    mended: tuple[Change, ...] = ()
    read_table: tuple[str, str] | None = None


@dataclass(frozen=True)
class Rotation:
    """One login's rotation to one version of its secret.

    Attributes:
        login: The login, which a setting of the function says and not the secret: whoever may write the one secret
            shall get no other login's password by it.
        seconds_left: How long this invocation may still take.
    """

    store: SecretStore
    endpoint: Endpoint
    master_secret_arn: str
    login: str
    secret_arn: str
    version_id: str
    seconds_left: Callable[[], float]

    def run(self, step: Step) -> StepReport:
        """Do one step, or what is left of it.

        Raises:
            RotationError: It cannot be done; what is current stays current.
            BootstrapError: The same, for a reason that has nothing to do with rotations.
        """
        versions = self._versions()
        if CURRENT in versions.labels[self.version_id]:
            return StepReport(step, Outcome.ALREADY_CURRENT)
        match step:
            case Step.CREATE:
                return self._create(versions)
            case Step.SET:
                return self._set(versions)
            case Step.TEST:
                return self._test()
            case Step.FINISH:
                return self._finish(versions)

    def _create(self, versions: SecretVersions) -> StepReport:
        """Put a new password for the other login role into the pending version."""
        if self.store.version(self.secret_arn, self.version_id) is not None:
            return StepReport(Step.CREATE, Outcome.ALREADY_DONE)
        serving = username_in(self._current(versions), self.login, self.secret_arn)
        first, second = sibling_names(self.login)
        credential = Credential(second if serving == first else first, new_password())
        self.store.put_pending(self.secret_arn, self.version_id, self.endpoint, credential)
        return StepReport(Step.CREATE, Outcome.DONE, credential.username)

    def _set(self, versions: SecretVersions) -> StepReport:
        """Let the pending version's login role log in, with its password."""
        self._alternate(versions)  # nobody is waited for in vain
        patience = min(MASTER_PATIENCE_SECONDS, self.seconds_left() - RESERVE_SECONDS)
        with connected_as_master(self.endpoint, lambda: self.store.master(self.master_secret_arn), patience) as master:
            # The wait for the lock is a statement too.
            limit = max(_LEAST_SECONDS, min(STATEMENT_TIMEOUT_SECONDS, self.seconds_left() - RESERVE_SECONDS / 2))
            master.run(f"SET statement_timeout = '{int(limit * 1000)}ms'")
            with reconcile.locked(master):
                # Looked at again: meanwhile another attempt may have finished this rotation, and more after it.
                pending, serving = self._alternate(self._versions())
                mended = self._change_login_role(master, pending, serving)
        return StepReport(Step.SET, Outcome.DONE, pending.username, mended=mended)

    def _change_login_role(self, master: Connection, pending: Credential, serving: str) -> tuple[Change, ...]:
        """In one transaction, so that a login role never stands half-made."""
        try:
            master.run("BEGIN")
            mended = mend(master, self.login, pending.username, serving)
            set_password(master, pending)
            master.run("COMMIT")
        except (pg8000.exceptions.Error, OSError) as error:
            message, sqlstate = describe(error)
            raise StatementError(
                f"Whether {pending.username!r} has its new password is not known; the next attempt sets it.\n{message}",
                sqlstate,
            ) from None
        except BaseException:
            # When the connection broke, the server rolls back by itself.
            with suppress(pg8000.exceptions.Error, OSError):
                master.run("ROLLBACK")
            raise
        return mended

    def _test(self) -> StepReport:
        """Log in with the pending version, and try what it may do."""
        credential = credential_in(self._pending(), self.login, self.secret_arn)
        table = prove(self.endpoint, self.login, credential)
        return StepReport(Step.TEST, Outcome.DONE, credential.username, read_table=table)

    def _finish(self, versions: SecretVersions) -> StepReport:
        """Make the pending version current, if it logs in: should this step come before its time, it does not."""
        tested = self._test()
        current = versions.holder(CURRENT)
        self.store.make_current(self.secret_arn, self.version_id, current)
        return replace(tested, step=Step.FINISH, replaced=current)

    def _alternate(self, versions: SecretVersions) -> tuple[Credential, str]:
        """The pending credential, and the login role that serves now, which is another one."""
        if CURRENT in versions.labels[self.version_id]:
            raise NotPendingError(f"Version {self.version_id} of {self.secret_arn} has become current by now.")
        pending = credential_in(self._pending(), self.login, self.secret_arn)
        serving = username_in(self._current(versions), self.login, self.secret_arn)
        if pending.username == serving:
            raise SameLoginError(
                f"The pending version {self.version_id} of the secret {self.secret_arn} is for {serving!r}, and so is "
                "the current one: somebody moved a label. A new password would lock out whoever uses the current one. "
                f"Take {PENDING} off the pending version, and rotate again."
            )
        return pending, serving

    def _versions(self) -> SecretVersions:
        versions = self.store.versions(self.secret_arn)
        if not versions.rotates:
            raise NotPendingError(
                f"The rotation of the secret {self.secret_arn} is turned off; turn it on, or leave it."
            )
        labels = versions.labels.get(self.version_id, frozenset())
        if not labels & {CURRENT, PENDING}:
            said = f"is {', '.join(sorted(labels))}" if labels else "does not exist or carries no label"
            raise NotPendingError(
                f"Version {self.version_id} of the secret {self.secret_arn} {said}, and only the version that is "
                f"{PENDING} can be rotated to. Start a new rotation."
            )
        return versions

    def _pending(self) -> LoginSecret:
        pending = self.store.version(self.secret_arn, self.version_id)
        if pending is None:
            raise MissingVersionError(
                f"The pending version {self.version_id} of the secret {self.secret_arn} has no value yet: "
                f"{Step.CREATE} comes first."
            )
        return pending

    def _current(self, versions: SecretVersions) -> LoginSecret:
        current = versions.holder(CURRENT)
        secret = self.store.version(self.secret_arn, current) if current else None
        if secret is None:
            raise MissingVersionError(
                f"The secret {self.secret_arn} has no current version: the bootstrap puts the first credential of "
                f"{self.login!r} into it. Apply with Terraform, then rotate."
            )
        return secret

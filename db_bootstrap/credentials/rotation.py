"""Secrets Manager's four rotation steps, for a login that is a pair of login roles.

A rotation gives the login role that is not in use a new password, verifies it, and moves AWSCURRENT to it. The previous
login role keeps its password until the next rotation, so clients that still have it continue to work. The AWSCURRENT
version logs in at every moment, wherever a step crashes. After any error, Secrets Manager retries the whole rotation
with the same token. Each step is idempotent: it finds out what is already done, and does the rest.

No session is ended here, and no login role is locked out.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from enum import StrEnum

from db_bootstrap.apply import locked
from db_bootstrap.credentials.alternate import Repair, repair_login_role
from db_bootstrap.credentials.initial import credential_in, set_password, username_in
from db_bootstrap.credentials.passwords import new_password
from db_bootstrap.credentials.store import CURRENT, PENDING, LoginSecret, SecretState, SecretStore
from db_bootstrap.credentials.verify import verify_credential
from db_bootstrap.document.model import login_role_names
from db_bootstrap.errors import EventError, MissingVersionError, NotPendingError, SameLoginError
from db_bootstrap.inspect.session import MASTER_RETRY_SECONDS, STATEMENT_TIMEOUT_SECONDS, connected_as_master
from db_bootstrap.model import Credential, Endpoint
from db_bootstrap.values import dataclass

RESERVE_SECONDS = 30
"""The part of an invocation that is reserved for the work after waiting for the master's login."""

_MINIMUM_TIMEOUT_SECONDS = 1.0


class Step(StrEnum):
    """The steps of Secrets Manager, in order."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class Outcome(StrEnum):
    """The outcome of a step."""

    DONE = "done"
    ALREADY_DONE = "already done"
    ALREADY_CURRENT = "already current"


@dataclass(frozen=True)
class RotationEvent:
    """The event with which Secrets Manager invokes the function.

    Attributes:
        step: ``Step``.
        secret_arn: ``SecretId``.
        version_id: ``ClientRequestToken``: the id of the version to rotate to.
    """

    step: Step
    secret_arn: str
    version_id: str

    @classmethod
    def parse(cls, event: object) -> "RotationEvent":
        """Validate an event; unknown keys are ignored, such as Secrets Manager's ``RotationToken``.

        Raises:
            EventError: It is invalid.
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
    """The result of a step, without a password.

    Attributes:
        username: The login role of the version to rotate to; None if that was not read.
        replaced: The previous current version, if AWSCURRENT has just been moved.
        repair: What was done to make the login role like the one in use.
        read_table: Schema and table that the session has read to verify the credential.
    """

    step: Step
    outcome: Outcome
    username: str | None = None
    replaced: str | None = None
    repair: Repair = field(default_factory=Repair)
    read_table: tuple[str, str] | None = None


@dataclass(frozen=True)
class Rotation:
    """One login's rotation to one version of its secret.

    Attributes:
        read_master: Returns the master's credential.
        login: The login, from the function's settings and not from the secret: the right to write one secret must not
            give access to another login's password.
        seconds_left: Returns the time that is left of this invocation.
    """

    store: SecretStore
    endpoint: Endpoint
    read_master: Callable[[], Credential]
    login: str
    secret_arn: str
    version_id: str
    seconds_left: Callable[[], float]

    def run(self, step: Step) -> StepReport:
        """Run one step, or the rest of it.

        Raises:
            RotationError: It failed; the current version is unchanged.
            BootstrapError: The same, for a reason that is not specific to rotations.
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

    def _create(self, versions: SecretState) -> StepReport:
        """Write a new password for the alternate login role into the pending version."""
        if self.store.version(self.secret_arn, self.version_id) is not None:
            return StepReport(Step.CREATE, Outcome.ALREADY_DONE)
        current = username_in(self._current(versions), self.login, self.secret_arn)
        first, second = login_role_names(self.login)
        credential = Credential(second if current == first else first, new_password())
        self.store.put_pending(self.secret_arn, self.version_id, self.endpoint, credential)
        return StepReport(Step.CREATE, Outcome.DONE, credential.username)

    def _set(self, versions: SecretState) -> StepReport:
        """Repair the pending version's login role and set its password, in one transaction."""
        self._alternate(versions)  # fail before waiting for the master's login
        retry_seconds = min(MASTER_RETRY_SECONDS, self.seconds_left() - RESERVE_SECONDS)
        with connected_as_master(self.endpoint, self.read_master, retry_seconds) as master:
            # The wait for the lock is a statement too.
            limit = max(
                _MINIMUM_TIMEOUT_SECONDS, min(STATEMENT_TIMEOUT_SECONDS, self.seconds_left() - RESERVE_SECONDS / 2)
            )
            master.run(f"SET statement_timeout = '{int(limit * 1000)}ms'")
            with locked(master):
                # Read again: another attempt may have finished this rotation in the meantime, and later ones.
                pending, current = self._alternate(self._versions())
                unconfirmed = f"{pending.username!r} may not have its new password yet; the next attempt sets it."
                with master.transaction(unconfirmed):
                    repair = repair_login_role(master, self.login, pending.username, current)
                    set_password(master, pending)
        return StepReport(Step.SET, Outcome.DONE, pending.username, repair=repair)

    def _test(self) -> StepReport:
        """Log in with the pending version, and verify its privileges."""
        credential = credential_in(self._pending(), self.login, self.secret_arn)
        table = verify_credential(self.endpoint, self.login, credential)
        return StepReport(Step.TEST, Outcome.DONE, credential.username, read_table=table)

    def _finish(self, versions: SecretState) -> StepReport:
        """Make the pending version current after verifying it, because this step may come out of order."""
        tested = self._test()
        current = versions.holder(CURRENT)
        self.store.make_current(self.secret_arn, self.version_id, current)
        return replace(tested, step=Step.FINISH, replaced=current)

    def _alternate(self, versions: SecretState) -> tuple[Credential, str]:
        """Return the pending credential, and the login role in use, which must be the alternate."""
        if CURRENT in versions.labels[self.version_id]:
            raise NotPendingError(f"Version {self.version_id} of {self.secret_arn} has become current in the meantime.")
        pending = credential_in(self._pending(), self.login, self.secret_arn)
        current = username_in(self._current(versions), self.login, self.secret_arn)
        if pending.username == current:
            raise SameLoginError(
                f"The pending version {self.version_id} of the secret {self.secret_arn} is for {current!r}, and so is "
                "the current one: a staging label was moved. A new password would lock out current clients. "
                f"Remove {PENDING} from the pending version, and rotate again."
            )
        return pending, current

    def _versions(self) -> SecretState:
        versions = self.store.state(self.secret_arn)
        if not versions.rotates:
            raise NotPendingError(
                f"The rotation of the secret {self.secret_arn} is turned off; turn it on to rotate it."
            )
        labels = versions.labels.get(self.version_id, frozenset())
        if not labels & {CURRENT, PENDING}:
            condition = f"is {', '.join(sorted(labels))}" if labels else "does not exist or carries no label"
            raise NotPendingError(
                f"Version {self.version_id} of the secret {self.secret_arn} {condition}, and only the version that is "
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

    def _current(self, versions: SecretState) -> LoginSecret:
        current = versions.holder(CURRENT)
        secret = self.store.version(self.secret_arn, current) if current else None
        if secret is None:
            raise MissingVersionError(
                f"The secret {self.secret_arn} has no current version: the bootstrap puts the first credential of "
                f"{self.login!r} into it. Apply with Terraform, then rotate."
            )
        return secret

"""The environment of a process inside the local AWS: a role's credentials and nothing inherited."""

import os

from moto.sts.models import sts_backends

from localaws.settings import Settings

# A function's worker and a task keep the credentials that they start with.
SESSION_SECONDS = 12 * 3600


def role_environment(settings: Settings, role_arn: str, session_name: str) -> dict[str, str]:
    """Return the variables of a function's worker or a task's container that acts as ``role_arn``.

    The process reaches only this local AWS: its endpoint, the role's temporary credentials, no profile, no
    instance metadata. Nothing of our environment is passed on but PATH, so neither a proxy, an
    ``AWS_CA_BUNDLE`` nor a developer's credentials leak in.

    Args:
        settings: whose endpoint and account the process talks to.
        role_arn: the role that AWS would assume for the process.
        session_name: the name of the session in the journal and in denials.
    """
    role = sts_backends[settings.account_id]["aws"].assume_role(
        region_name=settings.region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=SESSION_SECONDS,
        external_id="",
    )
    return {
        **environment_without_role(settings),
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
    }


def environment_without_role(settings: Settings) -> dict[str, str]:
    """Return the same variables without credentials."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

"""The token that the rehearsed service asks for when the catalogue is changed."""

from devtools.errors import UserError
from rehearsal.aws import aws_client
from rehearsal.run import Run


def write_token(run: Run) -> str:
    """The token's present value, read from the local AWS as the account's administrator.

    Raises:
        UserError: no rehearsal runs, or its service asks for no token.
    """
    if not run.is_running():
        raise UserError("No rehearsal is running in this folder. Start one with `make up`.")
    secrets = aws_client(run.endpoint, "secretsmanager")
    names = [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]
    found = [name for name in names if "/service/write-token-" in name]
    if not found:
        raise UserError("The rehearsed service asks for no token: writes_need_token is false.")
    token: str = secrets.get_secret_value(SecretId=found[0])["SecretString"]
    return token

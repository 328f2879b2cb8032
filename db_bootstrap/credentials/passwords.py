"""Passwords, and their SCRAM verifiers for the server.

A password is never part of a statement: with default settings PostgreSQL logs a failing ``ALTER ROLE ... PASSWORD``
verbatim. The server gets the SCRAM-SHA-256 verifier instead, and stores it unchanged (RFC 5802, RFC 7677; PostgreSQL
documentation, "Password Authentication").
"""

import base64
import secrets
import string

from scramp import ScramMechanism

PASSWORD_CHARACTERS = 40
_ALPHABET = string.ascii_letters + string.digits
_ITERATIONS = 4096
_SALT_BYTES = 16


def new_password() -> str:
    """Return forty random letters and digits (238 bits), which need no quoting in any URL, shell or file."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_CHARACTERS))


def verifier(password: str, salt: bytes | None = None) -> str:
    """Return the SCRAM-SHA-256 verifier of an ASCII password, in the format of ``pg_authid.rolpassword``.

    Args:
        password: ASCII only, so that SASLprep (RFC 4013) does not change it.
        salt: 16 random bytes unless given.

    Raises:
        ValueError: The password has characters beyond ASCII.
    """
    if not password.isascii():
        raise ValueError("The password has characters beyond ASCII.")
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    _, *keys, _ = ScramMechanism("SCRAM-SHA-256").make_auth_info(password, _ITERATIONS, salt)
    parts = (base64.b64encode(part).decode() for part in (salt, *keys))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)

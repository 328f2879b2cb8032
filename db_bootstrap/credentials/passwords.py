"""Passwords, and what the server is told instead of them.

A password never travels in a statement: at default settings PostgreSQL writes a failing ``ALTER ROLE ... PASSWORD`` to
its log as it came. It is given the SCRAM-SHA-256 verifier, which it stores as it is (RFC 5802, RFC 7677; PostgreSQL
documentation, "Password Authentication").
"""

import base64
import hashlib
import hmac
import secrets
import string

PASSWORD_CHARACTERS = 40
_ALPHABET = string.ascii_letters + string.digits
_ITERATIONS = 4096
_SALT_BYTES = 16


def new_password() -> str:
    """Forty random letters and digits (238 bits), which need no quoting in any URL, shell or file."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_CHARACTERS))


def verifier(password: str, salt: bytes | None = None) -> str:
    """The SCRAM-SHA-256 verifier of an ASCII password, as ``pg_authid.rolpassword`` holds it.

    Args:
        password: ASCII only, so that SASLprep (RFC 4013) leaves it as it is.
        salt: 16 random bytes unless given.

    Raises:
        ValueError: The password holds something else than ASCII.
    """
    if not password.isascii():
        raise ValueError("The password holds characters beyond ASCII.")
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    parts = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)

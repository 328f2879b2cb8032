import base64
import hashlib
import hmac
import re

import pytest

from db_bootstrap.credentials.passwords import PASSWORD_CHARACTERS, new_password, verifier

# RFC 7677, section 3: user "user", password "pencil", this salt and 4096 iterations.
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def test_the_scram_verifier_is_the_one_of_rfc_5802() -> None:
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", RFC_SALT, 4096)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt, stored, server = (base64.b64encode(part).decode() for part in (RFC_SALT, stored_key, server_key))
    assert verifier("pencil", RFC_SALT) == f"SCRAM-SHA-256$4096:{salt}${stored}:{server}"


def test_each_scram_verifier_has_a_random_salt() -> None:
    assert verifier("pencil") != verifier("pencil")


def test_a_password_that_needs_preparation_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="beyond ASCII") as refused:
        verifier("pässword")
    assert "pässword" not in str(refused.value)


def test_a_new_password_is_long_plain_and_different_each_time() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(rf"[A-Za-z0-9]{{{PASSWORD_CHARACTERS}}}", password) for password in passwords)

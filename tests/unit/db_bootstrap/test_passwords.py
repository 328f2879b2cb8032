import base64
import re

import pytest
import scramp

from db_bootstrap.credentials.passwords import PASSWORD_CHARACTERS, new_password, verifier

# RFC 7677, section 3: user "user", password "pencil", this salt and 4096 iterations.
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def test_the_verifier_is_the_one_that_an_independent_library_computes() -> None:
    mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
    salt, stored_key, server_key, iterations = mechanism.make_auth_info("pencil", iteration_count=4096, salt=RFC_SALT)
    expected = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    assert verifier("pencil", RFC_SALT) == f"SCRAM-SHA-256${iterations}:{expected[0]}${expected[1]}:{expected[2]}"


def test_each_verifier_has_a_salt_of_its_own() -> None:
    assert verifier("pencil") != verifier("pencil")


def test_a_password_that_would_have_to_be_prepared_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="beyond ASCII") as refused:
        verifier("pässword")
    assert "pässword" not in str(refused.value)


def test_a_new_password_is_long_plain_and_different_each_time() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(rf"[A-Za-z0-9]{{{PASSWORD_CHARACTERS}}}", password) for password in passwords)

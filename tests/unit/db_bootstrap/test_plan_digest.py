from dataclasses import replace

import pytest

from db_bootstrap.model import Statement
from db_bootstrap.plan_digest import Identity, is_digest, plan_digest, stored_digest, with_stored_digest

IDENTITY = Identity("db.example", "7277652093081719641", 16401, "beers")
STATEMENTS = (Statement("CREATE ROLE a", "missing"), Statement("CREATE ROLE b", "missing"))


def test_the_same_plan_for_the_same_database_has_the_same_digest() -> None:
    digest = plan_digest(IDENTITY, STATEMENTS)
    assert is_digest(digest)
    assert plan_digest(replace(IDENTITY), list(STATEMENTS)) == digest


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(IDENTITY, host="other.example"), id="another server"),
        pytest.param(replace(IDENTITY, system_identifier="1"), id="a recreated server"),
        pytest.param(replace(IDENTITY, system_identifier=None), id="an identifier that cannot be read"),
        pytest.param(replace(IDENTITY, database_oid=1), id="a recreated database"),
        pytest.param(replace(IDENTITY, database="ales"), id="another database"),
    ],
)
def test_another_database_has_another_digest(other: Identity) -> None:
    assert plan_digest(other, STATEMENTS) != plan_digest(IDENTITY, STATEMENTS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((), id="nothing"),
        pytest.param(STATEMENTS[:1], id="one less"),
        pytest.param(STATEMENTS[::-1], id="another order"),
        pytest.param((*STATEMENTS, Statement("CREATE ROLE c", "missing")), id="one more"),
        pytest.param((STATEMENTS[0], replace(STATEMENTS[1], database="ales")), id="one in another database"),
        pytest.param((Statement("CREATE ROLE a", ""), Statement("CREATE ROLE B", "")), id="another letter"),
        pytest.param((Statement('CREATE ROLE a", "CREATE ROLE b', ""),), id="two that are written as one"),
    ],
)
def test_other_statements_have_another_digest(other: tuple[Statement, ...]) -> None:
    assert plan_digest(IDENTITY, other) != plan_digest(IDENTITY, STATEMENTS)


def test_the_words_of_a_reason_do_not_matter() -> None:
    reworded = tuple(replace(statement, reason="because") for statement in STATEMENTS)
    assert plan_digest(IDENTITY, reworded) == plan_digest(IDENTITY, STATEMENTS)


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "g" * 64, "0" * 64, "sha256:" + "0" * 64 + "\n"])
def test_anything_else_is_not_a_digest(text: str) -> None:
    assert not is_digest(text)


ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.mark.parametrize(
    "text", ["", "ours", "ours\n", "two\nlines", f"db_bootstrap: {ONE}\nand more", f"x db_bootstrap: {ONE}"]
)
def test_a_databases_comment_remembers_one_digest_and_keeps_what_people_wrote(text: str) -> None:
    assert stored_digest(text) == ""
    once = with_stored_digest(text, ONE)
    assert stored_digest(once) == ONE
    assert with_stored_digest(once, OTHER) == with_stored_digest(text, OTHER)
    assert once.removesuffix(f"db_bootstrap: {ONE}").removesuffix("\n") == text

import attrs
import pytest

from db_bootstrap.digest import Identity, is_digest, plan_digest
from db_bootstrap.plan import Statement

IDENTITY = Identity("db.example", "7277652093081719641", 16401, "beers")
STATEMENTS = (Statement("CREATE ROLE a", "missing"), Statement("CREATE ROLE b", "missing"))


def test_the_same_plan_for_the_same_database_has_the_same_digest() -> None:
    digest = plan_digest(IDENTITY, STATEMENTS)
    assert is_digest(digest)
    assert plan_digest(attrs.evolve(IDENTITY), list(STATEMENTS)) == digest


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(attrs.evolve(IDENTITY, host="other.example"), id="another server"),
        pytest.param(attrs.evolve(IDENTITY, system_identifier="1"), id="a server that was made anew"),
        pytest.param(attrs.evolve(IDENTITY, system_identifier=None), id="an identifier that cannot be read"),
        pytest.param(attrs.evolve(IDENTITY, database_oid=1), id="a database that was made anew"),
        pytest.param(attrs.evolve(IDENTITY, database="ales"), id="another database"),
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
        pytest.param((Statement("CREATE ROLE a", ""), Statement("CREATE ROLE B", "")), id="another letter"),
        pytest.param((Statement('CREATE ROLE a", "CREATE ROLE b', ""),), id="two that are written as one"),
    ],
)
def test_other_statements_have_another_digest(other: tuple[Statement, ...]) -> None:
    assert plan_digest(IDENTITY, other) != plan_digest(IDENTITY, STATEMENTS)


def test_the_words_of_a_reason_do_not_matter() -> None:
    reworded = tuple(attrs.evolve(statement, reason="because") for statement in STATEMENTS)
    assert plan_digest(IDENTITY, reworded) == plan_digest(IDENTITY, STATEMENTS)


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "g" * 64, "0" * 64, "sha256:" + "0" * 64 + "\n"])
def test_anything_else_is_no_digest(text: str) -> None:
    assert not is_digest(text)

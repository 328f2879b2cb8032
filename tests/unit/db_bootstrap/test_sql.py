"""Quoting: PostgreSQL reads back exactly the same name or value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db_bootstrap import sql

STORABLE_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NAMES = STORABLE_TEXT.filter(lambda name: 0 < len(name.encode()) <= sql.MAXIMUM_NAME_BYTES)
UNQUOTED_NAMES = st.from_regex(r"[a-z_][a-z0-9_$]*", fullmatch=True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a\0b", id="NUL"),
        pytest.param("x" * 64, id="too long"),
        pytest.param("é" * 32, id="too long in bytes, not in characters"),
        pytest.param("\ud800", id="half of a surrogate pair"),
    ],
)
def test_what_postgresql_would_change_silently_is_no_identifier(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        sql.identifier(name)


@pytest.mark.parametrize("value", [None, 1, True, b"x", ["x"], {"x": "y"}])
def test_only_text_is_quoted(value: object) -> None:
    for quote in (sql.identifier, sql.literal):
        with pytest.raises(TypeError, match="must be text"):
            quote(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["a\0b", "\udfff"])
def test_what_postgresql_cannot_hold_is_no_literal(value: str) -> None:
    with pytest.raises(ValueError, match="can hold neither"):
        sql.literal(value)


def test_parameters_are_bound_once_and_as_literals() -> None:
    query = "SELECT :name::name, CAST(:names AS text[]), ':op x'"
    bound = sql.bound(query, {"name": ":names'", "names": ['a"', ":name"]})
    assert bound == """SELECT ':names'''::name, CAST(E'{"a\\\\"",":name"}' AS text[]), ':op x'"""


def test_public_is_a_keyword_among_grantees_and_a_name_among_identifiers() -> None:
    assert sql.grantees(["beers_reader", "public", "Public"]) == '"beers_reader", PUBLIC, "Public"'
    assert sql.identifiers(["beers_reader", "public"]) == '"beers_reader", "public"'


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        pytest.param("statement_timeout", '"statement_timeout"', id="plain"),
        pytest.param("pg_stat_statements.track", '"pg_stat_statements"."track"', id="of an extension"),
        pytest.param("_a.b$1.C", '"_a"."b$1"."C"', id="every allowed character"),
    ],
)
def test_a_setting_is_named_part_by_part(name: str, quoted: str) -> None:
    assert sql.is_setting_name(name)
    assert sql.setting_name(name) == quoted


@pytest.mark.parametrize(
    "name", ["", ".", "a.", ".a", "a..b", "1a", "a b", "a-b", "a;b", 'a"b', "a\n", "é", "a" * 64, "a." + "b" * 64]
)
def test_what_cannot_name_a_setting_is_refused(name: str) -> None:
    assert not sql.is_setting_name(name)
    with pytest.raises(ValueError, match="not a valid name of a configuration parameter"):
        sql.setting_name(name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("  ", (), id="blanks"),
        pytest.param("beers", ("beers",), id="one"),
        pytest.param('"$user", public', ("$user", "public"), id="PostgreSQL's own default"),
        pytest.param("Beers,PUBLIC", ("beers", "public"), id="unquoted names fold"),
        pytest.param("BIÈRE", ("biÈre",), id="only ASCII folds"),
        pytest.param("a\u00a0b,c", ("a\u00a0b", "c"), id="only ASCII blanks separate"),
        pytest.param('"Beers"', ("Beers",), id="quoted names do not fold"),
        pytest.param('"a,b" ,"say ""cheese"""', ("a,b", 'say "cheese"'), id="commas and quotes in quotes"),
        pytest.param('""', ("",), id="an empty name, as PostgreSQL writes an empty list"),
    ],
)
def test_a_list_of_names_reads_as_postgresql_reads_it(text: str, names: tuple[str, ...]) -> None:
    assert sql.split_names(text) == names


@pytest.mark.parametrize("text", [",", "a,", ",a", "a,,b", "a b", '"a', 'a"b', '"a" b', 'a "b"', '"a""'])
def test_a_broken_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a comma-separated list of names"):
        sql.split_names(text)


@given(NAMES)
def test_an_identifier_unquotes_to_its_name(name: str) -> None:
    quoted = sql.identifier(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == name.replace('"', ""), "no quote may stand alone inside"
    assert quoted[1:-1].replace('""', '"') == name


@given(STORABLE_TEXT, st.booleans())
def test_a_literal_unquotes_to_its_value_with_either_setting_for_backslashes(
    value: str, standard_conforming_strings: bool
) -> None:
    assert _read_literal(sql.literal(value), standard_conforming_strings=standard_conforming_strings) == value


@given(st.lists(NAMES, min_size=1))
def test_a_list_of_quoted_names_splits_into_them(names: list[str]) -> None:
    assert sql.split_names(sql.identifiers(names)) == tuple(names)


@given(st.lists(UNQUOTED_NAMES, min_size=1), st.sampled_from([",", ", ", " ,", "\t,\n"]))
def test_a_list_of_plain_names_splits_into_them(names: list[str], comma: str) -> None:
    assert sql.split_names(comma.join(names)) == tuple(names)


@given(st.text())
def test_any_text_is_a_list_of_names_or_refused(text: str) -> None:
    try:
        names = sql.split_names(text)
    except ValueError:
        return
    assert len(names) <= text.count(",") + 1


def _read_literal(text: str, *, standard_conforming_strings: bool) -> str:
    """Return what PostgreSQL's scanner makes of a string constant; an error if it ends before the text does."""
    has_escapes = text.startswith("E") or not standard_conforming_strings
    rest = text.removeprefix("E")
    assert rest[0] == "'"
    read, position = [], 1
    while rest[position] != "'" or rest[position + 1 : position + 2] == "'":
        step = 2 if rest[position] == "'" or (has_escapes and rest[position] == "\\") else 1
        read.append(rest[position + step - 1])
        position += step
    assert position == len(rest) - 1, "the constant ended early"
    return "".join(read)

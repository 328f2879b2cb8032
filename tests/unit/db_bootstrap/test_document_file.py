import io
import json
import sys
from pathlib import Path

import pytest
import yaml

from db_bootstrap.cli import document_file
from db_bootstrap.document import parse_document
from db_bootstrap.errors import AccessDocumentError, ConfigurationError
from tests.support.documents import beers


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("access.json", json.dumps(beers()), id="JSON"),
        pytest.param("access", json.dumps(beers()), id="JSON by default"),
        pytest.param("access.yaml", yaml.safe_dump(beers()), id="YAML"),
        pytest.param("access.YML", yaml.safe_dump(beers()), id="YAML by its short name"),
        pytest.param("access.yaml", json.dumps(beers()), id="JSON is YAML"),
    ],
)
def test_json_and_yaml_say_the_same(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert document_file.read_document(tmp_path / name) == beers()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("a.json", b"roles: {}", "this is not valid JSON", id="YAML named JSON"),
        pytest.param("a.json", b'{"roles": {"x": {}, "x": {}}}', "duplicate keys: 'x'", id="a role twice in JSON"),
        pytest.param("a.json", b"[" * 200_000, "this is not valid JSON", id="JSON that is too deep"),
        pytest.param("a.yaml", b"roles: {x: {}, x: {}}", "duplicate key", id="a role twice in YAML"),
        pytest.param("a.yaml", b"roles: [", "this is not valid YAML", id="broken YAML"),
        pytest.param(
            "a.yaml", b"roles: !!python/object/apply:os.getcwd []", "this is not valid YAML", id="YAML that runs"
        ),
        pytest.param("a.yaml", b"a: 1\n---\nb: 1", "this is not valid YAML", id="two documents"),
        pytest.param("a.json", b"\xff\xfe", "not text in UTF-8", id="no text"),
    ],
)
def test_a_file_that_is_neither_is_refused(name: str, content: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AccessDocumentError) as refused:
        document_file.read_document(tmp_path / name)
    assert complaint in str(refused.value)


def test_yaml_is_version_1_2_with_merge_keys_and_without_dates(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "{on: off, no: yes, here: true, time: 12:30, octal: 010, day: 2030-01-01,"
        " a: &a {credential: iam, member_of: [r]}, b: {<<: *a, credential: external}}"
    )
    expected = {"on": "off", "no": "yes", "here": True, "time": "12:30", "octal": 10, "day": "2030-01-01"}
    merged = {"a": {"credential": "iam", "member_of": ["r"]}, "b": {"credential": "external", "member_of": ["r"]}}
    assert document_file.read_document(tmp_path / "a.yaml") == expected | merged


@pytest.mark.parametrize("text", [json.dumps(beers()), yaml.safe_dump(beers())], ids=["JSON", "YAML"])
def test_a_document_can_come_from_standard_input(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert document_file.read_document(Path("-")) == beers()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.json cannot be read: No such file"):
        document_file.read_document(tmp_path / "nothing.json")


def test_without_ruamel_yaml_json_works_and_yaml_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    for name in ("access.json", "access.yaml"):
        (tmp_path / name).write_text(json.dumps(beers()))
    parse_document(document_file.read_document(tmp_path / "access.json"))
    with pytest.raises(ConfigurationError, match=r"pip install ruamel\.yaml"):
        document_file.read_document(tmp_path / "access.yaml")

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
        pytest.param("a.yaml", b"? [a]\n: b", "this is not valid YAML", id="a key that is a list"),
        pytest.param("a.json", b"\xff\xfe", "not text in UTF-8", id="no text"),
    ],
)
def test_a_file_that_is_neither_is_refused(name: str, content: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AccessDocumentError) as refused:
        document_file.read_document(tmp_path / name)
    assert complaint in str(refused.value)


def test_words_that_once_were_truths_in_yaml_are_words(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{on: off, no: yes, y: N, here: true, there: FALSE, truest: falsehood}")
    said = {"on": "off", "no": "yes", "y": "N", "here": True, "there": False, "truest": "falsehood"}
    assert document_file.read_document(tmp_path / "a.yaml") == said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.json cannot be read: No such file"):
        document_file.read_document(tmp_path / "nothing.json")


def test_without_pyyaml_json_works_and_yaml_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    for name in ("access.json", "access.yaml"):
        (tmp_path / name).write_text(json.dumps(beers()))
    parse_document(document_file.read_document(tmp_path / "access.json"))
    with pytest.raises(ConfigurationError, match="pip install pyyaml"):
        document_file.read_document(tmp_path / "access.yaml")

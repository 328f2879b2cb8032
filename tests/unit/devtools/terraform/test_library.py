import pytest

from devtools.terraform.library import may_run

LOCAL = "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("command", "endpoint", "allowed"),
    [
        pytest.param("apply -auto-approve", LOCAL, True, id="local AWS"),
        pytest.param("-chdir=terraform plan", LOCAL, True, id="local AWS, another folder"),
        pytest.param("apply", "", False, id="AWS"),
        pytest.param("-chdir=terraform output -json", "", False, id="AWS, another folder"),
        pytest.param("init", "https://s3.eu-west-1.amazonaws.com", False, id="AWS, named"),
        pytest.param("init", "http://127.0.0.1.example.com", False, id="another host"),
        pytest.param("init -backend=false", "", True, id="init without backend"),
        pytest.param("fmt -check -recursive", "", True, id="fmt"),
        pytest.param("validate", "", True, id="validate"),
        pytest.param("test -json", "", True, id="test"),
        pytest.param("version -json", "", True, id="version"),
        pytest.param("-help", "", True, id="help"),
    ],
)
def test_the_library_refuses_to_work_on_aws(command: str, endpoint: str, allowed: bool) -> None:
    assert may_run(command.split(), endpoint) == allowed

"""The shape of production, applied with the role that may deploy it: what dev leaves out to be quick and cheap."""

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import deployment
from rehearsal.run import Run
from rehearsal.terraform import TerraformError
from tests.rehearsal.conftest import Rehearsal, applied, changes_of, make_zone, quiet, unprotect
from tests.rehearsal.statements import Statements

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """An environment `prod` beside nothing else; ended with all its processes even when a test fails."""
    run = Run(tmp_path_factory.mktemp("production") / "run")
    try:
        yield applied(run, "prod", before=make_zone)
    finally:
        deployment.stop_local_aws(run)
        run.clear()


def test_the_service_answers_under_its_own_name_over_tls(production: Rehearsal) -> None:
    assert production.outputs["service_url"] == "https://beers.example.com"
    context = ssl.create_default_context(cafile=str(production.run.authority / "ca.pem"))
    with urllib.request.urlopen(f"{listener(production, 'HTTPS:443')}/beers", context=context) as answer:
        assert answer.status == 200


def test_plain_http_is_sent_to_https(production: Rehearsal) -> None:
    opener = urllib.request.build_opener(NoRedirects())
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(f"{listener(production, 'HTTP:80')}/beers")
    with refused.value as answer:
        assert (answer.code, answer.headers["Location"]) == (301, "https://127.0.0.1:443/beers")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


def listener(rehearsal: Rehearsal, name: str) -> str:
    listeners = rehearsal.run.ask("status")["rooms"]["load_balancer"]["listeners"]
    return next(str(found["url"]) for found in listeners if found["listener"] == name)


def test_no_policy_of_the_pipeline_is_longer_than_aws_takes(production: Rehearsal) -> None:
    iam = production.aws("iam")
    policies = iam.list_policies(Scope="Local")["Policies"]
    documents = {
        policy["PolicyName"]: iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        for policy in policies
    }
    lengths = {
        name: len(json.dumps(document["PolicyVersion"]["Document"], separators=(",", ":")))
        for name, document in documents.items()
    }
    assert len(lengths) > 10
    assert {name: length for name, length in lengths.items() if length > 6144} == {}


def test_a_second_plan_of_production_is_empty(production: Rehearsal) -> None:
    assert changes_of(production.deployment.plan_environment(production.digest)) == {}


def test_a_pull_request_can_plan_production_too(production: Rehearsal) -> None:
    assert changes_of(production.deployment.plan_for_pull_request(production.digest)) == {}


def test_a_second_plan_of_the_account_is_empty_too(production: Rehearsal) -> None:
    assert changes_of(production.deployment.plan_account()) == {}


def test_production_is_not_destroyed_before_somebody_has_unprotected_it(production: Rehearsal) -> None:
    with pytest.raises(TerraformError, match="protection"):
        production.deployment.destroy(quiet)


def test_a_destroy_leaves_only_what_brings_the_data_back(production: Rehearsal, statements: Statements) -> None:
    statements.take_declared(production)
    unprotect(production)
    production.deployment.destroy(quiet)
    statements.take_decisive(production)
    left = production.run.ask("resources")["resources"]
    kinds = [re.sub(r"(?<=[:-])[0-9]+.*|(?<=beers_)[a-z]+-.*|(?<=/write-token-).*", "...", entry) for entry in left]
    assert sorted(set(kinds)) == [
        "rds snapshot rds:taproom-prod-...",  # the latest automated backup
        "rds snapshot taproom-prod-final-...",
        "route53 zone example.com.",  # which people brought along
        "secretsmanager secret taproom-prod/database/beers_...",  # can be had back for thirty days
        "secretsmanager secret taproom-prod/service/write-token-...",
    ]

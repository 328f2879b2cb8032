"""The shapes of production and staging, applied with the roles that may deploy them: what dev leaves out to be cheap.

Both live in one account and are applied at once, because most of an apply is the provider's own waiting; so what one of
them would take from the other, a name or a permission, would fail here.
"""

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devtools.checkout import CHECKOUT
from devtools.terraform.program import find_terraform
from rehearsal import deployment
from rehearsal.deployment import Deployment
from rehearsal.run import Run
from rehearsal.terraform import TerraformError
from tests.support.rehearsal import Rehearsal, applied, changes_of, make_zone, quiet, unprotect
from tests.support.statements import Statements, needless

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rehearsal, Deployment]]:
    """An environment `prod` and an environment `staging`; ended with all their processes even when a test fails."""
    run = Run(tmp_path_factory.mktemp("production") / "run")
    staging: list[Deployment] = []
    with ThreadPoolExecutor() as pool:
        try:

            def begin_staging(rehearsal: Rehearsal) -> None:
                make_zone(rehearsal)
                staging.append(Deployment(run, find_terraform()[0], "staging", beside=rehearsal.deployment))
                staging[0].init_environment()
                applying.append(pool.submit(staging[0].apply_environment, rehearsal.digest, quiet))

            applying: list[Any] = []
            production = applied(run, "prod", before=begin_staging)
            applying[0].result()
            assert staging[0].environment.outputs()["service_url"] == "https://beers.staging.example.com"
            yield production, staging[0]
        finally:
            deployment.stop_local_aws(run)
            run.clear()


@pytest.fixture
def production(both: tuple[Rehearsal, Deployment]) -> Rehearsal:
    return both[0]


@pytest.fixture
def staging(both: tuple[Rehearsal, Deployment]) -> Deployment:
    return both[1]


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """The results of all of them."""
    with ThreadPoolExecutor() as pool:
        return [task.result() for task in [pool.submit(task) for task in tasks]]


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
    listeners = rehearsal.run.ask("status")["services"]["elbv2"]["listeners"]
    wanted = ("taproom-prod", name)
    return next(str(found["url"]) for found in listeners if (found["load_balancer"], found["listener"]) == wanted)


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


def test_a_second_plan_of_either_is_empty(production: Rehearsal, staging: Deployment) -> None:
    plans = at_once(
        lambda: production.deployment.plan_environment(production.digest),
        lambda: staging.plan_environment(production.digest),
    )
    assert [changes_of(plan) for plan in plans] == [{}, {}]


def test_every_alarm_tells_the_topic_of_its_environment_and_names_its_section_of_the_runbook(
    production: Rehearsal,
) -> None:
    headings = re.findall(r"^### Alarm: ([\w-]+)$", (CHECKOUT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    alarms = production.aws("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    # Autoscaling makes alarms of its own.
    own = [alarm for alarm in alarms if not alarm["AlarmName"].startswith("TargetTracking-")]
    named = set()
    for alarm in own:
        environment = "prod" if alarm["AlarmName"].startswith("taproom-prod-") else "staging"
        topics = [topic.rpartition(":")[2] for topic in alarm["AlarmActions"]]
        assert topics == [f"taproom-{environment}-alarms"], alarm["AlarmName"]
        link = re.search(r" See docs/runbook\.md#alarm-([\w-]+)$", alarm["AlarmDescription"])
        assert link, alarm["AlarmName"]
        named.add(link[1])
    assert sorted(named) == sorted(headings)


def test_the_dashboard_shows_every_alarm(production: Rehearsal) -> None:
    cloudwatch = production.aws("cloudwatch")
    alarms = {
        alarm["AlarmArn"] for alarm in cloudwatch.describe_alarms(AlarmNamePrefix="taproom-prod-")["MetricAlarms"]
    }
    body = json.loads(cloudwatch.get_dashboard(DashboardName="taproom-prod")["DashboardBody"])
    assert set(body["widgets"][0]["properties"]["alarms"]) == alarms
    assert len(alarms) > 25


def test_the_service_scales_between_its_limits_and_at_night_by_a_schedule(production: Rehearsal) -> None:
    scaling = production.aws("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert {target["ResourceId"]: (target["MinCapacity"], target["MaxCapacity"]) for target in targets} == {
        "service/taproom-prod/taproom-prod": (3, 6),
        "service/taproom-staging/taproom-staging": (2, 4),
    }
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert sorted(policy["PolicyName"] for policy in policies) == sorted(
        f"taproom-{name}-{kind}" for name in ("prod", "staging") for kind in ("cpu", "memory", "requests")
    )
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert {action["ScheduledActionName"] for action in actions} == {
        "taproom-staging-morning",
        "taproom-staging-night",
    }


def test_an_environment_has_a_budget_that_tells_its_topic(production: Rehearsal) -> None:
    budgets = production.aws("budgets")
    budget = budgets.describe_budget(AccountId="123456789012", BudgetName="taproom-prod")["Budget"]
    assert budget["BudgetLimit"]["Amount"] == "800"
    assert budget["CostFilters"] == {"TagKeyValue": ["user:Environment$prod"]}


def test_a_pull_request_can_plan_production_too(production: Rehearsal) -> None:
    assert changes_of(production.deployment.plan_for_pull_request(production.digest)) == {}


def test_a_second_plan_of_the_account_is_empty_too(production: Rehearsal) -> None:
    assert changes_of(production.deployment.plan_account()) == {}


def test_production_is_not_destroyed_before_somebody_has_unprotected_it(production: Rehearsal) -> None:
    with pytest.raises(TerraformError, match="protection"):
        production.deployment.destroy(quiet)


def test_a_destroy_leaves_only_what_brings_the_data_back(
    production: Rehearsal, staging: Deployment, statements_folder: Path
) -> None:
    statements = Statements()
    statements.take_declared(production)
    unprotect(production)
    at_once(lambda: production.deployment.destroy_environment(quiet), lambda: staging.destroy_environment(quiet))
    production.deployment.destroy(quiet)
    statements.take_decisive(production)
    statements.leave(statements_folder, "prod")
    left = production.run.ask("resources")["resources"]
    kinds = [re.sub(r"(?<=[:-])[0-9]+.*|(?<=beers_)[a-z]+-.*|(?<=/write-token-).*", "...", entry) for entry in left]
    assert sorted(set(kinds)) == [
        "rds snapshot rds:taproom-prod-...",  # the latest automated backup
        "rds snapshot rds:taproom-staging-...",
        "rds snapshot taproom-prod-final-...",
        "rds snapshot taproom-staging-final-...",
        "route53 zone example.com.",  # which people brought along
        "secretsmanager secret taproom-prod/database/beers_...",  # can be had back for thirty days
        "secretsmanager secret taproom-prod/service/write-token-...",
        "secretsmanager secret taproom-staging/database/beers_...",
        "secretsmanager secret taproom-staging/service/write-token-...",
    ]


def test_each_statement_of_each_policy_is_one_that_something_hangs_on(statements_folder: Path) -> None:
    assert needless(statements_folder) == set()

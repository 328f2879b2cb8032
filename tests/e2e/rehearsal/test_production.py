"""Features of staging and prod that dev leaves out to be cheap. Nothing here changes them."""

import json
import re

import pytest

from devtools.checkout import CHECKOUT
from rehearsal.aws import REGION
from tests.support.cloudformation import KINDS, template
from tests.support.pipeline import ENVIRONMENTS, Pipeline

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]


def test_the_service_answers_over_tls_under_its_name(pipeline: Pipeline) -> None:
    names = {name: pipeline.deployment(name).environment.outputs()["service_url"] for name in ENVIRONMENTS}
    assert names == {"staging": "https://beers.staging.example.com", "prod": "https://beers.example.com"}
    assert pipeline.client("prod").get("/beers").status == 200


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_cfn_lint_finds_no_error_in_the_main_resources(pipeline: Pipeline, environment: str) -> None:
    from cfnlint.api import lint  # noqa: PLC0415 - takes a second, in each process that collects the tests
    from cfnlint.config import ManualArgs  # noqa: PLC0415

    bucket = pipeline.terraform.account.outputs()["state_bucket_name"]
    state = json.load(pipeline.aws("s3").get_object(Bucket=bucket, Key=f"taproom/{environment}.tfstate")["Body"])
    resources = template(state)
    kinds = {resource["Type"] for resource in resources["Resources"].values()}
    assert kinds == set(KINDS), "each kind is in the state"
    # Its warnings include one on every version of an engine without a minor version.
    problems = lint(json.dumps(resources), config=ManualArgs(regions=[REGION]))
    assert [str(problem) for problem in problems if problem.rule.id.startswith("E")] == []


def test_every_alarm_tells_the_topic_of_its_environment_and_names_its_section_of_the_runbook(
    pipeline: Pipeline,
) -> None:
    headings = re.findall(r"^### Alarm: ([\w-]+)$", (CHECKOUT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    found = pipeline.aws("cloudwatch").describe_alarms(MaxRecords=100, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    rules = " ".join(alarm["AlarmRule"] for alarm in found["CompositeAlarms"])
    # Autoscaling creates alarms, and a part of a composite alarm notifies no topic.
    own = [
        alarm
        for alarm in [*found["MetricAlarms"], *found["CompositeAlarms"]]
        if not alarm["AlarmName"].startswith("TargetTracking-") and f'"{alarm["AlarmName"]}"' not in rules
    ]
    named = set()
    for alarm in own:
        environment = "prod" if alarm["AlarmName"].startswith("taproom-prod-") else "staging"
        topics = [topic.rpartition(":")[2] for topic in alarm["AlarmActions"]]
        assert topics == [f"taproom-{environment}-alarms"], alarm["AlarmName"]
        link = re.search(r" See docs/runbook\.md#alarm-([\w-]+)$", alarm["AlarmDescription"])
        assert link, alarm["AlarmName"]
        named.add(link[1])
    assert sorted(named) == sorted(headings)


def test_the_dashboard_shows_every_alarm(pipeline: Pipeline) -> None:
    cloudwatch = pipeline.aws("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNamePrefix="taproom-prod-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarms = {alarm["AlarmArn"] for alarm in [*found["MetricAlarms"], *found["CompositeAlarms"]]}
    body = json.loads(cloudwatch.get_dashboard(DashboardName="taproom-prod")["DashboardBody"])
    assert set(body["widgets"][0]["properties"]["alarms"]) == alarms
    assert len(alarms) > 25

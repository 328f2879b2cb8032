"""The service on ECS, behind the load balancer and under load: its tasks are replaced."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from devtools.checkout import CHECKOUT
from devtools.images.store import ImageStore
from devtools.load import Load
from devtools.postgres.binaries import Binaries
from tests.support.catalogue_database import CatalogueDatabase, migrated_catalogue
from tests.support.database import running_cluster
from tests.support.ecs import REPOSITORY, Site
from tests.support.local_aws import LocalAws
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.database, pytest.mark.load]

SERVICE = "beers"


class Deployed:
    """Two tasks of this version of the service behind the load balancer, on a database that can be stopped."""

    def __init__(self, site: Site, catalogue: CatalogueDatabase) -> None:
        self.site = site
        self.catalogue = catalogue
        images = ImageStore(site.aws.directory / "images")
        self._image = f"{REPOSITORY}@{images.build(CHECKOUT, catalogue.cluster.authority.ca_file)}"
        site.create_service(SERVICE, self.register())
        wait_until(lambda: site.is_steady(SERVICE), "a steady service")

    def register(self, password: str | None = None) -> str:
        """Register a task definition, by default with the right password for the database; return its ARN."""
        url = self.catalogue.url(self.catalogue.app, password)
        variables = {"DATABASE_URL": url, "WEB_CONCURRENCY": "2"}
        return self.site.register(image=self._image, environment=variables, command=[])

    def tasks(self) -> set[str]:
        return {task["taskArn"] for task in self.site.tasks(SERVICE)}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("outages")
    with (
        running_cluster(Binaries.find(), folder / "postgresql") as cluster,
        migrated_catalogue(cluster) as catalogue,
        LocalAws(folder / "run") as aws,
    ):
        yield Deployed(Site(aws, **health_check()), catalogue)


def health_check() -> dict[str, str | int]:
    """Return the health check that Terraform configures, as arguments of CreateTargetGroup."""
    block = (CHECKOUT / "terraform/modules/edge/main.tf").read_text().partition("health_check {")[2].partition("}")[0]
    configured = dict(re.findall(r'(\w+) += "?([^"\n]+)', block))
    return {
        "HealthCheckPath": configured["path"],
        "HealthCheckIntervalSeconds": int(configured["interval"]),
        "HealthCheckTimeoutSeconds": int(configured["timeout"]),
        "HealthyThresholdCount": int(configured["healthy_threshold"]),
        "UnhealthyThresholdCount": int(configured["unhealthy_threshold"]),
    }


@pytest.mark.parametrize("sigterms", [2, pytest.param(10, marks=pytest.mark.nightly)])
def test_sigterms_under_load_lose_no_request(sigterms: int, deployed: Deployed) -> None:
    site, replaced = deployed.site, set[str]()

    def are_replaced() -> bool:
        return site.is_steady(SERVICE) and not replaced & deployed.tasks()

    def exit_codes() -> list[int | None]:
        stopped = [task for task in site.tasks(SERVICE, "STOPPED") if task["taskArn"] in replaced]
        return [container.get("exitCode") for task in stopped for container in task["containers"]]

    with Load([urlsplit(site.url).netloc], connections=8, pause_seconds=0.05) as load:
        while len(replaced) < sigterms:
            replaced |= deployed.tasks()
            site.ecs.update_service(cluster="taproom", service=SERVICE, forceNewDeployment=True)
            wait_until(are_replaced, "new tasks")
    assert load.failures == []
    assert load.requests > 10 * sigterms
    wait_until(lambda: None not in exit_codes(), "the end of the replaced tasks")
    assert set(exit_codes()) == {0}


@pytest.mark.aws("ELB-2")
def test_a_version_that_never_reaches_its_database_is_rolled_back(deployed: Deployed) -> None:
    before = deployed.tasks()
    deployed.site.ecs.update_service(
        cluster="taproom", service=SERVICE, taskDefinition=deployed.register("wrong-and-secret")
    )
    wait_until(lambda: deployed.site.is_steady(SERVICE), "the end of the rollback", seconds=120)
    messages = [event["message"] for event in deployed.site.service(SERVICE)["events"]]
    assert any("Health checks failed with these codes: [503]" in message for message in messages)
    assert deployed.tasks() == before

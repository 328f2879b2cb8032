"""The page of costs adds up, and counts what the variable files ask for."""

import re
from decimal import Decimal

import pytest

from devtools.checkout import CHECKOUT
from scripts.prove.claim import USD_PER_HOUR

if (CHECKOUT / "terraform" / "account" / "account.auto.tfvars.json").exists():
    pytest.skip("After `make account`, the variable files are a user's.", allow_module_level=True)

ENVIRONMENTS = ("minimal", "dev", "staging", "prod")
HOURS = 730
PAGE = (CHECKOUT / "docs" / "costs.md").read_text()
VARIABLES = {name: (CHECKOUT / "terraform" / "environment" / f"{name}.tfvars").read_text() for name in ENVIRONMENTS}


def table(heading: str) -> dict[str, list[str]]:
    """The first table below a heading: the other cells of each row by its first, without that one's link."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]
    return {re.sub(r"^\[(.*)\]\(.*\)$", r"\1", row[0]): row[1:] for row in rows[2:]}


ROWS = table("A month")
TOGETHER = [Decimal(cell.strip("*")) for cell in ROWS.pop("together")[1:]]
PRICES = {item: Decimal(cells[0].partition("/")[0]) for item, cells in ROWS.items()}
# A cost, and in brackets its quantity; or zero.
CELLS = {item: [re.findall(r"[\d.]+", cell) for cell in cells[1:]] for item, cells in ROWS.items()}
COSTS = {item: [Decimal(cell[0]) for cell in cells] for item, cells in CELLS.items()}
QUANTITIES = {item: [Decimal(cell[-1]) for cell in cells] for item, cells in CELLS.items()}


def variable(environment: str, name: str, default: str = "") -> str:
    """Return what a variable file says, as text; of an object, too."""
    found = re.search(rf"^{name} += (.+)$", VARIABLES[environment], re.MULTILINE)
    return found[1].strip('"') if found else default


def test_each_cost_is_a_quantity_times_its_price() -> None:
    for item, quantities in QUANTITIES.items():
        for quantity, cost in zip(quantities, COSTS[item], strict=True):
            assert abs(quantity * PRICES[item] - cost) <= Decimal("0.005"), item


def test_the_costs_are_summed_up() -> None:
    assert [sum(column) for column in zip(*COSTS.values(), strict=True)] == TOGETHER
    assert round(TOGETHER[1] / HOURS, 2) == Decimal(str(USD_PER_HOUR))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_counted_is_what_is_asked_for(environment: str) -> None:
    counted = {item: quantities[ENVIRONMENTS.index(environment)] for item, quantities in QUANTITIES.items()}
    minimum = re.search(r"minimum = (\d+)", variable(environment, "service_task_count"))
    assert minimum
    tasks = int(minimum[1]) * HOURS
    assert counted["task, processor"] == tasks * Decimal(variable(environment, "service_cpu_units")) / 1024
    assert counted["task, memory"] == tasks * Decimal(variable(environment, "service_memory_mebibytes")) / 1024
    zones = int(variable(environment, "availability_zone_count", "2"))
    has_addresses = variable(environment, "network_egress") == "public_addresses"
    endpoints = 5 if variable(environment, "psql_is_allowed") == "true" else 4
    assert counted["interface endpoint"] == (1 if has_addresses else endpoints * zones) * HOURS
    assert counted["public address of a task"] == (int(minimum[1]) * HOURS if has_addresses else 0)
    is_minimal = variable(environment, "is_monitored_minimally") == "true"
    assert (counted["dashboard"] == 0) is (counted["Container Insights, enhanced"] == 0) is is_minimal
    assert counted["public address of the load balancer"] == zones * HOURS
    instances = 1 if variable(environment, "database_is_multi_az") == "false" else 2
    used = {item: quantity for item, quantity in counted.items() if item.startswith("db.") and quantity}
    assert used == {variable(environment, "database_instance_class"): instances * HOURS}
    gigabytes = int(variable(environment, "database_allocated_gigabytes"))
    assert counted["database storage, gp3"] == instances * gigabytes
    has_firewall = variable(environment, "requests_per_five_minutes_limit") != "null"
    assert counted["web ACL"] == has_firewall


def test_the_minimal_profile_costs_at_most_60_dollars() -> None:
    assert TOGETHER[0] <= 60


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_budget_is_above_what_is_expected_and_on_the_page(environment: str) -> None:
    budget = variable(environment, "monthly_budget_usd")
    assert Decimal(budget) > TOGETHER[ENVIRONMENTS.index(environment)]
    assert re.search(rf"`monthly_budget_usd`: [^)]*\b{budget}\b", PAGE)


def test_every_price_has_the_page_that_publishes_it() -> None:
    linked = re.findall(r"^\| \[(.+?)\]\(https://aws\.amazon\.com/[\w/-]+/pricing/\) \|", PAGE, re.MULTILINE)
    assert linked == list(ROWS)

"""The calls of `make account`, `make deploy`, `make plan` and `make apply`, in their order.

Fakes of the programs write down how they are called; moto has the registry and the service.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from tests.support.moto_server import moto_server
from tests.support.waiting import wait_until
from tests.support.workflows import load

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/taproom"
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
  "terraform output -json") echo "$ACCOUNT" ;;
  "terraform state pull") echo "$STATE" ;;
  "terraform plan "*)
    echo 'module.network.aws_vpc_security_group_ingress_rule.clients["0.0.0.0/0 443"]: Refreshing state... [id=sgr-1]'
    printf 'Note: changes\\n\\n%s\\n\\nPlan: 1 to add\\n\\n%s\\n\\nSaved the plan to: file\\n' ────── ──────
    for argument in "$@"; do case $argument in -out=*) echo plan > "${argument#-out=}" ;; esac; done
    exit 2 ;;
  "terraform show -json "*again*) echo "${SHOWN_AGAIN:-$SHOWN}" ;;
  "terraform show -json "*) echo "$SHOWN" ;;
  "terraform apply "*) ;;
  *rev-parse*) echo c0ffee ;;
  "docker manifest inspect "*"$IMAGE_IN_REGISTRY") [ -n "$IMAGE_IN_REGISTRY" ] ;;
  "docker manifest"*) exit 1 ;;
  "docker buildx inspect"*) echo "Platforms: linux/amd64, $PLATFORM" ;;
  "curl "*checkip*) [ -n "$ADDRESS" ] && echo "$ADDRESS" ;;
esac
"""
MAKE = """#!/bin/sh
echo "make $*" >> "$CALLS"
[ "$1" != package ] || echo zip > build/db_bootstrap.zip
"""
# A shell starts background processes without SIGINT, nohup without SIGHUP, and children inherit that.
INTERRUPTIBLE = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
APPLIED = {"ENVIRONMENT": "dev", "IMAGE": f"{REGISTRY}:c0ffee", "STATE_BUCKET": "states", "AWS_REGION": "eu-west-1"}
KEPT = {"client_cidr_blocks": ["203.0.113.7/32"], "cluster_name": "dev", "service_name": "dev"}
BACKEND = "-backend-config=key=taproom/dev.tfstate -backend-config=bucket=states -backend-config=region=eu-west-1"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a moto with a registry that has two images, and a service that runs one."""
    with moto_server(tmp_path_factory.mktemp("moto")) as server:
        ecr, ecs = (server.client(service, "eu-west-1") for service in ("ecr", "ecs"))
        ecr.create_repository(repositoryName="taproom")
        for tag in ("c0ffee", "laptop-c0ffee"):
            ecr.put_image(
                repositoryName="taproom",
                imageTag=tag,
                imageManifest=json.dumps({"mediaType": MANIFEST, "config": {"digest": tag}}),
            )
        ecs.create_cluster(clusterName="dev")
        ecs.register_task_definition(
            family="dev", containerDefinitions=[{"name": "service", "image": "before", "memory": 64}]
        )
        ecs.create_service(cluster="dev", serviceName="dev", taskDefinition="dev", desiredCount=0)
        yield server.context.settings.endpoint


@pytest.fixture
def checkout(tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the scripts, the folders that they use, and fakes of the programs that they call."""
    for name in ("scripts", "terraform/account", "terraform/environment"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns(".terraform", "__pycache__"))
    (tmp_path / "bin").mkdir()
    for program in ("terraform", "docker", "aws", "git", "curl", "make"):
        fake = tmp_path / "bin" / program
        fake.write_text(MAKE if program == "make" else FAKE)
        fake.chmod(0o755)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "db_bootstrap.zip").write_text("zip")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return tmp_path


def program_environment(checkout: Path, **more: str) -> dict[str, str]:
    account = {"image_repository_url": {"value": REGISTRY}, "state_bucket_name": {"value": "states"}}
    return {
        "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": "administrator",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "NO_PROXY": "127.0.0.1",
        "CALLS": str(checkout / "calls"),
        "ACCOUNT": json.dumps(account),
        "SHOWN": json.dumps(shown()),
        "PLATFORM": "linux/arm64",
        "CLIENT_CIDR_BLOCKS": "none",
        **more,
    }


def shown(sql: str = "-- plan 1") -> dict[str, object]:
    return {
        "variables": {"client_cidr_blocks": {"value": ["203.0.113.7/32"]}},
        "planned_values": {"outputs": {"access_plan": {"value": sql}}},
        "resource_changes": [],
    }


def state(**outputs: object) -> str:
    return json.dumps(
        {"lineage": "a", "serial": 7, "outputs": {name: {"value": value} for name, value in outputs.items()}}
    )


def run(checkout: Path, script: str, answer: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    name, _, command = script.partition(" ")
    package = "scripts" if name == "account" else "scripts.deployment"
    program = [sys.executable, "-m", f"{package}.{name}", *command.split()]
    given = program_environment(checkout, **environment)
    return subprocess.run(program, cwd=checkout, env=given, input=answer, capture_output=True, text=True, check=False)


def calls(checkout: Path, script: str, answer: str = "yes\n", **environment: str) -> list[str]:
    (checkout / "calls").unlink(missing_ok=True)
    done = run(checkout, script, answer, **environment)
    assert done.returncode == 0, done.stderr
    return (checkout / "calls").read_text().splitlines()


def planned(made: list[str]) -> str:
    """Return the only `terraform plan`."""
    (found,) = (call for call in made if call.startswith("terraform plan"))
    return found


def test_a_deployment_pushes_the_image_before_it_applies_in_the_accounts_region(checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev")
    image = f"{REGISTRY}:laptop-c0ffee"
    pushed = made.index(f"docker buildx build --platform linux/arm64 --tag {image} --push .")
    plan = planned(made)
    assert f"-var=image={image} -var=region=eu-west-1 -var=commit=c0ffee -var=client_cidr_blocks=[]" in plan
    (applied,) = (index for index, call in enumerate(made) if call.startswith("terraform apply"))
    order = [made.index("make package"), pushed, made.index(plan), applied]
    assert order == sorted(order)
    assert applied < made.index(f"make smoke IMAGE={image} AWS_REGION=eu-west-1")
    assert f"terraform init -input=false -reconfigure -lockfile=readonly {BACKEND}" in made


def test_the_pipeline_applies_a_saved_plan_unasked_with_the_ranges_of_the_last_apply(checkout: Path) -> None:
    given = {**APPLIED, "CLIENT_CIDR_BLOCKS": "", "STATE": state(**KEPT), "CI": "true"}
    refused = run(checkout, "apply apply", **given)
    assert (refused.returncode, refused.stderr) == (1, "Set PLAN: in the pipeline, only a saved plan is applied.\n")
    saved = calls(checkout, "plan", "", **given, SAVE="1")
    assert '-var=client_cidr_blocks=["203.0.113.7/32"] -var-file=dev.tfvars' in planned(saved)
    assert planned(saved).endswith(" -var=commit=c0ffee")
    report = (checkout / "build" / "plan.md").read_text()
    assert [text in report for text in ("Refreshing", "Plan: 1 to add", "Saved the plan")] == [False, True, False]
    made = calls(checkout, "apply apply", "", **given)
    assert made[-1].startswith("terraform apply -input=false")


def test_a_service_that_was_deleted_is_applied_again(checkout: Path) -> None:
    made = calls(checkout, "apply apply", **APPLIED, STATE=state(**KEPT | {"service_name": "gone"}))
    assert made[-1].startswith("terraform apply -input=false")


@pytest.mark.parametrize("answer", ["y\n", ""])
def test_a_person_who_does_not_say_yes_applies_nothing(answer: str, checkout: Path) -> None:
    done = run(checkout, "apply apply", answer, **APPLIED)
    assert (done.returncode, done.stderr) == (3, "Not applied. Nothing was changed.\n")
    assert "terraform apply" not in (checkout / "calls").read_text()


@pytest.mark.parametrize(
    ("given", "answer", "ranges"),
    [
        ("", "\n", '["198.51.100.4/32"]'),
        ("", "203.0.113.7/32, 203.0.113.9/32\n", '["203.0.113.7/32", "203.0.113.9/32"]'),
        ("mine", "", '["198.51.100.4/32"]'),
    ],
)
def test_a_first_apply_without_a_domain_is_open_only_to_the_addresses_that_were_asked_for(
    given: str, answer: str, ranges: str, checkout: Path
) -> None:
    made = calls(checkout, "apply apply", f"{answer}yes\n", **APPLIED, CLIENT_CIDR_BLOCKS=given, ADDRESS="198.51.100.4")
    assert f" -var=client_cidr_blocks={ranges}" in planned(made)


@pytest.mark.parametrize("address", ["", "2001:db8::1"])
def test_an_unknown_address_is_an_error_and_never_an_open_load_balancer(address: str, checkout: Path) -> None:
    done = run(checkout, "apply apply", **APPLIED | {"CLIENT_CIDR_BLOCKS": "mine", "ADDRESS": address})
    assert done.returncode == 1
    assert "Set CLIENT_CIDR_BLOCKS=203.0.113.7/32" in done.stderr
    done = run(checkout, "apply apply", **APPLIED | {"CLIENT_CIDR_BLOCKS": ""})
    assert "Set CLIENT_CIDR_BLOCKS=mine" in done.stderr
    assert "terraform apply" not in (checkout / "calls").read_text()


def test_a_saved_plan_is_applied_with_the_ranges_it_was_made_with_and_once(checkout: Path) -> None:
    saved = calls(checkout, "plan", **APPLIED, SAVE="1", CLIENT_CIDR_BLOCKS="203.0.113.7/32")
    assert planned(saved).endswith('-var=client_cidr_blocks=["203.0.113.7/32"]')
    folder = checkout / "build" / "plans" / "dev"
    assert folder.stat().st_mode & 0o777 == 0o700
    made = calls(checkout, "apply apply", **APPLIED, CLIENT_CIDR_BLOCKS="")
    assert planned(made).endswith('-var=client_cidr_blocks=["203.0.113.7/32"]')
    assert made[-1].endswith("/plan.tfplan")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"PLAN_SHA256": "0" * 64}, f"and {'0' * 64} was approved"),
        ({"SHOWN_AGAIN": json.dumps(shown("-- plan 2"))}, "- sql would be other statements"),
    ],
)
def test_a_saved_plan_that_does_not_fit_any_more_is_refused(
    changed: dict[str, str], sentence: str, checkout: Path
) -> None:
    calls(checkout, "plan", **APPLIED, SAVE="1")
    (checkout / "calls").write_text("")
    done = run(checkout, "apply apply", "yes\n", **APPLIED | changed)
    assert done.returncode == 3
    assert sentence in done.stderr
    assert "terraform apply" not in (checkout / "calls").read_text()


def test_an_accepted_difference_is_applied_as_it_is_planned_now_and_reported_with_its_reason(checkout: Path) -> None:
    calls(checkout, "plan", **APPLIED, SAVE="1")
    accepted = {"SHOWN_AGAIN": json.dumps(shown("-- plan 2")), "ACCEPT": "sql", "REASON": "Incident 7"}
    summary = checkout / "summary.md"
    made = calls(checkout, "apply apply", **APPLIED, **accepted, GITHUB_STEP_SUMMARY=str(summary))
    assert made[-1].endswith("/again.tfplan")
    assert "- sql would be other statements" in summary.read_text()
    assert "Reason: Incident 7" in summary.read_text()


@pytest.mark.parametrize("stopped", ["by a signal", "in a terminal", "with its terminal", "by GitHub"])
def test_an_apply_that_is_stopped_waits_until_terraform_has_released_its_lock(stopped: str, checkout: Path) -> None:
    """A terminal signals the whole group of processes; SIGTERM reaches only the first, and GitHub only the shell."""
    release = 'sleep 0.3; echo released >> "$CALLS"; exit 1'
    slow = f"trap '{release}' INT TERM; echo begun >> \"$CALLS\"; while :; do sleep 0.1; done"
    calls(checkout, "plan", **APPLIED, SAVE="1")
    fake = checkout / "bin" / "terraform"
    fake.write_text(fake.read_text().replace('"terraform apply "*)', f'"terraform apply "*) {slow} ;;\n  never)'))
    command = [sys.executable, "-m", "scripts.deployment.apply", "apply"]
    if stopped == "by GitHub":
        (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
        for name in ("Makefile", "ci.mk"):
            shutil.copy(CHECKOUT / name, checkout)
        (checkout / "bin" / "make").write_text(f'#!/bin/sh\nexec {shutil.which("make")} --old-file=.venv/ready "$@"\n')
        steps = load(CHECKOUT / ".github" / "workflows")["deploy.yml"]["jobs"]["apply"]["steps"]
        (step,) = [step["run"] for step in steps if step.get("id") == "apply"]
        command = ["bash", "-e", "-c", step]
    command = [sys.executable, "-c", INTERRUPTIBLE, *command]
    given = program_environment(checkout, **APPLIED, CI="true")
    with subprocess.Popen(command, cwd=checkout, env=given, start_new_session=True, stderr=subprocess.PIPE) as process:
        calls_made = checkout / "calls"
        wait_until(lambda: calls_made.exists() and "begun" in calls_made.read_text())
        send = os.killpg if "terminal" in stopped else os.kill
        number = {"by a signal": signal.SIGTERM, "with its terminal": signal.SIGHUP}.get(stopped, signal.SIGINT)
        send(process.pid, number)
        _, output = process.communicate(timeout=120)
    assert "released" in calls_made.read_text()
    assert (process.returncode == 0, b"terraform apply failed" in output) == (False, True)


def test_an_older_commit_is_skipped_where_another_run_can_have_overtaken_it(checkout: Path) -> None:
    given = {**APPLIED, "SAVE": "1", "STATE": state(**KEPT, commit="decade")}
    handed, summary = checkout / "output", checkout / "summary.md"
    made = calls(checkout, "plan", **given, SKIP_OLDER="1", GITHUB_OUTPUT=str(handed), GITHUB_STEP_SUMMARY=str(summary))
    assert [call for call in made if call.startswith("terraform plan")] == []
    assert (handed.read_text(), "newer than c0ffee. Nothing was" in summary.read_text()) == ("skipped=true\n", True)


@pytest.mark.parametrize("tag", ["c0ffee", "laptop-c0ffee"])
def test_an_image_that_is_in_the_registry_is_not_built_again(tag: str, checkout: Path) -> None:
    made = calls(checkout, "deploy", ENVIRONMENT="dev", IMAGE_IN_REGISTRY=f"taproom:{tag}")
    assert [call for call in made if "buildx build" in call] == []
    assert f"taproom:{tag} " in planned(made)


@pytest.mark.parametrize(
    ("script", "environment", "sentence"),
    [
        ("account", {}, "make account GITHUB_REPOSITORY=OWNER/REPOSITORY"),
        ("apply apply", {}, "make apply ENVIRONMENT=dev"),
        ("apply apply", {"ENVIRONMENT": "dev"}, "Set IMAGE: the image to apply"),
        ("apply apply", {"ENVIRONMENT": "dev", "IMAGE": "x"}, "Set STATE_BUCKET"),
        ("apply apply", {"ENVIRONMENT": "dev", "PLAN": "x"}, "Set PLAN_SHA256"),
        (
            "plan",
            {**APPLIED, "IMAGE": "", "ACCOUNT": json.dumps({name: {"value": "gone"} for name in KEPT})},
            "gone does not run in the cluster gone",
        ),
        ("deploy", {"ENVIRONMENT": "dev", "PLATFORM": "linux/386"}, "binfmt --install arm64"),
        ("deploy", {"ENVIRONMENT": "test"}, "There is no terraform/environment/test.tfvars."),
    ],
)
def test_what_is_missing_is_named(script: str, environment: dict[str, str], sentence: str, checkout: Path) -> None:
    done = run(checkout, script, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.parametrize("target", ["account", "deploy", "apply", "plan", "roll-back", "smoke"])
def test_what_works_on_aws_requires_the_terraform_program(target: str, tmp_path: Path) -> None:
    for program in ("make", "sh", "sed"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    done = subprocess.run(
        ["make", "--old-file=.venv/ready", target],
        cwd=CHECKOUT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "AWS needs Terraform 1.11 or later on the PATH" in done.stderr

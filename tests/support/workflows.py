"""Run this project's workflows on this machine: their jobs in the order of their needs, their steps' own shell.

What GitHub supplies is supplied here: contexts, a step's outputs, a job's environment and its approval, concurrency
groups. Actions (``uses:``) are stood in for by functions that the caller gives. Different from GitHub: the jobs of one
run go one after the other, and a matrix has one dimension.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.workflow_expressions import holds, interpolate

REPOSITORY = "example/taproom"
SUCCESS, FAILURE, SKIPPED, CANCELLED = "success", "failure", "skipped", "cancelled"


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Every workflow by its file's name. YAML 1.1 takes the key ``on`` for true; it is put right."""
    loaded = {}
    for file in sorted(folder.glob("*.yml")):
        workflow = yaml.safe_load(file.read_text())
        workflow["on"] = workflow.pop(True)
        loaded[file.name] = workflow
    return loaded


@dataclass(frozen=True)
class Event:
    """What starts a run.

    Attributes:
        ref: full name of the branch or tag, ``refs/tags/v1.0.0``.
        commit: that it names.
        inputs: of a run by hand.
        payload: what GitHub says of a pull request.
    """

    ref: str
    commit: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def github(self) -> dict[str, Any]:
        """The context ``github``."""
        return {
            "event": self.payload,
            "ref": self.ref,
            "ref_name": self.ref.split("/", 2)[2],
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "repository": REPOSITORY,
            "sha": self.commit,
            "token": "token-of-the-job",
        }


@dataclass
class Job:
    """One job while it runs.

    Attributes:
        name: of the job, after that of the job that called its workflow: ``staging/deploy``.
        environment: of GitHub's that it runs in; empty if none.
        permissions: that its token has.
        folder: where it checks out.
        variables: environment variables that its steps have set.
        contexts: for its expressions.
    """

    name: str
    environment: str
    permissions: Mapping[str, str]
    folder: Path
    event: Event
    variables: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """What came of a run.

    Attributes:
        conclusions: success, failure, skipped or cancelled, by job.
        log: what the steps wrote, by job.
    """

    conclusions: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)


class CancelledError(Exception):
    """A newer run took this one's place in the queue."""


class Concurrency:
    """GitHub's groups: one run at a time, one that waits, and a newer one takes the place of the one that waits.

    That a newer one cuts off the one that runs (``cancel-in-progress``) is left out: nothing that deploys asks for it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[str, object] = {}
        self.waiting: dict[str, object] = {}

    @contextmanager
    def held(self, settings: Mapping[str, Any] | None, contexts: Mapping[str, Any]) -> Iterator[None]:
        """Wait for the group of a run or job, and hold it."""
        if settings is None:
            yield
            return
        group, me = interpolate(settings["group"], contexts), object()
        with self._changed:
            if group in self._holders:
                self.waiting[group] = me
                self._changed.notify_all()
                self._changed.wait_for(lambda: group not in self._holders or self.waiting.get(group) is not me)
                if self.waiting.get(group) is not me:
                    raise CancelledError
                del self.waiting[group]
            self._holders[group] = me
        try:
            yield
        finally:
            with self._changed:
                del self._holders[group]
                self._changed.notify_all()


StandIn = Callable[[Job, Mapping[str, str]], Mapping[str, str]]


@dataclass
class Runner:
    """Runs workflows.

    Attributes:
        workflows: by their files' names.
        actions: what stands in for each action, by its name: takes the job and ``with``, and gives outputs.
        variables: GitHub's ``vars`` of an environment; of the repository for the empty name.
        machine: environment variables that this machine adds for a job's shell.
        approve: asked before a job starts in an environment.
        without: jobs that are left out, as if they had succeeded, by the names that ``Job.name`` would have.
        folder: for the jobs' files.
    """

    workflows: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, StandIn]
    variables: Callable[[str], Mapping[str, str]]
    machine: Callable[[Job], Mapping[str, str]]
    approve: Callable[[Job], bool]
    folder: Path
    without: frozenset[str] = frozenset()
    concurrency: Concurrency = field(default_factory=Concurrency)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def run(self, name: str, event: Event) -> Result:
        """Run the workflow of a file."""
        result = Result()
        workflow = self.workflows[name]
        contexts = {"github": event.github, "inputs": event.inputs, "vars": self.variables("")}
        try:
            with self.concurrency.held(workflow.get("concurrency"), contexts):
                self._run_jobs(workflow, event, contexts, result, "")
        except CancelledError:
            result.conclusions[""] = CANCELLED
        return result

    def _run_jobs(
        self, workflow: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, prefix: str
    ) -> dict[str, dict[str, Any]]:
        """Run every job; what the context ``needs`` says of each."""
        done: dict[str, dict[str, Any]] = {}
        waiting = dict(workflow["jobs"])
        while waiting:
            name = next(name for name, job in waiting.items() if set(_needs(job)) <= done.keys())
            job = waiting.pop(name)
            known = {**contexts, "needs": {need: done[need] for need in _needs(job)}}
            done[name] = self._run_job(job, event, known, result, prefix + name)
            result.conclusions[prefix + name] = done[name]["result"]
        return done

    def _run_job(
        self, job: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, name: str
    ) -> dict[str, Any]:
        if name in self.without:
            return {"result": SUCCESS, "outputs": {}}
        succeeded = all(need["result"] == SUCCESS for need in contexts["needs"].values())
        if not holds(job.get("if"), contexts, succeeded=succeeded):
            return {"result": SKIPPED, "outputs": {}}
        if "uses" in job:
            return self._call(job, event, contexts, result, name)
        matrix = job.get("strategy", {}).get("matrix")
        if matrix and "matrix" not in contexts:
            ((key, values),) = matrix.items()
            each = [
                self._run_job(job, event, {**contexts, "matrix": {key: value}}, result, f"{name}-{value}")
                for value in values
            ]
            failed = any(done["result"] == FAILURE for done in each)
            return {"result": FAILURE if failed else SUCCESS, "outputs": {}}
        environment = interpolate(job.get("environment", ""), contexts)
        folder = self.folder / f"{next(self._numbers)}-{name.replace('/', '-')}"
        running = Job(name, environment, job["permissions"], folder, event)
        running.contexts = {**contexts, "vars": {**self.variables(""), **self.variables(environment)}, "steps": {}}
        if environment and not self.approve(running):
            return {"result": FAILURE, "outputs": {}}
        with self.concurrency.held(job.get("concurrency"), contexts):
            conclusion = self._run_steps(job, running, result)
        outputs = {key: interpolate(value, running.contexts) for key, value in job.get("outputs", {}).items()}
        return {"result": conclusion, "outputs": outputs}

    def _call(
        self, job: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, name: str
    ) -> dict[str, Any]:
        """Run the jobs of a workflow that another one uses."""
        called = self.workflows[job["uses"].removeprefix("$/.github/workflows/")]
        interface = called["on"]["workflow_call"] or {}
        declared = interface.get("inputs", {})
        given = {key: interpolate(value, contexts) for key, value in job.get("with", {}).items()}
        assert given.keys() <= declared.keys()
        assert {key for key, value in declared.items() if value.get("required")} <= given.keys()
        inputs = {key: given.get(key, value.get("default", "")) for key, value in declared.items()}
        jobs = self._run_jobs(called, event, {**contexts, "inputs": inputs}, result, f"{name}/")
        failed = any(done["result"] == FAILURE for done in jobs.values())
        outputs = interface.get("outputs", {})
        return {
            "result": FAILURE if failed else SUCCESS,
            "outputs": {key: interpolate(value["value"], {"jobs": jobs}) for key, value in outputs.items()},
        }

    def _run_steps(self, job: Mapping[str, Any], running: Job, result: Result) -> str:
        running.folder.mkdir(parents=True)
        succeeded = True
        log: list[str] = []
        for number, step in enumerate(job["steps"]):
            if not holds(step.get("if"), running.contexts, succeeded=succeeded):
                continue
            if "uses" in step:
                action = step["uses"].partition("@")[0]
                given = {key: interpolate(value, running.contexts) for key, value in step.get("with", {}).items()}
                outputs: Mapping[str, str] = self.actions[action](running, given)
            else:
                code, outputs = self._run_shell(step, number, running, log)
                succeeded = succeeded and code == 0
            running.contexts["steps"][step.get("id", f"_{number}")] = {"outputs": outputs}
        result.log[running.name] = "".join(log)
        return SUCCESS if succeeded else FAILURE

    def _run_shell(
        self, step: Mapping[str, Any], number: int, running: Job, log: list[str]
    ) -> tuple[int, dict[str, str]]:
        """Run a step's shell as GitHub does; its exit status and outputs."""
        assert "${{" not in step["run"], "values reach a shell through its environment alone"
        files = {name: running.folder.parent / f"{running.folder.name}.{number}.{name}" for name in ("output", "env")}
        for file in files.values():
            file.touch()
        own = {key: interpolate(value, running.contexts) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=running.folder,
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "CI": "true",
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_ENV": str(files["env"]),
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_SHA": running.event.commit,
                **self.machine(running),
                **running.variables,
                **own,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log.append(f"$ {step['run'].strip()}\n{done.stdout}")
        running.variables |= _pairs(files["env"])
        return done.returncode, _pairs(files["output"])


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _pairs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())

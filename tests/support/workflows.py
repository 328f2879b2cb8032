"""Run this project's workflows on this machine: their jobs in the order of their needs, their steps' own shell.

Emulated: contexts, a step's outputs, concurrency groups, and then the approval of a job's environment. Functions of
the caller stand in for actions of others and for expensive commands. Different from GitHub: jobs start when all jobs
that started before them have ended, a matrix has one dimension, and nothing is cancelled.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from devtools.processes import ProcessRegister
from tests.support.workflow_expressions import evaluate, holds, interpolate

REPOSITORY = "example/taproom"
SUCCESS, FAILURE, SKIPPED = "success", "failure", "skipped"


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
    """The event that starts a run.

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
            "event": {"repository": {"private": False}, **self.payload},
            "ref": self.ref,
            "ref_name": self.ref.split("/", 2)[2],
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "repository": REPOSITORY,
            "run_attempt": 1,
            "run_id": 1,
            "sha": self.commit,
            "token": "token-of-the-job",
        }


@dataclass
class Job:
    """One job while it runs.

    Attributes:
        name: of the job, after that of the job that called its workflow: ``staging/apply``.
        file: name of the workflow file that defines it.
        environment: of GitHub's that it runs in; empty if none.
        permissions: that its token has.
        folder: where it checks out; its summary is next to that, in ``FOLDER.summary``.
        variables: environment variables that its steps have set.
        contexts: for its expressions.
        at_end: what is undone when its steps have ended.
    """

    name: str
    file: str
    environment: str
    permissions: Mapping[str, str]
    folder: Path
    event: Event
    variables: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, Any] = field(default_factory=dict)
    at_end: ExitStack = field(default_factory=ExitStack)


@dataclass
class Result:
    """The result of a run.

    Attributes:
        conclusions: success, failure or skipped, by job.
        log: what the steps wrote, by job.
    """

    conclusions: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)


class ActionError(Exception):
    """The replacement of an action fails the step."""


class Concurrency:
    """GitHub's groups: one run or job at a time. Others wait in their order; without ``queue: max``, only one may."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[str, list[object]] = {}

    def entered(self, group: str) -> int:
        """Return how many hold or wait for a group."""
        return len(self._queues.get(group, []))

    @contextmanager
    def held(self, settings: Mapping[str, Any] | None, contexts: Mapping[str, Any]) -> Iterator[None]:
        """Wait for the group of a run or job, and hold it."""
        if settings is None:
            yield
            return
        me = object()
        with self._changed:
            queue = self._queues.setdefault(interpolate(settings["group"], contexts), [])
            assert settings.get("queue") == "max" or len(queue) < 2, "GitHub would cancel the one that waits"
            queue.append(me)
            self._changed.wait_for(lambda: queue[0] is me)
        try:
            yield
        finally:
            with self._changed:
                queue.remove(me)
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
        replace: outputs of a step whose command is not run; None runs it.
        folder: for the jobs' files.
    """

    workflows: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, StandIn]
    variables: Callable[[str], Mapping[str, str]]
    machine: Callable[[Job], Mapping[str, str]]
    approve: Callable[[Job], bool]
    folder: Path
    replace: Callable[[Job, str], Mapping[str, str] | None] = lambda _job, _command: None
    concurrency: Concurrency = field(default_factory=Concurrency)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def run(self, name: str, event: Event) -> Result:
        """Run the workflow of a file."""
        result = Result()
        workflow = self.workflows[name]
        contexts = {"github": event.github, "inputs": event.inputs, "vars": self.variables("")}
        with self.concurrency.held(workflow.get("concurrency"), contexts):
            self._run_jobs(name, event, contexts, result, "")
        return result

    def _run_jobs(
        self, file: str, event: Event, contexts: Mapping[str, Any], result: Result, prefix: str
    ) -> dict[str, dict[str, Any]]:
        """Run every job; what the context ``needs`` says of each."""
        done: dict[str, dict[str, Any]] = {}
        waiting = dict(self.workflows[file]["jobs"])

        def run(name: str) -> dict[str, Any]:
            known = {**contexts, "needs": {need: done[need] for need in _needs(jobs[name])}}
            return self._run_job({**jobs[name], "file": file}, event, known, result, prefix + name)

        while waiting:
            jobs = {name: job for name, job in waiting.items() if set(_needs(job)) <= done.keys()}
            with ThreadPoolExecutor(len(jobs)) as pool:
                ended = dict(zip(jobs, pool.map(run, jobs), strict=True))
            done |= ended
            result.conclusions |= {prefix + name: end["result"] for name, end in ended.items()}
            waiting = {name: job for name, job in waiting.items() if name not in done}
        return done

    def _run_job(
        self, job: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, name: str
    ) -> dict[str, Any]:
        succeeded = all(need["result"] == SUCCESS for need in contexts["needs"].values())
        if not holds(job.get("if"), contexts, succeeded=succeeded):
            return {"result": SKIPPED, "outputs": {}}
        matrix = job.get("strategy", {}).get("matrix")
        if matrix and "matrix" not in contexts:
            ((key, values),) = matrix.items()
            if listed := re.fullmatch(r"\$\{\{ fromJSON\((.*)\) \}\}", str(values)):
                values = json.loads(evaluate(listed[1], contexts))

            def run(value: object) -> dict[str, Any]:
                return self._run_job(job, event, {**contexts, "matrix": {key: value}}, result, f"{name}-{value}")

            with ThreadPoolExecutor(len(values)) as pool:
                return {"result": _combined(pool.map(run, values)), "outputs": {}}
        with self.concurrency.held(job.get("concurrency"), contexts):
            if "uses" in job:
                return self._call(job, event, contexts, result, name)
            return self._run_on_runner(job, event, contexts, result, name)

    def _run_on_runner(
        self, job: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, name: str
    ) -> dict[str, Any]:
        environment = interpolate(job.get("environment", ""), contexts)
        folder = self.folder / f"{next(self._numbers)}-{name.replace('/', '-')}"
        running = Job(name, job["file"], environment, job["permissions"], folder, event)
        known = {**contexts, "vars": {**self.variables(""), **self.variables(environment)}}
        running.variables = {key: interpolate(value, known) for key, value in job.get("env", {}).items()}
        running.contexts = {**known, "env": running.variables, "steps": {}}
        if environment and not self.approve(running):
            return {"result": FAILURE, "outputs": {}}
        folder.mkdir(parents=True)
        log: list[str] = []
        try:
            with running.at_end:
                succeeded = self._run_steps(job, running, log)
        finally:
            result.log[name] = "".join(log)
        outputs = {key: interpolate(value, running.contexts) for key, value in job.get("outputs", {}).items()}
        return {"result": SUCCESS if succeeded else FAILURE, "outputs": outputs}

    def _call(
        self, job: Mapping[str, Any], event: Event, contexts: Mapping[str, Any], result: Result, name: str
    ) -> dict[str, Any]:
        """Run the jobs of a workflow that another one uses."""
        file = job["uses"].removeprefix("./.github/workflows/")
        interface = self.workflows[file]["on"]["workflow_call"] or {}
        inputs = _inputs(interface.get("inputs", {}), job.get("with", {}), contexts)
        jobs = self._run_jobs(file, event, {**contexts, "inputs": inputs}, result, f"{name}/")
        outputs = interface.get("outputs", {})
        return {
            "result": _combined(jobs.values()),
            "outputs": {key: interpolate(value["value"], {"jobs": jobs}) for key, value in outputs.items()},
        }

    def _run_steps(self, job: Mapping[str, Any], running: Job, log: list[str]) -> bool:
        """Run a job's steps; return False if one failed."""
        contexts, succeeded = running.contexts, True
        for number, step in enumerate(job["steps"]):
            if not holds(step.get("if"), contexts, succeeded=succeeded):
                continue
            code, outputs = 0, dict[str, str]()
            if "uses" in step:
                given = {key: interpolate(value, contexts) for key, value in step.get("with", {}).items()}
                try:
                    outputs = dict(self.actions[step["uses"].partition("@")[0]](running, given))
                except ActionError as error:
                    code = 1
                    log.append(f"{step['uses']}: {error}\n")
            else:
                code, outputs = self._run_shell(step, number, running, log)
            succeeded = succeeded and code == 0
            outcome = FAILURE if code else SUCCESS
            contexts["steps"][step.get("id", f"_{number}")] = {"outputs": outputs, "outcome": outcome}
        return succeeded

    def _run_shell(
        self, step: Mapping[str, Any], number: int, running: Job, log: list[str]
    ) -> tuple[int, dict[str, str]]:
        """Run a step's shell as GitHub does; its exit status and outputs."""
        assert "${{" not in step["run"], "values reach a shell through its environment alone"
        replaced = self.replace(running, step["run"])
        if replaced is not None:
            return 0, dict(replaced)
        names = ("output", "env", "log")
        files = {name: running.folder.parent / f"{running.folder.name}.{number}.{name}" for name in names}
        for file in files.values():
            file.touch()
        own = {key: interpolate(value, running.contexts) for key, value in step.get("env", {}).items()}
        processes = ProcessRegister(self.folder / "processes.jsonl")
        # In a separate session: Linux divides the processor between sessions, and the other tests share pytest's.
        child = processes.start(
            ["bash", "-e", "-c", step["run"]],
            cwd=running.folder,
            log=files["log"],
            env={
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "CI": "true",
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_ENV": str(files["env"]),
                "GITHUB_STEP_SUMMARY": f"{running.folder}.summary",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_RUN_ID": "1",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_SHA": running.event.commit,
                **self.machine(running),
                **running.variables,
                **own,
            },
        )
        try:
            child.wait()
        except BaseException:
            processes.stop(child, grace_seconds=10)
            raise
        log.append(f"$ {step['run'].strip()}\n{files['log'].read_text()}")
        running.variables |= _pairs(files["env"])
        return child.returncode, _pairs(files["output"])


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _combined(jobs: Iterable[Mapping[str, Any]]) -> str:
    results = {job["result"] for job in jobs}
    return FAILURE if FAILURE in results else SUCCESS


def _inputs(declared: Mapping[str, Any], values: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs of a called workflow or action, which declares what it takes."""
    given = {key: interpolate(value, contexts) for key, value in values.items()}
    assert given.keys() <= declared.keys()
    assert {key for key, value in declared.items() if value.get("required")} <= given.keys()
    return {key: given.get(key, value.get("default", "")) for key, value in declared.items()}


def _pairs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())

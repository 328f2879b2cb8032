"""Start child processes and register them, so that none outlives its run.

Every child is registered before its program starts. When a run was killed, the next command reads the register and ends
exactly the processes that still run: a record contains the pid and the creation time of the process, so a reused pid is
not mistaken for a child.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

# psutil derives a start time from clock ticks; the last digits may differ from one reading to the next.
_SAME_INSTANT_SECONDS = 0.5
# Waits for a line before it becomes the program: a parent that is killed before it has registered the child sends none.
# Shells export these variables unasked.
_WAIT_AND_EXECUTE = ("/bin/sh", "-c", 'read -r _ && unset PWD OLDPWD SHLVL && exec "$@" </dev/null', "sh")


class ProcessRegister:
    """Starts and stops children, each as the leader of its own session.

    Args:
        path: the register, one JSON line per process; created when the first process starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        user: str | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program; its output is appended to ``log``, its input is empty.

        Args:
            argv: the program and its arguments; never a shell line.
            env: its whole environment, nothing is inherited.
            cwd: its working directory.
            log: the file that takes standard output and error.
            user: the account it runs as; only root can name one.
            pass_fds: open file descriptors that it inherits.

        Raises:
            OSError: the program is missing, or its working directory or log cannot be used.
        """
        # A relative path is looked up in the child's directory; a name without a slash in the child's PATH.
        program = str(cwd / argv[0]) if "/" in argv[0] else argv[0]
        if shutil.which(program, path=env.get("PATH", os.defpath)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, self._lock:
            child = subprocess.Popen(
                [*_WAIT_AND_EXECUTE, *argv],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
            self._record(child.pid, argv[0])
            if niceness := os.nice(0):
                # Linux shares processors among sessions by their nice values, which start at 0 (sched(7), autogroup).
                with contextlib.suppress(OSError):
                    Path(f"/proc/{child.pid}/autogroup").write_text(str(niceness))
            assert child.stdin
            with contextlib.suppress(BrokenPipeError), child.stdin as line:  # it may have been ended already
                line.write(b"\n")
            self._children = [other for other in self._children if other.poll() is None] + [child]
        return child

    @staticmethod
    def release(child: subprocess.Popen[bytes]) -> None:
        """Let a child outlive this process; it stays in the register."""
        child.returncode = 0  # or Popen would complain, when it is collected, that its program still runs

    def stop(self, child: subprocess.Popen[bytes], grace_seconds: float, ask: signal.Signals = signal.SIGTERM) -> int:
        """Stop a child and all processes of its session, by SIGKILL after ``grace_seconds``; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(ask)
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        return child.returncode

    def stop_all(self, grace_seconds: float = 10) -> None:
        """Stop the children that still run, the youngest first."""
        for child in reversed(self._children):
            if child.poll() is None:
                self.stop(child, grace_seconds)

    def _record(self, pid: int, name: str) -> None:
        try:
            created = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return  # gone already: nothing to find later
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as register:
            register.write(json.dumps({"pid": pid, "created": created, "name": name}) + "\n")


def still_running(path: Path) -> list[psutil.Process]:
    """Return the registered processes that still run, in the order in which they were started."""
    running = []
    for pid, created in _records(path).items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if _is_from(process, created) and process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
    return running


def end_still_running(path: Path, grace_seconds: float = 10) -> list[str]:
    """End the registered processes that still run, and all that they started; return their names.

    For the processes that a killed run left behind, whose owner can no longer stop them in order. A program that was
    killed itself may have left processes in its session, such as Terraform its provider.
    """
    ended = []
    family: list[psutil.Process] = []
    for process in [*still_running(path), *_left_in_sessions(_records(path))]:
        with contextlib.suppress(psutil.NoSuchProcess):
            ended.append(f"{process.name()} ({process.pid})")
            family += [process, *process.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(family, timeout=grace_seconds)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=grace_seconds)
    return ended


def _records(path: Path) -> dict[int, float]:
    """Return when each registered process was created, by pid."""
    created: dict[int, float] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):  # a line cut short by a kill
            record = json.loads(line)
            created[record["pid"]] = record["created"]
    return created


def _is_from(process: psutil.Process, created: float) -> bool:
    return abs(process.create_time() - created) < _SAME_INSTANT_SECONDS


def _left_in_sessions(created: Mapping[int, float]) -> Iterator[psutil.Process]:
    """Yield what runs in the sessions of registered processes that have ended. A session keeps its pid from reuse."""
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            leader = os.getsid(process.pid)
            if leader in created and not psutil.pid_exists(leader) and process.create_time() >= created[leader]:
                yield process

"""Report the stages of a command: what is going on, what it waits for and how long it takes."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

# A terminal's line is rewritten at this pace; where output is kept, a line every so often shows that work continues.
_REFRESH_SECONDS = 0.5
_HEARTBEAT_SECONDS = 10.0


class Stages:
    """Reports stages one after the other.

    Args:
        total: how many stages there will be.
        output: where to write; a terminal gets a line that changes in place.

    Attributes:
        seconds: how long the stages that are done took in all.
        text: what the stage is doing, or came to.
    """

    def __init__(self, total: int, output: TextIO | None = None) -> None:
        self.seconds = 0.0
        self._done = 0
        self._total = total
        self._output = output or sys.stdout
        self._live = self._output.isatty()
        self.text = ""

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Time a stage, and report its progress, what it waits for and that it is done."""
        label = f"[{self._done + 1}/{self._total}] {title}"
        self.text = ""
        done = threading.Event()
        started = time.monotonic()
        if not self._live:
            self._line(f"{label} ...")
        ticker = threading.Thread(target=self._tick, args=(label, started, done), daemon=True)
        ticker.start()
        try:
            yield
        except BaseException:
            self._finish(done, ticker, f"{label}: stopped after {time.monotonic() - started:.1f} s")
            raise
        seconds = time.monotonic() - started
        self._done += 1
        self.seconds += seconds
        self._finish(done, ticker, f"{label}: {self.text or 'done'} ({seconds:.1f} s)")

    def progress(self, text: str) -> None:
        """Report what the stage is doing now; the last text is in the line that closes it."""
        self.text = text

    def report(self, text: str = "") -> None:
        """Write a separate line."""
        self._line(text)

    def _tick(self, label: str, started: float, done: threading.Event) -> None:
        shown = ""
        last = started
        while not done.wait(_REFRESH_SECONDS):
            now = time.monotonic()
            line = f"{label}: {self.text} ({now - started:.0f} s)"
            if self._live:
                self._output.write(f"\r\x1b[K{line[:150]}")
                self._output.flush()
            elif now - last >= _HEARTBEAT_SECONDS and line != shown:
                self._line(f"      {self.text} ({now - started:.0f} s)")
                shown, last = line, now

    def _finish(self, done: threading.Event, ticker: threading.Thread, line: str) -> None:
        done.set()
        ticker.join()
        self._line(f"\r\x1b[K{line}" if self._live else line)

    def _line(self, text: str) -> None:
        self._output.write(f"{text}\n")
        self._output.flush()

"""A secret that a test can rotate, in place of Secrets Manager."""

import threading
import time

from app.database.credentials import Credential


class RotatedSecret:
    """Holds one credential and counts how often it is read.

    Attributes:
        credential: what the next reading gives.
        readings: how many there were.
    """

    def __init__(self, credential: Credential, reading_takes_seconds: float = 0.0) -> None:
        self.credential = credential
        self.readings = 0
        self._seconds = reading_takes_seconds
        self._lock = threading.Lock()

    def read(self) -> Credential:
        """The present credential."""
        with self._lock:
            self.readings += 1
        time.sleep(self._seconds)
        return self.credential

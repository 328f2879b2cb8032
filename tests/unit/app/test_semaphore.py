"""The fair semaphore: permits in the order in which threads asked for them."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from app.database.semaphore import FairSemaphore

LONG = 30.0


def waiting(threads: ThreadPoolExecutor, semaphore: FairSemaphore, seconds: float = LONG) -> Future[bool]:
    """Return the result of a thread that has started to wait."""
    before = len(semaphore._waiting)
    acquiring = threads.submit(semaphore.acquire, seconds)
    while len(semaphore._waiting) == before:
        time.sleep(0.001)
    return acquiring


def test_permits_are_first_come_first_served() -> None:
    semaphore = FairSemaphore(1)
    assert semaphore.acquire(0)
    with ThreadPoolExecutor(5) as threads:
        asked = [waiting(threads, semaphore) for _ in range(5)]
        for number, this in enumerate(asked):
            semaphore.release()
            assert this.result(LONG)
            assert not any(later.done() for later in asked[number + 1 :])


def test_a_thread_that_timed_out_is_skipped() -> None:
    semaphore = FairSemaphore(1)
    assert semaphore.acquire(0)
    with ThreadPoolExecutor(2) as threads:
        hasty, patient = waiting(threads, semaphore, 0.05), waiting(threads, semaphore)
        assert not hasty.result(LONG)
        semaphore.release()
        assert patient.result(LONG)


def test_no_permit_is_lost_or_duplicated_when_threads_time_out_during_a_release() -> None:
    permits, held, most = 3, 0, 0
    semaphore, counting = FairSemaphore(permits), threading.Lock()

    def work(number: int) -> None:
        nonlocal held, most
        for _ in range(200):
            if semaphore.acquire(0.0005 * (number % 3)):
                with counting:
                    held += 1
                    most = max(most, held)
                time.sleep(0.0002)
                with counting:
                    held -= 1
                semaphore.release()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(12)))
    assert most == permits
    assert [semaphore.acquire(0) for _ in range(permits + 1)] == [True] * permits + [False]

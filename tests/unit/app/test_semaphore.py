"""Places in the order in which they were asked for."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from app.database.semaphore import Turns

LONG = 30.0


def waiting(threads: ThreadPoolExecutor, turns: Turns, seconds: float = LONG) -> Future[bool]:
    """Somebody who has begun to wait."""
    before = len(turns._waiting)
    taking = threads.submit(turns.take, seconds)
    while len(turns._waiting) == before:
        time.sleep(0.001)
    return taking


def test_there_are_as_many_places_as_were_made() -> None:
    turns = Turns(2)
    assert [turns.take(0.01) for _ in range(3)] == [True, True, False]
    turns.give_back()
    assert [turns.take(0.01) for _ in range(2)] == [True, False]


def test_who_gives_a_place_back_does_not_overtake_who_waits_for_it() -> None:
    turns = Turns(1)
    assert turns.take(0)
    with ThreadPoolExecutor(1) as threads:
        other = waiting(threads, turns)
        turns.give_back()
        assert not turns.take(0.01)
        assert other.result(LONG)


def test_places_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns(1)
    assert turns.take(0)
    with ThreadPoolExecutor(5) as threads:
        asked = [waiting(threads, turns) for _ in range(5)]
        for number, this in enumerate(asked):
            turns.give_back()
            assert this.result(LONG)
            assert not any(later.done() for later in asked[number + 1 :])


def test_who_gave_up_is_passed_over() -> None:
    turns = Turns(1)
    assert turns.take(0)
    with ThreadPoolExecutor(2) as threads:
        hasty, patient = waiting(threads, turns, 0.05), waiting(threads, turns)
        assert not hasty.result(LONG)
        turns.give_back()
        assert patient.result(LONG)


def test_no_place_is_lost_or_given_twice_by_threads_that_give_up_at_the_last_moment() -> None:
    places, held, most = 3, 0, 0
    turns, counting = Turns(places), threading.Lock()

    def work(number: int) -> None:
        nonlocal held, most
        for _ in range(200):
            if turns.take(0.0005 * (number % 3)):
                with counting:
                    held += 1
                    most = max(most, held)
                time.sleep(0.0002)
                with counting:
                    held -= 1
                turns.give_back()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(12)))
    assert most == places
    assert [turns.take(0) for _ in range(places + 1)] == [True] * places + [False]

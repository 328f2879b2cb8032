from bench.rotation import procedures
from bench.rotation.measure import Design, Measured, table


def test_a_row_has_what_failed_and_how_long_99_of_100_requests_took() -> None:
    design = Design("two users <frozen> (`secrets`)", "frozen_at_start", procedures.two_users)
    sent = tuple((0.5 if number == 199 else 0.01, number in {100, 101, 150}) for number in range(200))
    assert table([Measured(design, sent, (0.2, 0.4))]).splitlines()[-1] == (
        "| two users <frozen> (`secrets`) | 3 | 200 | 10 ms | 0.30 s |"
    )

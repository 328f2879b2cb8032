from bench.document import Target, marks, replaced, target_table

BEGIN, END = marks("this")


def test_a_target_that_is_missed_stands_out() -> None:
    text = target_table(
        [Target("speed", "at least 2", "3", is_met=True), Target("size", "at most 1", "4", is_met=False)]
    )
    assert text.splitlines()[2:] == ["| speed | at least 2 | 3 | yes |", "| size | at most 1 | 4 | **no** |"]


def test_what_was_measured_before_is_replaced_and_the_rest_is_kept() -> None:
    other = "\n".join(marks("bench-that"))
    once = replaced(f"# Title\n\n{BEGIN}\n{END}\n\n{other}\n", "this", "first\n")
    assert once == f"# Title\n\n{BEGIN}\n\nfirst\n\n{END}\n\n{other}\n"
    assert replaced(once, "this", r"second \1") == once.replace("first", r"second \1")

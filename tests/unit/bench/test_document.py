from bench.document import marks, replaced

BEGIN, END = marks("this")


def test_what_was_measured_before_is_replaced_and_the_rest_is_kept() -> None:
    other = "\n".join(marks("bench-that"))
    once = replaced(f"# Title\n\n{BEGIN}\n{END}\n\n{other}\n", "this", "first\n")
    assert once == f"# Title\n\n{BEGIN}\n\nfirst\n\n{END}\n\n{other}\n"
    assert replaced(once, "this", r"second \1") == once.replace("first", r"second \1")

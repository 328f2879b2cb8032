"""Replacing methods of moto, and putting them back."""

from typing import Any

import pytest

from localaws.patch import MonkeyPatch


class Base:
    def greet(self, name: str) -> str:
        return f"hello {name}"


class Derived(Base):
    limit = 1


def test_a_replacement_is_given_the_original_and_the_arguments() -> None:
    patch = MonkeyPatch()

    @patch.method(Base, "greet")
    def greet(original: Any, base: Base, name: str) -> str:
        return str(original(base, name)).upper()

    assert Base().greet("ale") == "HELLO ALE"
    patch.undo()
    assert Base().greet("ale") == "hello ale"


def test_an_inherited_method_is_inherited_again_afterwards() -> None:
    patch = MonkeyPatch()
    patch.method(Derived, "greet")(lambda original, base, name: "replaced")
    assert (Derived().greet("x"), Base().greet("x")) == ("replaced", "hello x")
    patch.undo()
    assert Derived().greet("x") == "hello x"
    assert "greet" not in vars(Derived)


def test_a_method_that_was_missing_is_gone_again_and_its_original_says_so() -> None:
    patch = MonkeyPatch()
    patch.method(Base, "brew")(lambda original, base: original(base))
    with pytest.raises(NotImplementedError, match=r"moto has no Base\.brew"):
        Base().brew()  # type: ignore[attr-defined]
    patch.undo()
    assert not hasattr(Base, "brew")


def test_replacements_of_replacements_come_off_in_reverse() -> None:
    patch = MonkeyPatch()
    for suffix in ("a", "b"):
        patch.method(Base, "greet")(lambda original, base, name, suffix=suffix: original(base, name) + suffix)
    patch.attribute(Derived, "limit", 2)
    assert (Base().greet("x"), Derived.limit) == ("hello xab", 2)
    patch.undo()
    patch.undo()
    assert (Base().greet("x"), Derived.limit) == ("hello x", 1)

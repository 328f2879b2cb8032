"""Read moto's backends, plain dictionaries without locks, while other threads change them."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def reading_moto(read: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Repeat a function that only reads if another thread changed what it read: a call, a task, or a function."""

    @functools.wraps(read)
    def repeated(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        while True:
            try:
                return read(*arguments, **named)
            except RuntimeError as error:
                if "changed size during iteration" not in str(error):
                    raise

    return repeated

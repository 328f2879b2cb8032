"""Replace methods of moto, and restore them.

moto's backends are module globals, and it offers no hooks, so a service replaces methods of its classes. Each service
has its own ``MonkeyPatch``, which remembers the originals.
"""

import functools
from collections.abc import Callable
from typing import Any

from localaws.settings import Context


class MonkeyPatch:
    """The methods that one service has replaced."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, bool]] = []

    def method(self, owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the function that replaces ``owner.name``.

        The function is called with the original first, then with ``self`` and the arguments:
        ``def describe(original, self, name): ...``. For a method that moto does not have, the original is a
        function that raises ``NotImplementedError``, which the server answers with 501.
        """

        def decorate(replacement: Callable[..., Any]) -> Callable[..., Any]:
            inherited = getattr(owner, name, None) or _absent(owner, name)

            @functools.wraps(inherited)
            def wrapper(*arguments: Any, **named: Any) -> Any:
                return replacement(inherited, *arguments, **named)

            self.attribute(owner, name, wrapper)
            return replacement

        return decorate

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set ``owner.name`` (of a class or a module) to ``value`` until ``undo``."""
        own = name in vars(owner)
        self._replaced.append((owner, name, vars(owner).get(name), own))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back as it was, last change first. Safe to call twice."""
        while self._replaced:
            owner, name, value, own = self._replaced.pop()
            if own:
                setattr(owner, name, value)
            else:
                delattr(owner, name)


def _absent(owner: type, name: str) -> Callable[..., Any]:
    def original(*_arguments: Any, **_named: Any) -> Any:
        raise NotImplementedError(f"moto has no {owner.__name__}.{name} to extend")

    return original


class PatchingService:
    """A service that only patches moto, in its constructor: no threads, no processes, nothing to show."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._patch = MonkeyPatch()

    def stop(self) -> None:
        """Restore moto's methods. Safe to call twice."""
        self._patch.undo()

    def status(self) -> dict[str, Any]:
        """Return nothing: the API shows everything."""
        return {}

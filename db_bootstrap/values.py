"""The decorator of this package's values: `dataclasses.dataclass` in a quarter of the time.

The standard decorator compiles six methods for each class, which took a third of the program's start. This one compiles
only ``__init__``; all classes share the others. Type checkers see the standard one, and they alone refuse assignments
to fields.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - exported
else:
    import dataclasses
    from operator import attrgetter

    def dataclass(*, frozen, eq=True, kw_only=False):
        """Return a decorator; the arguments are those of the standard one, and ``frozen`` must be true."""
        assert frozen, "use the standard decorator"

        def decorate(cls):
            dataclasses.dataclass(cls, repr=False, eq=False, kw_only=kw_only)
            fields = dataclasses.fields(cls)
            shown = [field.name for field in fields if field.repr]
            methods = {"__repr__": lambda self: _described(self, shown)}
            if eq:
                key = attrgetter(*(field.name for field in fields if field.compare))
                methods["__hash__"] = lambda self: hash(key(self))
                methods["__eq__"] = lambda self, other: (
                    key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented
                )
            for name in methods.keys() - vars(cls).keys():
                setattr(cls, name, methods[name])
            return cls

        return decorate

    def _described(value, names):
        listed = ", ".join(f"{name}={getattr(value, name)!r}" for name in names)
        return f"{type(value).__qualname__}({listed})"

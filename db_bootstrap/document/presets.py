"""The privileges of each preset, on every kind of object.

ALL is never used: its meaning differs between versions of PostgreSQL, so a grant of it would drift for ever.
"""

from db_bootstrap.document.model import GrantKind, Preset
from db_bootstrap.model import FIRST_VERSION_WITH_MAINTAIN, ObjectKind

OBJECT_KINDS = {
    GrantKind.TABLES: ObjectKind.RELATION,
    GrantKind.SEQUENCES: ObjectKind.SEQUENCE,
    GrantKind.ROUTINES: ObjectKind.ROUTINE,
    GrantKind.TYPES: ObjectKind.TYPE,
}
"""The kinds of objects, by their names in a document."""

SCHEMA_PRIVILEGES: dict[Preset, tuple[str, ...]] = {
    Preset.READ: ("USAGE",),
    Preset.WRITE: ("USAGE",),
    Preset.OWN: ("USAGE", "CREATE"),
}

_READ_RELATION = ("SELECT",)
_WRITE_RELATION = ("SELECT", "INSERT", "UPDATE", "DELETE")
_OWN_RELATION = (*_WRITE_RELATION, "TRUNCATE", "REFERENCES", "TRIGGER")

_OBJECT_PRIVILEGES: dict[Preset, dict[ObjectKind, tuple[str, ...]]] = {
    # No EXECUTE: a SECURITY DEFINER routine can write all that its owner can.
    Preset.READ: {
        ObjectKind.RELATION: _READ_RELATION,
        ObjectKind.SEQUENCE: ("SELECT",),
        ObjectKind.ROUTINE: (),
        ObjectKind.TYPE: (),
    },
    # No UPDATE on sequences: nextval() needs only USAGE, and setval() is not for a service. No USAGE on types: it is
    # needed to create a column, a routine or another type with them, but neither to read nor to write their values.
    Preset.WRITE: {
        ObjectKind.RELATION: _WRITE_RELATION,
        ObjectKind.SEQUENCE: ("SELECT", "USAGE"),
        ObjectKind.ROUTINE: ("EXECUTE",),
        ObjectKind.TYPE: (),
    },
    Preset.OWN: {
        ObjectKind.RELATION: _OWN_RELATION,
        ObjectKind.SEQUENCE: ("SELECT", "USAGE", "UPDATE"),
        ObjectKind.ROUTINE: ("EXECUTE",),
        ObjectKind.TYPE: ("USAGE",),
    },
}


def object_privileges(preset: Preset, kind: ObjectKind, version: int) -> tuple[str, ...]:
    """Return the privileges of a preset on objects of a kind, on a server of this version."""
    privileges = _OBJECT_PRIVILEGES[preset][kind]
    has_maintain = version >= FIRST_VERSION_WITH_MAINTAIN
    if preset is Preset.OWN and kind is ObjectKind.RELATION and has_maintain:
        return (*privileges, "MAINTAIN")
    return privileges

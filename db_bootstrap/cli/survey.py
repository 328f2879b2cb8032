"""All access of a database that has no document yet.

`inspect` reads what is in the scope of a document; this reads everything, one row per entry. It runs once, by hand, so
it need not be fast. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db_bootstrap.document import GrantKind
from db_bootstrap.inspect.roles import joined_memberships, parse_setting, role_attributes, server
from db_bootstrap.inspect.session import Session, catalog_reader
from db_bootstrap.model import (
    Attribute,
    AttributeValue,
    Membership,
    RoleSetting,
    Server,
)

_SETTINGS = """
SELECT r.rolname, s.setting
FROM pg_db_role_setting c JOIN pg_roles r ON r.oid = c.setrole, unnest(c.setconfig) AS s (setting)
WHERE c.setdatabase = 0
"""

# Without the objects of extensions, and those that PostgreSQL reserves.
_OURS = """n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid}
                  AND d.objsubid = 0 AND d.deptype = 'e')"""

_SCHEMAS = f"""
SELECT n.nspname, pg_get_userbyid(n.nspowner) FROM pg_namespace n
WHERE {_OURS.format(catalog="pg_namespace", oid="n.oid")}
"""  # noqa: S608 - put together from constants

_EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
"""

# Objects with their access control lists; a column with a list is a separate row.
_OBJECTS = f"""
SELECT CASE c.relkind WHEN 'S' THEN 'sequences' ELSE 'tables' END AS kind, n.nspname AS schema, c.relname AS name,
       NULL::name AS column, pg_get_userbyid(c.relowner) AS owner,
       coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_OURS.format(catalog="pg_class", oid="c.oid")}
UNION ALL
SELECT 'tables', n.nspname, c.relname, a.attname, pg_get_userbyid(c.relowner), a.attacl
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {_OURS.format(catalog="pg_class", oid="c.oid")}
UNION ALL
SELECT 'routines', n.nspname, p.proname || '(' || array_to_string(ARRAY(
           SELECT format_type(t.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY t (type, position)
           ORDER BY t.position), ', ') || ')',
       NULL, pg_get_userbyid(p.proowner), coalesce(p.proacl, acldefault('f', p.proowner))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_OURS.format(catalog="pg_proc", oid="p.oid")}
UNION ALL
SELECT 'types', n.nspname, t.typname, NULL, pg_get_userbyid(t.typowner), coalesce(t.typacl, acldefault('T', t.typowner))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r') AND (t.typrelid = 0 OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_type element WHERE element.typarray = t.oid)
  AND {_OURS.format(catalog="pg_type", oid="t.oid")}
UNION ALL
SELECT 'schema', n.nspname, NULL, NULL, pg_get_userbyid(n.nspowner), coalesce(n.nspacl, acldefault('n', n.nspowner))
FROM pg_namespace n WHERE {_OURS.format(catalog="pg_namespace", oid="n.oid")}
UNION ALL
SELECT 'database', NULL, NULL, NULL, pg_get_userbyid(d.datdba), coalesce(d.datacl, acldefault('d', d.datdba))
FROM pg_database d WHERE d.datname = current_database()
"""  # noqa: S608 - put together from constants

_PRIVILEGES = f"""
SELECT o.kind, o.schema, o.name, o.column, o.owner,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
FROM ({_OBJECTS}) o LEFT JOIN LATERAL aclexplode(o.acl) a ON true
"""  # noqa: S608 - put together from constants

_DEFAULTS = """
SELECT CASE c.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'routines' ELSE 'types' END,
       n.nspname, pg_get_userbyid(c.defaclrole),
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type
FROM pg_default_acl c JOIN pg_namespace n ON n.oid = c.defaclnamespace, aclexplode(c.defaclacl) a
WHERE c.defaclobjtype IN ('r', 'S', 'f', 'T') AND NOT a.is_grantable
"""


@dataclass(frozen=True)
class SurveyedRole:
    """A role of the server.

    Attributes:
        comment: "" for none.
    """

    name: str
    comment: str
    attributes: dict[Attribute, AttributeValue]


@dataclass(frozen=True)
class SurveyedObject:
    """A target of privileges: the database, a schema, an object in a schema, or a column of a table.

    Attributes:
        schema: None for the database.
        name: As in a document: a routine with its types; None for a schema and the database.
    """

    kind: GrantKind
    schema: str | None
    name: str | None
    column: str | None
    owner: str


@dataclass(frozen=True)
class Survey:
    """All access of a database, and the roles of its server.

    Attributes:
        schemas: The owner of each schema that is not PostgreSQL's or an extension's.
        extensions: The schema of each extension.
        privileges: On each object: grantee, privilege, and whether it has the grant option; owners included.
        defaults: Default privileges: kind, schema, creator, grantee, privilege.
    """

    roles: dict[str, SurveyedRole]
    memberships: tuple[Membership, ...]
    settings: tuple[RoleSetting, ...]
    schemas: dict[str, str]
    extensions: dict[str, str]
    privileges: dict[SurveyedObject, frozenset[tuple[str, str, bool]]]
    defaults: frozenset[tuple[GrantKind, str, str, str, str]]


def survey(session: Session) -> tuple[Survey, Server]:
    """Read all access.

    Args:
        session: As the master, with an empty ``search_path``, so that types are printed with their schemas.
    """
    run = catalog_reader(session)
    on = server(run)
    surveyed = Survey(
        roles={
            name: SurveyedRole(name, comment, attributes)
            for name, (comment, attributes) in role_attributes(run).items()
        },
        memberships=tuple(sorted(joined_memberships(run, on.version), key=repr)),
        settings=tuple(RoleSetting(role, None, *parse_setting(setting)) for role, setting in run(_SETTINGS)),
        schemas=dict(sorted(map(tuple, run(_SCHEMAS)))),
        extensions=dict(sorted(map(tuple, run(_EXTENSIONS)))),
        privileges=_privileges(run(_PRIVILEGES)),
        defaults=frozenset((GrantKind(kind), *rest) for kind, *rest in run(_DEFAULTS)),
    )
    return surveyed, on


def _privileges(rows: Sequence[Sequence[Any]]) -> dict[SurveyedObject, frozenset[tuple[str, str, bool]]]:
    privileges: dict[SurveyedObject, set[tuple[str, str, bool]]] = {}
    for kind, schema, name, column, owner, grantee, privilege, is_grantable in rows:
        granted = privileges.setdefault(SurveyedObject(GrantKind(kind), schema, name, column, owner), set())
        if grantee is not None:
            granted.add((grantee, privilege, is_grantable))
    return {surveyed: frozenset(granted) for surveyed, granted in privileges.items()}

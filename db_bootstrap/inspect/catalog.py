"""All access of a database, for `effective` and for the document that `generate` writes.

`snapshot` reads what is in the scope of a document; this reads everything, in one consistent transaction. Any role can
run these queries. Nothing is written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from db_bootstrap.effective.catalog import Catalog, CatalogDefaults, CatalogRole, Entry, ObjectClass, Objects
from db_bootstrap.inspect.queries import ARGUMENT_TYPES, ATTRIBUTES
from db_bootstrap.inspect.roles import (
    FIRST_VERSION_WITH_PARAMETER_PRIVILEGES,
    membership_options,
    parse_setting,
    read_server,
)
from db_bootstrap.inspect.session import Run, Session, catalog_reader
from db_bootstrap.model import Attribute, Membership, RoleSetting
from db_bootstrap.sql import PUBLIC

_ROLES = f"""
SELECT oid::bigint, rolname, coalesce(shobj_description(oid, 'pg_authid'), ''), coalesce(rolvaliduntil < now(), false),
       {ATTRIBUTES}
FROM pg_roles r ORDER BY rolname
"""  # noqa: S608 - put together from constants

_MEMBERSHIPS = """
SELECT m.roleid::bigint, m.member::bigint, {inherit}, {set}, m.admin_option, m.grantor::bigint
FROM pg_auth_members m ORDER BY 1, 2, 6
"""

_SETTINGS = """
SELECT coalesce(r.rolname, 'public'), d.datname, s.setting
FROM pg_db_role_setting c LEFT JOIN pg_roles r ON r.oid = c.setrole LEFT JOIN pg_database d ON d.oid = c.setdatabase,
     unnest(c.setconfig) AS s (setting)
WHERE c.setdatabase = 0 OR d.datname = current_database()
"""

_EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY 1
"""

# An access control list as JSON; a row for each entry would take longer than everything else.
_ENTRIES = """coalesce((SELECT json_agg(json_build_array(a.grantee::bigint, a.privilege_type, a.is_grantable,
           a.grantor::bigint)) FROM aclexplode({0}) a), '[]')"""

# A letter for acldefault; a name for the object within its schema or table; a note on how it is special.
# Temporary objects, and those that PostgreSQL makes implicitly such as row types, are left out.
_COLUMNS = "class, oid, sub, kind, letter, schema, relation, name, owner, acl, is_system, note"
_IN_SCHEMA = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_(toast|temp)'"
_IS_SYSTEM = "n.nspname = 'pg_catalog'"
_ALL_OBJECTS = f"""
SELECT 'pg_database'::regclass, oid, 0, 'database', 'd', NULL::name, NULL::name, datname::text, datdba, datacl,
       false, ''
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'pg_namespace'::regclass, n.oid, 0, 'schema', 'n', NULL, NULL, n.nspname, n.nspowner, n.nspacl, {_IS_SYSTEM}, ''
FROM pg_namespace n WHERE {_IN_SCHEMA}
UNION ALL
SELECT 'pg_class'::regclass, c.oid, 0, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
       CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, n.nspname, NULL, c.relname, c.relowner, c.relacl, {_IS_SYSTEM},
       CASE WHEN c.oid < 12000 AND c.relkind <> 'v' THEN 'protected' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_IN_SCHEMA}
UNION ALL
SELECT 'pg_class'::regclass, c.oid, a.attnum, 'column', 'c', n.nspname, c.relname, a.attname, c.relowner, a.attacl,
       {_IS_SYSTEM}, ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {_IN_SCHEMA}
UNION ALL
SELECT 'pg_proc'::regclass, p.oid, 0, 'routine', 'f', n.nspname, NULL,
       p.proname || '(' || array_to_string({ARGUMENT_TYPES}, ', ') || ')',
       p.proowner, p.proacl, {_IS_SYSTEM},
       CASE WHEN NOT p.prosecdef THEN ''
       WHEN EXISTS (SELECT FROM unnest(p.proconfig) s WHERE starts_with(s, 'search_path=')) THEN 'pinned definer'
       ELSE 'definer' END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_IN_SCHEMA}
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 0, 'type', 'T', n.nspname, NULL, t.typname, t.typowner, t.typacl, {_IS_SYSTEM}, ''
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r') AND (t.typrelid = 0 OR c.relkind = 'c') AND {_IN_SCHEMA}
  AND NOT (t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc)
UNION ALL
SELECT 'pg_language'::regclass, oid, 0, 'language', 'l', NULL, NULL, lanname, lanowner, lanacl, false, ''
FROM pg_language
UNION ALL
SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, 'foreign data wrapper', 'F', NULL, NULL, fdwname, fdwowner, fdwacl,
       false, ''
FROM pg_foreign_data_wrapper
UNION ALL
SELECT 'pg_foreign_server'::regclass, oid, 0, 'foreign server', 'S', NULL, NULL, srvname, srvowner, srvacl, false, ''
FROM pg_foreign_server
UNION ALL
SELECT 'pg_tablespace'::regclass, oid, 0, 'tablespace', 't', NULL, NULL, spcname, spcowner, spcacl, false, ''
FROM pg_tablespace
"""  # noqa: S608 - put together from constants
_PARAMETERS = """
UNION ALL
SELECT 'pg_parameter_acl'::regclass, oid, 0, 'parameter', 'p', NULL, NULL, parname, 10, paracl, false, ''
FROM pg_parameter_acl
"""

# One row for objects with the same list. What PostgreSQL brought is left out, unless its list is no longer the first.
_OBJECTS = f"""
SELECT o.kind, o.schema, o.relation, json_agg(o.name), o.owner::bigint,
       {_ENTRIES.format('coalesce(o.acl, acldefault(o.letter::"char", o.owner))')},
       o.acl IS NULL, d.objid IS NOT NULL, o.is_system, o.note
FROM ({{objects}}) o ({_COLUMNS})
LEFT JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub
WHERE NOT o.is_system OR o.acl IS DISTINCT FROM i.initprivs
GROUP BY o.kind, o.letter, o.schema, o.relation, o.owner, o.acl, d.objid IS NOT NULL, o.is_system, o.note
"""  # noqa: S608 - put together from constants

_DEFAULTS = f"""
SELECT c.defaclrole::bigint, n.nspname,
       CASE c.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'routine' WHEN 'T' THEN 'type'
       ELSE 'schema' END,
       {_ENTRIES.format("c.defaclacl")}
FROM pg_default_acl c LEFT JOIN pg_namespace n ON n.oid = c.defaclnamespace
WHERE c.defaclobjtype IN ('r', 'S', 'f', 'T', 'n') ORDER BY 1, 2, 3
"""  # noqa: S608 - put together from constants


def read_catalog(session: Session) -> Catalog:
    """Read all access, in one consistent transaction that is left open for further reading.

    Args:
        session: Of any role, read-only, with an empty ``search_path``, so that types are printed with their schemas.

    Raises:
        StatementError: The catalogs could not be read.
    """
    session.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return catalog_of(catalog_reader(session))


def catalog_of(run: Run) -> Catalog:
    """Read all access within the current transaction."""
    server = read_server(run)
    names, roles = {0: PUBLIC}, {}
    for oid, name, comment, is_expired, *values in run(_ROLES):
        names[oid] = name
        roles[name] = CatalogRole(name, comment, dict(zip(Attribute, values, strict=True)), is_expired)
    memberships = run(_MEMBERSHIPS.format(**membership_options(server)))
    has_parameters = server.version >= FIRST_VERSION_WITH_PARAMETER_PRIVILEGES
    objects = run(_OBJECTS.format(objects=_ALL_OBJECTS + (_PARAMETERS if has_parameters else "")))
    return Catalog(
        server=server,
        roles=roles,
        memberships=tuple(
            Membership(names[role], names[member], inherit, can_set, admin, (names.get(grantor, ""),))
            for role, member, inherit, can_set, admin, grantor in memberships
        ),
        objects=tuple(_objects(row, names) for row in sorted(objects, key=lambda row: repr(row[:4]))),
        defaults=tuple(
            CatalogDefaults(names.get(creator, ""), schema, ObjectClass(kind), _entries(acl, names))
            for creator, schema, kind, acl in run(_DEFAULTS)
        ),
        settings=tuple(RoleSetting(role, database, *parse_setting(text)) for role, database, text in run(_SETTINGS)),
        extensions=dict(map(tuple, run(_EXTENSIONS))),
    )


def _objects(row: Sequence[Any], names: Mapping[int, str]) -> Objects:
    kind, schema, relation, object_names, owner, acl, is_default, is_of_extension, is_of_system, note = row
    return Objects(
        kind=ObjectClass(kind),
        schema=schema,
        relation=relation,
        names=tuple(sorted(object_names)),
        owner=names.get(owner, ""),
        entries=_entries(acl, names),
        is_default=is_default,
        is_of_extension=is_of_extension,
        is_of_system=is_of_system,
        is_write_protected=note == "protected",
        is_security_definer=note.endswith("definer"),
        is_search_path_pinned=note == "pinned definer",
    )


def _entries(acl: Sequence[Sequence[Any]], names: Mapping[int, str]) -> tuple[Entry, ...]:
    return tuple(
        Entry(names.get(grantee, ""), privilege, is_grantable, names.get(grantor, ""))
        for grantee, privilege, is_grantable, grantor in acl
    )

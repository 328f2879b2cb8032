"""The queries of PostgreSQL's catalogs.

Each reads only what a role without superuser rights can read on RDS. An access control list that is NULL means the
built-in default, so each list goes through ``coalesce(acl, acldefault(...))``. The owner's own entries are left out,
because PostgreSQL grants those implicitly (PostgreSQL documentation, "Privileges").
"""

SERVER = """
SELECT current_setting('server_version_num')::int, current_user::text, me.rolsuper, d.datname,
       pg_get_userbyid(d.datdba), pg_has_role(d.datdba, 'USAGE'), has_database_privilege(d.oid, 'CREATE'),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam'),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser' AND pg_has_role(oid, 'MEMBER')),
       me.rolcreatedb, me.rolcreaterole, me.rolreplication, me.rolbypassrls,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolsuper)
FROM pg_roles me, pg_database d
WHERE me.rolname = current_user AND d.datname = current_database()
"""

IDENTITY = """
SELECT oid::bigint, datname, has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
FROM pg_database WHERE datname = current_database()
"""

DATABASE_COMMENT = """
SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = current_database()
"""

# A separate query: together with the check for the right to run it, it would fail even where it is not needed.
SYSTEM_IDENTIFIER = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()"

# The rights of the master on a role {0}. :act and :administer are the names of these rights for pg_has_role in this
# version; see `roles`. Before version 16, CREATEROLE lets the master administer all roles but superusers.
_CAN_ACT_AS = "pg_has_role({0}.oid, 'USAGE') AND pg_has_role({0}.oid, :act)"
_ADMINISTERS = (
    "(me.rolsuper OR CASE WHEN :administer = '' THEN me.rolcreaterole AND NOT {0}.rolsuper"
    " AND {0}.rolname <> 'pg_database_owner' ELSE pg_has_role({0}.oid, nullif(:administer, '')) END)"
)

# In the order of `model.Attribute`.
ATTRIBUTES = """r.rolcanlogin, r.rolinherit, r.rolcreatedb, r.rolcreaterole, r.rolsuper, r.rolreplication,
       r.rolbypassrls, r.rolconnlimit, CASE WHEN isfinite(r.rolvaliduntil) THEN
       replace(to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '') || '+00'
       ELSE nullif(r.rolvaliduntil::text, 'infinity') END"""

# Only direct membership of the master counts: a membership in between may be one that must be revoked. As JSON, like
# all that can have hundreds of rows: pg8000 takes longer for a row than PostgreSQL.
ROLES = f"""
SELECT coalesce(json_agg(json_build_array(r.rolname, coalesce(c.description, ''), {ATTRIBUTES},
       {_CAN_ACT_AS.format("r")},
       coalesce((SELECT bool_or({{inherit}}) AND bool_or({{set}}) FROM pg_auth_members m
                 WHERE m.roleid = r.oid AND m.member = me.oid), false),
       {_ADMINISTERS.format("r")})), '[]')
FROM pg_roles r
LEFT JOIN pg_shdescription c ON c.classoid = 'pg_authid'::regclass AND c.objoid = r.oid
JOIN pg_roles me ON me.rolname = current_user
WHERE (r.rolname = ANY (CAST(:names AS text[]))
       OR c.description = :mark OR right(c.description, length(:mark) + 1) = chr(10) || :mark
       OR r.oid IN (SELECT nspowner FROM pg_namespace WHERE nspname = ANY (CAST(:schemas AS text[]))))
"""  # noqa: S608 - put together from constants

ROLE_ATTRIBUTES = f"""
SELECT r.rolname, coalesce(shobj_description(r.oid, 'pg_authid'), ''), {ATTRIBUTES}
FROM pg_roles r WHERE r.rolname = ANY (CAST(:names AS text[]))
"""  # noqa: S608 - put together from constants

# The memberships of the named members; from version 16 on, joined over their grantors.
JOINED_MEMBERSHIPS = """
SELECT role.rolname, member.rolname, bool_or({inherit}), bool_or({set}), bool_or(m.admin_option)
FROM pg_auth_members m
JOIN pg_roles role ON role.oid = m.roleid
JOIN pg_roles member ON member.oid = m.member
WHERE member.rolname = ANY (CAST(:names AS text[]))
GROUP BY 1, 2
"""

# Then, to save a round trip, what else belongs to the roles of :owners or ends with them, counted by kind.
ROLE_SETTINGS = """
SELECT r.rolname, d.datname, s.setting, NULL AS count
FROM pg_db_role_setting c
JOIN pg_roles r ON r.oid = c.setrole
LEFT JOIN pg_database d ON d.oid = c.setdatabase,
unnest(c.setconfig) AS s (setting)
WHERE r.rolname = ANY (CAST(:names AS text[])) AND (c.setdatabase = 0 OR d.datname = current_database())
UNION ALL
SELECT r.rolname, NULL, (pg_identify_object(s.classid, min(s.objid), 0)).type, count(*)
FROM pg_shdepend s
JOIN pg_roles r ON r.oid = s.refobjid
LEFT JOIN pg_class c ON s.classid = 'pg_class'::regclass AND c.oid = s.objid
WHERE r.rolname = ANY (CAST(:owners AS text[])) AND s.refclassid = 'pg_authid'::regclass AND s.deptype IN ('o', 'r')
  AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND s.classid <> 'pg_default_acl'::regclass AND c.relpersistence IS DISTINCT FROM 't'
GROUP BY r.rolname, s.classid
UNION ALL
SELECT owner, NULL, 'prepared transaction', count(*) FROM pg_prepared_xacts
WHERE owner = ANY (CAST(:owners AS text[])) AND database = current_database() GROUP BY owner
"""

# Settings that no role can have, or that the master cannot set; {may_set} takes grants to it into account.
RESTRICTED_SETTINGS = """
SELECT name, context FROM pg_settings
WHERE lower(name) = ANY (CAST(:names AS text[]))
  AND (context IN ('internal', 'postmaster', 'sighup')
       OR context IN ('superuser', 'superuser-backend') AND NOT {may_set})
"""

# From version 16 on, a membership has a row for each grantor.
MEMBERSHIPS = f"""
WITH RECURSIVE reached (oid) AS (
    SELECT oid FROM pg_roles WHERE rolname = ANY (CAST(:names AS text[]))
    UNION SELECT m.roleid FROM pg_auth_members m JOIN reached ON reached.oid = m.member
)
SELECT coalesce(json_agg(json_build_array(
           role.rolname, member.rolname, coalesce(grantor.rolname, ''), {{inherit}}, {{set}}, m.admin_option,
           {_ADMINISTERS.format("role")},
           coalesce({_CAN_ACT_AS.format("grantor")}, false), coalesce({_ADMINISTERS.format("grantor")}, false))), '[]')
FROM pg_auth_members m
JOIN pg_roles role ON role.oid = m.roleid
JOIN pg_roles member ON member.oid = m.member
LEFT JOIN pg_roles grantor ON grantor.oid = m.grantor
JOIN pg_roles me ON me.rolname = current_user
WHERE role.rolname = ANY (CAST(:names AS text[])) OR m.member IN (SELECT oid FROM reached)
"""  # noqa: S608 - put together from constants

# An access control list without its owner's entries, each as `model.Entry`.
_ENTRIES = """coalesce((SELECT json_agg(json_build_array(
           CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable,
           pg_get_userbyid(a.grantor))) FROM aclexplode({acl}) a WHERE a.grantee <> {owner}), '[]')"""

# The current database and the managed schemas. Then, to save a round trip, their policies that depend on the user, with
# the roles that they are for. The words have these numbers in all versions (SQLValueFunctionOp in primnodes.h).
CONTAINERS = f"""
SELECT c.kind, c.name, pg_get_userbyid(c.owner), {_ENTRIES.format(acl="c.acl", owner="c.owner")}
FROM (
    SELECT 'database' AS kind, datname AS name, datdba AS owner, coalesce(datacl, acldefault('d', datdba)) AS acl
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
    FROM pg_namespace WHERE nspname = ANY (CAST(:schemas AS text[]))
) c
UNION ALL
SELECT 'policy', n.nspname, c.relname, json_build_array(
           concat(y.polqual, y.polwithcheck) !~ 'SQLVALUEFUNCTION :op (9|10|11) ',
           ARRAY(SELECT CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END FROM unnest(y.polroles) role))
FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[]))
  AND concat(y.polqual, y.polwithcheck) ~ 'SQLVALUEFUNCTION :op (9|1[0-2]) '
"""  # noqa: S608 - put together from constants

ARGUMENT_TYPES = """ARRAY(SELECT format_type(t.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY t (type, position)
             ORDER BY t.position)"""

# An aggregate is named by its types alone: GRANT cannot parse the ORDER BY of a hypothetical-set aggregate.
_ARGUMENTS = f"""CASE p.prokind WHEN 'a' THEN array_to_string({ARGUMENT_TYPES}, ', ')
       ELSE pg_get_function_identity_arguments(p.oid) END"""

# Other schemas whose types a routine's arguments have, each as `model.NeededSchema`.
_NEEDED_SCHEMAS = """(SELECT jsonb_agg(DISTINCT jsonb_build_array(s.nspname, pg_get_userbyid(s.nspowner),
               has_schema_privilege(s.oid, 'USAGE'), has_schema_privilege(p.proowner, s.oid, 'USAGE')))
           FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) t (type)
           JOIN pg_type ON pg_type.oid = t.type JOIN pg_namespace s ON s.oid = typnamespace
           WHERE s.oid NOT IN (p.pronamespace, 'pg_catalog'::regnamespace))"""

# Types without those that PostgreSQL creates implicitly: row types, array types and multiranges.
_OBJECTS = f"""
SELECT n.nspname AS schema, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AS kind,
       c.relowner AS owner, c.relacl AS acl, 'pg_class'::regclass AS class, c.oid, c.relname AS name,
       NULL::text AS arguments, NULL::jsonb AS needs
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT n.nspname, 'routine', p.proowner, p.proacl, 'pg_proc'::regclass, p.oid, p.proname, {_ARGUMENTS},
       {_NEEDED_SCHEMAS}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[]))
  AND NOT EXISTS (SELECT FROM pg_depend d  -- a constructor of a range type
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
UNION ALL
SELECT n.nspname, 'type', t.typowner, t.typacl, 'pg_type'::regclass, t.oid, t.typname, NULL, NULL
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND t.typtype IN ('b', 'd', 'e', 'r')
  AND NOT (t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc)
UNION ALL
SELECT n.nspname, 'type', t.typowner, t.typacl, 'pg_type'::regclass, t.oid, t.typname, NULL, NULL
FROM pg_class c JOIN pg_type t ON t.oid = c.reltype JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND c.relkind = 'c'
"""  # noqa: S608 - put together from constants

# By the referenced object, whose index finds the few rows of extensions among those of all objects.
_IS_OF_EXTENSION = (
    "LEFT JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'"
    " AND d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0"
)

# The objects that the document names, with their schema and kind; each is a separate group.
_SINGLED_OUT = """
    SELECT DISTINCT schema, kind, name
    FROM unnest(CAST(:single_schemas AS text[]), CAST(:single_kinds AS text[]), CAST(:single_names AS text[]))
         AS t (schema, kind, name)
"""

_ACL_OF_GROUP = """coalesce(g.acl, acldefault(
           CASE g.kind WHEN 'relation' THEN 'r' WHEN 'sequence' THEN 's' WHEN 'routine' THEN 'f' ELSE 'T' END::"char",
           g.owner))"""

# One row for each group of objects that share schema, kind, owner and list, for any number.
OBJECT_GROUPS = f"""
WITH object AS ({_OBJECTS}),
singled_out AS ({_SINGLED_OUT}),
grouped AS (
    SELECT o.schema, o.kind, o.owner, o.acl, d.objid IS NOT NULL AS of_extension,
           CASE WHEN s.name IS NOT NULL THEN o.oid END AS single, count(*) AS count
    FROM object o
    LEFT JOIN singled_out s ON s.schema = o.schema AND s.kind = o.kind AND s.name = o.name
    {_IS_OF_EXTENSION}
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT g.schema, g.kind, pg_get_userbyid(g.owner), g.acl::text, g.of_extension, g.count,
       CASE WHEN g.single IS NULL THEN NULL
            WHEN g.kind = 'routine' THEN (SELECT proname FROM pg_proc WHERE oid = g.single)
            WHEN g.kind = 'type' THEN (SELECT typname FROM pg_type WHERE oid = g.single)
            ELSE (SELECT relname FROM pg_class WHERE oid = g.single) END,
       CASE WHEN g.kind = 'routine' THEN (SELECT {_ARGUMENTS} FROM pg_proc p WHERE p.oid = g.single) END,
       CASE WHEN g.kind = 'routine' THEN (SELECT {ARGUMENT_TYPES} FROM pg_proc p WHERE p.oid = g.single) END,
       CASE WHEN g.kind = 'routine' THEN (SELECT {_NEEDED_SCHEMAS} FROM pg_proc p WHERE p.oid = g.single) END,
       {_ENTRIES.format(acl=_ACL_OF_GROUP, owner="g.owner")}
FROM grouped g
"""  # noqa: S608 - put together from constants

OBJECT_NAMES = f"""
SELECT o.schema, o.kind, pg_get_userbyid(o.owner), o.acl::text, json_agg(json_build_array(o.name, o.arguments)),
       coalesce(jsonb_agg(o.needs) FILTER (WHERE o.needs IS NOT NULL), '[]')
FROM ({_OBJECTS}) o
LEFT JOIN ({_SINGLED_OUT}) s ON s.schema = o.schema AND s.kind = o.kind AND s.name = o.name
{_IS_OF_EXTENSION}
WHERE d.objid IS NULL AND s.name IS NULL
GROUP BY o.schema, o.kind, o.owner, o.acl
"""  # noqa: S608 - put together from constants

# Owners and schemas of the other objects in schemas, by catalog and the prefix of its columns.
_OTHERS = " UNION ALL ".join(
    f"SELECT n.nspname, '{catalog}', o.{prefix}owner, '{catalog}'::regclass, o.oid"  # noqa: S608 - put together from constants
    f" FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{prefix}namespace"
    for catalog, prefix in {
        "pg_collation": "coll",
        "pg_conversion": "con",
        "pg_operator": "opr",
        "pg_opclass": "opc",
        "pg_opfamily": "opf",
        "pg_statistic_ext": "stx",
        "pg_ts_config": "cfg",
        "pg_ts_dict": "dict",
    }.items()
)

# Every object in the schemas whose owner can be changed: not those of an extension, and not the parts of others, such
# as the sequence of a column. With other schemas whose types its name or definition has, as `model.NeededSchema`.
OWNED_OBJECTS = f"""
SELECT o.schema, CASE WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
                      WHEN i.type = 'composite type' THEN 'TYPE'
                      WHEN i.type = 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END || ' ' || i.identity,
       pg_get_userbyid(o.owner),
       EXISTS (SELECT FROM pg_proc WHERE o.class = 'pg_proc'::regclass AND pg_proc.oid = o.oid AND prosecdef),
       (SELECT jsonb_agg(DISTINCT jsonb_build_array(s.nspname, pg_get_userbyid(s.nspowner),
                   has_schema_privilege(s.oid, 'USAGE'), has_schema_privilege(o.owner, s.oid, 'USAGE')))
        FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid JOIN pg_namespace s ON s.oid = t.typnamespace
        WHERE o.class IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.classid = o.class AND d.objid = o.oid
          AND d.refclassid = 'pg_type'::regclass AND s.nspname <> o.schema)
FROM (SELECT schema, kind, owner, class, oid FROM ({_OBJECTS}) o UNION ALL {_OTHERS}
      UNION ALL  -- before version 17 the multirange of a range type keeps its owner
      SELECT n.nspname, 'multirange', t.typowner, 'pg_type'::regclass, t.oid
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE t.typtype = 'm' AND current_setting('server_version_num')::int < 170000) o,
     pg_identify_object(o.class, o.oid, 0) i
WHERE o.schema = ANY (CAST(:schemas AS text[])) AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0
    AND (d.deptype = 'e' OR d.deptype = 'i' AND o.kind <> 'multirange' OR d.deptype = 'a' AND o.kind = 'sequence'))
"""  # noqa: S608 - put together from constants

# The columns that have privileges, and those that the document names. Then, to save a round trip, the routines that
# those who read or write relations call without naming them: in views, policies, defaults, constraints and indexes.
COLUMNS = f"""
WITH singled_out AS (
    SELECT schema, name, attname
    FROM unnest(CAST(:column_schemas AS text[]), CAST(:column_relations AS text[]), CAST(:column_names AS text[]))
         AS t (schema, name, attname)
),
attribute AS (
    SELECT attrelid, attname, attacl FROM pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped
    UNION
    SELECT a.attrelid, a.attname, a.attacl
    FROM singled_out s
    JOIN pg_namespace n ON n.nspname = s.schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.name
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname AND NOT a.attisdropped
)
SELECT NULL AS called, n.nspname, c.relname, t.attname, pg_get_userbyid(c.relowner), d.objid IS NOT NULL,
       {_ENTRIES.format(acl="t.attacl", owner="c.relowner")}
FROM attribute t
JOIN pg_class c ON c.oid = t.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT jsonb_build_array(s.nspname, p.proname, array_to_string({ARGUMENT_TYPES}, ', ')),
       n.nspname, c.relname,
       CASE WHEN d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass) THEN 'SELECT' ELSE 'INSERT' END,
       pg_get_userbyid(p.proowner), EXISTS (SELECT FROM pg_depend e
           WHERE e.deptype = 'e' AND e.classid = 'pg_proc'::regclass AND e.objid = p.oid),
       {_ENTRIES.format(acl="coalesce(p.proacl, acldefault('f', p.proowner))", owner="p.proowner")}
FROM pg_depend d
JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
JOIN pg_namespace s ON s.oid = p.pronamespace
JOIN pg_class c ON c.relkind <> 'm' AND c.oid = CASE d.classid
     WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = d.objid)
     WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = d.objid)
     WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = d.objid)
     WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = d.objid)
     WHEN 'pg_class'::regclass THEN (SELECT indrelid FROM pg_index WHERE indexrelid = d.objid) END
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND s.nspname <> 'pg_catalog'
  AND d.refobjid >= 16384 AND p.oid >= 16384  -- PostgreSQL's own objects have smaller numbers
"""  # noqa: S608 - put together from constants

# A creator's default everywhere replaces the built-in default; one for a schema adds to it. Documents declare no
# defaults for schemas, but these matter to a schema that is about to be created. Lists that differ only in the creator,
# the grantor and the creator's own entry, are taken apart once: for each of them that took longer than all other
# queries. A name that needs quotes could look like the end of an entry, so lists with quotes are not compared so.
DEFAULT_PRIVILEGES = """
SELECT g.places, CASE c.defaclobjtype WHEN 'r' THEN 'relation' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'routine'
       WHEN 'T' THEN 'type' ELSE 'schema' END,
       coalesce((SELECT json_agg(json_build_array(
           CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable))
           FROM aclexplode(c.defaclacl) a WHERE a.grantee <> c.defaclrole), '[]')
FROM (
    SELECT json_agg(json_build_array(l.schemas, l.creators)) AS places, min(l.oid) AS oid
    FROM (
        SELECT k.schemas, d.kind, k.list, json_agg(d.creator) AS creators, min(d.oid) AS oid
        FROM (
            SELECT min(c.oid) AS oid, array_agg(n.nspname) AS schemas, c.defaclobjtype AS kind,
                   pg_get_userbyid(c.defaclrole) AS creator, c.defaclacl::text AS acl
            FROM pg_default_acl c
            LEFT JOIN pg_namespace n ON n.oid = c.defaclnamespace AND n.nspname = ANY (CAST(:schemas AS text[]))
            WHERE c.defaclobjtype IN ('r', 'S', 'f', 'T', 'n')
              AND (n.oid IS NOT NULL
                   OR c.defaclnamespace = 0 AND pg_get_userbyid(c.defaclrole) = ANY (CAST(:creators AS text[])))
            GROUP BY c.defaclobjtype, c.defaclrole, c.defaclacl
        ) d, LATERAL (SELECT ARRAY(SELECT unnest(d.schemas) ORDER BY 1) AS schemas,
                             CASE WHEN strpos(d.acl, '"') > 0 THEN d.acl
                             ELSE replace(replace(replace(d.acl, '/' || d.creator, ''),
                                                  '{' || d.creator || '=', '{"='),
                                          ',' || d.creator || '=', ',"=') END
                             AS list) k
        GROUP BY k.schemas, d.kind, k.list
    ) l
    GROUP BY l.kind, l.list
) g
JOIN pg_default_acl c ON c.oid = g.oid
"""

# The objects of a trusted extension belong to the superuser, who alone can move them.
EXTENSIONS = """
SELECT w.name, e.oid IS NOT NULL, v.name IS NOT NULL, n.nspname,
       e.extrelocatable AND pg_has_role(e.extowner, 'USAGE') AND NOT EXISTS (
           SELECT FROM pg_depend d
           LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
           LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
           LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
           WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
             AND NOT pg_has_role(coalesce(p.proowner, t.typowner, c.relowner, e.extowner), 'USAGE')),
       coalesce(x.trusted, false), x.schema, ARRAY(SELECT unnest(x.requires)::text),
       ARRAY(SELECT extname::text FROM pg_extension),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = coalesce(nullif(w.schema, ''), 'public')),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser')
FROM unnest(CAST(:names AS text[]), CAST(:extension_schemas AS text[])) AS w (name, schema)
LEFT JOIN pg_available_extensions v ON v.name = w.name
LEFT JOIN pg_available_extension_versions x ON x.name = w.name AND x.version = v.default_version
LEFT JOIN pg_extension e ON e.extname = w.name
LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
"""

_CREATES = "(SELECT FROM aclexplode({acl}) a WHERE a.grantee = o.successor AND a.privilege_type = 'CREATE')"

# The objects and grants of a role, in this database and as shared objects; `model.DependencyKind` names the kinds.
# What is dropped along with the role has none: default privileges, user mappings, memberships that it granted.
RETIRED_ROLES = f"""
WITH retired AS (
    SELECT r.oid, r.rolname, r.rolsuper, t.successor <> '' AS has_successor, successor.oid AS successor,
           coalesce(successor.rolsuper, false) AS to_superuser
    FROM unnest(CAST(:retired AS text[]), CAST(:successors AS text[])) AS t (role, successor)
    JOIN pg_roles r ON r.rolname = t.role
    LEFT JOIN pg_roles successor ON successor.rolname = t.successor
),
dependency AS (
    SELECT r.oid AS role, r.has_successor, r.successor, r.to_superuser, s.dbid = 0 AS is_shared, s.deptype,
           s.classid, s.objid
    FROM retired r
    JOIN pg_shdepend s ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
    WHERE s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
),
owned AS (
    SELECT d.*, i.type, i.schema, i.identity
    FROM dependency d, pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.deptype = 'o' AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
),
granted AS (
    SELECT d.role, d.is_shared, d.classid, d.objid, o.owner, o.acl, o.keyword, o.place, o.within
    FROM dependency d
    LEFT JOIN LATERAL (
        SELECT relowner AS owner, relacl AS acl, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS keyword,
               relnamespace AS place, '' AS within
        FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid
        UNION ALL SELECT c.relowner, a.attacl, 'TABLE', c.relnamespace, ' (' || quote_ident(attname) || ')'
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
        WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
        UNION ALL SELECT proowner, proacl, 'ROUTINE', pronamespace, ''
        FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid
        UNION ALL SELECT typowner, typacl, 'TYPE', typnamespace, ''
        FROM pg_type WHERE d.classid = 'pg_type'::regclass AND oid = d.objid
        UNION ALL SELECT nspowner, nspacl, 'SCHEMA', NULL, ''
        FROM pg_namespace WHERE d.classid = 'pg_namespace'::regclass AND oid = d.objid
        UNION ALL SELECT lanowner, lanacl, 'LANGUAGE', NULL, ''
        FROM pg_language WHERE d.classid = 'pg_language'::regclass AND oid = d.objid
        UNION ALL SELECT srvowner, srvacl, 'FOREIGN SERVER', NULL, ''
        FROM pg_foreign_server WHERE d.classid = 'pg_foreign_server'::regclass AND oid = d.objid
        UNION ALL SELECT fdwowner, fdwacl, 'FOREIGN DATA WRAPPER', NULL, ''
        FROM pg_foreign_data_wrapper WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND oid = d.objid
        UNION ALL SELECT lomowner, lomacl, 'LARGE OBJECT', NULL, ''
        FROM pg_largeobject_metadata WHERE d.classid = 'pg_largeobject'::regclass AND oid = d.objid
        UNION ALL SELECT relowner, NULL, NULL, NULL, NULL FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE d.classid = 'pg_policy'::regclass AND p.oid = d.objid
        UNION ALL SELECT datdba, datacl, 'DATABASE', NULL, ''
        FROM pg_database WHERE d.classid = 'pg_database'::regclass AND oid = d.objid
        UNION ALL SELECT spcowner, spcacl, 'TABLESPACE', NULL, ''
        FROM pg_tablespace WHERE d.classid = 'pg_tablespace'::regclass AND oid = d.objid
        UNION ALL SELECT 10::oid, NULL, NULL, NULL, NULL WHERE d.classid = to_regclass('pg_catalog.pg_parameter_acl')
    ) o ON true
    WHERE d.deptype <> 'o' OR d.classid IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
),
facet AS (
    SELECT role, is_shared, CASE WHEN is_shared THEN 'shared' ELSE 'owned' END AS kind, NULL::oid AS owner,
           CASE WHEN is_shared THEN string_agg(format('ALTER %s %s OWNER TO CURRENT_USER;', upper(type), identity), ' ')
           END AS what, count(*) AS count
    FROM owned GROUP BY 1, 2
    UNION ALL
    SELECT role, is_shared, 'granted', owner, NULL, count(*) FROM granted GROUP BY 1, 2, 4
    UNION ALL
    SELECT g.role, g.is_shared,
           CASE WHEN a.grantor <> g.owner AND pg_has_role(a.grantor, g.owner, 'USAGE')
                     OR NOT has_schema_privilege(a.grantor, g.place, 'USAGE')
           THEN 'irrevocable' ELSE 'granted by another' END, a.grantor,
           string_agg(DISTINCT a.privilege_type || g.within, ', ') || ' ON ' || g.keyword || ' ' || i.identity
           || CASE WHEN a.grantor <> g.owner AND pg_has_role(a.grantor, g.owner, 'USAGE') THEN (
                  SELECT '; run: ' || string_agg(format('REVOKE %I FROM %I;', pg_get_userbyid(m.roleid),
                                                        pg_get_userbyid(m.member)), ' ')
                  FROM pg_auth_members m WHERE m.member = a.grantor AND pg_has_role(m.roleid, g.owner, 'USAGE'))
              WHEN NOT has_schema_privilege(a.grantor, g.place, 'USAGE') THEN format(
                  '; run: GRANT USAGE ON SCHEMA %s TO %I;', g.place::regnamespace, pg_get_userbyid(a.grantor))
              ELSE '' END, count(*)
    FROM granted g, pg_identify_object(g.classid, g.objid, 0) i, aclexplode(g.acl) a
    WHERE a.grantee = g.role AND a.grantor <> g.role
      -- Where others can grant too, DROP OWNED may act as one of them instead of the owner.
      AND (a.grantor <> g.owner
           OR coalesce(has_schema_privilege(g.owner, g.place, 'USAGE'), true)
              AND EXISTS (SELECT FROM aclexplode(g.acl) b WHERE b.is_grantable AND b.grantee <> g.owner))
    GROUP BY 1, 2, 3, 4, g.keyword, i.identity, g.owner, g.place, a.grantor
    UNION ALL  -- only a role with CREATE on their schema, or for publications on the database, can be given these
    SELECT o.role, o.is_shared, 'needs create', n.nspowner, 'SCHEMA ' || quote_ident(n.nspname), count(*)
    FROM owned o JOIN pg_namespace n ON n.nspname = o.schema
    WHERE o.has_successor AND o.classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass)
      AND n.nspowner IS DISTINCT FROM o.successor AND NOT EXISTS {_CREATES.format(acl="n.nspacl")}
    GROUP BY 1, 2, 4, 5
    UNION ALL
    SELECT o.role, o.is_shared, 'needs create', b.datdba, 'DATABASE ' || quote_ident(b.datname), count(*)
    FROM owned o JOIN pg_database b ON b.datname = current_database()
    WHERE o.has_successor AND o.classid = 'pg_publication'::regclass
      AND b.datdba IS DISTINCT FROM o.successor AND NOT EXISTS {_CREATES.format(acl="b.datacl")}
    GROUP BY 1, 2, 4, 5
    UNION ALL
    SELECT o.role, o.is_shared, 'not transferable', NULL, replace(o.type, '-', ' ') || ' ' || o.identity, 1
    FROM owned o
    LEFT JOIN pg_publication p ON o.classid = 'pg_publication'::regclass AND p.oid = o.objid
    LEFT JOIN pg_foreign_server s ON o.classid = 'pg_foreign_server'::regclass AND s.oid = o.objid
    WHERE o.has_successor AND NOT o.to_superuser
      AND (o.classid IN ('pg_event_trigger'::regclass, 'pg_foreign_data_wrapper'::regclass)
           OR o.classid = 'pg_subscription'::regclass AND current_setting('server_version_num')::int < 160000
           OR p.puballtables
           OR EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_publication'::regclass AND d.refobjid = p.oid
                      AND d.classid = to_regclass('pg_catalog.pg_publication_namespace'))
           OR s.oid IS NOT NULL AND (o.successor IS NULL
                                     OR NOT has_foreign_data_wrapper_privilege(o.successor, s.srvfdw, 'USAGE')))
    UNION ALL  -- in every database
    SELECT r.oid, true, 'prepared', NULL, format('ROLLBACK PREPARED %L; -- in database %I', p.gid, p.database), 1
    FROM retired r JOIN pg_prepared_xacts p ON p.owner = r.rolname
    UNION ALL
    SELECT o.role, o.is_shared, 'definer', n.nspowner, o.identity, 1
    FROM owned o JOIN pg_proc p ON o.classid = 'pg_proc'::regclass AND p.oid = o.objid AND p.prosecdef
    LEFT JOIN pg_namespace n ON n.oid = p.pronamespace
         AND NOT has_schema_privilege(n.oid, 'USAGE') AND NOT has_schema_privilege(o.role, n.oid, 'USAGE')
    WHERE o.has_successor
    UNION ALL
    SELECT o.role, o.is_shared, 'code', NULL, o.type || ' ' || o.identity, 1
    FROM owned o JOIN pg_class c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
    WHERE o.has_successor
      AND (c.relkind IN ('v', 'm') OR c.relhasrules
           OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
           OR EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))
)
SELECT r.rolname, r.rolsuper,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid),
       ARRAY(SELECT DISTINCT d.datname::text FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
             WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND d.datname <> current_database()),
       f.is_shared, f.kind, CASE WHEN f.owner IS NOT NULL THEN pg_get_userbyid(f.owner) END, f.what, f.count
FROM retired r
LEFT JOIN facet f ON f.role = r.oid
"""  # noqa: S608 - put together from constants

"""The questions to PostgreSQL's catalogs, as SQL.

Each sees only what a role without superuser rights may see on RDS. An access control list that is NULL means the
built-in default, so every one goes through ``coalesce(acl, acldefault(...))``; the owner's entries for itself are left
out, since PostgreSQL grants those anyway (PostgreSQL documentation, "Privileges").
"""

SERVER = """
SELECT current_setting('server_version_num')::int, current_user::text, me.rolsuper, d.datname,
       pg_get_userbyid(d.datdba), pg_has_role(d.datdba, 'USAGE'),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam')
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

# Not in one query with the question whether it may be asked: that would fail even where the answer is not needed.
SYSTEM_IDENTIFIER = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()"

DATABASE_PRIVILEGES = """
SELECT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable,
       pg_get_userbyid(a.grantor)
FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE d.datname = current_database() AND a.grantee <> d.datdba
"""

# :act and :administer are what pg_has_role calls the two rights in this version; see `catalog`. A role that has the
# master's rights through another role is not its member: that other membership may be one that has to go.
ROLES = """
SELECT r.rolname, coalesce(shobj_description(r.oid, 'pg_authid'), ''),
       r.rolcanlogin, r.rolinherit, r.rolcreatedb, r.rolcreaterole, r.rolsuper, r.rolreplication, r.rolbypassrls,
       r.rolconnlimit, nullif(r.rolvaliduntil, 'infinity')::text,
       pg_has_role(r.oid, 'USAGE') AND pg_has_role(r.oid, :act),
       coalesce((SELECT bool_or({inherit}) AND bool_or({set}) FROM pg_auth_members m
                 WHERE m.roleid = r.oid AND m.member = me.oid), false),
       me.rolsuper
       OR CASE WHEN :administer = '' THEN me.rolcreaterole AND NOT r.rolsuper AND r.rolname <> 'pg_database_owner'
               ELSE pg_has_role(r.oid, nullif(:administer, '')) END
FROM pg_roles r, pg_roles me
WHERE me.rolname = current_user
  AND (r.rolname = ANY (CAST(:names AS text[])) OR shobj_description(r.oid, 'pg_authid') = :mark
       OR r.oid IN (SELECT nspowner FROM pg_namespace WHERE nspname = ANY (CAST(:schemas AS text[]))))
"""

ROLE_SETTINGS = """
SELECT r.rolname, d.datname, s.setting
FROM pg_db_role_setting c
JOIN pg_roles r ON r.oid = c.setrole
LEFT JOIN pg_database d ON d.oid = c.setdatabase,
unnest(c.setconfig) AS s (setting)
WHERE r.rolname = ANY (CAST(:names AS text[])) AND (c.setdatabase = 0 OR d.datname = current_database())
"""

# A membership can stand in several rows, one for each grantor, from version 16 on. What a managed role passed on is
# left out there: no document lets a role pass anything on, and its right to do so is revoked with all that came of it.
MEMBERSHIPS = """
SELECT role.rolname, member.rolname, bool_or({inherit}), bool_or({set}), bool_or(m.admin_option)
FROM pg_auth_members m
JOIN pg_roles role ON role.oid = m.roleid
JOIN pg_roles member ON member.oid = m.member
LEFT JOIN pg_roles grantor ON grantor.oid = m.grantor
WHERE (role.rolname = ANY (CAST(:names AS text[])) OR member.rolname = ANY (CAST(:names AS text[])))
  AND NOT ({is_passed_on})
GROUP BY 1, 2
"""

SCHEMAS = """
SELECT n.nspname, pg_get_userbyid(n.nspowner),
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable,
       pg_get_userbyid(a.grantor)
FROM pg_namespace n
LEFT JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a ON a.grantee <> n.nspowner
WHERE n.nspname = ANY (CAST(:schemas AS text[]))
"""

# An aggregate is named by its types alone: ORDER BY among them, as a hypothetical-set one has it, GRANT cannot read.
_OBJECTS = """
SELECT n.nspname AS schema, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AS kind,
       c.relowner AS owner, c.relacl AS acl, 'pg_class'::regclass AS class, c.oid, c.relname AS name,
       NULL::text AS arguments
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[])) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT n.nspname, 'routine', p.proowner, p.proacl, 'pg_proc'::regclass, p.oid, p.proname,
       CASE p.prokind WHEN 'a' THEN array_to_string(ARRAY(
           SELECT format_type(t.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY t (type, position)
           ORDER BY t.position), ', ')
       ELSE pg_get_function_identity_arguments(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (CAST(:schemas AS text[]))
"""

# One row for each privilege of each group of objects that share schema, kind, owner and list, whatever their number.
OBJECT_GROUPS = f"""
WITH object AS ({_OBJECTS}),
grouped AS (
    SELECT schema, kind, owner, acl, d.objid IS NOT NULL AS of_extension, count(*) AS count
    FROM object o
    LEFT JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
    GROUP BY 1, 2, 3, 4, 5
)
SELECT g.schema, g.kind, pg_get_userbyid(g.owner), g.acl::text, g.of_extension, g.count,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable,
       pg_get_userbyid(a.grantor)
FROM grouped g
LEFT JOIN LATERAL aclexplode(
    coalesce(
        g.acl,
        acldefault(CASE g.kind WHEN 'relation' THEN 'r' WHEN 'sequence' THEN 's' ELSE 'f' END::"char", g.owner)
    )
) a ON a.grantee <> g.owner
"""  # noqa: S608 - put together from constants

OBJECT_NAMES = f"""
SELECT o.schema, o.kind, pg_get_userbyid(o.owner), o.acl::text, d.objid IS NOT NULL, o.name, o.arguments
FROM ({_OBJECTS}) o
LEFT JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype = 'e'
"""  # noqa: S608 - put together from constants

# What stands for a creator everywhere replaces the built-in default; what stands for one schema comes on top. Defaults
# for schemas are no document's business, but what they do to a schema that is about to be created is.
DEFAULT_PRIVILEGES = """
SELECT pg_get_userbyid(c.defaclrole), n.nspname,
       CASE c.defaclobjtype WHEN 'r' THEN 'relation' WHEN 'S' THEN 'sequence' WHEN 'n' THEN 'schema' ELSE 'routine' END,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
FROM pg_default_acl c
LEFT JOIN pg_namespace n ON n.oid = c.defaclnamespace
LEFT JOIN LATERAL aclexplode(c.defaclacl) a ON a.grantee <> c.defaclrole
WHERE c.defaclobjtype IN ('r', 'S', 'f', 'n')
  AND pg_get_userbyid(c.defaclrole) = ANY (CAST(:creators AS text[]))
  AND (c.defaclnamespace = 0 OR n.nspname = ANY (CAST(:schemas AS text[])))
"""

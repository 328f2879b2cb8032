import struct

import pytest

from devtools.postgres.role_patch import RolePatch, RoleStatements

# Each statement, and the variants in which it runs as rdsadmin: from the nth on.
FROM_THE_FIRST, FROM_THE_SECOND, FROM_THE_THIRD, NEVER = range(4)


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ('GRANT "rds_iam" TO "report" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE', FROM_THE_FIRST),
        ("revoke rds_iam from report", FROM_THE_FIRST),
        ("GRANT a, rds_superuser TO b", FROM_THE_FIRST),
        ('GRANT "rds_iam ON" TO b', FROM_THE_SECOND),
        ("GRANT a TO rds_iam", FROM_THE_SECOND),
        ('REVOKE ADMIN OPTION FOR a FROM "it\'s ; ON" GRANTED BY b', FROM_THE_SECOND),
        ("CREATE ROLE a LOGIN PASSWORD 'GRANT ; ON'", FROM_THE_THIRD),
        ('ALTER ROLE "a" IN DATABASE b SET work_mem TO 1', FROM_THE_THIRD),
        ("COMMENT ON ROLE a IS 'x'", FROM_THE_THIRD),
        ("drop role a, b", FROM_THE_THIRD),
        ("GRANT rds_iam TO a GRANTED BY rdsadmin", NEVER),
        ("GRANT SELECT ON rds_iam TO a", NEVER),
        ("COMMENT ON TABLE a IS 'x'", NEVER),
        ("CREATE TABLE a (id int)", NEVER),
        ("", NEVER),
    ],
)
def test_a_role_statement_runs_as_rdsadmin_in_the_variants_that_cover_it(statement: str, first: int) -> None:
    assert [patch.applies_to(statement) for patch in RolePatch] == [number >= first for number in range(3)]


def test_each_role_statement_of_a_script_is_rewritten_and_comments_are_not() -> None:
    script = "BEGIN;\n-- it's one; GRANT rds_iam TO x;\nGRANT rds_iam TO a;\nALTER ROLE \"A\" LOGIN;\nSELECT ';';"

    rewritten = RolePatch.ROLES_AS_RDSADMIN.rewritten(script)

    assert rewritten == (
        "BEGIN;\n-- it's one; GRANT rds_iam TO x;\nCALL pg_catalog.run_as_rdsadmin('GRANT rds_iam TO a');\n"
        "CALL pg_catalog.run_as_admin('A', 'ALTER ROLE \"A\" LOGIN');\nSELECT ';';"
    )


@pytest.mark.parametrize(("kind", "before", "after"), [(b"Q", b"", b""), (b"P", b"name\0", b"\0\1\0\0\0\x19")])
def test_a_message_that_arrives_in_parts_is_rewritten_whole(kind: bytes, before: bytes, after: bytes) -> None:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    sync = message(b"S", b"")
    sent = message(kind, before + b'GRANT rds_iam TO "o\'b"\0' + after) + sync
    statements = RoleStatements(RolePatch.DOCUMENTED)

    received = b"".join(statements.rewritten(sent[index : index + 3]) for index in range(0, len(sent), 3))

    call = b"CALL pg_catalog.run_as_rdsadmin('GRANT rds_iam TO \"o''b\"')\0"
    assert received == message(kind, before + call + after) + sync

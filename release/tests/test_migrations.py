"""Migrations that would break or block the previous release, each kept as an example that must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from release import migrations
from release.answer import Run
from release.errors import NotReady
from release.migrations import RULES_EXCLUDED, Revision, answer, lint, revisions_at
from release.tests.history import History
from release.verdict import Verdict

HEAD = "system/crm/migrations/versions"
FIRST = f"{HEAD}/0001_initial.py"
SECOND = f"{HEAD}/0002_next.py"
TABLES = "system/plumbing/tables.py"
TABLE = """
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text
metadata = MetaData()
Table("outbox", metadata, Column("id", BigInteger, primary_key=True), Column("type", Text), Index("a", "id"), Index("b", "type"))
"""


def migration(revision: str, body: str, *, remark: str = "") -> str:
    """A migration whose `upgrade` is these lines."""
    after = "None" if revision == "0001" else f'"{int(revision) - 1:04}"'
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        f"{remark}\nimport sqlalchemy as sa\nfrom alembic import op\nfrom system.plumbing.tables import metadata\n"
        f'revision = "{revision}"\ndown_revision = {after}\n\ndef upgrade():\n{lines}'
    )


INITIAL = migration(
    "0001",
    "metadata.create_all(op.get_bind())\n"
    'op.execute("CREATE TABLE sale (id uuid PRIMARY KEY, number text NOT NULL, note text, amount numeric(14, 2))")\n'
    'op.execute("CREATE INDEX sale_number ON sale (number)")\n'
    "op.bulk_insert(sa.table('sale', sa.column('number')), [{'number': '100 %'}])\n"
    "op.get_bind().connection.driver_connection.execute('INSERT INTO sale (note) VALUES (%s)', ['it''s 5 %'])",
)
LOCK = "op.execute(\"SET LOCAL lock_timeout = '5s'\")\n"


DROP = f'{LOCK}op.execute("ALTER TABLE sale DROP COLUMN note")'


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path)
    history.commit({FIRST: INITIAL, TABLES: TABLE, "system/__init__.py": "", "system/plumbing/__init__.py": ""})
    return history


def run(commit: str, previous: str) -> Run:
    return Run(Path(), "d", commit, "", previous, "")


def rules_broken_by(*statements: str) -> set[str]:
    """The rules that one new revision of these statements breaks."""
    return {finding.rule for finding in lint("crm", [Revision("crm", "0002", SECOND, "", statements)])}


def judged(history: History, files: dict[str, str | None]) -> tuple[Verdict, str]:
    """The verdict on a candidate that adds these files to the release before it, and its reasons."""
    previous = history.git("rev-parse", "HEAD")
    found = answer(run(history.commit(files), previous), history.path)
    return found.verdict, "\n".join(found.reasons)


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("ban-drop-column", "ALTER TABLE sale DROP COLUMN note"),
        ("ban-drop-table", "DROP TABLE sale"),
        ("renaming-column", "ALTER TABLE sale RENAME COLUMN note TO remark"),
        ("renaming-table", "ALTER TABLE sale RENAME TO sold"),
        ("adding-required-field", "ALTER TABLE sale ADD COLUMN seller text NOT NULL"),
        ("adding-not-nullable-field", "ALTER TABLE sale ALTER COLUMN note SET NOT NULL"),
        ("changing-column-type", "ALTER TABLE sale ALTER COLUMN number TYPE uuid USING number::uuid"),
        ("ban-drop-default", "ALTER TABLE sale ALTER COLUMN note DROP DEFAULT"),
        ("ban-drop-view", "DROP VIEW sales"),
        ("require-concurrent-index-creation", "CREATE INDEX sale_note ON sale (note)"),
        ("require-concurrent-index-deletion", "DROP INDEX sale_number"),
        ("constraint-missing-not-valid", "ALTER TABLE sale ADD CONSTRAINT paid CHECK (amount > 0)"),
        ("disallowed-unique-constraint", "ALTER TABLE sale ADD CONSTRAINT one UNIQUE (number)"),
        ("adding-foreign-key-constraint", "ALTER TABLE sale ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES outbox (id)"),
        ("ban-concurrent-index-creation-in-transaction", "CREATE INDEX CONCURRENTLY sale_note ON sale (note)"),
        ("syntax-error", "ALTER TABEL sale ADD COLUMN x text"),
    ],
)
def test_a_migration_that_breaks_or_blocks_is_refused(rule: str, statement: str) -> None:
    assert rule in rules_broken_by("SET LOCAL lock_timeout = '5s';", f"{statement};")


def test_a_migration_that_drops_a_column_is_refused(history: History) -> None:
    verdict, reasons = judged(history, {SECOND: migration("0002", DROP)})
    assert verdict is Verdict.FAILED
    assert f"crm 0002 ({SECOND}): ban-drop-column: " in reasons
    assert "The previous release may still use it" in reasons


EXPANDING = f"""{LOCK}op.add_column("sale", sa.Column("seller", sa.Text))
op.add_column("sale", sa.Column("city", sa.Text, nullable=False, server_default="?"))
op.execute("CREATE TABLE parcel (id uuid PRIMARY KEY)")
op.execute("CREATE INDEX parcel_id ON parcel (id)")
op.execute("ALTER TABLE sale ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID")
op.execute("COMMENT ON TABLE sale IS 'once: ALTER TABLE sale DROP COLUMN note'")
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS sale_note ON sale (note)")
"""


def test_a_migration_that_only_expands_is_accepted(history: History) -> None:
    assert judged(history, {SECOND: migration("0002", EXPANDING)}) == (Verdict.PASSED, "")


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE sale ADD COLUMN x text", "CREATE TRIGGER t BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION f()"],
)
def test_waiting_for_a_lock_must_have_an_end(statement: str) -> None:
    assert "lock-timeout" in rules_broken_by(f"{statement};")
    assert "lock-timeout" in rules_broken_by(f"{statement};", "SET LOCAL lock_timeout = '5s';")
    assert "lock-timeout" not in rules_broken_by("SET LOCAL lock_timeout = '5s';", f"{statement};")


def test_a_finding_names_its_own_revision() -> None:
    harmless = Revision("crm", "0002", "0002.py", "", ("CREATE TABLE parcel (id uuid PRIMARY KEY);",))
    harmful = Revision("crm", "0003", "0003.py", "", ("SELECT 1;", "DROP TABLE sale;"))
    found = lint("crm", [harmless, harmful])
    assert {(finding.revision.revision, finding.rule) for finding in found} == {
        ("0003", "ban-drop-table"),
        ("0003", "lock-timeout"),
    }


def test_no_comment_silences_the_linter(history: History) -> None:
    hidden = f'{LOCK}op.execute("-- squawk-ignore ban-drop-column\\\\nALTER TABLE sale DROP COLUMN note")'
    verdict, reasons = judged(history, {SECOND: migration("0002", hidden)})
    assert verdict is Verdict.FAILED
    assert "silenced" in reasons


def test_what_production_stopped_using_may_be_taken_away(history: History) -> None:
    unused = history.commit({"system/crm/app.py": "# note is not read any more"})
    history.commit({"README.md": "the release that production runs"})
    contract = migration("0002", DROP, remark=f"# contract: {unused}")
    assert judged(history, {SECOND: contract}) == (Verdict.PASSED, "")


@pytest.mark.parametrize("named", ["candidate", "nonsense", ""])
def test_what_production_still_uses_may_not(history: History, named: str) -> None:
    previous = history.git("rev-parse", "HEAD")
    stopped = history.commit({"system/crm/app.py": "# note is not read any more"})
    remark = f"# contract: {stopped if named == 'candidate' else named}"
    commit = history.commit({SECOND: migration("0002", DROP, remark=remark)})
    found = answer(run(commit, previous), history.path)
    assert found.verdict is Verdict.FAILED
    assert any("production does not run yet" in reason for reason in found.reasons)
    assert any("ban-drop-column" in reason for reason in found.reasons)


@pytest.mark.long
def test_a_contract_lifts_no_lock(history: History) -> None:
    unused = history.git("rev-parse", "HEAD")
    body = f'{LOCK}op.execute("CREATE INDEX sale_note ON sale (note)")'
    verdict, reasons = judged(history, {SECOND: migration("0002", body, remark=f"# contract: {unused}")})
    assert verdict is Verdict.FAILED
    assert "require-concurrent-index-creation" in reasons


def test_an_edited_migration_is_refused(history: History) -> None:
    verdict, reasons = judged(history, {FIRST: INITIAL.replace("note text", "note text, extra text")})
    assert verdict is Verdict.FAILED
    assert "its file was edited" in reasons


@pytest.mark.long
def test_a_migration_edited_through_what_it_imports_is_refused(history: History) -> None:
    verdict, reasons = judged(
        history, {TABLES: TABLE.replace('"type", Text', '"kind", Text').replace('"b", "type"', '"b", "kind"')}
    )
    assert verdict is Verdict.FAILED
    assert "something that it imports changed" in reasons


def test_a_removed_migration_is_refused(history: History) -> None:
    history.commit({SECOND: migration("0002", "pass")})
    verdict, reasons = judged(history, {SECOND: None})
    assert verdict is Verdict.FAILED
    assert "was released and is gone" in reasons


@pytest.mark.long
def test_a_migration_rewritten_to_the_same_sql_is_accepted(history: History) -> None:
    verdict, _ = judged(history, {FIRST: f"# Says the same in other words.\n{INITIAL}"})
    assert verdict is Verdict.PASSED


@pytest.mark.long
def test_two_last_migrations_are_refused(history: History) -> None:
    twins = {
        SECOND: migration("0002", "pass"),
        f"{HEAD}/0003_twin.py": migration("0002", "pass").replace('"0002"', '"0003"'),
    }
    with pytest.raises(NotReady, match="both come last"):
        judged(history, dict(twins))


@pytest.mark.long
def test_a_migration_that_reads_cannot_be_judged(history: History) -> None:
    body = 'op.get_bind().execute(sa.text("SELECT 1")).fetchall()'
    with pytest.raises(NotReady, match="must not depend on what it reads"):
        judged(history, {SECOND: migration("0002", body)})


@pytest.mark.long
def test_values_are_part_of_the_sql(history: History) -> None:
    statements = revisions_at(history.repository, "HEAD")["crm", "0001"].statements
    assert "INSERT INTO sale (number) VALUES ('100 %');" in statements
    assert "INSERT INTO sale (note) VALUES ('its 5 %');" in statements
    assert sum(statement.startswith("CREATE INDEX") for statement in statements) == 3


def test_without_a_previous_release_every_migration_is_new(history: History) -> None:
    found = answer(run("HEAD", ""), history.path)
    assert (found.verdict, found.checked, found.figures["migrations_new"]) == (Verdict.PASSED, 1, 1)


@pytest.mark.long
def test_no_migration_at_all_is_no_pass(tmp_path: Path) -> None:
    empty = History(tmp_path / "empty")
    commit = empty.commit({"system/__init__.py": ""})
    assert answer(run(commit, ""), empty.path).verdict is Verdict.ERRORED


def test_a_linter_that_gives_no_answer_is_errored(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "SQUAWK", Path("/bin/true"))
    monkeypatch.chdir(history.path)
    monkeypatch.setenv("RELEASE_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("RELEASE_DIGEST", "d")
    monkeypatch.setenv("RELEASE_COMMIT", "HEAD")
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", "")
    assert migrations.main([]) == 2
    written = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert written["verdict"] == "ERRORED"
    assert "squawk gave no answer" in written["reasons"][0]


def test_every_rule_left_out_has_its_reason() -> None:
    assert all(reason.endswith(".") and len(reason) > 30 for reason in RULES_EXCLUDED.values())

"""Revisions on a real PostgreSQL: all or nothing, and a way out of the transaction for what cannot be in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc

from system.conftest import Infrastructure
from system.plumbing import migrations

pytestmark = pytest.mark.integration

SERVICE = "migrating"
PASSWORDS = dict.fromkeys(("owner", "app", "read"), "of-this-test-alone")


def revision(number: int, *lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    before = f'"{number - 1:04}"' if number > 1 else "None"
    return (
        f'from alembic import op\n\nrevision = "{number:04}"\ndown_revision = {before}\nbranch_labels = None\n'
        f"depends_on = None\n\n\ndef upgrade():\n{body}"
    )


SALE = revision(1, 'op.execute("CREATE TABLE sale (id bigint PRIMARY KEY, number text)")')
INDEX = revision(
    2,
    "with op.get_context().autocommit_block():",
    '    op.execute("CREATE INDEX CONCURRENTLY sale_number ON sale (number)")',
    'op.execute("ALTER TABLE sale ADD COLUMN note text")',
)
BROKEN = revision(
    3, 'op.execute("ALTER TABLE sale ADD COLUMN kept text")', 'op.execute("ALTER TABLE nowhere ADD COLUMN x text")'
)


@pytest.fixture
def server(infrastructure: Infrastructure) -> Iterator[migrations.Server]:
    server = infrastructure.server
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {SERVICE} WITH (FORCE)")
    migrations.ensure_database(server, SERVICE, PASSWORDS)
    yield server
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {SERVICE} WITH (FORCE)")
        for kind in PASSWORDS:
            connection.execute(f"DROP ROLE {SERVICE}_{kind}")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_sale.py").write_text(SALE)
    return tmp_path


def upgrade(server: migrations.Server, directory: Path) -> list[str]:
    return migrations.upgrade(server, SERVICE, PASSWORDS["owner"], directory)


def columns(server: migrations.Server) -> set[str]:
    with server.connect(SERVICE) as connection:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'sale'"
        return {name for (name,) in connection.execute(query)}


def test_an_index_is_made_while_others_work(server: migrations.Server, directory: Path) -> None:
    assert upgrade(server, directory) == ["0001"]
    (directory / "versions" / "0002_index.py").write_text(INDEX)
    assert upgrade(server, directory) == ["0002"]
    with server.connect(SERVICE) as connection:
        valid = connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'sale_number'::regclass"
        ).fetchone()
        assert valid == (True,)
    assert "note" in columns(server)
    assert upgrade(server, directory) == []


def test_a_revision_that_fails_leaves_nothing_behind(server: migrations.Server, directory: Path) -> None:
    (directory / "versions" / "0002_index.py").write_text(INDEX)
    upgrade(server, directory)
    (directory / "versions" / "0003_broken.py").write_text(BROKEN)
    with pytest.raises((sqlalchemy.exc.ProgrammingError, psycopg.errors.UndefinedTable)):
        upgrade(server, directory)
    assert columns(server) == {"id", "number", "note"}
    (directory / "versions" / "0003_broken.py").unlink()
    assert upgrade(server, directory) == []


def test_the_role_that_watches_sees_figures_and_no_rows(
    server: migrations.Server, directory: Path, infrastructure: Infrastructure
) -> None:
    """Twice, because a job may be repeated; the second password counts, and is the one that the exporter has."""
    password = infrastructure.secret("jobs", "alexandrite_monitor_password")
    migrations.upgrade(server, SERVICE, PASSWORDS["owner"], directory)
    for given in ("another", password):
        migrations.ensure_monitor(server, given)
    watching = migrations.Server(host=server.host, port=server.port, user="monitor", password=password)
    with watching.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_statements WHERE query <> ''").fetchone() != (0,)
        assert connection.execute("SELECT pg_database_size(%s) > 0", [SERVICE]).fetchone() == (True,)
        told = connection.execute("SELECT string_agg(query, ' ') FROM pg_stat_statements").fetchone()
        assert told and "MONITOR LOGIN" in told[0].upper() and password not in told[0], "statements hold no password"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host=server.host, port=server.port, user="monitor", password=password, dbname=SERVICE)

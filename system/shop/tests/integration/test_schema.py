"""The migration and the tables that the code uses are the same; the console does what it says."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from system.plumbing.mail.schema import mail_metadata
from system.plumbing.schema import plumbing_metadata
from system.shop.adapters.tables import metadata
from system.shop.entrypoints.cli import check_stock_command, restock_command
from system.shop.tests.integration.conftest import Database

pytestmark = pytest.mark.integration


def is_ours(name: str | None, kind: str, _: object) -> bool:
    # The queue's own tables are its library's, and `job_trace` hangs on one of them.
    return not (kind == "table" and name is not None and name.startswith(("procrastinate_", "job_trace")))


def differences(connection: Connection, *, without: str | None = None) -> list[object]:
    expected = MetaData()
    for source in (metadata, plumbing_metadata, mail_metadata):
        for table in source.tables.values():
            if table.name != without:
                table.to_metadata(expected)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
    return list(compare_metadata(context, expected))


async def test_the_migration_makes_the_tables_that_the_code_uses(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(lambda sync: differences(sync, without="stock_movement")) != []


@pytest.fixture
def console(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A console whose environment names the database."""
    settings = database.settings
    monkeypatch.setenv("ALEXANDRITE_DATABASE_HOST", settings.database_host)
    monkeypatch.setenv("ALEXANDRITE_DATABASE_PORT", str(settings.database_port))
    monkeypatch.setenv("ALEXANDRITE_DATABASE_PASSWORD", settings.database_password.get_secret_value())
    return database


def test_restocking_puts_pieces_on_the_shelf(console: Database, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert restock_command(["ring-solitaire-950", "2"]) == 0
        assert capsys.readouterr().out == "ring-solitaire-950: 5 available\n"
        assert restock_command(["ring-of-power", "2"]) == 1
        assert restock_command(["ring-solitaire-950", "0"]) == 2
    finally:
        console.as_superuser("UPDATE stock SET stocked = 3, available = 3 WHERE sku = 'ring-solitaire-950'")


def test_pieces_that_no_movement_explains_are_named(console: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_stock_command([]) == 0
    console.as_superuser("UPDATE stock SET available = 1 WHERE sku = 'ring-solitaire-950'")
    assert check_stock_command([]) == 1
    assert "ring-solitaire-950: +2 pieces" in capsys.readouterr().err

"""Roles, databases, migrations and grants. Run by a job before any service starts; safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import URL, create_engine

from system.plumbing.schema import APPEND_ONLY

CONNECT_DEADLINE_S = 60


@dataclass(frozen=True, slots=True)
class Server:
    """Where PostgreSQL is, and its superuser."""

    host: str
    port: int
    user: str
    password: str

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection as superuser; waits up to a minute for the server to come up."""
        deadline = time.monotonic() + CONNECT_DEADLINE_S
        while True:
            try:
                return psycopg.connect(
                    host=self.host, port=self.port, user=self.user, password=self.password, dbname=database,
                    autocommit=True, connect_timeout=5,
                )  # fmt: skip
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def _scrambled(connection: psycopg.Connection[Any], role: str, password: str) -> sql.Literal:
    """What the server keeps of a password. It goes over as this: statements are logged, counted and read by who watches."""
    return sql.Literal(connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode())


def ensure_database(server: Server, service: str, passwords: Mapping[str, str]) -> None:
    """The service's database and its roles `<service>_owner`, `_app`, `_read`, with these passwords."""
    with server.connect() as connection:
        for kind in ("owner", "app", "read"):
            role = sql.Identifier(f"{service}_{kind}")
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [f"{service}_{kind}"]).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            secret = _scrambled(connection, f"{service}_{kind}", passwords[kind])
            connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, secret))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [service]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(service), sql.Identifier(f"{service}_owner")
                )
            )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(service)))
        for kind in ("app", "read"):
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(service), sql.Identifier(f"{service}_{kind}")
                )
            )
    with server.connect(service) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(f"{service}_owner")))


def ensure_monitor(server: Server, password: str) -> None:
    """The role `monitor`, by which figures of the server are read: it sees statistics, and no row of any service."""
    with server.connect() as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'monitor'").fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE monitor LOGIN CONNECTION LIMIT 5 PASSWORD {}").format(
                verb, _scrambled(connection, "monitor", password)
            )
        )
        connection.execute("GRANT pg_monitor TO monitor")
        # It counts the statements of all databases, and is asked in this one.
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def upgrade(server: Server, service: str, owner_password: str, directory: Path) -> list[str]:
    """Brings the service's schema to the newest revision as its owner, all in one transaction unless a revision leaves it.

    Returns the revisions that were applied.
    """
    url = URL.create(
        "postgresql+psycopg",
        username=f"{service}_owner",
        password=owner_password,
        host=server.host,
        port=server.port,
        database=service,
    )
    versions = directory / "versions"
    script = ScriptDirectory(str(directory), version_locations=[str(versions if versions.is_dir() else directory)])
    applied: list[str] = []

    def steps(revision: Any, _: Any) -> Any:
        chosen = script._upgrade_revs("head", revision)
        applied.extend(step.revision.revision for step in chosen)
        return chosen

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"fn": steps})
            # Alembic's own transaction, not the connection's: only that one can a revision leave, by `autocommit_block`, for what
            # PostgreSQL does outside transactions alone (CREATE INDEX CONCURRENTLY).
            with Operations.context(context), context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()
    return applied


def grant(server: Server, service: str, append_only: Iterable[str]) -> None:
    """The application may read and write; on history, ledgers and audit it may only read and add."""
    app, read = sql.Identifier(f"{service}_app"), sql.Identifier(f"{service}_read")
    statements: Sequence[sql.Composed] = [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}").format(app, read),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(app),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(app),
        sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(app),
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(read),
        *(
            sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), app)
            for table in (*APPEND_ONLY, *append_only)
        ),
        sql.SQL("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}").format(app),
    ]
    with server.connect(service) as connection:
        for statement in statements:
            connection.execute(statement)

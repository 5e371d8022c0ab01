"""Connections to PostgreSQL: one engine per process, and a separate connection that listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import statements


def database_url(settings: ServiceSettings) -> URL:
    """Where this service's database is, with its application role."""
    return URL.create(
        "postgresql+psycopg",
        username=settings.database_user or f"{settings.service}_app",
        password=settings.database_password.get_secret_value(),
        host=settings.database_host,
        port=settings.database_port,
        database=settings.database,
    )


def create_engine(settings: ServiceSettings) -> AsyncEngine:
    """The pool of this process. Statements are cut off after `statement_timeout_ms`, an idle transaction after 30 s."""
    engine = create_async_engine(
        database_url(settings),
        # An error that quotes its statement's values would carry them into logs.
        hide_parameters=True,
        pool_size=settings.database_pool_size,
        max_overflow=4,
        pool_timeout=5,
        pool_pre_ping=True,
        # The connection used last is used next: its prepared statements and the server's caches behind it are warm.
        pool_use_lifo=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 5,
            "application_name": settings.service,
            "options": (
                f"-c statement_timeout={settings.statement_timeout_ms}"
                " -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
            ),
        },
    )
    statements.watch(engine, settings.database, span_ms_min=settings.trace_statement_ms)
    return engine


def is_connection_failure(error: BaseException) -> bool:
    """Whether the database itself is away, as opposed to a statement that it refused."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    original = getattr(error, "orig", error)
    if isinstance(error, (OperationalError, InterfaceError)) or isinstance(original, psycopg.OperationalError):
        state = getattr(original, "sqlstate", None)
        # Lock timeouts, deadlocks, cancelled statements (class 40, 55, 57014) are about one statement, not the server.
        return state is None or state.startswith("08") or state in {"57P01", "57P02", "57P03", "53300"}
    return isinstance(error, (TimeoutError, ConnectionError, OSError))


async def is_reachable(engine: AsyncEngine) -> bool:
    """Whether the database answers within two seconds."""
    try:
        async with asyncio.timeout(2), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


async def notifications(settings: ServiceSettings, channel: str) -> AsyncIterator[str]:
    """Payloads notified on `channel`, for ever; reconnects after a failure and then yields '' once, since some may be lost."""
    url = database_url(settings).set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=5, application_name=f"{settings.service}-listen"
            ) as connection:
                await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
                yield ""
                async for notification in connection.notifies():
                    yield notification.payload
        except (psycopg.Error, OSError):
            await asyncio.sleep(1)

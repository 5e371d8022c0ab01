"""`python -P release/rendering.py TREE`: every migration of a tree as the SQL it stands for, as JSON; no database is asked.

Runs as a file of its own, in a process of its own, with only the tree on its path, so that the migrations of any commit can be
rendered, and nothing of `release` or of another tree takes part. Prints `{service: [{revision, path, source, statements}]}`, oldest
first. A migration that depends on what it reads from the database cannot be rendered: the exit status is 1, the last line says which.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql as psycopg_sql
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import ExecutableDDLElement


class Recorder(MockConnection):
    """Stands for the connection a migration writes to: keeps each statement as text and answers nothing."""

    def __init__(self, output: list[str], dialect: Any) -> None:
        super().__init__(dialect, self._keep)
        self.output = output
        # What a migration reaches for when it hands several statements to the driver at once.
        self.connection = self
        self.driver_connection = _Driver(output)

    def in_transaction(self) -> bool:
        """Alembic asks before it steps out of the transaction; there is none to end."""
        return False

    def get_isolation_level(self) -> str:
        """The server's default."""
        return "READ COMMITTED"

    def execution_options(self, **options: Any) -> Recorder:
        """A change of the isolation level is where `autocommit_block` leaves the transaction and enters the next one."""
        if "isolation_level" in options:
            _write(self.output, "COMMIT" if options["isolation_level"] == "AUTOCOMMIT" else "BEGIN")
        return self

    def begin(self) -> Recorder:
        """The transaction that alembic opens and commits around `autocommit_block`; its borders are written above."""
        return self

    def commit(self) -> None:
        """See `begin`."""

    def _keep(self, statement: Any, *given: Any, **named: Any) -> None:
        parameters = given[0] if given else named or None
        rows = parameters if isinstance(parameters, (list, tuple)) and parameters else [parameters]
        for row in rows:
            _write(self.output, self._text(statement, row))

    def _text(self, statement: Any, row: Any) -> str:
        if isinstance(statement, str):
            return filled(statement, row)
        if isinstance(statement, ExecutableDDLElement):
            return _undoubled(str(statement.compile(dialect=self.dialect)))
        compiled = statement.compile(dialect=self.dialect, **({"column_keys": list(row)} if row else {}))
        if not compiled.binds:
            return _undoubled(str(compiled))
        processors = getattr(compiled, "_bind_processors", {})
        values = compiled.construct_params(row or {})
        return filled(str(compiled), {key: processors.get(key, _same)(value) for key, value in values.items()})


def _undoubled(statement: str) -> str:
    """A doubled percent sign is how the driver is told of a single one."""
    return statement.replace("%%", "%")


def _same(value: Any) -> Any:
    return value


class _Driver:
    """The driver's own connection, as far as migrations use it."""

    def __init__(self, output: list[str]) -> None:
        self._output = output

    def execute(self, statement: Any, parameters: Sequence[Any] | None = None) -> None:
        """Keeps the statement, its values filled in as the driver would."""
        _write(self._output, filled(str(statement), parameters))


def filled(statement: str, parameters: Any) -> str:
    """The statement with `%s` and `%(name)s` replaced by literals; untouched without parameters, as the driver does it."""
    if not parameters:
        return statement
    if isinstance(parameters, Mapping):
        return statement % {name: _literal(value) for name, value in parameters.items()}
    return statement % tuple(_literal(value) for value in parameters)


def _literal(value: Any) -> str:
    return psycopg_sql.Literal(value).as_string(None)


def _write(output: list[str], statement: str) -> None:
    text = statement.strip()
    output.append(text if text.endswith(";") else f"{text};")


def services_of(tree: Path) -> Iterator[tuple[str, Path]]:
    """Every service that has migrations, by name."""
    for directory in sorted((tree / "system").glob("*/migrations")):
        if directory.is_dir():
            yield directory.parent.name, directory


def rendered(directory: Path, tree: Path) -> list[dict[str, Any]]:
    """The revisions of one service, oldest first. Raises ValueError when they do not form one line."""
    versions = directory / "versions"
    script = ScriptDirectory(str(directory), version_locations=[str(versions if versions.is_dir() else directory)])
    heads = script.get_heads()
    if len(heads) > 1:
        raise ValueError(f"two migrations both come last ({', '.join(heads)}): put one after the other")
    found = []
    for revision in reversed(list(script.walk_revisions())):
        output: list[str] = []
        recorder: Any = Recorder(output, postgresql.dialect())  # type: ignore[no-untyped-call]
        context = MigrationContext.configure(connection=recorder)
        try:
            with Operations.context(context):
                revision.module.upgrade()
        except Exception as error:
            raise ValueError(
                f"revision {revision.revision} cannot be rendered without a database ({type(error).__name__}: {error}): "
                "a migration must not depend on what it reads"
            ) from error
        path = Path(str(revision.path))
        found.append(
            {
                "revision": revision.revision,
                "path": path.relative_to(tree).as_posix(),
                "source": path.read_text(encoding="utf-8"),
                "statements": output,
            }
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """See the module's docstring."""
    tree = Path(arguments[0]).resolve()
    result: dict[str, list[dict[str, Any]]] = {}
    for service, directory in services_of(tree):
        try:
            result[service] = rendered(directory, tree)
        except Exception as error:
            print(f"{service}: {error}", file=sys.stderr)
            return 1
    json.dump(result, sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

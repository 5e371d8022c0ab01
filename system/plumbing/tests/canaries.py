"""Words that nobody else has, planted in a person's data and looked for afterwards in every row of every table of a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from system.conftest import Infrastructure
from system.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Planted:
    """One person's own words. Each holds the mark, which is no part of any id, or the digits, which no other number has."""

    mark: str
    digits: str

    @property
    def name(self) -> str:
        """What they are called."""
        return f"Zephyrine {self.mark}"

    @property
    def email(self) -> str:
        """Where they are written to."""
        return f"zephyrine.{self.mark}@wombat.example"

    @property
    def phone(self) -> str:
        """Where they are called."""
        return f"+7{self.digits}"

    @property
    def address(self) -> str:
        """Where they live."""
        return f"Numbat Lane {self.mark} 271"

    @property
    def city(self) -> str:
        """And in which city."""
        return f"Bilbyville-{self.mark}"

    @property
    def words(self) -> str:
        """What they, or somebody about them, wrote."""
        return f"my aunt {self.mark} waits for it"

    def traces(self, infrastructure: Infrastructure, service: str) -> dict[str, list[str]]:
        """Where a word of theirs still stands: table and, of a few of its rows, what they say. Bytes are looked through, too."""
        found: dict[str, list[str]] = {}
        with infrastructure.server.connect(service) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                if rows := self._rows_of(connection, table):
                    found[table] = rows
        return found

    def _rows_of(self, connection: Any, table: str) -> list[str]:
        # Plain letters and digits: JSON shows them as they are, and bytea as hex.
        looked_for = (self.mark, self.digits, self.mark.encode().hex(), self.digits.encode().hex())
        query = sql.SQL("SELECT CAST(row_to_json(t) AS text) FROM {} AS t").format(sql.Identifier(table))
        rows = [row for (row,) in connection.execute(query) if any(word in row for word in looked_for)]
        return [row[:400] for row in rows[:3]]


def plant() -> Planted:
    """The words of somebody new."""
    random = new_id().hex[-12:]
    # Letters that no hexadecimal number has, so that no id is taken for a trace.
    return Planted("".join(chr(ord("g") + int(digit, 16)) for digit in random), f"9{int(random, 16) % 10**9:09d}")

"""Price books, analyses, quotes, the orchestrator's requests, and the job queue of the workers."""

import json
import tomllib
from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

from system.plumbing.schema import create_plumbing_tables
from system.pricing.domain.price_book import PriceBook

revision = "0001"
down_revision = None

FIRST_BOOK = Path(__file__).parents[2] / "adapters" / "price_book_1.toml"

TABLES = """
CREATE TABLE price_book (
    version     integer PRIMARY KEY CHECK (version > 0),
    book        jsonb NOT NULL,
    made_by     varchar(200) NOT NULL,
    made_at     timestamptz NOT NULL
);

-- What is known of a mesh for good; a problem that may pass is not kept here.
CREATE TABLE mesh_analysis (
    mesh_sha256       varchar(64) NOT NULL,
    analyser_version  integer NOT NULL,
    first_look        jsonb,
    measure           jsonb,
    problem           jsonb,
    analysed_at       timestamptz NOT NULL,
    PRIMARY KEY (mesh_sha256, analyser_version),
    CHECK ((measure IS NULL) <> (problem IS NULL))
);

CREATE TABLE quote (
    quote_id            uuid PRIMARY KEY,
    owner_id            uuid NOT NULL,
    status              varchar(12) NOT NULL CHECK (status IN ('QUEUED','ANALYSING','ESTIMATED','READY','FAILED')),
    kind                varchar(12) NOT NULL CHECK (kind IN ('custom','ready_made')),
    material            varchar(60) NOT NULL,
    quantity            integer NOT NULL CHECK (quantity > 0),
    ring_size           varchar(20),
    file_id             uuid,
    mesh_sha256         varchar(64),
    sku                 varchar(80),
    unit                varchar(4) NOT NULL,
    stones              jsonb NOT NULL,
    plating             varchar(60),
    estimate_amount     numeric(14, 2),
    total_amount        numeric(14, 2),
    currency            char(3),
    breakdown           jsonb,
    weight_g            numeric(12, 2),
    mesh                jsonb,
    problem             jsonb,
    price_book_version  integer NOT NULL REFERENCES price_book,
    spot_per_g          numeric(14, 4) NOT NULL,
    replaces            uuid REFERENCES quote,
    remade_because      text[] NOT NULL,
    created_at          timestamptz NOT NULL,
    finished_at         timestamptz,
    valid_until         timestamptz,
    CHECK ((kind = 'custom') = (file_id IS NOT NULL AND mesh_sha256 IS NOT NULL)),
    CHECK ((kind = 'ready_made') = (sku IS NOT NULL)),
    CHECK ((status = 'READY') = (total_amount IS NOT NULL AND valid_until IS NOT NULL)),
    CHECK ((status = 'FAILED') = (problem IS NOT NULL)),
    CHECK ((status IN ('READY','FAILED')) = (finished_at IS NOT NULL))
);
CREATE INDEX quote_unfinished ON quote (created_at) WHERE status IN ('QUEUED','ANALYSING','ESTIMATED');

CREATE TABLE price_request (
    order_id      uuid NOT NULL,
    attempt       integer NOT NULL,
    lines         jsonb NOT NULL,
    state         varchar(12) NOT NULL CHECK (state IN ('WAITING','ANSWERED','SUPERSEDED')),
    outcome       varchar(12) CHECK (outcome IN ('priced','unpriceable')),
    requested_at  timestamptz NOT NULL,
    settled_at    timestamptz,
    PRIMARY KEY (order_id, attempt)
);
CREATE INDEX price_request_waiting ON price_request (requested_at) WHERE state = 'WAITING';
CREATE INDEX price_request_since ON price_request (requested_at);

CREATE TABLE price_request_quote (
    order_id  uuid NOT NULL,
    attempt   integer NOT NULL,
    quote_id  uuid NOT NULL,
    PRIMARY KEY (order_id, attempt, quote_id),
    FOREIGN KEY (order_id, attempt) REFERENCES price_request
);
CREATE INDEX price_request_quote_by_quote ON price_request_quote (quote_id);

-- A final quote is never edited, whoever tries: a new one replaces it.
CREATE FUNCTION quote_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'quote % is % and is not edited; make a new one', OLD.quote_id, OLD.status USING ERRCODE = '23514';
END $$;
CREATE TRIGGER quote_final BEFORE UPDATE OR DELETE ON quote
    FOR EACH ROW WHEN (OLD.status IN ('READY','FAILED')) EXECUTE FUNCTION quote_is_final();
"""


def upgrade() -> None:
    connection = op.get_bind()
    create_plumbing_tables(connection)
    driver = connection.connection.driver_connection
    # Both are several statements, and the second has percent signs: the driver takes them as they are.
    driver.execute(TABLES)
    driver.execute(SchemaManager.get_schema())
    with FIRST_BOOK.open("rb") as file:
        book = PriceBook.from_data(tomllib.load(file), version=1)
    driver.execute(
        "INSERT INTO price_book (version, book, made_by, made_at) VALUES (1, %s, 'the first price book', now())",
        [json.dumps(book.to_data(), ensure_ascii=False)],
    )


def downgrade() -> None:
    raise NotImplementedError("the first revision is the beginning")

"""Identifiers: UUID version 7, so that rows inserted one after another lie together; and the bucket of an order."""

from __future__ import annotations

import hashlib
import uuid

import uuid6

BUCKET_COUNT = 64
"""How many hash buckets the orders are spread over. Changing it needs a pause of every consumer: buckets are leased."""


def new_id() -> uuid.UUID:
    """A fresh time-ordered UUID (RFC 9562, version 7)."""
    return uuid.UUID(int=uuid6.uuid7().int)


def derived_id(namespace: uuid.UUID, name: str) -> uuid.UUID:
    """The same id for the same namespace and name, on every machine: what a retried command creates is created once."""
    return uuid.uuid5(namespace, name)


def bucket_of(subject: str) -> int:
    """The bucket, 0 to BUCKET_COUNT - 1, of an order id; the same in every process and version."""
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=4).digest(), "big") % BUCKET_COUNT

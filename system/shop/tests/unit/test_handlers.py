"""The commands and reactions over memory."""

from __future__ import annotations

import pytest

from system.shop.tests import (
    contract_carts,
    contract_handlers,
    contract_letters,
    contract_models,
    contract_notices,
    contract_stock,
)
from system.shop.tests.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench.in_memory()


class TestStarting(contract_handlers.Starting):
    pass


class TestFilling(contract_handlers.Filling):
    pass


class TestCarts(contract_carts.Carts):
    pass


class TestOwnModels(contract_models.OwnModels):
    pass


class TestSubmitting(contract_handlers.Submitting):
    pass


class TestConsenting(contract_handlers.Consenting):
    pass


class TestTelling(contract_notices.Telling):
    pass


class TestWriting(contract_letters.Writing):
    pass


class TestCancelling(contract_handlers.Cancelling):
    pass


class TestHearing(contract_handlers.Hearing):
    pass


class TestReserving(contract_stock.Reserving):
    pass

"""What a person does to the shop at a console."""

from __future__ import annotations

import argparse
import asyncio
import sys

from system.plumbing.database import create_engine
from system.shop.adapters.queries import ShopQueries
from system.shop.adapters.stock import restock
from system.shop.adapters.unit_of_work import SqlShopUnitOfWork
from system.shop.settings import ShopSettings


def restock_command(arguments: list[str]) -> int:
    """`restock SKU PIECES`: puts pieces on the shelf, audited. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m system.shop restock", description="Put pieces of a good on the shelf."
    )
    parser.add_argument("sku")
    parser.add_argument("pieces", type=int)
    chosen = parser.parse_args(arguments)
    if chosen.pieces < 1:
        print("name at least one piece", file=sys.stderr)
        return 2
    available = asyncio.run(_restock(ShopSettings(), sku=chosen.sku, pieces=chosen.pieces))
    if available is None:
        print(f"the catalogue has no {chosen.sku}", file=sys.stderr)
        return 1
    print(f"{chosen.sku}: {available} available")
    return 0


def check_stock_command(arguments: list[str]) -> int:
    """`check-stock`: compares the stock of every good with its movements. Returns 1 when they differ."""
    argparse.ArgumentParser(prog="python -m system.shop check-stock").parse_args(arguments)
    differing = asyncio.run(_unexplained(ShopSettings()))
    for sku, pieces in differing.items():
        print(f"{sku}: {pieces:+d} pieces are missing without a movement that says why", file=sys.stderr)
    if not differing:
        print("the movements explain the stock of every good")
    return 1 if differing else 0


async def _unexplained(settings: ShopSettings) -> dict[str, int]:
    engine = create_engine(settings)
    try:
        return await ShopQueries(engine).unexplained_stock()
    finally:
        await engine.dispose()


async def _restock(settings: ShopSettings, *, sku: str, pieces: int) -> int | None:
    engine = create_engine(settings)
    try:
        async with SqlShopUnitOfWork(engine, settings.service) as uow:
            available = await restock(uow.connection, sku=sku, pieces=pieces)
            if available is not None:
                await uow.audit(actor="console", action="restock", subject=sku, details={"pieces": pieces})
                await uow.commit()
            return available
    finally:
        await engine.dispose()

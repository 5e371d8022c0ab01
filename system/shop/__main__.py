"""`python -m system.shop serve | openapi | restock SKU PIECES | check-stock`."""

from system.plumbing.runtime import main
from system.shop.entrypoints.cli import check_stock_command, restock_command
from system.shop.main import service

main(service, {"restock": restock_command, "check-stock": check_stock_command})

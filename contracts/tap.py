"""`python -m contracts.tap`: lays a queue beside every message that crosses the broker, for `contracts/live/test_wire.py` to read.

It must be laid before the traffic that is to be judged. Only typed messages are heard (`owner.what.vN`); what a scenario throws at one
service's own key to poison it is not part of any contract.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from step_defs.assembly import given_address
from step_defs.drivers.address import SystemAddress

QUEUE = "contracts.tap.v1"
EXCHANGE = "alexandrite.v1"
PATTERN = "*.*.v1"


def management(address: SystemAddress) -> httpx.Client:
    """The broker's management API, as the judge's own door to it."""
    return httpx.Client(
        base_url=f"{address.management_url}/api", auth=(address.broker_user, address.broker_password), timeout=30
    )


def lay(address: SystemAddress) -> None:
    """Declares the queue and binds it; safe to repeat."""
    with management(address) as api:
        api.put(f"/queues/%2F/{QUEUE}", json={"durable": True}).raise_for_status()
        binding = f"/bindings/%2F/e/{EXCHANGE}/q/{QUEUE}"
        api.post(binding, json={"routing_key": PATTERN}).raise_for_status()


def drained(address: SystemAddress, *, batch: int = 500) -> list[dict[str, Any]]:
    """Everything heard so far, taken off the queue: parsed bodies, each with the routing key it travelled under."""
    heard: list[dict[str, Any]] = []
    with management(address) as api:
        while True:
            wanted = {"count": batch, "ackmode": "ack_requeue_false", "encoding": "auto"}
            taken = api.post(f"/queues/%2F/{QUEUE}/get", json=wanted).raise_for_status().json()
            if not taken:
                return heard
            for item in taken:
                try:
                    body = json.loads(item["payload"])
                except ValueError:
                    body = {"unreadable": item["payload"][:200]}
                heard.append({"routing_key": item["routing_key"], "body": body})


if __name__ == "__main__":
    where = given_address()
    if where is None:
        raise SystemExit("No system is named; run this through `python -m step_defs.assembly run ...`.")
    lay(where)
    print(f"tap: {QUEUE} hears {PATTERN} on {EXCHANGE}")

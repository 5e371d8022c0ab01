"""What other services answer, read into a shape of the shop's, or Unavailable."""

from __future__ import annotations

from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from system.kernel.errors import Unavailable
from system.plumbing.telemetry import log

Shape = TypeVar("Shape", bound=BaseModel)


def read(service: str, response: httpx.Response, shape: type[Shape]) -> Shape:
    """The answer in this shape. Raises Unavailable for a refusal and for what does not fit."""
    if not response.is_success:
        raise misunderstood(service, response)
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise misunderstood(service, response) from error


def misunderstood(service: str, response: httpx.Response) -> Unavailable:
    """An answer that says nothing to the shop: logged, and an error that names the service."""
    log.error(
        "another service answered what the shop cannot use",
        to=service,
        status=response.status_code,
        # Not what it says: that may be about somebody.
        size_bytes=len(response.content),
    )
    return Unavailable(f"{service}-unavailable", f"The {service} service gave no usable answer; try again in a moment.")

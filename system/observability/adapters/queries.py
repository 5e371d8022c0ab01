"""What observability reads."""

from __future__ import annotations

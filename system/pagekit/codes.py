"""Codes that are scanned off paper."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """A QR code as an inline SVG that fills its place, with the quiet border that scanners need around it."""
    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(omitsize=True, svgclass=None, lineclass=None, border=4))  # noqa: S704 - of our own making

"""The label of a piece: what its code holds, and what a scanner, or a person, makes of it again."""

from __future__ import annotations

import re
from uuid import UUID

CODE_CHARACTERS_MAX = 300
CARD = re.compile(r"/work-orders/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
# A scanner presses the keys of a Latin keyboard; where the Russian layout is on, these letters come of it.
RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбю.ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,"
LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,./QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?"
SAME_KEYS = str.maketrans(RUSSIAN, LATIN)


def card_address(public_url: str, work_order_id: UUID | str) -> str:
    """Where the card is, for whoever reads the code with whatever they have."""
    return f"{public_url.rstrip('/')}/mes/work-orders/{work_order_id}"


def read(code: str) -> UUID | str:
    """The work order whose card's address was scanned; of anything else, the order's number it may be."""
    code = code.strip()
    if re.search("[а-яА-Я]", code):
        code = code.translate(SAME_KEYS)
    found = CARD.search(code)
    return UUID(found.group(1)) if found else code.upper()

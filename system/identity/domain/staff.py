"""The demo staff: made by the seed, never in production."""

from __future__ import annotations

from system.identity.domain.user import Role

_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
_SELLER = frozenset({Role.SELLER})
_OPERATOR = frozenset({Role.OPERATOR})

DEMO_STAFF: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("anna.admin@alexandrite.example", "Анна Орлова", _ADMINISTRATOR),
    ("sergey.seller@alexandrite.example", "Сергей Белов", _SELLER),
    ("sofia.seller@alexandrite.example", "София Крылова", _SELLER),
    ("oleg.operator@alexandrite.example", "Олег Смирнов", _OPERATOR),
    ("olga.operator@alexandrite.example", "Ольга Зимина", _OPERATOR),
    ("otto.operator@alexandrite.example", "Отто Вебер", _OPERATOR),
    ("oksana.operator@alexandrite.example", "Оксана Лис", _OPERATOR),
)

"""Every phrase that an exported scenario may say, and the words it fills them with: the one list, in both languages.

The phrases belong to the judges (`step_defs/steps`), which the system does not import. They have this list told by
`python -m system.crm.entrypoints.telling phrases`, and a test of theirs fails when a sentence of it is not one of exactly one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from system.kernel.errors import Invalid

Language = Literal["en", "ru"]
Position = Literal["given", "when", "then"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence with {places} for words; `has_table` when rows stand below it."""

    position: Position
    en: str
    ru: str
    has_table: bool = False

    def text(self, language: Language) -> str:
        """The sentence in this language, its places still open."""
        return self.en if language == "en" else self.ru


PHRASES: Mapping[str, Phrase] = {
    # The order.
    "is_partner": Phrase("given", "{customer} is a partner", "есть партнёр по имени {customer}"),
    "has_order": Phrase(
        "given",
        "{customer} has an order that is {status}",
        "у покупателя по имени {customer} есть заказ в статусе «{status}»",
    ),
    "puts_pieces": Phrase(
        "given",
        "{customer} puts these pieces into the order:",
        "покупатель {customer} кладёт в заказ такие изделия:",
        has_table=True,
    ),
    "metal_moves": Phrase(
        "given", "the metal of the own alloy gets 4 % dearer", "металл своего сплава дорожает на 4 %"
    ),
    "metal_creeps": Phrase(
        "given", "the metal of the own alloy gets 1.5 % dearer", "металл своего сплава дорожает на 1.5 %"
    ),
    "alloy_withdrawn": Phrase("given", "the own alloy is no longer offered", "свой сплав больше не предлагают"),
    "quote_expires": Phrase(
        "given", "the quote of {customer} expires", "срок расчёта для покупателя {customer} истекает"
    ),
    "submits": Phrase("when", "{customer} submits the order", "покупатель {customer} оформляет заказ"),
    "submits_at_estimate": Phrase(
        "when",
        "{customer} submits the order at the estimate",
        "покупатель {customer} оформляет заказ по предварительной цене",
    ),
    "asked_about_price": Phrase(
        "then",
        "the customer is asked about the new price, because {because}",
        "покупателя спрашивают о новой цене: {because}",
    ),
    "agrees": Phrase("when", "{customer} agrees to the new price", "покупатель {customer} соглашается с новой ценой"),
    "declines": Phrase(
        "when", "{customer} declines the new price", "покупатель {customer} не соглашается с новой ценой"
    ),
    "cancels": Phrase("when", "{customer} cancels the order", "покупатель {customer} отменяет заказ"),
    # The seller.
    "approves": Phrase("when", "seller {seller} approves the order", "продавец {seller} одобряет заказ"),
    "rejects": Phrase(
        "when", 'seller {seller} rejects the order: "{said}"', "продавец {seller} отклоняет заказ: «{said}»"
    ),
    "seller_cancels": Phrase(
        "when", 'seller {seller} cancels the order: "{said}"', "продавец {seller} отменяет заказ: «{said}»"
    ),
    "asks": Phrase(
        "when",
        'seller {seller} asks {customer}: "{said}"',
        "продавец {seller} спрашивает покупателя {customer}: «{said}»",
    ),
    "answers": Phrase("when", '{customer} answers: "{said}"', "покупатель {customer} отвечает: «{said}»"),
    "answer_read": Phrase(
        "then", 'seller {seller} reads the answer: "{said}"', "продавец {seller} читает ответ: «{said}»"
    ),
    "waits_in_queue": Phrase(
        "then", "the order waits in the queue of seller {seller}", "заказ ждёт в очереди продавца {seller}"
    ),
    "hands_over": Phrase(
        "when",
        "seller {seller} hands the order over to operator {operator}",
        "продавец {seller} передаёт заказ оператору {operator}",
    ),
    # The operator.
    "on_board": Phrase(
        "then", "operator {operator} sees the order on the board", "оператор {operator} видит заказ на доске"
    ),
    "takes": Phrase("when", "operator {operator} takes the order", "оператор {operator} берёт заказ"),
    "returns": Phrase(
        "when", 'operator {operator} returns the order: "{said}"', "оператор {operator} возвращает заказ: «{said}»"
    ),
    "lapses": Phrase(
        "when",
        "nothing happens to the order for more than two days",
        "больше двух суток с заказом ничего не происходит",
    ),
    "finishes": Phrase("when", "operator {operator} finishes the piece", "оператор {operator} заканчивает изделие"),
    "undoes": Phrase(
        "when",
        "operator {operator} says that the piece is not made after all",
        "оператор {operator} отменяет отметку о готовности",
    ),
    "reworks": Phrase(
        "when",
        'operator {operator} takes the piece back to the bench: "{said}"',
        "оператор {operator} возвращает изделие на верстак: «{said}»",
    ),
    "packs": Phrase("when", "operator {operator} packs the piece", "оператор {operator} упаковывает изделие"),
    "ships": Phrase("when", "operator {operator} ships the piece", "оператор {operator} отгружает изделие"),
    # The carrier, and the end.
    "carrier_is_early": Phrase(
        "given",
        "the carrier reports the next parcel before we note it",
        "перевозчик сообщает о следующей посылке раньше, чем мы её отметили",
    ),
    "carrier_reports": Phrase("when", "the carrier reports the delivery", "перевозчик сообщает о доставке"),
    "closes": Phrase(
        "when",
        'seller {seller} closes the order by hand: "{said}"',
        "продавец {seller} закрывает заказ вручную: «{said}»",
    ),
    # What shows.
    "becomes": Phrase("then", "the order becomes {status}", "заказ переходит в статус «{status}»"),
    "stays": Phrase("then", "the order is still {status}", "заказ остаётся в статусе «{status}»"),
    "went": Phrase("then", "the order has gone this way:", "заказ прошёл такой путь:", has_table=True),
    "seller_sees": Phrase(
        "then", "seller {seller} sees the order as {status}", "продавец {seller} видит заказ в статусе «{status}»"
    ),
    # What fails.
    "mes_away": Phrase("when", "the operators' system is away", "система операторов недоступна"),
    "mes_back": Phrase("when", "the operators' system is back", "система операторов снова работает"),
    "mes_restarts": Phrase(
        "when", "the operators' system dies and comes back", "система операторов гибнет и возвращается"
    ),
    "keeper_away": Phrase("given", "the service that keeps statuses is away", "служба статусов недоступна"),
    "keeper_restarts": Phrase(
        "when", "the service that keeps statuses dies and comes back", "служба статусов гибнет и возвращается"
    ),
    "broker_restarts": Phrase(
        "when", "the message broker dies and comes back", "брокер сообщений гибнет и возвращается"
    ),
    "approval_damaged": Phrase("when", "the approval is damaged on its way", "одобрение повреждено в пути"),
    "damage_shown": Phrase(
        "then",
        "support sees the damaged message and what is wrong with it",
        "поддержка видит повреждённое сообщение и что с ним не так",
    ),
    "damage_mended": Phrase(
        "when",
        "support repairs the message and has it delivered again",
        "поддержка исправляет сообщение и доставляет его снова",
    ),
}

Said = tuple[str, str]
WORDS: Mapping[str, Mapping[str, Said]] = {
    "customer": {"shop": ("Anna", "Анна"), "partner": ("Silverline", "Сильверлайн")},
    "seller": {"1": ("Maria", "Мария"), "2": ("Sofia", "София"), "3": ("Vera", "Вера")},
    "operator": {"1": ("Oleg", "Олег"), "2": ("Olga", "Ольга"), "3": ("Otto", "Отто"), "4": ("Oksana", "Оксана")},
    "said": {
        "reason": ("a reason that was given", "названная причина"),
        "question": ("a question", "вопрос"),
        "answer": ("an answer", "ответ"),
    },
    "status": {
        "INITIATED": ("started", "начат"),
        "FILE_UPLOADED": ("with a model", "с моделью"),
        "SUBMITTED": ("submitted", "оформлен"),
        "PRICE_CALCULATED": ("priced", "оценён"),
        "MANUFACTURING_APPROVED": ("approved", "одобрен"),
        "MANUFACTURING_STARTED": ("being made", "в работе"),
        "MANUFACTURING_COMPLETED": ("made", "изготовлен"),
        "PACKAGING": ("being packed", "на упаковке"),
        "SHIPPED": ("shipped", "отгружен"),
        "CLOSED": ("closed", "закрыт"),
        "AWAITING_CUSTOMER": ("waiting for the customer", "ждёт решения покупателя"),
        "PRICE_FAILED": ("without a price", "без цены"),
        "REJECTED": ("rejected", "отклонён"),
        "CANCELLED": ("cancelled", "отменён"),
    },
    "because": {
        "above_estimate": ("it is above the estimate", "она выше предварительной"),
        "metal_moved": ("the metal price moved", "изменилась цена металла"),
        "expired": ("the quote expired", "срок расчёта истёк"),
    },
    "material": {
        "gold_585": ("gold 585", "золото 585"),
        "gold_750": ("gold 750", "золото 750"),
        "silver_925": ("silver 925", "серебро 925"),
        "platinum_950": ("platinum 950", "платина 950"),
        "own": ("own alloy", "свой сплав"),
    },
    "good": {
        "ring-classic-585": ("classic gold ring", "классическое золотое кольцо"),
        "ring-band-750": ("gold band", "золотое обручальное кольцо"),
        "earrings-drop-925": ("silver drop earrings", "серебряные серьги-капли"),
        "pendant-drop-925": ("silver drop pendant", "серебряная подвеска-капля"),
        "bracelet-chain-585": ("gold chain bracelet", "золотой браслет"),
        "ring-solitaire-950": ("platinum solitaire", "платиновый солитер"),
    },
    "fixture": {
        "1k": ("plain ring", "гладкое кольцо"),
        "100k": ("plain ring of 100k triangles", "гладкое кольцо из 100k треугольников"),
        "1m": ("plain ring of 1m triangles", "гладкое кольцо из 1m треугольников"),
        "above_estimate": ("ring turned partly inside out", "частично вывернутое кольцо"),
    },
    "unit": {"mm": ("mm", "мм"), "cm": ("cm", "см"), "m": ("m", "м"), "in": ("in", "дюйм")},
    "column": {
        "piece": ("piece", "изделие"),
        "material": ("material", "материал"),
        "quantity": ("quantity", "количество"),
        "ring_size": ("ring size", "размер"),
        "unit": ("unit", "единица"),
        "status": ("status", "статус"),
    },
}
"""What a code is called, English first."""
STAND_IN_GOOD = "ring-band-750"
COLUMNS = ("piece", "material", "quantity", "ring_size", "unit")
NUMBERED: Mapping[str, Said] = {"seller": ("Seller", "Продавец"), "operator": ("Operator", "Оператор")}


def word(kind: str, code: str, language: Language) -> str:
    """What a code is called. People beyond the cast have numbers for names. Raises Invalid for a code that has no word."""
    said = WORDS[kind].get(code)
    if said is None and kind in NUMBERED and code.isdigit():
        said = (f"{NUMBERED[kind][0]}{code}", f"{NUMBERED[kind][1]}{code}")
    if said is None:
        raise Invalid("word-unknown", f"Scenarios have no word for the {kind} {code}.")
    return said[LANGUAGES.index(language)]


def sentences() -> Iterator[dict[str, object]]:
    """Every sentence that can be said, in each language: each phrase once for every word of each of its places."""
    for key, phrase in PHRASES.items():
        places = [place for place in WORDS if f"{{{place}}}" in phrase.en]
        for language in LANGUAGES:
            fillings = [{place: next(iter(WORDS[place])) for place in places}]
            fillings += [fillings[0] | {place: code} for place in places for code in WORDS[place]]
            for filling in fillings:
                filled = {place: word(place, code, language) for place, code in filling.items()}
                yield {
                    "key": key,
                    "language": language,
                    "position": phrase.position,
                    "text": phrase.text(language).format(**filled),
                    "has_table": phrase.has_table,
                }


def tables() -> dict[str, list[str]]:
    """Every word that may stand in a table of pieces, by what it is, in both languages."""
    kinds = ("good", "fixture", "material", "unit", "column")
    return {kind: [said for both in WORDS[kind].values() for said in both] for kind in kinds}

"""What an exported scenario says beside its steps: comments of a feature file, in both languages.

Whatever was seen of an order and has no step is said by one of these; nothing of it is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.crm.application.phrases import Language, Said

REMARKS: Mapping[str, Said] = {
    "model_missing": (
        "Model {number} could not be had; a fixture of about its size stands in, so its shape is not tried here.",
        "Модель {number} получить не удалось; вместо неё образец близкого размера, и её форма здесь не проверяется.",
    ),
    "material_unknown": (
        "One piece is of a material that scenarios have no word for; silver stands in.",
        "Одно из изделий из материала, для которого у сценариев нет слова; вместо него серебро.",
    ),
    "good_unknown": (
        "One ready-made good is none that scenarios have a word for; another one stands in.",
        "Для одного из готовых изделий у сценариев нет слова; вместо него другое.",
    ),
    "stones": (
        "Seen, and not expressed: the piece had stones.",
        "Замечено и не выражено шагами: в изделии были камни.",
    ),
    "plating": (
        "Seen, and not expressed: the piece was plated.",
        "Замечено и не выражено шагами: у изделия было покрытие.",
    ),
    "content_missing": (
        "What was ordered had not arrived in CRM; a plain silver ring stands in.",
        "Состав заказа до CRM не дошёл; вместо него гладкое серебряное кольцо.",
    ),
    "own_alloy": (
        "The price was not what had been agreed to: an alloy of the scenario's own stands in, so that its price can be moved.",
        "Цена оказалась не той, на которую согласились: изделие из своего сплава, чтобы его цену можно было сдвинуть.",
    ),
    "above_estimate": (
        "Fixtures stand in for the model, so this one is dearer than its estimate.",
        "Вместо модели образец: такой, что он дороже предварительной цены.",
    ),
    "price_failed": (
        "Why there was no price is not known here: the alloy is withdrawn, which has the same end.",
        "Почему цены не было, здесь неизвестно: сплав больше не предлагают, конец у заказа тот же.",
    ),
    "price_rose": (
        "Seen, and not expressed: the price of ready-made goods changed, and the customer was asked about it.",
        "Замечено и не выражено шагами: цена готовых изделий изменилась, и покупателя спросили о ней.",
    ),
    "crm_behind": (
        "CRM showed {shown} when this was exported; the orchestrator had decided {status}.",
        "При выгрузке CRM показывала {shown}, а оркестратор уже решил {status}.",
    ),
    "sold_out": (
        "The goods were sold out: here so many are ordered that they are again.",
        "Изделий не хватило: здесь их заказано столько, чтобы не хватило снова.",
    ),
    "letter": (
        "Seen, and not expressed: a {side} wrote when the order was {status}.",
        "Замечено и не выражено шагами: {side} пишет, когда заказ в статусе {status}.",
    ),
    "carrier": (
        "Seen, and not expressed: the carrier said something else than that the parcel arrived.",
        "Замечено и не выражено шагами: перевозчик сообщил не о доставке, а о другом.",
    ),
    "carrier_again": (
        "Seen, and not expressed: the carrier reported a delivery once more, or of another parcel.",
        "Замечено и не выражено шагами: перевозчик ещё раз сообщил о доставке или сообщил о другой посылке.",
    ),
    "many_pieces": (
        "Seen, and not expressed: {code}; of several pieces it is not known which one.",
        "Замечено и не выражено шагами: {code}; изделий несколько, и какое именно, неизвестно.",
    ),
    "note": (
        "Seen, and not expressed: the orchestrator noted {code}.",
        "Замечено и не выражено шагами: оркестратор отметил {code}.",
    ),
    "trouble": (
        "Seen, and not expressed: in {service} the message {about} was {state}, attempts: {attempts}.",
        "Замечено и не выражено шагами: в {service} сообщение {about} в состоянии {state}, попыток: {attempts}.",
    ),
    "trouble_replayed": (
        "Seen: in {service} the message {about} was {state}, attempts: {attempts}. The second scenario has it fail again.",
        "Замечено: в {service} сообщение {about} в состоянии {state}, попыток: {attempts}. Второй сценарий повторяет сбой.",
    ),
    "silent": (
        "Seen: the step {step} of the saga got no answer.",
        "Замечено: шаг саги {step} остался без ответа.",
    ),
    "not_heard": (
        "Missing: what {service} knows of the order could not be asked for when this was exported.",
        "Не хватает: сервис {service} не ответил, и что он знает о заказе, при выгрузке спросить не удалось.",
    ),
    "by_hand": (
        "Nobody had done this when the scenario was exported: the order waited for it.",
        "К моменту выгрузки этого никто не сделал: заказ ждал именно этого.",
    ),
    "hangs_here": (
        "The order hung here.",
        "Здесь заказ завис.",
    ),
}


def remark(key: str, facts: Mapping[str, str], language: Language) -> str:
    """The comment in this language."""
    english, russian = REMARKS[key]
    return (english if language == "en" else russian).format(**facts)

"""Changes of published contracts: a table of those that break somebody, and one of those that break nobody."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from release import compatibility
from release.answer import Answer, Run
from release.compatibility import Published, breaks, published_at
from release.contract_changes import NOTICE, Break
from release.errors import NotReady
from release.repository import Repository
from release.tests.history import History
from release.verdict import Verdict
from tools.prepare import state

TODAY = date(2026, 11, 28)
ORDER = {
    "type": "object",
    "required": ["order_id", "status", "lines"],
    "properties": {
        "order_id": {"type": "string", "format": "uuid"},
        "status": {"enum": ["INITIATED", "SUBMITTED"], "type": "string"},
        "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
LINE = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": "string", "pattern": "^[a-z-]+$"}, "quantity": {"type": "integer", "maximum": 100}},
}
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/orders": {
            "post": {
                "parameters": [
                    {"in": "header", "name": "idempotency-key", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "draft", "schema": {"type": "boolean"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
                "responses": {
                    "201": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                    },
                    "409": {"content": {"application/problem+json": {"schema": {"type": "object"}}}},
                },
            },
            "get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}}},
        }
    },
    "components": {"schemas": {"Order": ORDER, "Line": LINE}},
}
MESSAGE: dict[str, Any] = {**copy.deepcopy(ORDER), "$defs": {"Line": LINE}}
MESSAGE["properties"]["lines"] = {"type": "array", "items": {"$ref": "#/$defs/Line"}}
Change = Callable[[dict[str, Any]], object]


def post(api: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api["paths"]["/orders"]["post"]
    return found


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    if "components" in document:
        found: dict[str, Any] = document["components"]["schemas"][name]
        return found
    return document if name == "Order" else document["$defs"][name]


def separate(api: dict[str, Any]) -> dict[str, Any]:
    """The answer's schema apart from the request's, to change one of them."""
    answer = {**copy.deepcopy(ORDER), "title": "Answer"}
    api["components"]["schemas"]["Answer"] = answer
    post(api)["responses"]["201"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Answer"}
    return answer


def of_api(change: Change) -> list[Break]:
    after = copy.deepcopy(API)
    change(after)
    return breaks(Published({"shop.v1": API}, {}, {}), Published({"shop.v1": after}, {}, {}), TODAY)


def of_message(change: Change) -> list[Break]:
    after = copy.deepcopy(MESSAGE)
    change(after)
    readers = {"shop.made.v1": ["crm"]}
    return breaks(Published({}, {"shop.made.v1": MESSAGE}, readers), Published({}, {"shop.made.v1": after}, {}), TODAY)


def deprecate(part: dict[str, Any], day: date) -> None:
    part.update({"deprecated": True, "x-sunset": day.isoformat()})


BREAKS_API: dict[str, tuple[Change, str]] = {
    "an operation is gone": (lambda api: api["paths"]["/orders"].pop("get"), "GET /orders: it is gone"),
    "a path is gone": (lambda api: api["paths"].pop("/orders"), "POST /orders: it is gone"),
    "an answer is gone": (lambda api: post(api)["responses"].pop("201"), "answer 201: it is gone"),
    "an answer in another form": (
        lambda api: post(api)["responses"]["201"]["content"].update(
            {"text/csv": post(api)["responses"]["201"]["content"].pop("application/json")}
        ),
        "application/json is gone",
    ),
    "a header is gone": (lambda api: post(api)["responses"]["201"].pop("headers"), "header ETag: it is gone"),
    "a parameter is gone": (lambda api: post(api)["parameters"].pop(), "query parameter draft: it is gone"),
    "a parameter is required now": (
        lambda api: post(api)["parameters"][1].update(required=True),
        "query parameter draft: it could be left out",
    ),
    "a new parameter is required": (
        lambda api: post(api)["parameters"].append({"in": "query", "name": "channel", "required": True}),
        "query parameter channel: it is new and required",
    ),
    "a parameter is narrower": (
        lambda api: post(api)["parameters"][0]["schema"].update(maxLength=10),
        "header parameter idempotency-key",
    ),
    "strangers are turned away": (lambda api: post(api).update(security=[{"bearer": []}]), "could be asked by anybody"),
    "a body is wanted now": (
        lambda api: api["paths"]["/orders"]["get"].update(requestBody={"required": True, "content": {}}),
        "GET /orders body: it could be left out",
    ),
    "a body is no longer read": (lambda api: post(api).pop("requestBody"), "body: it is gone"),
    "an answer may lack a field": (
        lambda api: separate(api)["required"].remove("status"),
        "answer 201.status: it was always there",
    ),
    "an answer has a new word": (
        lambda api: separate(api)["properties"]["status"]["enum"].append("PRICED"),
        "answer 201.status",
    ),
    "a new field is required": (
        lambda api: (
            schema(api, "Order")["properties"].update(version={"type": "integer"}),
            schema(api, "Order")["required"].append("version"),
        ),
        "body.version: it is new and required",
    ),
    "deprecated without a day": (lambda api: post(api).update(deprecated=True), "says not when it goes"),
    "deprecated and gone in a month": (
        lambda api: deprecate(post(api), TODAY + timedelta(days=30)),
        "180 days at least",
    ),
}
BREAKS_BOTH: dict[str, tuple[Change, str]] = {
    "a field is gone": (lambda one: schema(one, "Order")["properties"].pop("note"), ".note: it is gone"),
    "a field is renamed": (
        lambda one: schema(one, "Order")["properties"].update(remark=schema(one, "Order")["properties"].pop("note")),
        ".note: it is gone",
    ),
    "a field deep inside is gone": (
        lambda one: schema(one, "Line")["properties"].pop("quantity"),
        ".lines[].quantity: it is gone",
    ),
    "a field is required now": (
        lambda one: schema(one, "Line")["required"].append("quantity"),
        ".lines[].quantity: it may be missing and is required now",
    ),
    "another type": (lambda one: schema(one, "Line")["properties"]["quantity"].update(type="string"), ".quantity"),
    "a narrower number": (lambda one: schema(one, "Line")["properties"]["quantity"].update(maximum=10), ".quantity"),
    "a shorter text": (
        lambda one: schema(one, "Order")["properties"]["note"]["anyOf"][0].update(maxLength=20),
        ".note",
    ),
    "no longer empty": (lambda one: schema(one, "Order")["properties"]["note"]["anyOf"].pop(), ".note"),
    "a word is gone": (lambda one: schema(one, "Order")["properties"]["status"]["enum"].pop(), ".status"),
    "another pattern": (
        lambda one: schema(one, "Line")["properties"]["sku"].update(pattern="^[A-Z]+$"),
        ".sku: its pattern was",
    ),
    "another format": (
        lambda one: schema(one, "Order")["properties"]["order_id"].update(format="date-time"),
        ".order_id: its format was uuid",
    ),
    "values of another type": (
        lambda one: schema(one, "Order")["properties"]["labels"].update(additionalProperties={"type": "integer"}),
        ".labels",
    ),
    "fewer in a list": (lambda one: schema(one, "Order")["properties"]["lines"].update(maxItems=1), ".lines"),
}
BREAKS_MESSAGE: dict[str, tuple[Change, str]] = {
    "a field may be missing": (lambda one: one["required"].remove("status"), ".status: it was always there"),
    "a new word": (lambda one: one["properties"]["status"]["enum"].append("PRICED"), ".status"),
    "a new field is required": (
        lambda one: (one["properties"].update(version={"type": "integer"}), one["required"].append("version")),
        ".version: it is new and required",
    ),
    "a wider number": (lambda one: one["$defs"]["Line"]["properties"]["quantity"].update(maximum=1000), ".quantity"),
}
BREAKS_NOBODY_API: dict[str, Change] = {
    "nothing": lambda api: None,
    "a new operation": lambda api: api["paths"].update({"/returns": {"post": {"responses": {}}}}),
    "a new parameter": lambda api: post(api)["parameters"].append({"in": "query", "name": "channel"}),
    "an optional field more": lambda api: schema(api, "Order")["properties"].update(count={"type": "integer"}),
    "a field that an answer always has now": lambda api: (
        separate(api)["properties"].update(count={"type": "integer"}),
        separate(api)["required"].append("note"),
    ),
    "a refusal that is given no more": lambda api: post(api)["responses"].pop("409"),
    "a refusal more": lambda api: post(api)["responses"].update({"422": {"content": {}}}),
    "a wider request": lambda api: post(api)["parameters"][0]["schema"].update(minLength=0),
    "other words of explanation": lambda api: schema(api, "Order").update(title="T", description="D"),
    "deprecated in good time": lambda api: deprecate(post(api), TODAY + NOTICE),
}
BREAKS_NOBODY_MESSAGE: dict[str, Change] = {
    "nothing": lambda one: None,
    "an optional field more": lambda one: one["properties"].update(count={"type": "integer"}),
    "alternatives in another order": lambda one: one["properties"]["note"]["anyOf"].reverse(),
    "other words of explanation": lambda one: one["properties"]["status"].update(description="Where it is."),
    "a schema under another name": lambda one: (
        one["$defs"].update(Item=one["$defs"].pop("Line")),
        one["properties"]["lines"].update(items={"$ref": "#/$defs/Item"}),
    ),
}


@pytest.mark.parametrize("name", [*BREAKS_API, *BREAKS_BOTH])
def test_a_broken_promise_of_an_api_is_named(name: str) -> None:
    change, said = (BREAKS_API | BREAKS_BOTH)[name]
    found = [str(one) for one in of_api(change)]
    assert any(said in one for one in found), found


@pytest.mark.parametrize("name", [*BREAKS_MESSAGE, *BREAKS_BOTH])
def test_a_broken_promise_of_a_message_is_named(name: str) -> None:
    change, said = (BREAKS_MESSAGE | BREAKS_BOTH)[name]
    found = [str(one) for one in of_message(change)]
    assert any(said in one for one in found), found


@pytest.mark.parametrize("name", BREAKS_NOBODY_API)
def test_what_breaks_nobody_of_an_api_is_let_through(name: str) -> None:
    assert of_api(BREAKS_NOBODY_API[name]) == []


@pytest.mark.parametrize("name", BREAKS_NOBODY_MESSAGE)
def test_what_breaks_nobody_of_a_message_is_let_through(name: str) -> None:
    assert of_message(BREAKS_NOBODY_MESSAGE[name]) == []


LATER = TODAY + NOTICE + timedelta(days=30)
PARTS: dict[str, Change] = {
    "an operation": lambda api: api["paths"]["/orders"]["get"],
    "a parameter": lambda api: post(api)["parameters"][1],
    "a field": lambda api: schema(api, "Line")["properties"]["quantity"],
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, LATER, ""),
        (None, TODAY + timedelta(days=1), "180 days at least"),
        (LATER, LATER, ""),
        (LATER, LATER + timedelta(days=1), ""),
        (LATER, LATER - timedelta(days=1), "rely on the first day"),
        (LATER, None, ""),
    ],
)
def test_the_day_on_which_something_goes_is_told_in_time_and_comes_no_nearer(
    part: str, before: date | None, after: date | None, said: str
) -> None:
    old, new = copy.deepcopy(API), copy.deepcopy(API)
    for api, day in ((old, before), (new, after)):
        if day is not None:
            deprecate(PARTS[part](api), day)  # type: ignore[arg-type]
    found = breaks(Published({"shop.v1": old}, {}, {}), Published({"shop.v1": new}, {}, {}), TODAY)
    assert bool(found) == bool(said) and all(said in str(one) for one in found), found


@pytest.mark.parametrize(("days", "broken"), [(0, 0), (1, 1)])
def test_what_said_that_it_would_go_may_go_on_its_day(days: int, broken: int) -> None:
    before, after = copy.deepcopy(API), copy.deepcopy(API)
    deprecate(before["paths"]["/orders"]["get"], TODAY + timedelta(days=days))
    deprecate(before["components"]["schemas"]["Line"]["properties"]["quantity"], TODAY + timedelta(days=days))
    del after["paths"]["/orders"]["get"]
    del after["components"]["schemas"]["Line"]["properties"]["quantity"]
    found = breaks(Published({"shop.v1": before}, {}, {}), Published({"shop.v1": after}, {}, {}), TODAY)
    assert {one.place.rsplit(".", 1)[-1].rsplit(" ", 2)[-2:][0] for one in found} == (
        {"GET", "quantity"} if broken else set()
    )


def test_a_message_goes_when_nobody_reads_it_any_more() -> None:
    read = Published({}, {"shop.made.v1": MESSAGE}, {"shop.made.v1": ["crm", "mes"]})
    unread = Published({}, {"shop.made.v1": MESSAGE}, {"shop.made.v1": []})
    gone = Published({}, {}, {})
    assert "crm, mes read it" in str(breaks(read, gone, TODAY)[0])
    assert breaks(unread, gone, TODAY) == []


def test_a_whole_service_cannot_leave() -> None:
    assert "whole contract" in str(breaks(Published({"shop.v1": API}, {}, {}), Published({}, {}, {}), TODAY)[0])


def alternatives(*kinds: str) -> dict[str, Any]:
    """Lines told apart by their kind, as a body."""
    branches = [
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"const": kind}, "engraving": {"type": "string"}},
        }
        for kind in kinds
    ]
    return {"oneOf": branches, "discriminator": {"propertyName": "kind"}}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda body: body["oneOf"][0]["properties"].update(note={"type": "string"}), ""),
        (lambda body: body["oneOf"].append(alternatives("gift")["oneOf"][0]), ""),
        (lambda body: body["oneOf"].pop(), "body: "),
        (lambda body: body["oneOf"][1]["properties"].pop("engraving"), "body.engraving: it is gone"),
        (lambda body: body["oneOf"][1]["required"].append("engraving"), "body.engraving: it may be missing"),
    ],
    ids=["a field more", "a kind more", "a kind is gone", "a field is gone", "a field is required"],
)
def test_alternatives_that_a_field_tells_apart(change: Change, broken: str) -> None:
    before = copy.deepcopy(API)
    content = post(before)["requestBody"]["content"]["application/json"]
    content["schema"] = alternatives("custom", "ready_made")
    after = copy.deepcopy(before)
    change(post(after)["requestBody"]["content"]["application/json"]["schema"])
    found = breaks(Published({"shop.v1": before}, {}, {}), Published({"shop.v1": after}, {}, {}), TODAY)
    assert (broken in str(found[0])) if broken else found == [], found


def test_what_goes_inside_something_that_may_be_empty_now_is_seen() -> None:
    after = copy.deepcopy(API)
    line = copy.deepcopy(LINE)
    del line["properties"]["quantity"]  # type: ignore[attr-defined]
    schema(after, "Order")["properties"]["lines"]["items"] = {"anyOf": [line, {"type": "null"}]}
    found = [str(one) for one in breaks(Published({"s": API}, {}, {}), Published({"s": after}, {}, {}), TODAY)]
    assert any("body.lines[].quantity: it is gone" in one for one in found), found


def test_a_schema_that_contains_itself_is_refused_not_passed() -> None:
    tree = {"$ref": "#/$defs/Tree", "$defs": {"Tree": {"properties": {"branch": {"$ref": "#/$defs/Tree"}}}}}
    one = Published({}, {"shop.tree.v1": tree}, {})
    with pytest.raises(NotReady, match="contains itself"):
        breaks(one, one, TODAY)


def test_our_own_contracts_are_read_and_keep_to_themselves() -> None:
    ours = published_at(Repository(state.ROOT), "HEAD")
    assert len(ours.apis) >= 7 and len(ours.messages) >= 25
    assert set(ours.consumers) == set(ours.messages)
    # Every schema differs a little, so that each is really compared.
    more = Published(
        {name: with_a_field_more(api) for name, api in ours.apis.items()},
        {name: with_a_field_more(message) for name, message in ours.messages.items()},
        ours.consumers,
    )
    assert all(more.apis[name] != api for name, api in ours.apis.items())
    assert breaks(ours, more, TODAY) == []


def with_a_field_more(document: Any) -> Any:
    """Every object of a contract with one optional field that nobody knows yet."""
    if isinstance(document, list):
        return [with_a_field_more(one) for one in document]
    if not isinstance(document, dict):
        return document
    made = {key: with_a_field_more(value) for key, value in document.items()}
    if made.get("type") == "object" and "properties" in made:
        made["properties"]["one_more"] = {"type": "string"}
    return made


# -- the gate -----------------------------------------------------------------------------------------------------------------


def files(api: dict[str, Any], message: dict[str, Any]) -> dict[str, str | None]:
    return {
        "contracts/openapi/shop.v1.json": json.dumps(api),
        "contracts/messages/shop.made.v1/schema.json": json.dumps(message),
        "contracts/messages/shop.made.v1/contract.yaml": "consumers: [crm]\n",
        "contracts/messages/shop.made.v1/examples/typical.json": "{}",
    }


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def asked(history: History, commit: str, previous: str) -> Answer:
    return compatibility.answer(Run(Path(), "d", commit, "", previous, ""), history.path)


def test_a_contract_frozen_anew_fails_by_name(history: History) -> None:
    previous = history.commit(files(API, MESSAGE))
    narrower = copy.deepcopy(MESSAGE)
    del narrower["properties"]["note"]
    said = asked(history, history.commit(files(API, narrower)), previous)
    assert said.verdict is Verdict.FAILED and said.checked == 2
    assert "shop.made.v1.note: it is gone" in said.reasons
    assert said.figures["promises_broken"] == 1


def test_an_unchanged_contract_passes(history: History) -> None:
    previous = history.commit(files(API, MESSAGE))
    said = asked(history, history.commit({"README.md": "x"}), previous)
    assert said.verdict is Verdict.PASSED and said.checked == 2


def test_without_a_previous_release_nothing_is_known(history: History) -> None:
    assert asked(history, history.commit(files(API, MESSAGE)), "").verdict is Verdict.INCONCLUSIVE


def test_no_contract_at_all_is_no_success(history: History) -> None:
    previous = history.commit({"README.md": "x"})
    assert asked(history, history.commit(files(API, MESSAGE)), previous).verdict is Verdict.ERRORED


def test_a_contract_that_cannot_be_read_is_an_error_of_its_own(history: History) -> None:
    previous = history.commit(files(API, MESSAGE))
    broken = history.commit({"contracts/openapi/shop.v1.json": "{"})
    with pytest.raises(NotReady, match="cannot be read"):
        asked(history, broken, previous)

"""What changed between two published contracts that somebody relies on. Pure: documents in, sentences out.

Within a version things are added, nothing goes and nothing that was promised is loosened. Who writes and who reads decides what
that means: what a writer adds, its readers skip (tolerant readers); what a reader begins to demand, its writers do not send.

Whether one JSON Schema takes everything that another may produce is decided by jsoncompat; it answers yes or no. The place is found
here, by asking it of smaller and smaller parts. It does not compare `pattern` and `format`; those must stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

import jsoncompat

from release.errors import NotReady

Document = Mapping[str, Any]
NOTICE = timedelta(days=180)
"""So long before it goes, a deprecated part says when."""
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
SHOWN_CHARACTERS = 90


class Flow(Enum):
    """Which way the documents of a schema travel while both releases are in use."""

    TO_READERS = "written by the new release, read by those who know the old contract"
    FROM_WRITERS = "written by those who know the old contract, read by the new release"


@dataclass(frozen=True, slots=True)
class Break:
    """One promise that no longer holds."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


# -- schemas ------------------------------------------------------------------------------------------------------------------


def resolved(schema: Any, root: Document, above: tuple[str, ...] = ()) -> Any:
    """The schema without references. Raises NotReady for one that contains itself: nothing here could compare it."""
    if isinstance(schema, list):
        return [resolved(one, root, above) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return {key: resolved(value, root, above) for key, value in schema.items() if key != "$defs"}
    if reference in above or not reference.startswith("#/"):
        raise NotReady(f"The contract's {reference} contains itself or lies elsewhere; it cannot be compared.")
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**resolved(found, root, (*above, reference)), **resolved(beside, root, above)}


def schema_breaks(before: Any, after: Any, place: str, flow: Flow, today: date) -> list[Break]:
    """Where documents that flow this way would no longer be understood. Both schemas without references."""
    found = list(_breaks(before, after, place, flow, today))
    if not found and before != after and not _fits(before, after, flow):
        # No smaller part is to blame: the combination is.
        return [Break(place, f"{_short(before)} became {_short(after)}")]
    return found


def _breaks(before: Any, after: Any, place: str, flow: Flow, today: date) -> Iterator[Break]:
    if before == after:
        return
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if not _fits(before, after, flow):
            yield Break(place, f"{_short(before)} became {_short(after)}")
        return
    if "properties" in before and "properties" in after:
        yield from _property_breaks(before, after, place, flow, today)
    elif "items" in before and "items" in after:
        yield from _breaks(before["items"], after["items"], f"{place}[]", flow, today)
        if not _fits({**before, "items": True}, {**after, "items": True}, flow):
            yield Break(place, f"{_short(before)} became {_short(after)}")
    elif branches := _paired(before, after):
        for old, new in branches:
            yield from _breaks(old, new, place, flow, today)
    elif not _fits(before, after, flow):
        yield Break(place, f"{_short(before)} became {_short(after)}")
    for key in ("format", "pattern"):
        loosened = flow is Flow.FROM_WRITERS and key not in after
        tightened = flow is Flow.TO_READERS and key not in before
        if before.get(key) != after.get(key) and not loosened and not tightened:
            yield Break(place, f"its {key} was {before.get(key)} and is {after.get(key)}")


def _property_breaks(before: Document, after: Document, place: str, flow: Flow, today: date) -> Iterator[Break]:
    had, has = before["properties"], after["properties"]
    must, must_now = set(before.get("required", ())), set(after.get("required", ()))
    for name, schema in had.items():
        here = f"{place}.{name}"
        if name not in has:
            if not _may_go(schema, today):
                yield Break(here, "it is gone")
            continue
        yield from notice_breaks(schema, has[name], here, today)
        yield from _breaks(schema, has[name], here, flow, today)
        if flow is Flow.TO_READERS and name in must - must_now:
            yield Break(here, "it was always there and may be missing now")
        if flow is Flow.FROM_WRITERS and name in must_now - must:
            yield Break(here, "it may be missing and is required now")
    if flow is Flow.FROM_WRITERS:
        for name in sorted((must_now & set(has)) - set(had)):
            yield Break(f"{place}.{name}", "it is new and required, and nobody sends it")


def _paired(before: Document, after: Document) -> list[tuple[Any, Any]]:
    """Alternatives that changed, each with what it seems to have become; none where neither side has any.

    One that stands on both sides needs no partner, whatever its place. A schema that got its first alternative counts as one.
    """
    keys = [key for key in ("anyOf", "oneOf", "allOf") if key in before or key in after]
    if len(keys) != 1:
        return []
    old, new = before.get(keys[0], [before]), after.get(keys[0], [after])
    left = [one for one in old if one not in new]
    come = [one for one in new if one not in old]
    if len(left) != len(come):
        # Only objects are told apart well enough to say which of them is which.
        left, come = ([one for one in several if _has_properties(one)] for several in (left, come))
    return list(zip(left, come, strict=False))


def _has_properties(schema: Any) -> bool:
    return isinstance(schema, Mapping) and "properties" in schema


def _fits(before: Any, after: Any, flow: Flow) -> bool:
    """Whether the reader's schema takes everything that the writer's produces."""
    if flow is Flow.TO_READERS:
        old, new = json.dumps(_open(before)), json.dumps(_closed(after))
    else:
        old, new = json.dumps(_closed(before)), json.dumps(_open(after))
    role = jsoncompat.Role.SERIALIZER if flow is Flow.TO_READERS else jsoncompat.Role.DESERIALIZER
    try:
        return jsoncompat.check_compat(old, new, role)
    except ValueError as error:
        raise NotReady(f"jsoncompat cannot compare {_short(before)} with {_short(after)}: {error}") from error


def _closed(schema: Any) -> Any:
    """As a writer writes: the properties it names and no others."""
    return _with_extra(schema, closed=True)


def _open(schema: Any) -> Any:
    """As a tolerant reader reads: what it does not know, it skips."""
    return _with_extra(schema, closed=False)


def _with_extra(schema: Any, *, closed: bool) -> Any:
    if isinstance(schema, list):
        return [_with_extra(one, closed=closed) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {
        key: _with_extra(value, closed=closed) for key, value in schema.items() if key not in ("default", "example")
    }
    if "discriminator" in made and "oneOf" in made:
        # At most one branch can hold, for their discriminators differ: then one of them and any of them are the same.
        made["anyOf"] = made.pop("oneOf")
    if isinstance(made.get("properties"), dict) and not isinstance(made.get("additionalProperties"), dict):
        made.pop("additionalProperties", None)
        if closed:
            made["additionalProperties"] = False
    return made


def _short(schema: Any) -> str:
    bare = {key: value for key, value in schema.items() if key not in ("title", "description")} if isinstance(
        schema, Mapping
    ) else schema  # fmt: skip
    text = json.dumps(bare, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


# -- leaving in good order ------------------------------------------------------------------------------------------------------


def sunset_of(part: Any) -> date | None:
    """The day from which a deprecated part may be gone; None when it is not deprecated, or says no day."""
    if not isinstance(part, Mapping) or not part.get("deprecated"):
        return None
    try:
        return date.fromisoformat(str(part.get("x-sunset")))
    except ValueError:
        return None


def _may_go(part: Any, today: date) -> bool:
    """Whether the previous release already said that it would be gone by now."""
    day = sunset_of(part)
    return day is not None and day <= today


def notice_breaks(before: Any, after: Any, place: str, today: date) -> list[Break]:
    """A part that becomes deprecated says from which day on it may be gone, half a year ahead; afterwards the day comes no nearer."""
    if not isinstance(after, Mapping) or not after.get("deprecated"):
        return []
    day, told = sunset_of(after), sunset_of(before)
    if day is None:
        return [Break(place, "it is deprecated and says not when it goes: add x-sunset, a date")]
    if told is not None and day < told:
        return [Break(place, f"it was to go on {told} and goes on {day} now: its users rely on the first day")]
    if told is None and day < today + NOTICE:
        return [Break(place, f"it goes on {day}, and whoever uses it has {NOTICE.days} days at least")]
    return []


# -- messages -------------------------------------------------------------------------------------------------------------------


def message_breaks(
    name: str, before: Document, after: Document | None, consumers: Sequence[str], today: date
) -> list[Break]:
    """Both releases put messages into the same queues and take them out, so a message must be understood in both directions."""
    if after is None:
        if not consumers:
            return []
        return [Break(name, f"it is gone, and {', '.join(consumers)} read it: keep it for one release, read by nobody")]
    old, new = resolved(before, before), resolved(after, after)
    found = [one for flow in Flow for one in schema_breaks(old, new, name, flow, today)]
    return list(dict.fromkeys(found))


# -- HTTP -----------------------------------------------------------------------------------------------------------------------


def api_breaks(name: str, before: Document, after: Document, today: date) -> list[Break]:
    """What a client that was written against one OpenAPI document would miss in the other."""
    found: list[Break] = []
    for path, method, old in operations(before):
        place = f"{name} {method.upper()} {path}"
        new = after["paths"].get(path, {}).get(method)
        if new is None:
            if not _may_go(old, today):
                found.append(Break(place, "it is gone; say when it goes, deprecated with x-sunset, half a year before"))
            continue
        found += notice_breaks(old, new, place, today)
        found += _parameter_breaks(old, new, place, before, after, today)
        found += _body_breaks(old, new, place, before, after, today)
        found += _response_breaks(old, new, place, before, after, today)
        if not old.get("security") and new.get("security"):
            found.append(Break(place, "it could be asked by anybody and wants somebody signed in now"))
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method and operation of everything that an OpenAPI document offers."""
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def _parameter_breaks(
    old: Document, new: Document, place: str, before: Document, after: Document, today: date
) -> Iterator[Break]:
    had, has = _parameters(old, before), _parameters(new, after)
    for key, parameter in had.items():
        here = f"{place} {key[0]} parameter {key[1]}"
        if key not in has:
            if not _may_go(parameter, today):
                yield Break(here, "it is gone")
            continue
        yield from notice_breaks(parameter, has[key], here, today)
        if has[key].get("required") and not parameter.get("required"):
            yield Break(here, "it could be left out and is required now")
        yield from schema_breaks(parameter.get("schema"), has[key].get("schema"), here, Flow.FROM_WRITERS, today)
    for key in sorted(set(has) - set(had)):
        if has[key].get("required"):
            yield Break(f"{place} {key[0]} parameter {key[1]}", "it is new and required, and nobody sends it")


def _parameters(operation: Document, root: Document) -> dict[tuple[str, str], Document]:
    return {(one["in"], one["name"]): one for one in resolved(operation.get("parameters", []), root)}


def _body_breaks(
    old: Document, new: Document, place: str, before: Document, after: Document, today: date
) -> Iterator[Break]:
    had, has = resolved(old.get("requestBody"), before), resolved(new.get("requestBody"), after)
    here = f"{place} body"
    if has is None:
        if had is not None:
            yield Break(here, "it is gone")
        return
    if has.get("required") and not (had or {}).get("required"):
        yield Break(here, "it could be left out and is required now")
    yield from _content_breaks((had or {}).get("content", {}), has.get("content", {}), here, Flow.FROM_WRITERS, today)


def _response_breaks(
    old: Document, new: Document, place: str, before: Document, after: Document, today: date
) -> Iterator[Break]:
    had, has = resolved(old.get("responses", {}), before), resolved(new.get("responses", {}), after)
    for status, response in had.items():
        here = f"{place} answer {status}"
        if status not in has:
            # A refusal that is given no more is missed by nobody.
            if status.startswith("2"):
                yield Break(here, "it is gone")
            continue
        yield from _content_breaks(
            response.get("content", {}), has[status].get("content", {}), here, Flow.TO_READERS, today
        )
        for header in sorted(set(response.get("headers", {})) - set(has[status].get("headers", {}))):
            yield Break(f"{here} header {header}", "it is gone")


def _content_breaks(had: Document, has: Document, place: str, flow: Flow, today: date) -> Iterator[Break]:
    for media_type, content in had.items():
        if media_type not in has:
            yield Break(place, f"{media_type} is gone")
            continue
        yield from schema_breaks(content.get("schema", True), has[media_type].get("schema", True), place, flow, today)

"""The catalogue of steps: what a product owner may write, with an example of each."""

from __future__ import annotations

import html
from collections.abc import Iterator

from step_defs.kit.checks import usage
from step_defs.kit.registry import StepDefinition
from step_defs.kit.suite import Suite

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid #ccc;padding:.6rem 0}h2{text-transform:capitalize;margin-top:2rem}
b{font-weight:600}small{color:#555}p{margin:.2rem 0}#q{font:inherit;width:100%;padding:.4rem}
"""
SEARCH = """
document.getElementById('q').addEventListener('input', event => {
  const asked = event.target.value.toLowerCase();
  document.querySelectorAll('article').forEach(step => {
    step.hidden = !step.textContent.toLowerCase().includes(asked);
  });
});
"""


def by_position(suite: Suite) -> Iterator[tuple[str, list[StepDefinition]]]:
    """The steps under given, when, then: each under its first position, by English phrase."""
    for position in ("given", "when", "then"):
        yield (
            position,
            sorted(
                (one for one in suite.definitions if one.positions[:1] == (position,)),
                key=lambda one: one.phrases["en"].text,
            ),
        )


def as_text(suite: Suite) -> str:
    used = usage(suite.definitions, suite.features)
    lines = [f"{len(suite.definitions)} steps, {sum(len(feature.cases) for feature in suite.features)} scenarios"]
    for position, definitions in by_position(suite):
        lines += ["", position.upper()]
        for one in definitions:
            lines += [
                "",
                f"  en       {one.phrases['en'].text}",
                f"  ru       {one.phrases['ru'].text}",
                f"  about    {one.about}",
                *(f"  example  {example}" for example in one.examples.values()),
                f"  where    {place(one, suite)}; as {', '.join(one.positions)}; {_used(one, used.get(one.id, 0))}",
            ]
    return "\n".join(lines)


def as_html(suite: Suite) -> str:
    used = usage(suite.definitions, suite.features)
    sections = []
    for position, definitions in by_position(suite):
        articles = "\n".join(_article(one, suite, used.get(one.id, 0)) for one in definitions)
        sections.append(f"<h2>{position}</h2>\n{articles}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Steps / Шаги</title>'
        f"<style>{STYLE}</style></head><body><h1>Steps / Шаги</h1>"
        '<input id="q" type="search" placeholder="Search / Поиск" aria-label="Search / Поиск">'
        f"{''.join(sections)}<script>{SEARCH}</script></body></html>\n"
    )


def place(definition: StepDefinition, suite: Suite) -> str:
    path = definition.path
    shown = path.relative_to(suite.root) if path.is_relative_to(suite.root) else path
    return f"{shown.as_posix()}:{definition.line}"


def _used(definition: StepDefinition, count: int) -> str:
    return f"reserved: {definition.reserve}" if not count and definition.reserve else f"in {count} scenarios"


def _article(one: StepDefinition, suite: Suite, count: int) -> str:
    examples = "".join(f"<p><code>{html.escape(example)}</code></p>" for example in one.examples.values())
    return (
        f'<article><p><b lang="en">{html.escape(one.phrases["en"].text)}</b></p>'
        f'<p><b lang="ru">{html.escape(one.phrases["ru"].text)}</b></p><p>{html.escape(one.about)}</p>{examples}'
        f"<p><small>{html.escape(place(one, suite))} · {', '.join(one.positions)} · "
        f"{html.escape(_used(one, count))}</small></p></article>"
    )

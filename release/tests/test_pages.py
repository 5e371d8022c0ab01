"""What people read on the pages is what the ledger, the pins and git say; and nothing is shown of a ledger that lies."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from release import complaints
from release.pages import complaints_view, site, views, wording
from release.pages.main import main
from release.pages.raw import RawFiles
from release.pipeline import Pipeline
from release.tests.chronicle import NOW, Chronicle, write
from release.verdict import Verdict

pytestmark = pytest.mark.xdist_group("chronicle")
WAITING = "Prices in the constructor follow the metal"
COMING = "Partners read their own limits"
BAD = "Claims are decided by the cache"
CAUGHT = "The relay batches its confirms"
RUNNING = "A model that cannot be made is refused with its reason"
TAKEN_BACK = "Sellers search by telephone number"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    return write(tmp_path_factory.mktemp("chronicle"))


@pytest.fixture(scope="module")
def pages(story: Chronicle) -> Path:
    return story.pages()


class Links(HTMLParser):
    """Where the links of a page lead, what its elements are called, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := given.get(name))]
        self.ids |= {value for value in [given.get("id")] if value}

    def handle_data(self, data: str) -> None:
        self.text += data


def view_of(story: Chronicle, subject: str) -> views.CandidateView:
    return next(one for one in views.candidates(story.facts(), limit=100) if one.subject == subject)


def words_of(view: views.CandidateView) -> dict[str, str]:
    return {cell.gate: cell.tone.word for _, group in view.cells for cell in group}


# -- where candidates are ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (WAITING, "waits before dev: a gate is broken"),
        (COMING, "on its way into production, 25 % of the traffic"),
        (BAD, "stopped before dev"),
        (CAUGHT, "stopped on its way into production, at smoke, before any customer met it"),
        (RUNNING, "runs in production with 75 % of the customers"),
        ("Spelling on the partner pages", "superseded by "),
        (TAKEN_BACK, "taken back from production after 2030-04-24 05:43: anna: sellers cannot open orders"),
        ("Uploads resume", "was in production from"),
    ],
)
def test_each_candidate_says_where_it_is(story: Chronicle, subject: str, said: str) -> None:
    assert said in view_of(story, subject).state.text


def test_a_cell_for_every_gate_in_the_order_of_the_policy(story: Chronicle) -> None:
    for view in views.candidates(story.facts(), limit=100):
        assert list(words_of(view)) == [
            gate.name for name, _ in view.cells for gate in story.policy.gates.values() if gate.before == name
        ]


def test_cells_tell_the_four_verdicts_and_silence_and_a_waiver_apart(story: Chronicle) -> None:
    waiting = words_of(view_of(story, WAITING))
    assert waiting["unit"] == "passed"
    assert waiting["migrations"] == "errored"
    assert waiting["scenarios"] == "not run"
    assert words_of(view_of(story, BAD))["scenarios"] == "failed"
    assert words_of(view_of(story, COMING))["performance"] == "waived"
    signs = [tone.sign for tone in (*wording.TONES.values(), wording.NOT_RUN, wording.WAIVED)]
    assert len(set(signs)) == len(signs), "colour is never alone: each state has a sign of its own"


def test_what_stops_it_is_named_before_what_was_not_asked(story: Chronicle) -> None:
    obstacles = view_of(story, BAD).obstacles
    assert obstacles[0].startswith("scenarios: Два оператора берут один заказ")
    assert obstacles[-1] == "not asked yet: red-first"


def test_what_runs_was_decided_then_and_does_not_fade(story: Chronicle) -> None:
    later = story.facts(NOW + timedelta(days=30))
    view = next(one for one in views.candidates(later, limit=100) if one.subject == RUNNING)
    assert set(words_of(view).values()) == {"passed"}
    waiting = next(one for one in views.candidates(later, limit=100) if one.subject == WAITING)
    assert words_of(waiting)["unit"] == "cannot tell", "evidence of what is still on its way grows stale"


def test_environments_show_shares_and_drift(story: Chronicle) -> None:
    dev, _, production = views.environments(story.facts())
    assert [(one.subject, one.percent, one.role) for one in production.shares] == [
        (RUNNING, 75, "stable"),
        (COMING, 25, "candidate"),
    ]
    assert "shop is gone" in dev.drift and not production.drift


def test_an_environment_without_a_release_says_so(tmp_path: Path) -> None:
    page = Links(Chronicle.at(tmp_path).pages() / "index.html")
    assert page.text.count("Nothing was ever released here.") == 3
    assert "No candidate was built yet." in page.text


def test_promotions_and_rollbacks_newest_first(story: Chronicle) -> None:
    moves = views.moves(story.facts())
    assert [one.attempt.last for one in moves] == sorted((one.attempt.last for one in moves), reverse=True)
    outcomes = {(one.subject, one.attempt.environment): one.outcome for one in moves}
    assert outcomes[(RUNNING, "production")] == "promoted"
    assert outcomes[(CAUGHT, "production")] == "stopped before any customer, at smoke"
    assert outcomes[(COMING, "production")] == "under way, at share 25"


def test_a_reason_is_told_apart_from_its_time_and_figures() -> None:
    whole = "2 passed (since 2030-05-17T11:00:00.000+00:00, 61.2 s, requests 812, errors 0)"
    assert views.told(whole) == views.Told("2 passed", 61.2, "requests 812, errors 0")
    assert views.told("nothing of the kind (really)") == views.Told("nothing of the kind (really)", None, "")


# -- the pages ---------------------------------------------------------------------------------------------------------------


def test_every_link_leads_somewhere(pages: Path) -> None:
    found = {page.name: Links(page) for page in pages.glob("*.html")}
    assert len(found) > 10
    for name, page in found.items():
        for link in page.links:
            assert "://" not in link, f"{name} leaves the directory: {link}"
            file, _, anchor = link.partition("#")
            assert (pages / (file or name)).is_file(), f"{name} links to {link}"
            if anchor:
                assert anchor in found[file or name].ids, f"{name} links to {link}"


def test_a_candidates_page_holds_question_verdict_reasons_figures_raw_and_bill(story: Chronicle, pages: Path) -> None:
    page = Links(pages / site.page_of(view_of(story, BAD).digest))
    assert "Does the candidate do everything that the business was promised" in page.text
    assert "both were paid (features/making/claiming.feature)" in page.text
    assert "77 passed, 1 failed" in page.text
    assert "6 packages are in the image." in page.text and "sqlalchemy" in page.text
    raw = [link for link in page.links if link.startswith("raw/")]
    assert any(link.endswith("scenarios.xml") for link in raw)
    assert (pages / raw[0]).read_bytes()
    coming = Links(pages / site.page_of(view_of(story, COMING).digest))
    assert "two equal releases differed by up to 1.12" in coming.text
    assert "waived by vera, until" in coming.text
    assert "p95 ratio" in coming.text and "1.04" in coming.text


def test_what_an_author_writes_is_text(tmp_path: Path) -> None:
    story = Chronicle.at(tmp_path)
    story.build("<script>alert('caught')</script> & more", NOW - timedelta(hours=1))
    html = (story.pages() / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#39;caught&#39;)&lt;/script&gt; &amp; more" in html


def test_pages_of_candidates_that_are_gone_are_removed(tmp_path: Path) -> None:
    story = Chronicle.at(tmp_path)
    (tmp_path / "pages" / "raw" / "0123456789abcdef").mkdir(parents=True)
    (tmp_path / "pages" / "candidate-0123456789ab.html").write_text("old", encoding="utf-8")
    pages = story.pages()
    assert not (pages / "candidate-0123456789ab.html").exists()
    assert not (pages / "raw" / "0123456789abcdef").exists()
    assert (pages / "index.html").exists()


def test_a_ledger_that_was_cut_is_shown_as_that_and_nothing_of_it(tmp_path: Path) -> None:
    story = Chronicle.at(tmp_path)
    candidate = story.build("A change", NOW - timedelta(hours=1))
    story.ask(candidate, "unit", NOW)
    lines = story.home.ledger.read_bytes().splitlines(keepends=True)
    story.home.ledger.write_bytes(lines[1])
    facts = story.facts()
    assert facts.broken and not facts.entries
    pages = story.pages()
    for name in ("index.html", "dora.html", "complaints.html"):
        text = Links(pages / name).text
        assert "The ledger cannot be relied upon" in text
        # Silence is no zero: nothing may look like a pipeline in which nothing happened.
        assert not re.search("No candidate|Nothing was promoted|7 days|Solved when", text)
    assert not list(pages.glob("candidate-*.html"))
    assert "A change" not in Links(pages / "index.html").text


def test_a_changed_raw_result_has_no_link_but_a_sentence(tmp_path: Path) -> None:
    story = Chronicle.at(tmp_path)
    sha256 = story.ledger.blobs.put(b"as it was")
    path = story.home.blobs / sha256
    path.chmod(0o644)
    path.write_bytes(b"as it never was")
    kept = RawFiles(tmp_path / "pages", story.ledger.blobs).keep("report.xml", sha256)
    assert (kept.link, "changed after it was recorded" in kept.note) == ("", True)


@pytest.mark.parametrize("name", ["../../keys/pipeline.pem", "/etc/passwd", "..", "", "a b<c>.xml"])
def test_a_raw_result_stays_below_the_pages_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    story = Chronicle.at(tmp_path)
    kept = RawFiles(tmp_path / "pages", story.ledger.blobs).keep(name, story.ledger.blobs.put(b"raw"))
    assert re.fullmatch(r"raw/[0-9a-f]{16}/[A-Za-z0-9._-]+", kept.link)
    target = (tmp_path / "pages" / kept.link).resolve()
    assert target.is_relative_to(tmp_path / "pages" / "raw") and target.read_bytes() == b"raw"


def test_delivery_shows_its_windows_and_one_bar_a_day(story: Chronicle, pages: Path) -> None:
    page = Links(pages / "dora.html")
    for said in ("7 days", "30 days", "90 days", "2 of 12", "one in 3.5 days"):
        assert said in page.text
    html = (pages / "dora.html").read_text(encoding="utf-8")
    assert html.count('class="failed"') == 2
    assert html.count('class="deployed"') == len(
        {one.settled.date() for one in story.facts().dora.attempts if one.settled}
    )


def test_the_command_says_where_the_pages_are_and_fails_over_a_broken_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Chronicle.at(tmp_path)
    story.build("A change", NOW - timedelta(hours=1))
    monkeypatch.setattr(Pipeline, "of_checkout", lambda: Pipeline(story.home, story.repository))
    assert main([]) == 0
    assert (story.home.path / "pages" / "index.html").as_uri() in capsys.readouterr().out
    story.home.ledger.write_bytes(story.home.ledger.read_bytes()[:-20])
    assert main([]) == 1
    assert "cannot be relied upon" in capsys.readouterr().out


# -- the board of complaints -------------------------------------------------------------------------------------------------


def test_the_board_shows_every_complaint_in_both_languages(pages: Path) -> None:
    english, russian = Links(pages / "complaints.html"), Links(pages / "complaints.ru.html")
    assert set(complaints.IDS) <= english.ids and set(complaints.IDS) <= russian.ids
    assert "My order is gone. Or there are two of it." in english.text
    assert "Мой заказ пропал. Или их стало два." in russian.text
    assert "complaints.ru.html" in english.links and "complaints.html" in russian.links


def test_a_complaint_is_answered_only_by_scenarios_that_passed_and_its_figure(story: Chronicle, tmp_path: Path) -> None:
    facts = story.facts()
    (tmp_path / "perf.losses.txt").write_text("0 lost, 0 doubled\n", encoding="utf-8")
    seen = complaints_view.seen(facts, tmp_path)
    assert seen.in_production and seen.digest == view_of(story, RUNNING).digest
    states = {row.id: row.state for row in complaints_view.board(seen, russian=False)}
    assert states["late-orders"] == "answered"
    assert states["lost-or-doubled"] == "answered"
    assert states["who-was-first"] == "open", "its figure is not known"
    assert states["never-got-it"] == "promised", "its scenarios are only proposed"
    without = complaints_view.seen(facts, tmp_path / "nowhere")
    assert {row.id: row.state for row in complaints_view.board(without, russian=False)}["lost-or-doubled"] == "open"


def test_a_scenario_that_failed_refutes_its_complaint() -> None:
    rows, _ = complaints.read(complaints.FILE.read_text(encoding="utf-8"))
    node = rows[0].scenarios[0]
    results = complaints.Results({other: "passed" for row in rows for other in row.scenarios} | {node: "failed"})
    seen = complaints_view.Seen("", None, False, results, {})
    row = complaints_view.board(seen, russian=False)[0]
    assert (row.state, row.tone.word) == ("refuted", wording.TONES[Verdict.FAILED].word)


def test_every_complaint_is_translated_as_it_reads_today() -> None:
    russian = complaints_view.read_russian()
    rows, _ = complaints.read(complaints.FILE.read_text(encoding="utf-8"))
    assert list(russian) == [row.id for row in rows]
    for row in rows:
        english = (row.who, row.complaint, row.solved_when)
        assert russian[row.id]["of"] == complaints_view.fingerprint(*english), (
            f"{row.id} was changed: translate it again"
        )
        assert all(re.search("[а-яё]", russian[row.id][name]) for name in complaints_view.TEXTS)


def test_an_outdated_translation_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    outdated = {name: {**row, "of": "0" * 12} for name, row in complaints_view.read_russian().items()}
    monkeypatch.setattr(complaints_view, "read_russian", lambda: outdated)
    seen = complaints_view.Seen("", None, False, complaints.Results(), {})
    rows = complaints_view.board(seen, russian=True)
    assert all(row.untranslated for row in rows)
    assert rows[0].complaint.startswith("My order is months late")


# -- words -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.04, "0.0 s"), (4.24, "4.2 s"), (42, "42 s"), (200, "3 min 20 s"), (3600, "1 h"), (18_600, "5 h 10 min"),
     (183_600, "2 d 3 h")],
)  # fmt: skip
def test_durations(seconds: float | None, said: str) -> None:
    assert wording.duration(seconds) == said


def test_figures_rates_and_sizes() -> None:
    assert [wording.figure(value) for value in (3.0, 1.0412, 1234.5, 0.0)] == ["3", "1.04", "1,234", "0"]
    assert [wording.rate(value) for value in (0, 0.2, 2.5)] == ["none", "one in 5.0 days", "2.5 a day"]
    assert [wording.size(value) for value in (12, 14_700, 2_500_000)] == ["12 B", "14.7 kB", "2.5 MB"]
    assert (wording.percent(None), wording.percent(0.166)) == ("–", "17 %")

"""The pages of a service: templates of its own over those of the kit, in the reader's language.

pages = Pages("/mes", Path(__file__).parent, settings)      in a service's entrypoints
pages.render(request, "board.html", who=..., items=...)     the page
pages.install(app)                                          refusals under /mes are pages too
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from system.kernel.errors import AlexandriteError, NotFound, Refused, Unavailable
from system.pagekit import languages, words
from system.pagekit.areas import SIGN_IN, areas_of, home_of, is_front
from system.pagekit.assets import Assets
from system.pagekit.differences import reason_words
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.problems import ProblemWords, problem_words
from system.pagekit.reader import Language, Writing
from system.pagekit.returning import may_return, to_resume
from system.plumbing.auth import Principal, public
from system.plumbing.settings import ServiceSettings

KIT = Path(__file__).parent

# Codes in the body of a refusal, and what kind of name they have.
SPOKEN_AS = {"state": "work_state", "order_status": "status", "decision": "decision"}
LANGUAGE_KEPT_S = 365 * 24 * 3600
KNOWN_ERRORS = (AlexandriteError, RequestValidationError, HTTPException, DBAPIError, PoolTimeout)
Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal on a page: its code for programs, its sentence for people."""

    code: str
    text: str


class Pages:
    """Renders one service's pages. `home` holds its templates/, assets/ and locales/."""

    def __init__(
        self,
        base: str,
        home: Path,
        settings: ServiceSettings,
        *,
        problems: Mapping[str, str] | None = None,
        names: Mapping[str, Mapping[str, str]] | None = None,
        catalogues: Sequence[Path] = (),
    ) -> None:
        """`catalogues`: further directories with words, of what is called by its name in another room of the service."""
        self.base = base
        self.zone = ZoneInfo(settings.time_zone)
        self.assets = Assets(base, [home / "assets"])
        self._problems = {**words.PROBLEMS, **(problems or {})}
        self._names = {**words.NAMES, **(names or {})}
        # Object storage is its own origin: models and previews come from there, uploads go there.
        storage = getattr(settings, "s3_public_url", "")
        self._policy = content_security_policy(_origin(storage) if storage else "")
        self._words = {
            language: languages.translations(language, [home / "locales", *catalogues, KIT / "locales"])
            for language in LANGUAGES
        }
        self._environments = {language: self._environment(language, home) for language in LANGUAGES}

    def _environment(self, language: Language, home: Path) -> Environment:
        environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(home / "templates"), FileSystemLoader(KIT / "templates")]),
            # A letter's template is plain text (`.txt`), and nothing in it is markup.
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        known: Any = environment
        known.install_gettext_translations(self._words[language], newstyle=True)
        environment.globals |= {
            "asset": self.assets.address,
            "has_asset": self.assets.has,
            "language": language,
            "base": self.base,
        }
        write = Writing(language, self.zone)
        environment.globals["write"] = write
        for name in ("money", "grams", "number", "moment", "dated", "dated_day", "clock", "day", "month"):
            environment.filters[name] = getattr(write, name)
        environment.globals["named"] = partial(self.named, language)
        environment.globals["translated"] = partial(self.translated, language)
        environment.globals["problem_words"] = partial(self.problem_words, language)
        environment.globals["reason_words"] = partial(self.reason_words, language)
        return environment

    def named(self, language: Language, kind: str, code: str) -> str:
        """What people call a code: a material, a state. One that has no name yet is shown as it is, readably."""
        message = self._names[kind].get(code)
        return str(self._words[language].gettext(message)) if message else code.replace("_", " ")

    def translated(self, language: Language, message: str) -> str:
        """A message of the catalogue as it stands, with nothing filled in."""
        return str(self._words[language].gettext(message)) if message else ""

    def problem_words(
        self, language: Language, code: str | None, facts: Mapping[str, object] | None = None
    ) -> ProblemWords | None:
        """What is wrong with a model or its price, and what to do, by the code of files or pricing; None without words for it."""
        return problem_words(code or "", facts, self._words[language].gettext)

    def reason_words(self, language: Language, code: str, facts: Mapping[str, object]) -> str | None:
        """Why a firm price differs from its estimate, by pricing's code; None without words for it."""
        # Facts are decimals as text: they keep their digits, and get the comma that readers of Russian write.
        written = {name: str(fact).replace(".", ",") if language == "ru" else fact for name, fact in facts.items()}
        return reason_words(code, written, self._words[language].gettext)

    def fragment(self, language: Language, template: str, **context: Any) -> str:
        """A piece of a page as text, for whoever is not asking by HTTP."""
        return self._environments[language].get_template(template).render(now=datetime.now(UTC), **context)

    def render(
        self,
        request: Request,
        template: str,
        *,
        who: Principal | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """The page in the reader's language. A `?lang=` in the address is remembered in a cookie."""
        language = language_of(request)
        roles: frozenset[str] = who.roles if who else frozenset()
        text = self.fragment(
            language,
            template,
            request=request,
            who=who,
            areas=areas_of(roles),
            home=home_of(roles),
            at_front=is_front(request.url.path, roles),
            # What a service counts for whoever looks: shown beside the place of the header that it is about.
            badges=getattr(request.state, "badges", {}),
            other_languages=[(each, _in_language(request, each)) for each in LANGUAGES if each != language],
            **context,
        )
        response = HTMLResponse(text, status_code=status, headers=dict(headers or {}))
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language, Cookie, HX-Request"
        if request.query_params.get("lang") == language:
            response.set_cookie(
                languages.COOKIE, language, max_age=LANGUAGE_KEPT_S, path="/", samesite="lax", secure=True
            )
        return response

    def refusal(self, request: Request, refused: AlexandriteError) -> Said:
        """What was refused, as this page says it."""
        body = refused.extra | {"code": refused.code, "detail": refused.detail}
        return Said(refused.code, self.says(language_of(request), body))

    async def attempt(
        self,
        request: Request,
        deed: Callable[[], Awaitable[Any]],
        *,
        missing: type[AlexandriteError] | tuple[type[AlexandriteError], ...] = NotFound,
    ) -> tuple[Said | None, int]:
        """Does it: what was refused, as the page says it, if it was, and the status that means it.

        Raises what is `missing`: there is nothing on which it could be said.
        """
        try:
            await deed()
        except (Refused, Unavailable) as refusal:
            if isinstance(refusal, missing):
                raise
            return self.refusal(request, refusal), refusal.status
        return None, 200

    # -- refusals --------------------------------------------------------------------------------------------------

    def says(self, language: Language, body: Mapping[str, Any]) -> str:
        """What a problem says, in the reader's language; the problem's own English sentence where nobody wrote another."""
        sentence = self._problems.get(str(body["code"]))
        if sentence is None:
            return str(body["detail"])
        filled = {name: self._spoken(language, name, value) for name, value in body.items()}
        try:
            return str(self._words[language].gettext(sentence)) % filled
        except KeyError:
            return str(body["detail"])

    def _spoken(self, language: Language, name: str, value: Any) -> str:
        kind = SPOKEN_AS.get(name)
        if kind in self._names:
            return self.named(language, kind, str(value))
        if isinstance(value, list):
            return ", ".join(str(each) for each in value)
        try:
            return Writing(language, self.zone).moment(datetime.fromisoformat(value))
        except (TypeError, ValueError):
            return str(value)

    def install(self, app: FastAPI) -> None:
        """Makes what is refused under this service's addresses a page; whoever is not signed in is led to the sign-in."""
        for error in KNOWN_ERRORS:
            app.add_exception_handler(error, self._as_page(app.exception_handlers[error]))
        app.state.on_bug = self._as_page
        app.state.pages = self

    def _as_page(self, answer: Any) -> Handler:
        async def handler(request: Request, error: Exception) -> Response:
            response: Response = await answer(request, error)
            if not is_page(request):
                return response
            if response.status_code == 401:
                return to_sign_in(request)
            return self.problem_page(request, response.status_code, json.loads(bytes(response.body)), response.headers)

        return handler

    def problem_page(
        self, request: Request, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page (or, for htmx, a piece of one) that says what is wrong and what to do."""
        who: Principal | None = getattr(request.state, "principal", None)
        kept = {name: value for name, value in (headers or {}).items() if name.lower() in ("retry-after", "allow")}
        said = self.says(language_of(request), body)
        template = "problem_piece.html" if is_piece(request) else "problem.html"
        return self.render(request, template, who=who, status=status, headers=kept, problem=body, said=said)

    def router(self) -> APIRouter:
        """The files of the pages."""
        router = APIRouter(prefix=self.base)

        @router.get("/assets/{digest}/{name:path}", dependencies=[public])
        async def page_asset(digest: str, name: str) -> Response:
            return self.assets.answer(digest, name)

        return router


def is_page(request: Request) -> bool:
    """Whether a person's browser asked for a page, and not a program, or a script of the page, for data."""
    wanted = request.headers.get("accept", "*/*")
    if "*/*" not in wanted and "text/html" not in wanted:
        return False
    path = request.url.path
    return not path.startswith(("/api/", "/internal/", "/health/", "/metrics", "/v1/")) and "/assets/" not in path


def is_piece(request: Request) -> bool:
    """Whether htmx asked, for a piece of the page that is shown already. Going back, it asks for the whole page."""
    whole = ("hx-boosted", "hx-history-restore-request")
    return "hx-request" in request.headers and not any(name in request.headers for name in whole)


def to_sign_in(request: Request) -> Response:
    """To the sign-in and back, or first to where a session goes on. A form that was sent is not sent again: its page is shown."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD") or is_piece(request):
        target = local_path(urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer", "")))
    if may_return(request):
        return to_resume(target, is_piece=is_piece(request))
    address = f"{SIGN_IN}?next={quote(target, safe='/')}"
    if is_piece(request):
        # htmx follows a redirect inside the page; this header sends the whole window.
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def local_path(parts: Any) -> str:
    """Path and query of an address of ours."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def content_security_policy(storage: str) -> str:
    """Only our own files run; nothing of a page can be framed, and no form goes elsewhere."""
    return "; ".join(
        (
            "default-src 'self'",
            f"img-src 'self' data: blob: {storage}".rstrip(),
            f"connect-src 'self' {storage}".rstrip(),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _in_language(request: Request, language: Language) -> str:
    """This page's address, in another language."""
    return f"{request.url.path}?{urlencode({**request.query_params, 'lang': language})}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

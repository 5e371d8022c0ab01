"""A session whose short token ran out goes on without a script: the page leads through identity, and back to itself, once.

A browser with a session holds a marker beside it, which lasts as long as the session may and says nothing. Who comes with the
marker and without a session is led to identity, whose path alone the refresh cookie is sent to; it answers with a fresh session,
or takes the marker away. A second cookie of a few seconds keeps two pages from leading to each other: whoever was led there a
moment ago is not led again.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from system.plumbing.auth import RETURNING_COOKIE, Principal, Unauthenticated

RESUME = "/api/identity/v1/sessions/resume"
TRIED_COOKIE = "__Host-returning-tried"
TRIED_FOR_S = 5


def may_return(request: Request) -> bool:
    """Whether a session may go on that this request came without. From another site the refresh cookie would not be sent along."""
    cookies = request.cookies
    from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
    return RETURNING_COOKIE in cookies and TRIED_COOKIE not in cookies and not from_elsewhere


def refuse_until_returned(request: Request, who: Principal | None) -> None:
    """For pages that visitors see too: raises Unauthenticated, which leads through identity, when a session may go on."""
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if who is None and wants_page and may_return(request):
        raise Unauthenticated("session-over", "This session is over. Sign in again, or refresh it.")


def to_resume(target: str, *, is_piece: bool) -> Response:
    """Through identity to a page of ours. htmx follows a redirect inside the page; its header sends the whole window."""
    address = f"{RESUME}?next={quote(target, safe='/')}"
    in_place = Response(status_code=204, headers={"HX-Redirect": address})
    response = in_place if is_piece else RedirectResponse(address, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(TRIED_COOKIE, "1", max_age=TRIED_FOR_S, path="/", secure=True, httponly=True, samesite="lax")
    return response


def inside(address: str, *, but: tuple[str, ...] = ()) -> str:
    """The address when it is one of ours and under none of `but`, else nothing: nobody is sent to strangers."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and not address.startswith(but) else ""

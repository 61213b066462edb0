"""One table from what went wrong to the status and the words of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as QueueTimeout

from scheduling.editing import Conflict
from scheduling.model import Closed, HoldExpired, NotFound, SlotTaken
from web.access import NotAllowed, SignInNeeded
from web.csrf import ForeignForm
from web.keys import LOCALE
from web.limits import TooMany
from web.problems import PROGRAMS, problem
from web.templating import render
from web.translations import N_, catalogue

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What happened, what is safe, and what to do next."""

    status: int
    title: str
    text: str


_MISSING = ErrorPage(
    404,
    N_("We cannot find this page"),
    N_(
        "The address may be incomplete, or the link is no longer valid. Please open the link "
        "from your e-mail again, or book a new appointment."
    ),
)
_BROKEN = ErrorPage(
    500,
    N_("Something went wrong on our side"),
    N_(
        "This is not your fault. Appointments that were confirmed are safe. Please try again "
        "in a few minutes."
    ),
)
_PAGES: Mapping[type[Exception], ErrorPage] = {
    NotFound: _MISSING,
    ForeignForm: ErrorPage(
        403,
        N_("Please send the form again"),
        N_(
            "The page was open for too long, or your browser does not keep cookies. Go back, "
            "load the page again and send it once more. Nothing has been changed."
        ),
    ),
    NotAllowed: ErrorPage(
        403,
        N_("You do not have access to this"),
        N_("Your role does not include this page. Ask whoever looks after the plan."),
    ),
    SlotTaken: ErrorPage(
        409,
        N_("This time has just been taken"),
        N_("Somebody else was a moment faster. Please choose another time."),
    ),
    Conflict: ErrorPage(
        409,
        N_("Somebody else has changed this meanwhile"),
        N_("Nothing of yours has been stored. Please open the page again to see what holds now."),
    ),
    HoldExpired: ErrorPage(
        410,
        N_("Your time is no longer reserved"),
        N_("The reservation has run out. Please choose a time again."),
    ),
    Closed: ErrorPage(
        409,
        N_("This appointment can no longer be changed"),
        N_("It has been cancelled or is over. You can book a new appointment."),
    ),
}
_TOO_MANY = ErrorPage(
    429,
    N_("That was very often in a short time"),
    N_("To protect everybody, we ask you to wait a moment. Then it goes on here as usual."),
)
_OUT_OF_REACH = ErrorPage(
    503,
    N_("We cannot reach our plan at the moment"),
    N_("Appointments that were confirmed are safe. Please try again in a few minutes, or call us."),
)
_RETRY_SECONDS = 30
_BY_STATUS: Mapping[int, ErrorPage] = {
    400: ErrorPage(
        400,
        N_("We did not understand this request"),
        N_("Please go back and try again. Nothing has been changed."),
    ),
    404: _MISSING,
    405: _MISSING,
    413: ErrorPage(
        413,
        N_("That was too much at once"),
        N_("The form was larger than we accept. Please shorten what you typed."),
    ),
}


@web.middleware
async def friendly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into its page."""
    try:
        return await handler(request)
    except SignInNeeded:
        raise web.HTTPSeeOther(f"/staff/sign-in?next={quote(_return_path(request))}") from None
    except TooMany as refused:
        response = _show(request, _TOO_MANY)
        response.headers["Retry-After"] = str(refused.retry_after)
        return response
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        shown = _BY_STATUS.get(answer.status, _BROKEN)
        response = _show(request, replace(shown, status=answer.status))
        if "Allow" in answer.headers:
            response.headers["Allow"] = answer.headers["Allow"]
        return response
    except tuple(_PAGES) as error:
        return _show(request, next(_PAGES[kind] for kind in type(error).__mro__ if kind in _PAGES))
    except Exception as error:  # noqa: BLE001 - the last line of defence; it is logged
        if _is_out_of_reach(error):
            _log.warning("store_out_of_reach", kind=type(error).__name__)
            response = _show(request, _OUT_OF_REACH)
            response.headers["Retry-After"] = str(_RETRY_SECONDS)
            return response
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        _log.exception("page_failed", route=route, method=request.method)
        return _show(request, _BROKEN)


def _is_out_of_reach(error: Exception) -> bool:
    if isinstance(error, OperationalError | InterfaceError | QueueTimeout | ConnectionError):
        return True
    # The database hung up in the middle of a statement.
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _show(request: web.Request, shown: ErrorPage) -> web.Response:
    if request.path.startswith(PROGRAMS):
        said = catalogue(request[LOCALE]).gettext
        return problem(shown.status, said(shown.title), {"detail": said(shown.text)})
    return render(request, "error.html", status=shown.status, error=shown)


def _return_path(request: web.Request) -> str:
    return request.path_qs if request.method == "GET" else "/staff"

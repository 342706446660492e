"""Refusals as RFC 9457 problem documents: one shape for every error of the API, in the reader's language."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from web.words import Words, bilingual, with_wait

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
FAULTS_TOLD = 10
"""The most faults of a body that are listed. The others are counted."""

TITLES: Mapping[int, Words] = {
    400: bilingual("提交的内容有误", "The request is not valid"),
    401: bilingual("请先登录", "Sign in first"),
    403: bilingual("没有权限", "Not permitted"),
    404: bilingual("没有找到", "Not found"),
    405: bilingual("不支持该操作方式", "Method not allowed"),
    406: bilingual("无法按所要求的格式回答", "Not acceptable"),
    408: bilingual("请求超时", "The request took too long"),
    409: bilingual("当前状态下不能执行", "Not possible now"),
    412: bilingual("内容已有变化", "It has changed meanwhile"),
    413: bilingual("提交的内容过大", "The request is too large"),
    415: bilingual("不支持的内容类型", "Unsupported media type"),
    422: bilingual("提交的内容无法处理", "The request cannot be processed"),
    428: bilingual("需要注明版本", "A version is required"),
    429: bilingual("操作过于频繁", "Too many requests"),
    500: bilingual("服务器出错", "Something went wrong"),
    503: bilingual("暂时无法服务", "Unavailable for the moment"),
}

NOT_FOUND = bilingual("您要找的内容不存在，或者您无权查看。", "It does not exist, or you may not see it.")

# SQLSTATEs of a server that is busy, not broken: the same request may well succeed in a moment.
_BUSY = frozenset({"55P03", "40P01", "40001", "57014"})

_REASONS: Mapping[type[exceptions.APIException], tuple[str, Words]] = {
    exceptions.ParseError: ("malformed", bilingual("请求内容无法解析。", "The body could not be read.")),
    exceptions.NotAuthenticated: ("not_authenticated", bilingual("请登录后再操作。", "Sign in, then try again.")),
    exceptions.AuthenticationFailed: (
        "authentication_failed",
        bilingual("登录已失效，请重新登录。", "Your sign-in is no longer valid; sign in again."),
    ),
    exceptions.PermissionDenied: ("not_permitted", bilingual("您无权执行该操作。", "You may not do this.")),
    exceptions.NotFound: ("not_found", NOT_FOUND),
    exceptions.MethodNotAllowed: (
        "method_not_allowed",
        bilingual("该地址不支持这种请求方法。", "This address does not answer that method."),
    ),
    exceptions.NotAcceptable: (
        "not_acceptable",
        bilingual("本接口只回答 JSON。", "This interface answers in JSON only."),
    ),
    exceptions.UnsupportedMediaType: (
        "unsupported_media_type",
        bilingual("该接口不接受这种内容类型。", "This interface does not take that content type."),
    ),
    exceptions.Throttled: ("limit_reached", bilingual("操作次数已达上限。", "You have done this too often.")),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field; `field` is a dotted path such as `photos.0.caption`, empty for the whole body."""

    field: str
    code: str
    reason: Words

    def document(self) -> dict[str, str]:
        """The fault as a member of a problem document."""
        return {"field": self.field, "code": self.code, "reason": str(self.reason)}


class Problem(exceptions.APIException):
    """A refusal in HTTP's words: a stable `code` for programs, a title and a detail for people."""

    def __init__(
        self,
        code: str,
        status: int,
        title: Words | None = None,
        detail: Words = "",
        *,
        errors: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ):
        Exception.__init__(self, code)
        self.code = code
        self.status_code = status
        self.title = TITLES[status] if title is None else title
        if status == HTTPStatus.TOO_MANY_REQUESTS and headers and "Retry-After" in headers:
            # Every rate limit says for how long, whatever raised it.
            detail = with_wait(detail, int(headers["Retry-After"]))
        self.detail = detail  # type: ignore[assignment]  # DRF would translate it now; the reader's language is known later.
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        return f"{self.status_code} {self.code}"

    def document(self) -> dict[str, object]:
        """The problem document, in the active language."""
        document: dict[str, object] = {
            "type": f"urn:linli:problem:{self.code}",
            "title": str(self.title),
            "status": self.status_code,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = str(self.detail)
        if self.errors:
            document["errors"] = [fault.document() for fault in self.errors[:FAULTS_TOLD]]
        if len(self.errors) > FAULTS_TOLD:
            document["more_errors"] = len(self.errors) - FAULTS_TOLD
        return document


class ProblemResponse(Response):
    """A problem document. It is always rendered as `application/problem+json`, not by the view's renderer."""

    def __init__(self, problem: Problem):
        super().__init__(problem.document(), status=problem.status_code, headers=problem.headers)
        self.exception = True

    @property
    def rendered_content(self) -> bytes:  # type: ignore[override]  # DRF answers in bytes itself.
        """The document's bytes."""
        self["Content-Type"] = MEDIA_TYPE
        return orjson.dumps(self.data)


def not_found() -> Problem:
    """The answer for what does not exist and for what the caller may not see: the same bytes for both."""
    return Problem("not_found", 404, detail=NOT_FOUND)


def invalid(*errors: Fault, detail: Words = "") -> Problem:
    """A 400 that names the fields at fault."""
    return Problem("invalid", 400, detail=detail, errors=errors)


def page(problem: Problem) -> HttpResponse:
    """The problem as a plain response, for what fails outside every view."""
    headers = {"Content-Type": MEDIA_TYPE, **problem.headers}
    return HttpResponse(orjson.dumps(problem.document()), status=problem.status_code, headers=headers)


def faults(detail: object, path: str = "") -> list[Fault]:
    """The faults of a DRF ValidationError's `detail`, with dotted paths; list positions count from 0."""
    if isinstance(detail, Mapping):
        found = []
        for name, inner in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            found += faults(inner, path if whole else f"{path}.{name}" if path else str(name))
        return found
    if isinstance(detail, list | tuple):
        found = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            found += faults(inner, (f"{path}.{index}" if path else str(index)) if nested else path)
        return found
    return [Fault(path, getattr(detail, "code", None) or "invalid", str(detail))]


def from_database(exc: OperationalError | InterfaceError) -> Problem:
    """503 for a database that is busy (`busy`) or away (`unavailable`), with the seconds to wait."""
    sqlstate = getattr(exc.__cause__, "sqlstate", None)
    if sqlstate in _BUSY:
        logger.warning("The database refused for now: %s", sqlstate)
        detail: Words = bilingual("当前办理的人较多，请稍后重试。", "Others are working on it; try again in a moment.")
        return Problem("busy", 503, detail=detail, headers={"Retry-After": "1"})
    logger.error("The database is away: %s %s", sqlstate or "", exc)
    detail = bilingual("数据库暂时无法连接，请稍后重试。", "The database cannot be reached; try again shortly.")
    return Problem("unavailable", 503, detail=detail, headers={"Retry-After": "5"})


def from_framework(exc: exceptions.APIException) -> Problem:
    """The problem that DRF's own exception stands for."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return invalid(*faults(exc.detail))
    for kind in type(exc).__mro__:
        if kind in _REASONS:
            code, detail = _REASONS[kind]
            break
    else:
        code, detail = str(exc.default_code), str(exc.detail)
    headers = {}
    if header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    return Problem(code, exc.status_code, TITLES.get(exc.status_code, detail), detail, headers=headers)


def problem_of(exc: BaseException | None, mapping: Mapping[type[Exception], int]) -> Problem | None:
    """The problem document for `exc`; None for a bug of ours.

    `mapping` gives the status of domain refusals. These are exceptions with a `code`, a `reason` and, where trying
    again makes sense, a `wait` in seconds.
    """
    match exc:
        case exceptions.APIException():
            return from_framework(exc)
        case Http404():
            return not_found()
        case PermissionDenied():
            return from_framework(exceptions.PermissionDenied())
        case OperationalError() | InterfaceError():
            return from_database(exc)
        case RequestDataTooBig():
            return Problem("too_large", 413)
        case BadRequest() | SuspiciousOperation():
            return Problem("bad_request", 400)
    for kind in type(exc).__mro__:
        if kind in mapping:
            wait = getattr(exc, "wait", None)
            headers = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
            return Problem(exc.code, mapping[kind], detail=exc.reason, headers=headers)  # type: ignore[union-attr]
    return None


def make_handler(
    mapping: Mapping[type[Exception], int],
) -> Callable[[Exception, Mapping[str, object]], Response | None]:
    """A DRF exception handler that also answers domain refusals; `mapping` is exception class → status.

    A 403 is put before whoever is signed in (`request.auth`): they may `explain` why it was refused.
    """

    def handle(exc: Exception, context: Mapping[str, object]) -> Response | None:
        problem = problem_of(exc, mapping)
        if problem is None:
            return None
        if problem.code == "not_permitted" and (explain := getattr(_caller(context), "explain", None)):
            problem = explain(problem)
        return ProblemResponse(problem)

    return handle


def _caller(context: Mapping[str, object]) -> object:
    """What authentication left of the request's caller; None for a request without one."""
    return getattr(context.get("request"), "_auth", None)


handle = make_handler({})

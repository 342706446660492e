"""Refusals of the engine as HTTP statuses, mapped once for every kind of subject."""

from collections.abc import Mapping

from rest_framework.response import Response

from casework.kinds import kinds
from web.problems import Fault, ProblemResponse, invalid, make_handler, not_found
from workflow.errors import IllegalMove, InvalidInput, NotPermitted, NotReady, StaleVersion

_handle = make_handler({StaleVersion: 412, IllegalMove: 409, NotPermitted: 403, NotReady: 503})


def handle(exc: Exception, context: Mapping[str, object]) -> Response | None:
    """DRF's exception handler for the whole API."""
    if isinstance(exc, InvalidInput):
        return ProblemResponse(invalid(Fault(exc.field, exc.code, exc.reason)))
    if isinstance(exc, tuple(kind.model.DoesNotExist for kind in kinds())):
        return ProblemResponse(not_found())
    return _handle(exc, context)

"""Tickets over HTTP: list, file, read, follow their timeline, and make moves."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from casework.acting import Made
from casework.api.inputs import validated
from casework.api.moves import Events, MakeMove, OfferedMoves, PostMethod, move_views
from community.authentication import caller_of
from community.models.organisations import STREET_KINDS
from tickets.access import Relation, relations, stands_revealed
from tickets.filing import Report, Submit, forecast, submit
from tickets.kind import TICKETS
from tickets.models import Ticket
from tickets.queries import linked, still_visible, visible_ticket
from tickets.reading import document, face, parameters, schemas, timeline
from tickets.reading.counts import counts
from tickets.reading.parties import organisation_names
from tickets.states import State
from web.idempotency import write_once
from web.limits import Limit
from web.paging import PageRequest
from web.preconditions import etag
from web.problems import Fault, invalid
from web.renderers import dumps
from web.schema import IDEMPOTENCY_KEY, IF_MATCH, PAGING, paged
from web.words import bilingual
from workflow.actor import Actor, Seat
from workflow.errors import IllegalMove, NotPermitted
from workflow.moves import Move

_UNKNOWN_VALUE = bilingual("不支持的取值。", "There is no such value.")
_NOT_REJECTED = bilingual("只有不予受理的诉求可以重新上报。", "Only what was not taken up is filed again.")
_BAD_ID = bilingual("应为 UUID。", "It must be a UUID.")


class FilingLimit(Limit):
    """Far above what a person files in an hour."""

    scope = "filing"
    requests = 30
    seconds = 3600


class CounterLimit(Limit):
    """Above what a busy counter or hotline desk of the street files in an hour."""

    scope = "counter"
    requests = 600
    seconds = 3600


def filing_limit(seats: Iterable[Seat]) -> Limit:
    """How much may be filed by somebody with these seats."""
    return CounterLimit() if any(seat.kind in STREET_KINDS for seat in seats) else FilingLimit()


def actor_of(request: Request) -> Actor:
    """The caller as the engine sees them."""
    return caller_of(request).actor


def choice(request: Request, name: str, choices: set[str], default: str) -> str:
    """The query parameter `name`, one of `choices`. Raises a 400 Problem."""
    value = request.query_params.get(name, default)
    if value not in choices:
        raise invalid(Fault(name, "unknown_value", _UNKNOWN_VALUE))
    return value


def identifier(request: Request, name: str) -> uuid.UUID | None:
    """The query parameter `name` as an id; None when it is not given. Raises a 400 Problem."""
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except ValueError:
        raise invalid(Fault(name, "invalid", _BAD_ID)) from None


class TicketCounts(APIView):
    """How many tickets there are in a relation to the caller."""

    @extend_schema(
        operation_id="tickets_counts", parameters=[parameters.TicketCountsQuery], responses=schemas.CountsSerializer
    )
    def get(self, request: Request) -> Response:
        """How many tickets the list has, by what they are: exact to 999, "999+" beyond."""
        query, by = parameters.ticket_counts(request.query_params)
        return Response(counts(query, by, actor_of(request)))


class Tickets(APIView):
    """The tickets that the caller may see, one relation at a time; and the door for new ones."""

    throttle_classes = [FilingLimit]
    versioned = ("POST",)

    def get_throttles(self) -> list[BaseThrottle]:
        """Only filing is limited; reading pages is cheap."""
        if self.request is None:
            return super().get_throttles()
        if self.request.method != "POST":
            return []
        return [filing_limit(caller_of(self.request).actor.seats if self.request.user else ())]

    @extend_schema(
        operation_id="tickets_list",
        parameters=[parameters.TicketsQuery, *PAGING],
        responses=paged(schemas.TicketRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """One page of the tickets in a relation to the caller."""
        query = parameters.ticket_list(request.query_params)
        return Response(query.read(actor_of(request), PageRequest.of(request.query_params)).envelope())

    @extend_schema(
        operation_id="tickets_submit",
        request=Submit,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: schemas.FiledSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """File a report. It is answered once it is committed, and it has been sent where it belongs."""
        inputs = validated(Submit, request.data)

        def file() -> Response:
            actor = actor_of(request)
            ticket, routing = submit(Report.of(inputs), by=actor, person=caller_of(request).person)
            return Response(
                document.filed(ticket, routing, actor),
                status=201,
                headers={"Location": f"/api/v1/tickets/{ticket.id}", "ETag": etag(ticket.version)},
            )

        actor = actor_of(request)
        return write_once(
            request,
            file,
            again=lambda kept: document.of_before(kept, still_visible(uuid.UUID(kept["id"]), actor), actor),
        )


class FaceLimit(Limit):
    """Far above how often somebody looks before sending."""

    scope = "face"
    requests = 60
    seconds = 60


class PublicFace(APIView):
    """What neighbours would read of a report."""

    throttle_classes = [FaceLimit]

    @extend_schema(operation_id="tickets_face", request=Submit, responses=schemas.ForecastFaceSerializer)
    def post(self, request: Request) -> Response:
        """What neighbours would read if the report were filed now, to be seen before sending; nothing is written."""
        caller = caller_of(request)
        report = replace(Report.of(validated(Submit, request.data)), photos=())
        ticket, _ = forecast(report, by=caller.actor, person=caller.person)
        return Response(face.forecast(ticket))


class OneTicket(APIView):
    """A single ticket."""

    versioned = ("GET",)

    @extend_schema(operation_id="tickets_read", responses=schemas.TicketSerializer)
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """The ticket, as much of it as the caller may see."""
        actor = actor_of(request)
        ticket = visible_ticket(ticket_id, actor)
        return Response(document.detail(ticket, actor), headers={"ETag": etag(ticket.version)})


class Refiling(APIView):
    """A report that was not taken up, to be filed again."""

    problems = (403, 409)

    @extend_schema(operation_id="tickets_refiling", responses=schemas.RefilingSerializer)
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """What its reporter wrote, as the body of a new report: to be changed where the refusal asks for it, and filed."""
        actor = actor_of(request)
        ticket = visible_ticket(ticket_id, actor)
        if Relation.REPORTER not in relations(ticket, actor):
            raise NotPermitted()
        if ticket.state != State.REJECTED:
            raise IllegalMove("not_rejected", _NOT_REJECTED)
        return Response(document.refiling(ticket))


class TicketEvents(Events):
    """A ticket's timeline."""

    kind = TICKETS

    @extend_schema(operation_id="tickets_events", parameters=[*PAGING], responses=paged(schemas.EventSerializer))
    def get(self, request: Request, **key: uuid.UUID) -> Response:
        """What happened, oldest first, as far as the caller may read it."""
        return super().get(request, **key)

    def lines(self, rows: Sequence[Any], subject: Ticket, actor: Actor) -> list[dict[str, object]]:
        """Each as the reader's relations to the ticket allow."""
        names = organisation_names(one.actor_organisation_id for one in rows)
        seen = {str(one.pk) for one in linked(subject, actor)}
        return [timeline.line(one, subject, actor, names, seen) for one in rows]


class TicketMoves(OfferedMoves):
    """What the caller may do with a ticket now."""

    kind = TICKETS

    @extend_schema(operation_id="tickets_moves", responses=schemas.MovesSerializer)
    def get(self, request: Request, **key: uuid.UUID) -> Response:
        """The moves, each with the schema of its input, so that a client can draw its buttons."""
        return super().get(request, **key)


class MoveTicket(MakeMove):
    """One move of a ticket, made with POST; each has its own address and its own input."""

    def post(self, request: Request, **key: uuid.UUID) -> HttpResponse:
        """Make the move; refused, it changes nothing."""
        answer = super().post(request, **key)
        if self.move.name == "reveal":
            return _with_contact(answer, key["ticket_id"], caller_of(request).actor)
        return answer

    def answer(self, made: Made[Ticket], actor: Actor) -> dict[str, object]:
        """Its event, and where the ticket stands now."""
        return {
            **super().answer(made, actor),
            "ticket": document.brief(made.subject, actor),
            "contact": None,
            "another": made.event.data.get("another"),
        }

    def again(self, kept: dict[str, Any], key: uuid.UUID, actor: Actor) -> dict[str, object]:
        """Without the clocks and the linked ticket that the actor may read no more."""
        ticket = still_visible(key, actor)
        seen = {str(one.pk) for one in linked(ticket, actor)}
        another = one if (one := kept.get("another")) in seen else None
        return {**kept, "ticket": document.of_before(kept["ticket"], ticket, actor), "another": another}


def _with_contact(answer: HttpResponse, ticket_id: uuid.UUID, actor: Actor) -> HttpResponse:
    """The answer with what was revealed, which is kept with no key: read again, for whoever it is still revealed to."""
    try:
        ticket = visible_ticket(ticket_id, actor)
    except Ticket.DoesNotExist:
        return answer
    if stands_revealed(ticket, actor):
        answer.content = dumps(orjson.loads(answer.content) | {"contact": document.contact(ticket)})
    return answer


def described(move: Move) -> Callable[[PostMethod], PostMethod]:
    """What the API's document says of a move."""
    decorate: Callable[[PostMethod], PostMethod] = extend_schema(
        operation_id=f"tickets_move_{move.name}",
        summary=move.label,
        request=move.input,
        parameters=[IDEMPOTENCY_KEY, *([IF_MATCH] if move.guarded else [])],
        responses=schemas.MovedSerializer,
    )
    return decorate


MOVES = move_views(TICKETS, MoveTicket, described)


class QueueCounts(APIView):
    """How much there is in the queues of the caller's organisations."""

    @extend_schema(
        operation_id="queue_counts", parameters=[parameters.QueueCountsQuery], responses=schemas.CountsSerializer
    )
    def get(self, request: Request) -> Response:
        """How many parts the queue has, by what their tickets are: exact to 999, "999+" beyond."""
        query, by = parameters.queue_counts(request.query_params)
        return Response(counts(query, by, actor_of(request)))


class Queue(APIView):
    """The assignments of the caller's organisations."""

    @extend_schema(
        operation_id="queue_list",
        parameters=[parameters.QueueQuery, *PAGING],
        responses=paged(schemas.QueueRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """What there is to do, by the next due moment; or what has been done, latest first."""
        query = parameters.queue(request.query_params)
        return Response(query.read(actor_of(request), PageRequest.of(request.query_params)).envelope())

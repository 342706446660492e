"""Tickets over HTTP: list, file, read, follow their timeline, and make moves."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.authentication import caller_of
from tickets.access import STREET_KINDS, relations, sees
from tickets.actions import Report, act, hold, submit
from tickets.api import representation, schemas
from tickets.api.move_inputs import json_schema, validated
from tickets.inputs import Submit
from tickets.models import Ticket, TicketEvent
from tickets.queries import (
    followed_by,
    in_areas,
    in_communities,
    in_compound,
    in_street,
    matching,
    past,
    queue,
    queue_matching,
    reported_by,
    visible_ticket,
)
from tickets.states import State
from web.idempotency import write_once
from web.limits import Limit
from web.paging import page
from web.preconditions import etag, if_match
from web.problems import Fault, invalid
from web.renderers import dumps
from web.schema import IDEMPOTENCY_KEY, IF_MATCH, PAGING, paged
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Move, moves

SCOPES = {"mine", "followed", "compound", "area", "community", "street"}
STATUSES = {"open", "ended", "all"}
_UNKNOWN_VALUE = bilingual("不支持的取值。", "There is no such value.")
_BAD_ID = bilingual("应为 UUID。", "It must be a UUID.")
_NEEDS_COMPOUND = bilingual("请注明小区。", "Name the compound.")
_BAD_WORDS = bilingual("搜索词过长。", "The search words are too long.")


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


def search_words(request: Request) -> str:
    """The query parameter `q`, 50 characters at most. Raises a 400 Problem."""
    words = request.query_params.get("q", "").strip()
    if len(words) > 50 or "\0" in words:
        raise invalid(Fault("q", "too_long", _BAD_WORDS))
    return words


QUEUE_STATUSES = {"open", "ended"}
STATUS = OpenApiParameter(
    "status",
    OpenApiTypes.STR,
    enum=sorted(STATUSES),
    description="Open ones by the next due moment; ended ones latest first; all of them by age. Left out: all of `mine`, "
    "`followed` and `compound`, the open ones of the other scopes.",
)
QUEUE_STATUS = OpenApiParameter(
    "status",
    OpenApiTypes.STR,
    enum=sorted(QUEUE_STATUSES),
    default="open",
    description="Open ones by the next due moment; ended ones latest first.",
)
WORDS = OpenApiParameter("q", OpenApiTypes.STR, description="Words in title, text or code.")


class Tickets(APIView):
    """The tickets that the caller may see, one relation at a time; and the door for new ones."""

    throttle_classes = [FilingLimit]
    versioned = ("POST",)

    def get_throttles(self) -> list[Any]:
        """Only filing is limited; reading pages is cheap."""
        if self.request is None:
            return super().get_throttles()
        if self.request.method != "POST":
            return []
        seats = caller_of(self.request).actor.seats if self.request.user else ()
        return [CounterLimit()] if any(seat.kind in STREET_KINDS for seat in seats) else [FilingLimit()]

    @extend_schema(
        operation_id="tickets_list",
        parameters=[
            OpenApiParameter(
                "scope", OpenApiTypes.STR, enum=sorted(SCOPES), default="mine", description="Through which relation."
            ),
            STATUS,
            OpenApiParameter(
                "compound", OpenApiTypes.UUID, description="Needed for the scope `compound`; narrows the others."
            ),
            OpenApiParameter("state", OpenApiTypes.STR, enum=State.values, description="Only this state."),
            WORDS,
            *PAGING,
        ],
        responses=paged(schemas.TicketRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """One page of the tickets in a relation to the caller."""
        actor = actor_of(request)
        scope = choice(request, "scope", SCOPES, "mine")
        status = choice(request, "status", STATUSES, "all" if scope in {"mine", "followed", "compound"} else "open")
        compound = identifier(request, "compound")
        match scope:
            case "mine":
                tickets = reported_by(actor)
            case "followed":
                tickets = followed_by(actor)
            case "compound":
                if compound is None:
                    raise invalid(Fault("compound", "required", _NEEDS_COMPOUND))
                tickets = in_compound(compound, actor)
            case "area":
                tickets = in_areas(actor)
            case "community":
                tickets = in_communities(actor)
            case _:
                tickets = in_street(actor)
        if compound and scope != "compound":
            tickets = tickets.filter(compound=compound)
        if state := request.query_params.get("state"):
            choice(request, "state", set(State.values), state)
            tickets = tickets.filter(state=state)
        if words := search_words(request):
            tickets = matching(tickets, words)
        match status:
            case "open":
                tickets, keys = tickets.open(), ("next_due_at", "id")
            case "ended":
                tickets, keys = tickets.ended(), ("-closed_at", "-id")
            case _:
                keys = ("-id",)  # type: ignore[assignment]
        found = page(request, tickets.values_list(*representation.ROW, named=True), *keys)
        return Response(found.envelope([representation.row(one, actor.at) for one in found.rows]))

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
            report = Report(
                type=inputs["type"],
                category=inputs["category"],
                title=inputs.get("title", ""),
                text=inputs["text"],
                compound_id=inputs.get("compound"),
                street_id=inputs.get("street"),
                spot=inputs.get("spot", ""),
                secrecy=inputs["secrecy"],
                accused_id=inputs.get("accused"),
                photos=inputs.get("photos", ()),
                channel=inputs["channel"],
                contact_name=inputs.get("contact_name", ""),
                contact_phone=inputs.get("contact_phone", ""),
                hotline_number=inputs.get("hotline_number", ""),
            )
            ticket, rule = submit(report, by=actor, person=caller_of(request).person)
            return Response(
                representation.filed(ticket, rule, actor),
                status=201,
                headers={"Location": f"/api/v1/tickets/{ticket.id}", "ETag": etag(ticket.version)},
            )

        return write_once(request, file)


class OneTicket(APIView):
    """A single ticket."""

    versioned = ("GET",)

    @extend_schema(operation_id="tickets_read", responses=schemas.TicketSerializer)
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """The ticket, as much of it as the caller may see."""
        actor = actor_of(request)
        ticket = visible_ticket(ticket_id, actor)
        return Response(representation.detail(ticket, actor), headers={"ETag": etag(ticket.version)})


class Events(APIView):
    """A ticket's timeline."""

    @extend_schema(operation_id="tickets_events", parameters=[*PAGING], responses=paged(schemas.EventSerializer))
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """What happened, oldest first, as far as the caller may read it."""
        actor = actor_of(request)
        ticket = visible_ticket(ticket_id, actor)
        mine = relations(ticket, actor)
        events = TicketEvent.objects.filter(subject=ticket, visibility__in=representation.readable(mine))
        found = page(request, events.select_related("words"), "seq")
        names = representation.organisation_names(one.actor_organisation_id for one in found.rows)
        return Response(found.envelope([representation.event(one, mine, names) for one in found.rows]))


class OfferedMoves(APIView):
    """What the caller may do with a ticket now."""

    versioned = ("GET",)

    @extend_schema(operation_id="tickets_moves", responses=schemas.MovesSerializer)
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """The moves, each with the schema of its input, so that a client can draw its buttons."""
        actor = actor_of(request)
        ticket = visible_ticket(ticket_id, actor)
        own = [(move, "") for move in representation.offered(ticket, actor)]
        offered = [
            {
                "name": move.name,
                "label": move.label,
                "url": f"/api/v1/tickets/{ticket.id}/moves/{move.name}",
                "guarded": move.guarded,
                "on_behalf_of": party or None,
                "input": json_schema(move.input, party),
            }
            for move, party in own + representation.offered_on_behalf(ticket, actor)
        ]
        document = {"version": ticket.version, "state": str(ticket.state), "moves": offered}
        return Response(document, headers={"ETag": etag(ticket.version)})


class MakeMove(APIView):
    """One move, made with POST; each has its own address and its own input."""

    versioned = ("POST",)
    move: Move

    def post(self, request: Request, ticket_id: uuid.UUID) -> HttpResponse:
        """Make the move; refused, it changes nothing."""
        move, actor = self.move, actor_of(request)
        version = if_match(request) if move.guarded else None
        inputs = validated(move.input, request.data)
        standing_in = replace(actor, on_behalf=inputs.pop("on_behalf_of", ""))

        def make() -> Response:
            ticket, given = hold(move.name, ticket_id, inputs, by=actor)
            if not sees(ticket, actor):
                raise Ticket.DoesNotExist
            event = act(move.name, ticket, by=standing_in, version=version, inputs=given)
            document = {
                "seq": event.seq,
                "verb": event.verb,
                "at": event.at,
                "ticket": representation.brief(ticket, actor),
                "contact": None,
            }
            return Response(document, headers={"ETag": etag(ticket.version)})

        answer = write_once(request, make)
        return _with_contact(answer, ticket_id, standing_in) if move.name == "reveal" else answer


def _with_contact(answer: HttpResponse, ticket_id: uuid.UUID, actor: Actor) -> HttpResponse:
    """The answer with what was revealed, which is kept with no key: read again, for whoever may still reveal it."""
    try:
        ticket = visible_ticket(ticket_id, replace(actor, on_behalf=""))
    except Ticket.DoesNotExist:
        return answer
    if moves(Ticket)["reveal"].refusal(ticket, str(ticket.state), actor) is None:
        answer.content = dumps(orjson.loads(answer.content) | {"contact": representation.contact(ticket)})
    return answer


def move_views() -> dict[str, Callable[..., Any]]:
    """A view for each move that a person may make, by its name; those of the clock alone have none."""
    views = {}
    for name, move in moves(Ticket).items():
        if not representation.for_people(move):
            continue
        described = extend_schema(
            operation_id=f"tickets_move_{name.rstrip('_')}",
            summary=move.label,
            request=move.input,
            parameters=[IDEMPOTENCY_KEY, *([IF_MATCH] if move.guarded else [])],
            responses=schemas.MovedSerializer,
        )
        view: Any = type(
            f"Move{name.title().replace('_', '')}", (MakeMove,), {"move": move, "post": described(_post())}
        )
        views[name] = view.as_view()
    return views


def _post() -> Callable[..., HttpResponse]:
    """A `post` of its own for each move's view, so that each carries its own description."""

    def post(self: MakeMove, request: Request, ticket_id: uuid.UUID) -> HttpResponse:
        return MakeMove.post(self, request, ticket_id)

    return post


class Queue(APIView):
    """The assignments of the caller's organisations."""

    @extend_schema(
        operation_id="queue_list",
        parameters=[
            QUEUE_STATUS,
            OpenApiParameter(
                "q", OpenApiTypes.STR, description="Words in title, text or code; of ended ones in title or code."
            ),
            OpenApiParameter(
                "organisation",
                OpenApiTypes.UUID,
                description="One of the caller's organisations; all of them without it.",
            ),
            *PAGING,
        ],
        responses=paged(schemas.QueueRowSerializer),
    )
    def get(self, request: Request) -> Response:
        """What there is to do, by the next due moment; or what has been done, latest first."""
        actor, organisation = actor_of(request), identifier(request, "organisation")
        ended = choice(request, "status", QUEUE_STATUSES, "open") == "ended"
        rows = past(actor, organisation) if ended else queue(actor, organisation)
        if words := search_words(request):
            rows = queue_matching(rows, words, ended=ended)
        keys = ("-closed_at", "-ticket_id", "-id") if ended else ("next_due_at", "ticket_id", "id")
        columns = [f"ticket__{name}" for name in representation.ROW]
        found = page(request, rows.values_list(*representation.ASSIGNMENT_ROW, *columns, named=True), *keys)
        return Response(found.envelope([representation.queue_row(one, actor.at) for one in found.rows]))

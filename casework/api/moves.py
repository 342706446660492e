"""Moves over HTTP: what the caller may do with a subject, and doing it; its timeline. Each kind gives its own views their description."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.acting import Made, make_move
from casework.api.inputs import STANDING_IN, json_schema, validated
from casework.kinds import Kind
from community.authentication import caller_of
from web import identifiers as identifiers  # registers <id:…>
from web.idempotency import write_once
from web.paging import page
from web.preconditions import etag, if_match
from workflow.actor import Actor
from workflow.clocks import RULES
from workflow.models import Event, Subject
from workflow.moves import Move, moves

type PostMethod = Callable[..., HttpResponse]


class OfferedMoves(APIView):
    """What the caller may do with a subject now."""

    versioned = ("GET",)
    kind: Kind[Any]

    def get(self, request: Request, **key: uuid.UUID) -> Response:
        """The moves, each with the schema of its input, so that a client can draw its buttons."""
        actor, kind = caller_of(request).actor, self.kind
        subject = kind.read(_only(key), actor)
        own = [(move, "") for move in kind.offered(subject, actor)]
        offered = [
            {
                "name": move.name,
                "label": move.label,
                "url": f"/api/v1/{kind.name}/{subject.pk}/moves/{move.name}",
                "guarded": move.guarded,
                "on_behalf_of": party or None,
                "input": json_schema(move.input, party),
            }
            for move, party in own + kind.offered_on_behalf(subject, actor)
        ]
        document = {"version": subject.version, "state": str(subject.state), "moves": offered}
        return Response(document, headers={"ETag": etag(subject.version)})


class MakeMove(APIView):
    """One move, made with POST; each has its own address and its own input."""

    versioned = ("POST",)
    kind: Kind[Any]
    move: Move

    def post(self, request: Request, **key: uuid.UUID) -> HttpResponse:
        """Make the move; refused, it changes nothing."""
        move, actor = self.move, caller_of(request).actor
        pk = _only(key)
        version = if_match(request) if move.guarded else None
        inputs = validated(move.input, request.data)
        by = replace(actor, on_behalf=inputs.pop(STANDING_IN, ""))

        def make() -> Response:
            made = make_move(self.kind, move.name, pk, by=by, version=version, inputs=inputs)
            return Response(self.answer(made, actor), headers={"ETag": etag(made.subject.version)})

        return write_once(request, make, lambda kept: self.again(kept, pk, actor))

    def answer(self, made: Made[Any], actor: Actor) -> dict[str, object]:
        """What is said of a move that was made."""
        return {"seq": made.event.seq, "verb": made.event.verb, "at": made.event.at}

    def again(self, kept: dict[str, Any], key: uuid.UUID, actor: Actor) -> dict[str, object]:
        """What may still be told of an answer that was kept for its key. Raises DoesNotExist where the actor sees the subject no more."""
        self.kind.read(key, actor)
        return kept


class Events(APIView):
    """A subject's timeline."""

    kind: Kind[Any]

    def get(self, request: Request, **key: uuid.UUID) -> Response:
        """What happened, oldest first, as far as the caller may read it."""
        actor, kind = caller_of(request).actor, self.kind
        subject = kind.read(_only(key), actor)
        rows: Any = kind.model.EVENTS._base_manager
        readable = rows.filter(subject=subject, visibility__in=kind.readable(subject, actor))
        found = page(request, readable.select_related("words", "actor"), "seq")
        return Response(found.envelope(self.lines(found.rows, subject, actor)))

    def lines(self, rows: Sequence[Event], subject: Any, actor: Actor) -> list[dict[str, object]]:
        """The lines of a page, as the actor may read them: each with its facts, and what was said."""
        return [
            {
                "seq": one.seq,
                "verb": one.verb,
                "label": self.kind.event_label(one.verb),
                "source": one.source,
                "target": one.target,
                "at": one.at,
                "data": {name: value for name, value in one.data.items() if name not in ("words", RULES)},
                "words": kept.body if (kept := getattr(one, "words", None)) else {},
            }
            for one in rows
        ]


def addresses[S: Subject](kind: Kind[S]) -> list[URLPattern]:
    """The addresses of a kind whose views need no more than is the same for all, under /api/v1/."""
    one = f"{kind.name}/<id:key>"
    return [
        path(f"{one}/events", _of(kind, Events).as_view()),
        path(f"{one}/moves", _of(kind, OfferedMoves).as_view()),
        *(path(f"{one}/moves/{name}", view) for name, view in move_views(kind, MakeMove).items()),
    ]


def _of[S: Subject](kind: Kind[S], base: type[APIView]) -> type[APIView]:
    return type(f"{kind.name.title()}{base.__name__}", (base,), {"kind": kind})


def _only(key: Mapping[str, uuid.UUID]) -> uuid.UUID:
    """The id in an address, by whichever name it goes there."""
    (found,) = key.values()
    return found


def move_views[S: Subject](
    kind: Kind[S],
    base: type[MakeMove],
    describe: Callable[[Move], Callable[[PostMethod], PostMethod]] = lambda move: lambda post: post,
) -> Mapping[str, Callable[..., HttpResponseBase]]:
    """A view for each move that a person may make, by its name; `describe` decorates the `post` of each for the API's document."""
    views = {}
    model: Any = kind.model
    for name, move in moves(model).items():
        if kind.for_people(move):
            attributes = {"kind": kind, "move": move, "post": describe(move)(_post(base))}
            view: Any = type(f"Move{name.title().replace('_', '')}", (base,), attributes)
            views[name] = view.as_view()
    return views


def _post(base: type[MakeMove]) -> PostMethod:
    """A `post` of its own for each move's view, so that each carries its own description."""

    def post(self: MakeMove, request: Request, **key: uuid.UUID) -> HttpResponse:
        return base.post(self, request, **key)

    return post

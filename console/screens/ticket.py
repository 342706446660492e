"""A ticket: the panel beside a list, and a page of its own."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, OuterRef, Subquery, When
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from rest_framework import serializers

from community.models import Organisation
from console.moves import words
from console.moves.fields import Option, Pickers, Selection
from console.moves.making import NotMade, make
from console.moves.offered import BESIDE, OfferedMove, fits, form_of, move_named, next_of, offered, pickers
from console.presence import look
from console.screen import Screen, by_htmx
from console.screens import beside
from console.screens.parties import RECORD, parties, records
from console.spans import moment
from console.turns import of_ticket
from tickets.access import Relation
from tickets.kind import TICKETS
from tickets.models import Photo, Ticket, TicketEvent
from tickets.models.ticket import move_label
from tickets.queries import linked, ticket_numbered, visible_ticket
from tickets.reading import document, timeline
from tickets.reading.filters import WORKED_ON
from tickets.states import Channel, ClockName, Secrecy
from web.words import Words, say
from workflow.actor import Actor
from workflow.moves import Visibility, moves

BEGINNING = 24
"""How many characters of somebody's words stand beside an entry that can be chosen."""
_FOLLOWING = frozenset({ClockName.CALLBACK, ClockName.PROMISE, ClockName.ASSIST})


def ticket_of(code: str, actor: Actor) -> Ticket:
    """The ticket with this number. Raises Http404 just the same for one that is absent and one that is not theirs to see."""
    try:
        return ticket_numbered(code, actor)
    except Ticket.DoesNotExist:
        raise Http404 from None


class TicketScreen(Screen):
    """One ticket as the reader may see it, with what they may do. `whole` in what htmx sends asks for all that the page shows."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/ticket.html"

    def get(self, request: HttpRequest, code: str, move: str = "") -> HttpResponse:
        """The panel where htmx asks, else the page; with the form of `move` open in the place of the next one."""
        ticket = ticket_of(code, self.actor)
        return self._answer(ticket, self._panel(ticket, move, request.GET.get("on_behalf_of", "")))

    def post(self, request: HttpRequest, code: str, move: str) -> HttpResponse:
        """Make a move, and show the ticket as it is then.

        422 where something is wrong in the form, which comes back with what was written. 409 where the ticket is no longer as it was
        read: it is shown as it is now, with what was written.
        """
        wanted, sent = move_named(move), request.POST
        if wanted is None:
            raise Http404
        ticket = ticket_of(code, self.actor)
        try:
            refused = make(self.caller, wanted, ticket.pk, sent)
        except Ticket.DoesNotExist:
            raise Http404 from None
        if refused is not None:
            return self._refused(ticket, OfferedMove(wanted, sent.get("on_behalf_of", "")), sent, refused)
        if not by_htmx(request):
            return redirect("ticket", code)
        try:
            ticket = visible_ticket(ticket.pk, self.actor)
        except Ticket.DoesNotExist:
            answer, then = self.part("gone", {"code": code}), ""
        else:
            panel = self._panel(ticket)
            answer, then = self._answer(ticket, panel), str((panel["clock"] or panel["paused"] or {}).get("words", ""))
        toast = say(f"{wanted.label}：已登记。{then}", f"{wanted.label}: recorded. {then}")
        answer["HX-Trigger"] = json.dumps({"toast": {"words": toast}, "made": {"code": code, "move": move}})
        return answer

    def _refused(self, ticket: Ticket, one: OfferedMove, sent: QueryDict, refused: NotMade) -> HttpResponse:
        still = one in offered(ticket, self.actor)
        choices = self._pickers(ticket, self._events(ticket))
        if not refused.overtaken and still:
            form = form_of(one, ticket, choices, sent, refused.errors, refused.reason)
            if by_htmx(self.request):
                shown = {"form": form, "ticket": {"code": ticket.code}, "now": self.actor.at}
                return render(self.request, "console/move_form.html", shown, status=422)
            return self._answer(ticket, self._panel(ticket) | {"form": form}, status=422)
        ticket = ticket_of(ticket.code, self.actor)
        still = one in offered(ticket, self.actor)
        panel = self._panel(ticket)
        panel["overtaken"] = {"reason": refused.reason, "last": panel["history"][-1] if panel["history"] else None}
        if still:
            panel["form"] = form_of(one, ticket, choices, sent)
        else:
            panel["kept"] = [text for name in one.move.input.own_words() for text in sent.getlist(name) if text.strip()]
        return self._answer(ticket, panel, status=409)

    def _answer(self, ticket: Ticket, panel: Mapping[str, Any], status: int = 200) -> HttpResponse:
        if by_htmx(self.request) and not self._whole():
            return self.part("panel", panel, status=status)
        # A page that opens the form of a move at its own address spends its statements on what can be chosen there.
        drawn = by_htmx(self.request) or "move" not in self.kwargs
        whole = {**panel, "whole": True, **beside.shown(ticket, panel, self.actor, drawn=drawn)}
        if by_htmx(self.request):
            return self.part("whole", whole, status=status)
        return self.page(panel["ticket"]["title"], whole, status=status)

    def _whole(self) -> bool:
        return "whole" in self.request.GET or "whole" in self.request.POST

    def _panel(self, ticket: Ticket, wanted: str = "", party: str = "") -> dict[str, Any]:
        """What the panel shows. Costs six statements at most, beside those of pickers."""
        shown: Any = document.detail(ticket, self.actor)
        events = self._events(ticket)
        choices = self._pickers(ticket, events)
        found = [one for one in offered(ticket, self.actor) if fits(one, choices)]
        history = self._history(ticket, events)
        made = {one["verb"] for one in history if one["at"] >= ticket.state_since}
        asked = next((one for one in found if (one.name, one.party) == (wanted, party)), None)
        chosen = asked or next_of(found, ticket, made)
        reveal = next((one for one in found if one.name == "reveal" and not one.party), None)
        return {
            "ticket": shown,
            "turn": of_ticket(shown["state"], asked=bool(shown["question_open"]), acts=WORKED_ON),
            "clock": pressing(shown["clocks"] or ()),
            "paused": next((one for one in shown["clocks"] or () if one["state"] == "paused"), None),
            "lead": next((one for one in shown["assignments"] or () if one["open"] and one["role"] == "lead"), None),
            "channel": Channel(shown["channel"]).label,
            "secret": Secrecy(shown["secrecy"]).label if shown["secrecy"] != Secrecy.OPEN else "",
            "form": form_of(chosen, ticket, choices, self._suggested(chosen, wanted)) if chosen else None,
            "others": [one for one in found if one != chosen and one.name not in BESIDE],
            "reveal": form_of(reveal, ticket, choices) if reveal and shown["contact"] and _masked(shown) else None,
            "history": history,
            "parties": parties(shown, history),
            "records": records(shown, history),
            "events": events,
            "overtaken": None,
            "kept": [],
        }

    def _suggested(self, chosen: OfferedMove, wanted: str) -> QueryDict | None:
        """What the address chooses in the form that it opens. It writes no words there: anybody may have made it."""
        if self.request.method != "GET" or chosen.name != wanted:
            return None
        input: Any = chosen.move.input
        given = QueryDict(mutable=True)
        for name, one in input().fields.items():
            if isinstance(one, serializers.ChoiceField) and name in self.request.GET:
                given[name] = self.request.GET[name]
        return given or None

    def _pickers(self, ticket: Ticket, events: Sequence[TicketEvent]) -> Pickers:
        """What can be chosen in the forms of this ticket; of its events, those whose words others than staff can read."""
        return {**pickers(ticket, self.actor), "events": lambda: _with_words(ticket, events, self.actor.at)}

    def _events(self, ticket: Ticket) -> list[TicketEvent]:
        """What happened, oldest first, as far as the reader may read it. One statement."""
        photos = Photo.objects.filter(ticket=OuterRef("subject"), event_seq=OuterRef("seq")).order_by("id")
        rows = TicketEvent.objects.filter(subject=ticket, visibility__in=TICKETS.readable(ticket, self.actor))
        acting = Organisation.objects.filter(pk=OuterRef("actor_organisation_id"))
        named = rows.annotate(
            organisation_name=Subquery(acting.values("name")),
            photo_ids=Case(When(verb__constant=RECORD, then=ArraySubquery(photos.values("pk")))),
        )
        return list(named.select_related("words", "actor").order_by("seq"))

    def _history(self, ticket: Ticket, events: Sequence[TicketEvent]) -> list[dict[str, Any]]:
        """The events for people. Three statements where other tickets are linked to it, else none."""
        acting = {one.actor_organisation_id: getattr(one, "organisation_name", None) or "" for one in events}
        names = {key: name for key, name in acting.items() if key}
        seen = {str(one.pk) for one in linked(ticket, self.actor)}
        return [
            {
                **_told(timeline.line(one, ticket, self.actor, names, seen)),
                "photos": getattr(one, "photo_ids", None) or (),
            }
            for one in events
        ]


def _with_words(ticket: Ticket, events: Sequence[TicketEvent], now: datetime) -> Selection:
    follower, found = frozenset({Relation.FOLLOWER}), []
    for one in events:
        if one.visibility in (Visibility.PUBLIC, Visibility.PARTIES) and one.verb != "submit":
            said = " ".join(str(text) for text in timeline.words_shown(one, ticket, follower).values() if text)
            if said:
                found.append(Option(str(one.seq), f"{move_label(one.verb)} {moment(one.at, now)}", said[:BEGINNING]))
    return found


def pressing(clocks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The running clock that is due first; of several at one moment the work itself, and not what follows from it."""
    running = [one for one in clocks if one["state"] in ("running", "overdue")]
    return min(running, key=lambda one: (one["due_at"], one["name"] in _FOLLOWING), default=None)


def _masked(shown: Mapping[str, Any]) -> bool:
    return "*" in f"{shown['contact']['name']}{shown['contact']['phone']}"


def _told(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the history for people: who, which shape, what was said and what was chosen."""
    move = moves(Ticket).get(line["verb"])
    fields: Mapping[str, Any] = move.input().fields if move else {}  # type: ignore[attr-defined]
    who = [one["name"] for one in (line["organisation"], line["person"]) if one]
    # What was reported stands above.
    said = [text for text in line["words"].values() if text and line["verb"] != "submit"]
    return {
        **line,
        "icon": words.ICONS.get(line["verb"], words.OTHERWISE),
        "who": " · ".join(who),
        "said": said,
        "chosen": [label for name, one in fields.items() if (label := _choice(one, line["data"].get(name)))],
    }


def _choice(one: serializers.Field[Any, Any, Any, Any], value: object) -> Words:
    """What a fact is called that was chosen from a list; empty for any other."""
    if isinstance(one, serializers.ChoiceField) and value in one.choices:
        return str(one.choices[value])
    return ""


class OthersLooking(TicketScreen):
    """Who else of the reader's organisations has the ticket open."""

    def get(self, request: HttpRequest, code: str, move: str = "") -> HttpResponse:
        """Their names, and the reader is seen by them from now on."""
        return self.part("looking", {"people": look(ticket_of(code, self.actor).pk, self.actor)})

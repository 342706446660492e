"""A ticket: the panel beside a list, and a page of its own."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from rest_framework import serializers

from console.moves import words
from console.moves.making import NotMade, make
from console.moves.offered import BESIDE, OfferedMove, fits, form_of, move_named, next_of, offered, pickers
from console.presence import look
from console.screen import Screen, by_htmx
from console.turns import of_ticket
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketEvent
from tickets.queries import linked, visible_ticket
from tickets.reading import document, timeline
from tickets.reading.filters import WORKED_ON
from tickets.reading.parties import organisation_names
from tickets.states import Channel, Secrecy
from web.words import Words, say
from workflow.moves import moves


class TicketScreen(Screen):
    """One ticket as the reader may see it, with what they may do."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/ticket.html"

    def get(self, request: HttpRequest, code: str, move: str = "") -> HttpResponse:
        """The panel where htmx asks, else the page; with the form of `move` open in the place of the next one."""
        ticket = self._ticket(code)
        return self._answer(ticket, self._panel(ticket, move, request.GET.get("on_behalf_of", "")))

    def post(self, request: HttpRequest, code: str, move: str) -> HttpResponse:
        """Make a move, and show the ticket as it is then.

        422 where something is wrong in the form, which comes back with what was written. 409 where the ticket is no longer as it was
        read: it is shown as it is now, with what was written.
        """
        wanted, sent = move_named(move), request.POST
        if wanted is None:
            raise Http404
        ticket = self._ticket(code)
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

    def _ticket(self, code: str) -> Ticket:
        """The ticket with this number. Raises Http404 just the same for one that is absent and one that is not theirs to see."""
        key = Ticket.objects.filter(code=code).values_list("pk", flat=True).first()
        try:
            return visible_ticket(key or uuid.uuid4(), self.actor)
        except Ticket.DoesNotExist:
            raise Http404 from None

    def _refused(self, ticket: Ticket, one: OfferedMove, sent: QueryDict, refused: NotMade) -> HttpResponse:
        still = one in offered(ticket, self.actor)
        if not refused.overtaken and still:
            form = form_of(one, ticket, pickers(ticket, self.actor), sent, refused.errors, refused.reason)
            if by_htmx(self.request):
                shown = {"form": form, "ticket": {"code": ticket.code}, "now": self.actor.at}
                return render(self.request, "console/move_form.html", shown, status=422)
            return self._answer(ticket, self._panel(ticket) | {"form": form}, status=422)
        ticket = self._ticket(ticket.code)
        still = one in offered(ticket, self.actor)
        panel = self._panel(ticket)
        panel["overtaken"] = {"reason": refused.reason, "last": panel["history"][-1] if panel["history"] else None}
        if still:
            panel["form"] = form_of(one, ticket, pickers(ticket, self.actor), sent)
        else:
            panel["kept"] = [text for name in one.move.input.own_words() for text in sent.getlist(name) if text.strip()]
        return self._answer(ticket, panel, status=409)

    def _answer(self, ticket: Ticket, panel: Mapping[str, object], status: int = 200) -> HttpResponse:
        if by_htmx(self.request):
            return self.part("panel", panel, status=status)
        return self.page(panel["ticket"]["title"], panel, status=status)  # type: ignore[index]

    def _panel(self, ticket: Ticket, wanted: str = "", party: str = "") -> dict[str, Any]:
        """What the panel shows. Costs seven statements at most, beside those of pickers."""
        shown: Any = document.detail(ticket, self.actor)
        choices = pickers(ticket, self.actor)
        found = [one for one in offered(ticket, self.actor) if fits(one, choices)]
        history = self._history(ticket)
        made = {one["verb"] for one in history if one["at"] >= ticket.state_since}
        asked = next((one for one in found if (one.name, one.party) == (wanted, party)), None)
        chosen = asked or next_of(found, ticket, made)
        reveal = next((one for one in found if one.name == "reveal" and not one.party), None)
        return {
            "ticket": shown,
            "turn": of_ticket(shown["state"], asked=bool(shown["question_open"]), acts=WORKED_ON),
            "clock": next((one for one in shown["clocks"] or () if one["state"] in ("running", "overdue")), None),
            "paused": next((one for one in shown["clocks"] or () if one["state"] == "paused"), None),
            "lead": next((one for one in shown["assignments"] or () if one["open"] and one["role"] == "lead"), None),
            "channel": Channel(shown["channel"]).label,
            "secret": Secrecy(shown["secrecy"]).label if shown["secrecy"] != Secrecy.OPEN else "",
            "form": form_of(chosen, ticket, choices) if chosen else None,
            "others": [one for one in found if one != chosen and one.name not in BESIDE],
            "reveal": form_of(reveal, ticket, choices) if reveal and shown["contact"] and _masked(shown) else None,
            "history": history,
            "overtaken": None,
            "kept": [],
        }

    def _history(self, ticket: Ticket) -> list[dict[str, Any]]:
        """What happened, oldest first, as far as the reader may read it. Two statements."""
        rows = TicketEvent.objects.filter(subject=ticket, visibility__in=TICKETS.readable(ticket, self.actor))
        events = list(rows.select_related("words", "actor").order_by("seq"))
        names = organisation_names(one.actor_organisation_id for one in events)
        seen = {str(one.pk) for one in linked(ticket, self.actor)}
        return [_told(timeline.line(one, ticket, self.actor, names, seen)) for one in events]


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
        return self.part("looking", {"people": look(self._ticket(code).pk, self.actor)})

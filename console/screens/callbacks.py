"""The call-back desk: the residents whom the street has to ask how it went, one at a time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from console.moves.making import NotMade, make
from console.moves.offered import OfferedMove, form_of, move_named
from console.navigation import of_the_street
from console.screen import Screen, by_htmx
from console.screens.ticket import ticket_of
from console.turns import of_ticket
from tickets import catalogue
from tickets.access import Relation, relations
from tickets.codes import read_code
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketEvent
from tickets.models.photo import PhotoKind
from tickets.models.ticket import move_label
from tickets.queries import visible_ticket
from tickets.reading import deadlines, document
from tickets.reading.callbacks import counted, first_after
from tickets.reading.filters import WORKED_ON
from tickets.reading.parties import organisation_names
from tickets.reading.timeline import words_shown
from tickets.states import ClockName, Satisfaction, state_label
from tickets.titles import spoken
from web.words import Words, bilingual, say
from workflow.actor import Actor

SENDS_BACK = ("dispute", "reopen")
"""The moves by which a ticket goes back to those who worked on it: before the resident has accepted the result, and after."""
_TOLD = ("contact", "reply", "complete_step", "answer_now", "dispute", "reopen", "confirm", "remark")
"""What to have read before one calls."""
_UNSATISFIED = frozenset({str(Satisfaction.VERY_DISSATISFIED), str(Satisfaction.DISSATISFIED)})
_REASON_NEEDED = bilingual("退回重办，要写居民怎么说。", "To send it back, write down what the resident said.")


@dataclass(frozen=True, slots=True)
class ToldLine:
    """What somebody said of a ticket by a move, and when."""

    verb: str
    label: Words
    words: str
    at: datetime


class CallbackDesk(Screen):
    """One call-back; when it is recorded, the next one."""

    entry: ClassVar[str] = "callbacks"
    template: ClassVar[str] = "console/callbacks.html"
    title: ClassVar[Words] = bilingual("回访台", "Call-back desk")

    def admits(self, actor: Actor) -> bool:
        """For staff of the street, who make the move."""
        return of_the_street(actor)

    def get(self, request: HttpRequest, code: str = "") -> HttpResponse:
        """The ticket with this number, else the one after the ticket `after`, else the first that is due."""
        after = read_code(request.GET.get("after", "")) or ""
        return self._answer(self._ticket(code) if code else self._next(after))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Record the call, that nobody answered (`missed`), or that the number was revealed (`reveal`); then show what comes next.

        422 where something is wrong in the form, 409 where it was recorded meanwhile; then nothing has changed, and what was written
        comes back.
        """
        sent, ticket = request.POST, self._ticket(code)
        if "back" in sent and sent["back"] not in SENDS_BACK:
            raise Http404
        if "reveal" in sent:
            name, refused = "reveal", self._make("reveal", ticket, sent)
        elif "missed" in sent:
            name, refused = "remark", self._make("remark", ticket, _missed(sent))
        else:
            name, refused = "callback", self._called(ticket, sent)
        if refused is not None:
            shown = self._shown(self._ticket(code), sent if name == "callback" else None, refused)
            return self._page(shown, status=409 if refused.overtaken else 422)
        back = self._send_back(ticket, sent) if name == "callback" else None
        if back is not None:
            return self._page(
                self._shown(self._ticket(code), sent, back, recorded=True), status=409 if back.overtaken else 422
            )
        if not by_htmx(request):
            return redirect(reverse("callback", args=[code]) if name == "reveal" else self._address(code))
        answer = self._answer(self._ticket(code) if name == "reveal" else self._next(code))
        toast = say(f"{code} {move_label(name)}：已登记", f"{code} {move_label(name)}: recorded")
        # Where the number was revealed, what was written of the call is still to be sent.
        made = {} if name == "reveal" else {"made": {"code": code, "move": "callback"}}
        answer["HX-Trigger"] = json.dumps({"toast": {"words": toast}, **made})
        return answer

    def _called(self, ticket: Ticket, sent: QueryDict) -> NotMade | None:
        """Record the call. Where the ticket is to go back, it is refused without the resident's words."""
        if _goes_back(sent) and not sent.get("words", "").strip():
            return NotMade({"words": [_REASON_NEEDED]})
        return self._make("callback", ticket, sent)

    def _send_back(self, ticket: Ticket, sent: QueryDict) -> NotMade | None:
        """Let the ticket go back with the resident's words, where that was asked for."""
        if not _goes_back(sent):
            return None
        given = sent.copy()
        given["reason"] = sent.get("words", "")
        return self._make(sent.get("back", ""), ticket, given)

    def _make(self, name: str, ticket: Ticket, sent: QueryDict) -> NotMade | None:
        move = move_named(name)
        assert move
        try:
            return make(self.caller, move, ticket.pk, sent)
        except Ticket.DoesNotExist:
            raise Http404 from None

    def _ticket(self, code: str) -> Ticket:
        """The ticket with this number. Raises Http404 where it is not in the reader's street: nobody else reads here what was written."""
        ticket = ticket_of(code, self.actor)
        if Relation.STREET not in relations(ticket, self.actor):
            raise Http404
        return ticket

    def _next(self, after: str) -> Ticket | None:
        key = first_after(self.actor, after, ahead=self._ahead)
        try:
            return visible_ticket(key, self.actor) if key else None
        except Ticket.DoesNotExist:
            # It was moved to another street just now.
            return None

    @property
    def _ahead(self) -> bool:
        """Whether those of other days are called, too."""
        return "ahead" in self.request.GET or "ahead" in self.request.POST

    def _address(self, after: str) -> str:
        asked = {"after": after, **({"ahead": "1"} if self._ahead else {})}
        return f"{reverse('callbacks')}?{urlencode(asked)}"

    def _answer(self, ticket: Ticket | None) -> HttpResponse:
        return self._page(self._shown(ticket) if ticket else {"ticket": None})

    def _page(self, shown: Mapping[str, Any], status: int = 200) -> HttpResponse:
        context = {**shown, "counts": counted(self.actor), "ahead": self._ahead}
        if by_htmx(self.request):
            return self.part("one", context, status=status)
        return self.page(self.title, context, status=status)

    def _shown(
        self, ticket: Ticket, sent: QueryDict | None = None, refused: NotMade | None = None, *, recorded: bool = False
    ) -> dict[str, Any]:
        """The ticket with what to know for the call. Three statements."""
        photos, contact = document.photos(ticket, self.actor), document.shown_contact(ticket, self.actor)
        clocks: Any = deadlines.shown(ticket, relations(ticket, self.actor), ticket.clocks) or ()
        own = {move.name: OfferedMove(move) for move in TICKETS.offered(ticket, self.actor)}
        masked = contact is not None and "*" in f"{contact['name']}{contact['phone']}"
        errors = refused.errors if refused else {}
        form = (
            form_of(own["callback"], ticket, {}, sent, errors, refused.reason if refused else "")
            if "callback" in own
            else None
        )
        if form and "words" in errors:
            form = replace(
                form, fields=[replace(one, required=one.required or one.name == "words") for one in form.fields]
            )
        return {
            "ticket": ticket,
            "matter": spoken(ticket.title),
            "category": catalogue.leaf_by_id(ticket.category_id).name,
            "holder": organisation_names([ticket.holder_id]).get(ticket.holder_id, "") if ticket.holder_id else "",
            "contact": contact,
            "state_label": state_label(ticket.state, ticket.channel),
            "turn": of_ticket(ticket.state, asked=False, acts=WORKED_ON),
            "clock": next((one for one in clocks if one["name"] == ClockName.CALLBACK), None),
            "before": [one for one in photos if one["kind"] != PhotoKind.AFTER],
            "after": [one for one in photos if one["kind"] == PhotoKind.AFTER],
            "told": self._told(ticket),
            "masked": masked,
            "reveal": form_of(own["reveal"], ticket, {}, _for_the_call()) if masked and "reveal" in own else None,
            "form": form,
            "back": next((own[name] for name in SENDS_BACK if name in own), None),
            "problem": refused.reason if refused and (recorded or not form) else "",
            "kept": sent.get("words", "") if sent is not None and (recorded or not form) else "",
            "recorded": recorded,
        }

    def _told(self, ticket: Ticket) -> Sequence[ToldLine]:
        """What was said to the resident, by the resident and after earlier calls, oldest first. One statement."""
        mine = relations(ticket, self.actor)
        rows = TicketEvent.objects.filter(
            subject=ticket, verb__in=_TOLD, visibility__in=TICKETS.readable(ticket, self.actor)
        ).select_related("words")
        said = [
            (one, " ".join(str(text) for text in words_shown(one, ticket, mine).values() if text))
            for one in rows.order_by("seq")
        ]
        return [ToldLine(one.verb, move_label(one.verb), text, one.at) for one, text in said if text]


def _goes_back(sent: QueryDict) -> bool:
    """Whether a dissatisfied resident's ticket is to go back."""
    return "back" in sent and (sent.get("resolved") == "false" or sent.get("satisfied") in _UNSATISFIED)


def _missed(sent: QueryDict) -> QueryDict:
    """The note that nobody answered, with what was written."""
    given, words = sent.copy(), sent.get("words", "")
    given["text"] = say(f"回访：没有打通。{words}", f"Call-back: nobody answered. {words}").strip()
    return given


def _for_the_call() -> QueryDict:
    """Why the number is wanted."""
    given = QueryDict(mutable=True)
    given["reason"] = say("回访", "Call-back")
    return given

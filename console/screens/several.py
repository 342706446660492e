"""What is done to several tickets at once: each is a move of its own, with its own version, key and transaction."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import ClassVar

from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from console.moves.fields import Selection
from console.moves.making import make
from console.moves.offered import colleagues, move_named
from console.screen import Screen
from tickets.models import Ticket
from tickets.states import State
from web.words import Words, say

MOST = 50


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one ticket."""

    code: str
    done: bool
    words: Words


class SeveralTickets(Screen):
    """Signing for several tickets of the queue, and giving them to people."""

    template: ClassVar[str] = "console/several.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The people to whom the tickets can be given."""
        return self.part("people", {"people": self._people(request)})

    def _people(self, request: HttpRequest) -> Selection:
        """The colleagues in the organisation that the address names, else in each of the person's own."""
        wanted, seats = request.GET.get("organisation") or None, self.actor.seats
        mine = dict.fromkeys(one.organisation_id for one in seats if wanted in (None, str(one.organisation_id)))
        return list({one.value: one for body in mine for one in colleagues(body, self.actor)}.values())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make the moves, one after the other; what one refuses stops no other."""
        asked, workers = request.POST.getlist("ticket"), request.POST.getlist("worker")
        move, key = request.POST.get("move"), request.POST.get("key") or str(uuid.uuid4())
        if move not in ("sign", "assign") or not asked or len(asked) > MOST or (move == "assign" and not workers):
            raise Http404
        given = dict(one.rpartition(":")[::2] for one in asked)
        found = {one.code: one for one in Ticket.objects.filter(code__in=given).only("pk", "code", "state")}
        turns = cycle(workers if move == "assign" else [""])
        results = [
            self._one(code, found.get(code), {"version": version, "key": f"{key} {code}", "worker": next(turns)})
            for code, version in given.items()
        ]
        done = [one.code for one in results if one.done]
        failed = len(results) - len(done)
        answer = self.part("results", {"results": results, "done": len(done), "failed": failed})
        answer["HX-Trigger"] = json.dumps({"made": {"codes": done}})
        return answer

    def _one(self, code: str, ticket: Ticket | None, sent: Mapping[str, str]) -> RowResult:
        """Sign for one, or pass it on where it is signed for already and somebody is named."""
        nothing = say("没有找到", "Not found")
        if ticket is None:
            return RowResult(code, False, nothing)
        move = move_named("assign" if sent["worker"] and ticket.state != State.DISPATCHED else "sign")
        form = QueryDict(mutable=True)
        form.update({name: value for name, value in sent.items() if value})
        assert move is not None
        try:
            refused = make(self.caller, move, ticket.pk, form)
        except Ticket.DoesNotExist:
            return RowResult(code, False, nothing)
        if refused is None:
            return RowResult(code, True, move.label)
        reasons = [reason for several in refused.errors.values() for reason in several]
        return RowResult(code, False, refused.reason or " ".join(map(str, reasons)))

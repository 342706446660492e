"""The intake desk: staff take down what residents report by phone, at the counter or through the hotline."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from casework.api.inputs import validated
from community.models import Compound, ServiceContract, Street
from console.moves.fields import Control, FormField, Option, Pickers, Selection, controls, form_field, read
from console.moves.making import NotMade, by_field, digest_of, make
from console.moves.offered import move_named
from console.navigation import coordinates, of_the_street, takes_down
from console.screen import Screen, by_htmx
from tickets import catalogue
from tickets.access import relations
from tickets.api.tickets import filing_limit
from tickets.codes import read_code
from tickets.filing import UNKNOWN_PLACE, Report, Submit, forecast, submit
from tickets.models import Ticket
from tickets.reading import deadlines, document
from tickets.reading.duplicates import alike
from tickets.states import Channel, TicketType, state_label
from web.folding import folded
from web.idempotency import once
from web.problems import Problem
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput, NotReady, Refusal

CHANNELS = (Channel.PHONE, Channel.COUNTER, Channel.HOTLINE)
"""How residents reach those who take their reports down; the hotline's are for the street."""
SECTIONS = (
    (bilingual("谁、怎么来的", "Who, and how"), ("channel", "hotline_number", "contact_name", "contact_phone")),
    (bilingual("在哪里", "Where"), ("place", "spot")),
    (bilingual("什么事", "What"), ("type", "category", "text", "title", "photos")),
    (bilingual("谁能知道", "Who may know"), ("secrecy", "hidden")),
)
"""The form's fields, in the order in which a caller tells them."""
_PLACE = bilingual("地点", "Place")
_PLACE_HELP = bilingual("输入小区名中的几个字，从列表里选。", "Type a part of the compound's name and choose.")
_SEVERAL_PLACES = bilingual("有几个地点叫这个名字，请写全。", "Several places have this name; write it in full.")
_TOO_OFTEN = bilingual("登记太频繁，请稍后再试。", "Too much was filed in the last hour. Try again later.")
_EARLIER = ("compound", "street")


@dataclass(frozen=True, slots=True)
class FieldSection:
    """Some fields of the form under a heading."""

    title: Words
    fields: Sequence[FormField]
    offered: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IntakePlace:
    """A place for which reports can be taken down: a compound, or a street's public ground."""

    name: str
    around: str
    names: tuple[str, ...]
    compound: uuid.UUID | None = None
    street: uuid.UUID | None = None


class IntakeDesk(Screen):
    """One form for a caller, and the number to tell them."""

    entry: ClassVar[str] = "intake"
    template: ClassVar[str] = "console/intake.html"
    title: ClassVar[Words] = bilingual("来电登记", "Take a report down")

    def admits(self, actor: Actor) -> bool:
        """For staff of the street, and for companies and committees."""
        return takes_down(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """An empty form, with the channel of the last caller."""
        given = QueryDict(mutable=True)
        given["channel"] = request.GET.get("channel", "")
        return self.page(self.title, self._form(given))

    def post(self, request: HttpRequest) -> HttpResponse:
        """File the report once for its key, and merge it into the open ticket `into` where that is asked for.

        422 where something is wrong in the form, which comes back with what was written; then nothing has changed.
        """
        sent = request.POST
        filed = self._file(sent)
        if isinstance(filed, NotMade):
            return self._show("form", self._form(sent, filed), status=422)
        refused = self._merge(filed, sent) if sent.get("into") else None
        shown = {"filed": filed, "into": sent.get("into"), "refused": refused, "channel": sent.get("channel", "")}
        answer = self._show("filed", shown)
        answer["HX-Trigger"] = json.dumps({"made": {"code": "intake", "move": "new"}})
        return answer

    def _show(self, name: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
        if by_htmx(self.request):
            return self.part(name, context, status=status)
        return self.page(self.title, context, status=status)

    def _file(self, sent: QueryDict) -> NotMade | dict[str, Any]:
        """What the reporter is told of the ticket that was filed, as JSON has it; or why none was."""
        person = self.caller.person
        try:
            inputs = validated(Submit, self._said(sent))
        except ValidationError as error:
            return NotMade(_named(by_field(error)))
        if not filing_limit(self.actor.seats).allows(str(person.pk)):
            return NotMade(reason=_TOO_OFTEN)

        def act() -> Response:
            ticket, routing = submit(Report.of(inputs), by=self.actor, person=person)
            return Response(document.filed(ticket, routing, self.actor), status=HTTPStatus.CREATED)

        try:
            answer = once(person.pk, "console intake", sent.get("key") or str(uuid.uuid4()), digest_of(sent), act)
        except InvalidInput as refusal:
            return NotMade(_named({refusal.field: [refusal.reason]}))
        except Refusal as refusal:
            return NotMade({"place": [refusal.reason]})
        except Problem as problem:
            return NotMade(reason=str(problem.detail or problem.title))
        filed: dict[str, Any] = orjson.loads(answer.content)
        return filed

    def _merge(self, filed: Mapping[str, Any], sent: QueryDict) -> NotMade | None:
        """Merge what was filed into an open ticket, so that the caller follows that one."""
        move = move_named("merge")
        into = Ticket.objects.filter(code=read_code(sent.get("into", ""))).values_list("pk", flat=True).first()
        assert move
        given = QueryDict(mutable=True)
        given.update({"into": str(into or ""), "version": str(filed["version"]), "key": sent.get("key", "")})
        try:
            return make(self.caller, move, uuid.UUID(filed["id"]), given)
        except Ticket.DoesNotExist:
            return NotMade(reason=UNKNOWN_PLACE)

    @cached_property
    def places(self) -> Sequence[IntakePlace]:
        """Where the actor may look for a caller's place. Two statements, three for organisations of no street."""
        streets = {seat.street_id for seat in self.actor.seats if seat.street_id}
        if not streets:
            mine = [seat.organisation_id for seat in self.actor.seats]
            served = Q(provider__in=mine) | Q(provider__parent__in=mine)
            streets = set(ServiceContract.objects.filter(served).values_list("street", flat=True))
        compounds = Compound.objects.filter(street__in=streets).select_related("community").order_by("name", "pk")
        found = [
            IntakePlace(one.name, one.community.name, (one.name, *one.aliases), compound=one.pk) for one in compounds
        ]
        if of_the_street(self.actor):
            for street in Street.objects.filter(pk__in=streets):
                name = f"{street.name}{bilingual('公共区域', ' public ground')}"
                found.append(IntakePlace(name, street.name, (name, street.name), street=street.pk))
        return found

    def _places_called(self, text: str) -> list[IntakePlace]:
        """Those that have this name, else those in whose names it stands."""
        wanted = folded(text)
        if not wanted:
            return []
        exact = [one for one in self.places if wanted in map(folded, one.names)]
        return exact or [one for one in self.places if any(wanted in folded(name) for name in one.names)]

    def _said(self, sent: QueryDict) -> dict[str, object]:
        """What the form says, as a report takes it. Raises ValidationError for a place that is not there."""
        said = {name: value for name, value in read(Submit(), sent).items() if name not in _EARLIER}
        if said.get("channel", Channel.PHONE) not in CHANNELS:
            said["channel"] = ""
        said.setdefault("channel", Channel.PHONE)
        called = sent.get("place", "").strip()
        found = self._places_called(called)
        if len(found) != 1 and called:
            raise ValidationError({"place": [str(_SEVERAL_PLACES if found else UNKNOWN_PLACE)]})
        if found:
            (one,) = found
            said |= {"compound": str(one.compound)} if one.compound else {"street": str(one.street)}
        return said

    def _form(self, given: QueryDict, refused: NotMade | None = None) -> dict[str, object]:
        """The form with what was given and what is wrong with it."""
        input: Any = Submit()
        errors = refused.errors if refused else {}
        pickers: Pickers = {"category": self._categories, "channel": self._channels}
        known = controls(input, pickers)
        fields = {name: form_field(name, input.fields[name], control, given, errors) for name, control in known.items()}
        fields["place"] = FormField(
            "place", _PLACE, Control.LINE, True, _PLACE_HELP, 60, None,
            [Option(one.name, one.around) for one in self.places], given.getlist("place"), errors.get("place", ()),
        )  # fmt: skip
        for name in ("channel", "type", "secrecy"):
            first = str(Channel.PHONE if name == "channel" else input.fields[name].default)
            chosen = tuple(one for one in fields[name].given if one) or (first,)
            fields[name] = replace(fields[name], control=Control.RADIO, required=True, help="", given=chosen)
        for name in ("contact_name", "contact_phone", "title", "hotline_number", "category"):
            fields[name] = replace(fields[name], help="")
        sections = [
            FieldSection(title, [fields[name] for name in names], {"name": "intake"}) for title, names in SECTIONS
        ]
        shown = {name for _, names in SECTIONS for name in names}
        reasons = [str(one) for name, several in errors.items() if name not in shown for one in several]
        return {
            "sections": sections,
            "wrong": {"offered": {"name": "intake"}, "wrong": [one for one in fields.values() if one.errors],
                      "problem": " ".join([*reasons, str(refused.reason if refused else "")]).strip()},
            "key": given.get("key") or str(uuid.uuid4()),
        }  # fmt: skip

    def _categories(self) -> Selection:
        return [
            Option(leaf.code, bilingual(f"{leaf.code} {leaf.name_zh}", f"{leaf.code} {leaf.name_en}"), group=group.name)
            for group in catalogue.current(self.actor.at).groups
            for leaf in group.leaves
        ]

    def _channels(self) -> Selection:
        street = of_the_street(self.actor)
        return [Option(str(one), one.label) for one in CHANNELS if street or one != Channel.HOTLINE]


class IntakeBeside(IntakeDesk):
    """What stands beside the form while it is filled in: where the report would go, by when, and open tickets like it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Nothing is written."""
        sent = request.POST
        found = self._places_called(sent.get("place", ""))
        category = sent.get("category", "")
        if len(found) != 1 or not category:
            return self.part("beside", {"asked": True})
        (place,), text = found, sent.get("text", "")[:2000]
        report = Report(
            type=_one_of(sent.get("type"), TicketType.values, TicketType.HELP),
            category=category,
            text=text,
            compound_id=place.compound,
            street_id=place.street,
            channel=_one_of(sent.get("channel"), CHANNELS, Channel.PHONE),
        )
        try:
            ticket, routing = forecast(report, by=self.actor, person=self.caller.person)
        except (Refusal, NotReady) as refusal:
            return self.part("beside", {"refusal": refusal.reason})
        party = routing.holder or routing.coordinator or routing.desk
        shown = {
            "place": place.name,
            "party": party.name,
            "state": state_label(ticket.state, ticket.channel),
            "routed": routing.reason,
            "urgent": ticket.urgent,
            "clocks": deadlines.forecast(ticket, relations(ticket, self.actor), self.actor.at),
            "alike": alike(place.compound, category, text, self.actor) if place.compound else [],
            "merges": of_the_street(self.actor) or coordinates(self.actor),
        }
        return self.part("beside", shown)


def _one_of(value: str | None, values: Sequence[str], otherwise: str) -> str:
    return value if value and value in values else otherwise


def _named(errors: Mapping[str, Sequence[Words]]) -> dict[str, Sequence[Words]]:
    """The errors under the names that the form has."""
    return {("place" if name in _EARLIER else name): reasons for name, reasons in errors.items()}

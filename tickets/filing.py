"""Filing: read a report, route it and create its ticket. The caller opens the transaction."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Q
from rest_framework import serializers

from casework.inputs import Identifier
from community.models import Organisation, Person, Street
from community.models.organisations import STREET_KINDS
from community.phones import PhoneField
from community.serving import Serving, ServingParty, UnknownPlace, who_serves
from tickets import catalogue
from tickets.catalogue import UnknownCategory
from tickets.codes import new_code
from tickets.models import Ticket, service_level
from tickets.models.photo import PhotoKind
from tickets.moves.inputs import (
    ACCUSED,
    CATEGORY,
    CODE,
    COMPOUND,
    HIDDEN,
    MADE_TITLE,
    SPOT,
    TEXT,
    TITLE,
    TYPE,
    TicketInput,
    photo_ids,
)
from tickets.moves.inputs import Party as StoodInFor
from tickets.photos import attach, claim_for_report
from tickets.routing import Routing, contract_of, covers, route
from tickets.states import PROACTIVE, AssignmentRole, Channel, HiddenBy, Secrecy, State, TicketType
from tickets.titles import made_of
from web.bodies import unfit
from web.fields import LineField, TextField
from web.texts import read_number
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput, NotPermitted
from workflow.instances import fresh
from workflow.moves import Visibility
from workflow.writing import Draft, Happening, create

TYPES_FOUND = frozenset({TicketType.HELP, TicketType.SUGGESTION})
"""The types that an organisation may file for what it found by itself; questions and complaints come from people."""
_FOR_PATROLS = bilingual("仅用于巡查、自查、网格。", "Only for what was found on patrol.")
FOR_RESIDENTS = bilingual(
    "单位自行发现的问题没有诉求人，不适用此项。",
    "What an organisation found by itself has no reporter, and none of this.",
)
_PLACE_NEEDED = bilingual("请选择小区，或注明所在街道。", "Give the compound, or the street.")
_FOR_STAFF = bilingual("仅供工作人员代为上报时填写。", "Only for staff who report for somebody else.")
UNKNOWN_PARTY = bilingual("没有这个单位，或该单位无人在岗。", "There is no such organisation, or nobody is there.")
UNKNOWN_PLACE = bilingual("没有这个小区或街道。", "There is no such compound or street.")
_NOT_YOURS = bilingual(
    "您不在该单位任职，或该单位不服务于此地。", "It is none of your organisations, or does not serve the place."
)
_WHICH_ORGANISATION = bilingual("请注明以哪个单位名义上报。", "Say for which of your organisations.")
_UNKNOWN_CATEGORY = bilingual("没有这个事项分类。", "There is no such category.")
_FOR_THE_STREET = bilingual("12345工单由街道登记。", "What comes from 12345 is for the street to take down.")
_OWN_ORGANISATION = bilingual(
    "涉及本单位的投诉、举报应由街道受理。", "What is against one's own organisation is for the street to take down."
)
# Contracts with the company, and the committee's own making and conduct.
ABOUT_THE_COMMITTEE = frozenset({"SV05", "SV07"})
COMPANIES = frozenset({"company", "project_office"})


class HotlineNumber(LineField):
    """A 12345 number in its printed form: without spaces, full-width forms or small letters."""

    def to_internal_value(self, data: Any) -> str:
        """The number in its standard form."""
        return read_number(super().to_internal_value(data)).upper()


class Submit(TicketInput):
    """A report: what it is, where it is, and what the resident says of it."""

    on_behalf_of = None  # type: ignore[assignment]

    category = LineField(max_length=8, label=CATEGORY, help_text=CODE)
    compound = Identifier(
        required=False,
        label=COMPOUND,
        help_text=bilingual("街道公共区域的事项不填。", "Leave it out for a street's public ground."),
    )
    street = Identifier(
        required=False,
        label=bilingual("街道", "Street"),
        help_text=bilingual("未填小区时必填。", "Needed where no compound is given."),
    )
    spot = LineField(
        max_length=200,
        required=False,
        allow_blank=True,
        label=SPOT,
        help_text=bilingual("门岗、楼栋、道路等。", "Where exactly: gate, building, road."),
    )
    title = LineField(max_length=60, required=False, label=TITLE, help_text=MADE_TITLE)
    text = TextField(max_length=2000, label=TEXT)
    type = serializers.ChoiceField(choices=TicketType.choices, default=TicketType.HELP, label=TYPE)
    secrecy = serializers.ChoiceField(choices=Secrecy.choices, default=Secrecy.OPEN, label=bilingual("保密", "Secrecy"))
    accused = Identifier(required=False, label=ACCUSED)
    photos = photo_ids()
    channel = serializers.ChoiceField(
        choices=Channel.choices,
        default=Channel.APP,
        label=bilingual("渠道", "Channel"),
        help_text=bilingual(
            "电话、窗口供工作人员代他人上报；热线仅限街道；巡查、自查、网格为本单位自行发现的问题，没有诉求人。",
            "By phone and at the counter staff report for somebody else; the hotline is the street's. What an organisation found by "
            "itself (patrol, self_check, grid) has no reporter.",
        ),
    )
    hidden = serializers.BooleanField(
        default=False,
        label=HIDDEN,
        help_text=bilingual(
            "邻居只看到事项和地点，看不到标题和内容。", "Neighbours see what it is about and where, not the words."
        ),
    )
    contact_name = LineField(
        max_length=40,
        required=False,
        label=bilingual("联系人", "Contact"),
        help_text=bilingual("仅供工作人员代为上报时填写。", "Only where staff report for somebody."),
    )
    contact_phone = PhoneField(
        required=False,
        label=bilingual("联系电话", "Contact phone"),
        help_text=bilingual("手机号，或带区号的固定电话。", "A mobile number, or a landline with its area code."),
    )
    hotline_number = HotlineNumber(max_length=40, required=False, label=bilingual("12345工单编号", "12345 number"))
    inspector = Identifier(
        required=False,
        label=bilingual("巡查单位", "Inspector"),
        help_text=bilingual(
            "巡查、自查、网格：以本人哪个单位名义上报；只有一个时不填。",
            "On patrol: for which of one's organisations, where there are several.",
        ),
    )

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if not attrs.get("compound") and not attrs.get("street"):
            raise unfit("compound", code="required", reason=_PLACE_NEEDED)
        if attrs["channel"] in PROACTIVE:
            _refuse_what_is_residents(attrs)
        elif "inspector" in attrs:
            raise unfit("inspector", code="for_patrols", reason=_FOR_PATROLS)
        foreign = {"contact_name", "contact_phone", "hotline_number"} & set(attrs)
        if attrs["channel"] == Channel.APP and foreign:
            raise unfit(*sorted(foreign), code="for_staff", reason=_FOR_STAFF)
        return attrs


def _refuse_what_is_residents(attrs: dict[str, object]) -> None:
    """Refuse what only a resident's report has: a contact, secrecy, an accused organisation."""
    given = {"contact_name", "contact_phone", "hotline_number", "accused"} & set(attrs)
    given |= {"secrecy"} if attrs["secrecy"] != Secrecy.OPEN else set()
    given |= {"hidden"} if attrs["hidden"] else set()
    given |= {"type"} if attrs["type"] not in TYPES_FOUND else set()
    if given:
        raise unfit(*sorted(given), code="for_residents", reason=FOR_RESIDENTS)


@dataclass(frozen=True, slots=True)
class Report:
    """What a resident reports, or what staff take down for one. A place is a compound, or a street's public ground.

    Without a title it gets one of category and place: those read it who may not read the text.
    """

    type: str
    category: str
    text: str
    title: str = ""
    compound_id: uuid.UUID | None = None
    street_id: uuid.UUID | None = None
    spot: str = ""
    secrecy: str = Secrecy.OPEN
    accused_id: uuid.UUID | None = None
    photos: Sequence[uuid.UUID] = ()
    channel: str = Channel.APP
    contact_name: str = ""
    contact_phone: str = ""
    hotline_number: str = ""
    hidden: bool = False
    inspector_id: uuid.UUID | None = None

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> "Report":
        """The report in the validated inputs of `Submit`."""
        ids = ("compound", "street", "accused", "inspector")
        said: dict[str, Any] = {f"{name}_id": inputs.get(name) for name in ids}
        return cls(**said, **{name: value for name, value in inputs.items() if name not in ids})


def submit(report: Report, *, by: Actor, person: Person) -> tuple[Ticket, Routing]:
    """File a report: route it and create its ticket in the routed state. Returns the ticket and how it was routed.

    Raises InvalidInput for what does not exist, or a number of 12345's that was filed before; NotPermitted when a channel of the
    street's is used by others.
    """
    ticket, happening, routing = routed(report, by, person)
    if report.hotline_number:
        _refuse_second(report.hotline_number, ticket.street_id)
    own = report.channel == Channel.APP or report.channel in PROACTIVE
    standing_in = "" if own else StoodInFor.REPORTER.value
    photos = claim_for_report(report.photos, by)
    if photos:
        happening = replace(happening, data={**happening.data, "photos": [one.pk for one in photos]})
    create(ticket, happening, by=replace(by, on_behalf=standing_in), at=by.at)
    attach(ticket, photos, PhotoKind.REPORT)
    return ticket, routing


def _refuse_second(number: str, street_id: uuid.UUID) -> None:
    """Raise InvalidInput where the street has a ticket with this 12345 number; rejected and withdrawn tickets do not count."""
    with connection.cursor() as cursor:
        # Two clerks may file the same number at the same moment; the second waits, and finds the first one's.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"hotline {street_id} {number}"])
    known = Ticket.objects.filter(street=street_id, hotline_number=number).exclude(hotline_number__constant="")
    if code := known.exclude(state__in=[State.REJECTED, State.WITHDRAWN]).values_list("code", flat=True).first():
        raise InvalidInput(
            "hotline_number",
            "already_filed",
            bilingual(f"已有工单 {code}。", f"There is a ticket of that number: {code}."),
        )


def forecast(report: Report, *, by: Actor, person: Person) -> tuple[Ticket, Routing]:
    """The ticket that `submit` would create at `by.at`, with its clocks and its routing. Writes nothing.

    Raises what `submit` does, and NoCatalogue or NoServiceLevel for a moment before the first of these.
    """
    ticket, happening, routing = routed(report, by, person)
    ticket.clocks = []
    Draft.of(ticket, new=True).record(happening, by=by, at=by.at)
    return ticket, routing


def routed(
    report: Report, by: Actor, person: Person | None, *, out_of: Ticket | None = None
) -> tuple[Ticket, Happening, Routing]:
    """The ticket that the report becomes, before it is written, with its first event and its routing.

    What the street files `out_of` another ticket is its reporter's as that one is; without words of its own it accuses whom that does.
    """
    leaf = leaf_of(report.category, by)
    serving = serving_at(report.compound_id, report.street_id, by)
    inspector = None
    if report.channel in PROACTIVE:
        inspector = out_of.inspector_id if out_of else _inspector(report, serving, by)
    elif report.channel != Channel.APP and not _street_seats(serving, by) and not _at_their_desk(report, serving, by):
        raise NotPermitted()
    if report.hotline_number and not _street_seats(serving, by):
        raise InvalidInput("hotline_number", "for_the_street", _FOR_THE_STREET)
    taken_over = out_of is not None and report.text == out_of.text
    accused = out_of.accused if out_of and taken_over and out_of.accused else _accused(report, leaf, serving)
    if (report.channel != Channel.APP or out_of) and any(seat.organisation_id in accused for seat in by.seats):
        raise InvalidInput("accused", "own_organisation", _OWN_ORGANISATION)
    secret = report.type == TicketType.REPORT and report.secrecy == Secrecy.OPEN
    routing = route(serving, leaf, report.type, accused)
    reporter, contact_name, contact_phone = _reporter(report, person, out_of)
    at, place = by.at, name_of(serving)
    title = report.title or made_of(leaf, place)
    ticket = fresh(
        Ticket,
        id=serving.new_id,
        street_id=serving.street_id,
        code=new_code(),
        state=routing.state,
        type=report.type,
        secrecy=Secrecy.CONFIDENTIAL if secret else report.secrecy,
        channel=report.channel,
        hotline_number=report.hotline_number,
        spot=report.spot,
        title=title,
        text=report.text,
        words_hidden=HiddenBy.REPORTER if report.hidden else HiddenBy.NOBODY,
        reporter_id=reporter,
        inspector_id=inspector,
        contact_name=contact_name,
        contact_phone=contact_phone,
        taken_by_id=by.person_id if report.channel != Channel.APP or out_of else None,
        accused=accused,
        desk_id=routing.desk.id,
        coordinator_id=routing.coordinator.id if routing.coordinator else None,
        submitted_at=at,
        state_since=at,
        policy=service_level.in_effect(at, serving.street_id).number,
    )
    if out_of:
        ticket.filed_out_of_id, ticket.inherited, ticket.words_hidden = out_of.pk, out_of.inherited, out_of.words_hidden
        ticket.public_text = out_of.public_text if taken_over else ""
    ticket.assignments, ticket.moment = [], at
    named = (routing.desk, routing.coordinator, routing.holder, *routing.co_handlers)
    ticket.kinds = {one.id: one.kind for one in named if one}
    ticket.file_under(leaf)
    ticket.locate(serving, place)
    if holder := routing.holder:
        contract = contract_of(serving, leaf, holder.id, holder.parent_id)
        ticket.hand_to(holder.id, [one.id for one in routing.co_handlers], (), at, contract)
    for one in routing.copies:
        ticket.assign(one.id, AssignmentRole.COPY, at)
    facts = {
        "type": report.type,
        "category": leaf.code,
        "channel": report.channel,
        "place": serving.compound_id or serving.street_id,
        "rule": routing.rule,
        "routing": routing.version,
        "holder": routing.holder.id if routing.holder else None,
        "coordinator": ticket.coordinator_id,
        "alarms": routing.alarms or None,
        "photos": report.photos or None,
        "hidden": report.hidden or None,
        "out_of": ticket.filed_out_of_id,
        "inspector": inspector,
    }
    words = {"title": title, "text": report.text, **({"spot": report.spot} if report.spot else {})}
    happening = Happening("submit", "", str(routing.state), Visibility.PUBLIC, facts, words)
    ticket.spare_id = serving.spare_id
    return ticket, happening, routing


def _at_their_desk(report: Report, serving: Serving, by: Actor) -> bool:
    """Whether the actor's company or committee serves the place and files the report for somebody who calls or comes."""
    if report.channel not in (Channel.PHONE, Channel.COUNTER):
        return False
    there = _who_serve(serving)
    return any(seat.organisation_id in there for seat in by.seats)


def _street_seats(serving: Serving, by: Actor) -> set[uuid.UUID]:
    """The office and sections of the place's street that the actor sits in."""
    return {one.organisation_id for one in by.seats if one.street_id == serving.street_id and one.kind in STREET_KINDS}


def _who_serve(serving: Serving) -> set[uuid.UUID | None]:
    """The companies and committees of the place."""
    there = {one.provider.id for one in serving.services} | {one.provider.parent_id for one in serving.services}
    return there | {one.id for one in (serving.committee, serving.residents_committee) if one}


def _inspector(report: Report, serving: Serving, by: Actor) -> uuid.UUID:
    """The actor's organisation that found the matter: an office of the street, or an organisation that serves the place.

    Raises NotPermitted, and InvalidInput where it has to be named.
    """
    there = _who_serve(serving)
    mine = {seat.organisation_id for seat in by.seats if seat.organisation_id in there} | _street_seats(serving, by)
    if not mine:
        raise NotPermitted()
    if report.inspector_id is not None and report.inspector_id not in mine:
        raise InvalidInput("inspector", "unknown_organisation", _NOT_YOURS)
    if report.inspector_id is None and len(mine) > 1:
        raise InvalidInput("inspector", "required", _WHICH_ORGANISATION)
    return report.inspector_id or mine.pop()


def leaf_of(code: str, by: Actor) -> catalogue.Leaf:
    try:
        return catalogue.current(by.at).leaf(code)
    except UnknownCategory:
        raise InvalidInput("category", "unknown_category", _UNKNOWN_CATEGORY) from None


def serving_at(compound_id: uuid.UUID | None, street_id: uuid.UUID | None, by: Actor) -> Serving:
    try:
        return who_serves(compound_id=compound_id, street_id=street_id, at=by.at)
    except UnknownPlace:
        raise InvalidInput("compound" if compound_id else "street", "unknown_place", UNKNOWN_PLACE) from None


def name_of(place: Serving) -> str:
    """What the place is called: the compound, or the street on whose public ground it lies."""
    return place.compound_name or Street.objects.values_list("name", flat=True).get(pk=place.street_id)


def _accused(report: Report, leaf: catalogue.Leaf, serving: Serving) -> list[uuid.UUID]:
    """The accused organisation with its head office and offices: as the report names it, else as type and category imply.

    A report of wrongdoing or a secret complaint about property service accuses the party that renders it, and one about the owners'
    own affairs their committee.
    """
    secret = report.type == TicketType.COMPLAINT and report.secrecy != Secrecy.OPEN
    named = report.accused_id
    if named is None and leaf.group == "SV" and (secret or report.type == TicketType.REPORT):
        about = _provider(serving, leaf.code) if leaf.code not in ABOUT_THE_COMMITTEE else serving.committee
        named = about.id if about else None
    return family_of(named, serving.street_id) if named else []


def _provider(serving: Serving, code: str) -> ServingParty | None:
    """The organisation that renders the property service to which the category belongs."""
    return next((one.provider for one in serving.services if one.kind == "property" and covers(one, code)), None)


def family_of(named: uuid.UUID, street_id: uuid.UUID) -> list[uuid.UUID]:
    """An accused organisation, with its head office and offices where it is a company. Raises InvalidInput.

    A section of the street stands alone, for else nobody could act.
    """
    family = Organisation.objects.filter(
        Q(pk=named)
        | Q(branches=named, kind="company")
        | Q(parent=named, kind="project_office")
        | Q(parent__branches=named, kind="project_office")
    ).filter(Q(street=street_id) | Q(street=None))
    found = set(family.values_list("pk", flat=True))
    if named not in found:
        raise InvalidInput("accused", "unknown_organisation", UNKNOWN_PARTY)
    return sorted(found)


def _reporter(report: Report, person: Person | None, out_of: Ticket | None) -> tuple[uuid.UUID | None, str, str]:
    """The reporter and how to reach them: the caller, or the person for whom a member of staff reports."""
    if out_of:
        return out_of.reporter_id, out_of.contact_name, out_of.contact_phone
    if report.channel in PROACTIVE:
        return None, "", ""
    if report.channel == Channel.APP and person:
        return person.pk, person.name, person.phone
    known = Person.objects.filter(phone=report.contact_phone, is_active=True).first() if report.contact_phone else None
    return known.pk if known else None, report.contact_name, report.contact_phone

"""What happens when a move has a second party: places, organisations, photos, neighbours. Whoever calls opens the transaction."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from types import EllipsisType
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Q, QuerySet

from community.addressees import in_roles, members
from community.models import Membership, Organisation, Person, Role, Street
from community.receivers import Receiver, local_day, receivers
from community.serving import Party, Service, Serving, UnknownPlace, who_serves
from tickets import catalogue, parties, succession
from tickets.access import STREET_KINDS, Relation, relations
from tickets.catalogue import UnknownCategory
from tickets.codes import new_code
from tickets.filing import FOR_RESIDENTS, TYPES_FOUND
from tickets.following import follow, mark, unfollow
from tickets.models import Assignment, Follower, FollowerKind, Photo, Ticket, TicketEvent, service_level
from tickets.models.photo import PICTURE, PhotoKind, of_report
from tickets.models.ticket import LOOKED_UP
from tickets.moves.inputs import Party as StoodInFor
from tickets.moves.residents import cosigned, not_following, not_rated
from tickets.news import URGED, URGED_AGAIN
from tickets.routing import CONTRACTORS, Routing, answering_section, contract_of, covers, renders, route, successor
from tickets.states import PROACTIVE, AssignmentRole, Channel, HiddenBy, Outcome, Secrecy, State, TicketType
from tickets.titles import made_of
from web.words import bilingual
from workflow.actor import Actor
from workflow.audit import lone_seal
from workflow.errors import IllegalMove, InvalidInput, NotPermitted, StaleVersion
from workflow.instances import fresh
from workflow.models import Event
from workflow.moves import Visibility
from workflow.rows import Change, write_rows
from workflow.writing import Draft, Happening, admit, bear, lock, perform, store

_UNKNOWN_PHOTO = bilingual("照片不存在或已被使用。", "The photo does not exist, or has been used already.")
_UNKNOWN_PARTY = bilingual("没有这个单位，或该单位无人在岗。", "There is no such organisation, or nobody is there.")
_ACCUSED_PARTY = bilingual("不能派给被投诉的单位。", "It cannot be sent to the accused party.")
_ACCUSED_HOLDS = bilingual(
    "该单位正在承办，请先改派或同意退回。", "It leads the ticket; dispatch it anew or uphold its return first."
)
_NOT_ON_LIST = bilingual(
    "该事项不在居委会职责清单内，不得由社区主责办理。",
    "It is not on the residents' committee's list, so it may not lead.",
)
_UNKNOWN_PLACE = bilingual("没有这个小区或街道。", "There is no such compound or street.")
_NOT_YOURS = bilingual(
    "您不在该单位任职，或该单位不服务于此地。", "It is none of your organisations, or does not serve the place."
)
_WHICH_ORGANISATION = bilingual("请注明以哪个单位名义上报。", "Say for which of your organisations.")
_UNKNOWN_CATEGORY = bilingual("没有这个事项分类。", "There is no such category.")
_UNKNOWN_OFFICER = bilingual(
    "该人员不是街道的在岗人员，或在被反映单位任职。",
    "That person is no member of the street's office, or sits in the accused organisation.",
)
_UNCHANGED = bilingual("请填写要更正的姓名或电话。", "Give the name or the phone as it should be.")
_UNKNOWN_WORKER = bilingual("该人员不是承办单位的在岗成员。", "That person is not a member of the holder.")
_FOR_THE_STREET = bilingual("12345工单由街道登记。", "What comes from 12345 is for the street to take down.")
_OWN_ORGANISATION = bilingual(
    "涉及本单位的投诉、举报应由街道受理。", "What is against one's own organisation is for the street to take down."
)
_FOLLOWED = bilingual(
    "已有人附议，不能并入不公开的工单。", "Others follow it, so it does not merge into one without a public face."
)
_WITH_A_PARTY = bilingual(
    "您或您所在的单位参与了该工单的办理，不能接续为诉求人。",
    "You, or your organisation, have a part in it, so you cannot become its reporter.",
)
_UNKNOWN_TICKET = bilingual("没有这件工单。", "There is no such ticket.")
_NOT_A_DEPARTMENT = bilingual(
    "吹哨对象须为区级部门、专业单位或街道科室。", "Only departments, utilities and sections can be whistled."
)

# Contracts with the company, and the committee's own making and conduct.
ABOUT_THE_COMMITTEE = frozenset({"SV05", "SV07"})
MOST_FOUND = 25
_COMPANIES = frozenset({"company", "project_office"})
_WHISTLED_KINDS = frozenset({"department", "utility", "section", "maintainer", "title_holder"})


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


def submit(report: Report, *, by: Actor, person: Person) -> tuple[Ticket, Routing]:
    """File a report: route it and bear its ticket in the routed state. Returns the ticket and how it was routed.

    Raises InvalidInput for what does not exist, or a number of 12345's that was filed before; NotPermitted when a channel of the
    street's is used by others.
    """
    ticket, happening, routing = _routed(report, by, person)
    if report.hotline_number:
        _refuse_second(report.hotline_number, ticket.street_id)
    own = report.channel == Channel.APP or report.channel in PROACTIVE
    standing_in = "" if own else StoodInFor.REPORTER.value
    photos = _claim_for_report(report.photos, by)
    if photos:
        happening = replace(happening, data={**happening.data, "photos": [one.pk for one in photos]})
    bear(ticket, happening, by=replace(by, on_behalf=standing_in), at=by.at)
    attach(ticket, photos, PhotoKind.REPORT)
    return ticket, routing


def _refuse_second(number: str, street_id: uuid.UUID) -> None:
    """Raise InvalidInput where the street has a ticket of this number of 12345's, one that was refused or withdrawn left aside."""
    with connection.cursor() as cursor:
        # Two clerks may file the same number at the same moment; the second waits, and finds the first one's.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"hotline {street_id} {number}"])
    known = Ticket.objects.filter(street=street_id, hotline_number=number)
    if code := known.exclude(state__in=[State.REJECTED, State.WITHDRAWN]).values_list("code", flat=True).first():
        raise InvalidInput(
            "hotline_number",
            "already_filed",
            bilingual(f"已有工单 {code}。", f"There is a ticket of that number: {code}."),
        )


def forecast(report: Report, *, by: Actor, person: Person) -> tuple[Ticket, Routing]:
    """What `submit` would bear at `by.at`, its clocks with it, and how it would be routed; nothing is written.

    Raises what `submit` does, and NoCatalogue or NoServiceLevel for a moment before the first of these.
    """
    ticket, happening, routing = _routed(report, by, person)
    ticket.clocks = []
    Draft.of(ticket, born=True).record(happening, by=by, at=by.at)
    return ticket, routing


def _routed(
    report: Report, by: Actor, person: Person | None, *, out_of: Ticket | None = None
) -> tuple[Ticket, Happening, Routing]:
    """The ticket that the report becomes, before it is written; the event of its birth, and how it was routed.

    What the street files `out_of` another ticket is its reporter's as that one is; without words of its own it accuses whom that does.
    """
    leaf = _leaf(report.category, by)
    serving = _serving(report.compound_id, report.street_id, by)
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
    at, place = by.at, _name_of(serving)
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
    """Whether the actor's company or committee serves the place, and takes this down for somebody who calls or comes."""
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
    """The actor's organisation that found it: one of the street's, or one that serves the place.

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


def _leaf(code: str, by: Actor) -> catalogue.Leaf:
    try:
        return catalogue.current(by.at).leaf(code)
    except UnknownCategory:
        raise InvalidInput("category", "unknown_category", _UNKNOWN_CATEGORY) from None


def _serving(compound_id: uuid.UUID | None, street_id: uuid.UUID | None, by: Actor) -> Serving:
    try:
        return who_serves(compound_id=compound_id, street_id=street_id, at=by.at)
    except UnknownPlace:
        raise InvalidInput("compound" if compound_id else "street", "unknown_place", _UNKNOWN_PLACE) from None


def _name_of(place: Serving) -> str:
    """What the place is called: the compound, or the street on whose public ground it lies."""
    return place.compound_name or Street.objects.values_list("name", flat=True).get(pk=place.street_id)


def _accused(report: Report, leaf: catalogue.Leaf, serving: Serving) -> list[uuid.UUID]:
    """The accused organisation with its family; the one that the report names, else the one that it must be about.

    A report of wrongdoing or a secret complaint about property service accuses whoever renders it, and one about the owners'
    own affairs their committee.
    """
    secret = report.type == TicketType.COMPLAINT and report.secrecy != Secrecy.OPEN
    named = report.accused_id
    if named is None and leaf.group == "SV" and (secret or report.type == TicketType.REPORT):
        about = _provider(serving, leaf.code) if leaf.code not in ABOUT_THE_COMMITTEE else serving.committee
        named = about.id if about else None
    return _family(named, serving.street_id) if named else []


def _provider(serving: Serving, code: str) -> Party | None:
    """Whoever renders the property service that the category belongs to."""
    return next((one.provider for one in serving.services if one.kind == "property" and covers(one, code)), None)


def _family(named: uuid.UUID, street_id: uuid.UUID) -> list[uuid.UUID]:
    """An organisation to accuse; of a company, its head office and offices with it. Raises InvalidInput.

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
        raise InvalidInput("accused", "unknown_organisation", _UNKNOWN_PARTY)
    return sorted(found)


def _reporter(report: Report, person: Person | None, out_of: Ticket | None) -> tuple[uuid.UUID | None, str, str]:
    """Who reported, and how to reach them: the caller, or whoever a member of staff took the report from."""
    if out_of:
        return out_of.reporter_id, out_of.contact_name, out_of.contact_phone
    if report.channel in PROACTIVE:
        return None, "", ""
    if report.channel == Channel.APP and person:
        return person.pk, person.name, person.phone
    known = Person.objects.filter(phone=report.contact_phone, is_active=True).first() if report.contact_phone else None
    return known.pk if known else None, report.contact_name, report.contact_phone


def claim(photos: Sequence[uuid.UUID], by: Actor) -> list[Photo]:
    """Lock photos that the actor uploaded and that no move has attached yet. Raises InvalidInput when one is not such."""
    if not photos:
        return []
    mine = Photo.objects.filter(pk__in=set(photos), uploader=by.person_id, ticket=None)
    found = list(mine.select_for_update(no_key=True).order_by("pk"))
    if len(found) != len(set(photos)):
        raise InvalidInput("photos", "unknown_photo", _UNKNOWN_PHOTO)
    return found


def _claim_for_report(photos: Sequence[uuid.UUID], by: Actor) -> list[Photo]:
    """As `claim`; of the photos of a report of the actor's that was not taken up, copies.

    Those stay with the ticket whose events name them; a copy is a row of its own with the same files. Raises InvalidInput.
    """
    if not photos:
        return []
    refused = Q(ticket__state=State.REJECTED, ticket__reporter=by.person_id) & of_report(by.person_id)
    mine = Photo.objects.filter(Q(uploader=by.person_id, ticket=None) | refused, pk__in=set(photos))
    found = list(mine.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    if len(found) != len(set(photos)):
        raise InvalidInput("photos", "unknown_photo", _UNKNOWN_PHOTO)
    copied = [one for one in found if one.ticket_id is not None]
    if not copied:
        return found
    assert by.person_id is not None
    made = Photo.objects.bulk_create(
        Photo(uploader_id=by.person_id, **{name: getattr(one, name) for name in PICTURE}) for one in copied
    )
    return list(Photo.objects.filter(pk__in=[one.pk for one in (*found, *made) if one not in copied]).order_by("pk"))


def attach(ticket: Ticket, photos: Sequence[Photo], kind: PhotoKind) -> None:
    """Attach photos that were claimed to the ticket's latest event, which says what they show."""
    for one in photos:
        one.ticket_id, one.street_id = ticket.pk, ticket.street_id
        one.event_seq, one.kind = ticket.event_count, kind
        one.seal = lone_seal(one)
    if photos:
        write_rows(changes=[Change(photos, ("ticket_id", "street_id", "event_seq", "kind", "seal"))])


def look_up(phone: str, *, by: Actor) -> list[uuid.UUID]:
    """The latest tickets of the street whose reporter has this whole phone number, each with an event that says who found it.

    Anonymous ones are never found, nor those that accuse an organisation of the actor's. Raises NotPermitted.
    """
    streets = {seat.street_id for seat in by.seats if seat.kind in STREET_KINDS}
    if not streets:
        raise NotPermitted()
    found = Ticket.objects.filter(contact_phone=phone, street__in=streets).exclude(contact_phone="")
    found = found.exclude(secrecy=Secrecy.ANONYMOUS).exclude(
        accused__overlap=[seat.organisation_id for seat in by.seats]
    )
    keys = list(found.order_by("-id").values_list("pk", flat=True)[:MOST_FOUND])
    if keys:
        drafts = [Draft.of(one) for one in lock(Ticket, *keys, by=by)]
        for draft in drafts:
            draft.note(LOOKED_UP, by=by, visibility=Visibility.INTERNAL)
        store(drafts)
    return keys


# Carries a move out on a locked ticket: `action(ticket, by=…, version=…, **inputs)`.
Action = Callable[..., Event]


def correct(
    ticket: Ticket,
    *,
    by: Actor,
    version: int | None,
    reason: str,
    category: str | None = None,
    compound: uuid.UUID | EllipsisType | None = ...,
    spot: str | None = None,
    accused: uuid.UUID | None = None,
    complex_fault: bool | None = None,
) -> Event:
    """Set right category, place and whom it is against, looked up as they are today.

    No compound (None) is the street's public ground; `...` leaves the place as it is. Raises InvalidInput.
    """
    leaf = _leaf(category, by) if category else None
    place = None if compound is ... else _serving(compound, ticket.street_id, by)
    family = _family(accused, ticket.street_id) if accused else None
    if family and any(one.organisation_id in family for one in ticket.leads):
        raise InvalidInput("accused", "holds_it", _ACCUSED_HOLDS)
    desk = None
    if place or family:
        there = place or _serving(ticket.compound_id, ticket.street_id, by)
        desk = answering_section(there, family or ticket.accused).id
    return perform(
        Ticket.correct,
        ticket,
        by=by,
        version=version,
        reason=reason,
        leaf=leaf,
        place=place,
        place_name=_name_of(place) if place else "",
        desk=desk,
        spot=spot,
        accused=family,
        complex_fault=complex_fault,
    )


def correct_contact(
    ticket: Ticket,
    *,
    by: Actor,
    version: int | None,
    reason: str,
    contact_name: str | None = None,
    contact_phone: str | None = None,
) -> Event:
    """Set right how the reporter is reached. The event says what was corrected, not to what: it is read where it may not be.

    A report that staff took down is its caller's, whom Linli knows by the phone: with another number it is somebody else's, and
    whoever had the wrong one has no part in it any more. Raises InvalidInput where nothing changes.
    """
    name = ticket.contact_name if contact_name is None else contact_name
    phone = ticket.contact_phone if contact_phone is None else contact_phone
    if (name, phone) == (ticket.contact_name, ticket.contact_phone):
        raise InvalidInput("contact_phone", "unchanged", _UNCHANGED)
    reporter: Person | EllipsisType | None = ...
    if phone != ticket.contact_phone and ticket.channel != Channel.APP:
        reporter = Person.objects.filter(phone=phone, is_active=True).first()
    following = Follower.objects.filter(ticket=ticket, person=reporter) if isinstance(reporter, Person) else None
    event = perform(
        Ticket.correct_contact,
        ticket,
        by=by,
        version=version,
        reason=reason,
        name=name,
        phone=phone,
        reporter=reporter,
        cosigned=following is not None and following.filter(kind=FollowerKind.COSIGNED).exists(),
    )
    if following is not None:
        unfollow(ticket, following)
    return event


def appoint(ticket: Ticket, *, by: Actor, version: int | None, officer: uuid.UUID | None, reason: str = "") -> Event:
    """Name the street's officer who answers for the ticket, or nobody; only who sits in the street's office, and in nothing accused."""
    if officer is not None:
        seats = _seated(officer, by)
        office = seats.filter(organisation__kind__in=STREET_KINDS, organisation__street=ticket.street_id)
        if not office.exists() or seats.filter(organisation__in=ticket.accused).exists():
            raise InvalidInput("officer", "unknown_officer", _UNKNOWN_OFFICER)
    return perform(Ticket.appoint, ticket, by=by, version=version, officer=officer, reason=reason)


def _seated(person: uuid.UUID, by: Actor) -> QuerySet[Membership]:
    """The seats that a person has today."""
    return seats_on(local_day(by.at)).filter(person=person)


def seats_on(day: date) -> QuerySet[Membership]:
    """The seats that active people have on a day."""
    held = Q(ends_on=None) | Q(ends_on__gte=day)
    return Membership.objects.filter(held, starts_on__lte=day, person__is_active=True)


def _received(ticket: Ticket, field: str, ids: Sequence[uuid.UUID], by: Actor) -> list[Receiver]:
    """Who receives for each of `ids`, in order; whoever has nobody hands on to the head office, and the event says so."""
    found = receivers(ids, by.at)
    received = []
    for organisation_id in ids:
        one = found.get(organisation_id)
        if one is None or one.receiver_id is None:
            raise InvalidInput(field, "unknown_organisation", _UNKNOWN_PARTY)
        if one.street_id not in (None, ticket.street_id):
            raise InvalidInput(field, "unknown_organisation", _UNKNOWN_PARTY)
        if {one.organisation_id, one.receiver_id} & set(ticket.accused):
            raise InvalidInput(field, "accused", _ACCUSED_PARTY)
        received.append(one)
        ticket.kinds[one.receiver_id] = one.kind
    return received


def _dispatching(transition: Callable[..., Any]) -> Action:
    def action(
        ticket: Ticket,
        *,
        by: Actor,
        version: int | None,
        holder: uuid.UUID,
        co_handlers: Sequence[uuid.UUID] = (),
        next_steps: Sequence[uuid.UUID] = (),
        **words: str,
    ) -> Event:
        named = _received(ticket, "holder", [holder, *co_handlers, *next_steps], by)
        leaf = catalogue.leaf_by_id(ticket.category_id)
        leading = [named[0], *named[1 + len(co_handlers) :]]
        if leaf.lead != parties.RESIDENTS_COMMITTEE and any(one.kind == "residents_committee" for one in leading):
            raise InvalidInput("holder", "not_on_its_list", _NOT_ON_LIST)
        takers = [one.receiver_id for one in named]
        if passed_on := [one.organisation_id for one in named if one.receiver_id != one.organisation_id]:
            ticket.note(unstaffed=passed_on)
        split = 1 + len(co_handlers)
        return perform(
            transition,
            ticket,
            by=by,
            version=version,
            holder=takers[0],
            co_handlers=takers[1:split],
            next_steps=takers[split:],
            contract=_contract(ticket, leaf, named[0], by),
            **words,
        )

    return action


def _contract(ticket: Ticket, leaf: catalogue.Leaf, holder: Receiver, by: Actor) -> Service | None:
    """The contract under which the holder serves the ticket's place today; whoever can have none is not looked for."""
    if holder.kind not in CONTRACTORS or holder.receiver_id is None:
        return None
    serving = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=by.at)
    return contract_of(serving, leaf, holder.receiver_id, holder.parent_id)


def complete_step(
    ticket: Ticket, *, by: Actor, version: int | None, result: str, photos: Sequence[uuid.UUID] = ()
) -> Event:
    """Finish one's own step; whoever leads the next one is measured by their own contract.

    Where the company that was to lead it has lost the place since it was named, whoever serves there now is asked instead.
    """
    claimed = claim(photos, by)
    following, contract, instead = ticket.next_step, None, None
    if following is not None:
        leaf = catalogue.leaf_by_id(ticket.category_id)
        if holder := receivers([following.organisation_id], by.at).get(following.organisation_id):
            contract = _contract(ticket, leaf, replace(holder, receiver_id=holder.organisation_id), by)
            # Whoever serves the place has a contract there: a company that has none may have lost it since it was named.
            named = leaf.lead == parties.PROVIDER and holder.kind in _COMPANIES and contract is None
            if named and _named(following.organisation_id, holder.parent_id, ticket, leaf, ticket.step_given_at):
                instead, contract = _served_now(ticket, leaf, by)
    event = perform(
        Ticket.complete_step,
        ticket,
        by=by,
        version=version,
        result=result,
        photos=photos,
        contract=contract,
        instead=instead,
    )
    attach(ticket, claimed, PhotoKind.AFTER)
    return event


def _served_now(ticket: Ticket, leaf: catalogue.Leaf, by: Actor) -> tuple[uuid.UUID, Service | None]:
    """Whom the ticket goes to by who serves its place today, with their contract."""
    serving = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=by.at)
    party = successor(route(serving, leaf, ticket.type, ticket.accused), serving, leaf, ticket.accused)
    ticket.kinds[party.id] = party.kind
    return party.id, contract_of(serving, leaf, party.id, party.parent_id)


def sign(ticket: Ticket, *, by: Actor, version: int | None, worker: uuid.UUID | None = None) -> Event:
    """Sign for the ticket; whoever signs works on it, unless another member of the holder is named.

    Where the street stands in, nobody does until somebody is named.
    """
    if worker:
        _check_worker(ticket, worker, by)
    elif not by.on_behalf:
        worker = by.person_id
    return perform(Ticket.sign, ticket, by=by, version=version, worker=worker)


def assign(ticket: Ticket, *, by: Actor, version: int | None, worker: uuid.UUID, note: str = "") -> Event:
    """Pass the ticket to another member of the holder."""
    _check_worker(ticket, worker, by)
    return perform(Ticket.assign_, ticket, by=by, version=version, worker=worker, note=note)


def _check_worker(ticket: Ticket, worker: uuid.UUID, by: Actor) -> None:
    """Raises InvalidInput for whoever is no member of the holder today."""
    if not _seated(worker, by).filter(organisation=ticket.holder_id).exists():
        raise InvalidInput("worker", "unknown_worker", _UNKNOWN_WORKER)


def named_person(ticket: Ticket, at: datetime) -> tuple[uuid.UUID, uuid.UUID]:
    """Who of the street takes over what nobody signed for, with their organisation: of the section that answers, else of its office.

    Raises IllegalMove where nobody is there.
    """
    office = Organisation.objects.filter(kind="street_office", street=ticket.street_id).values_list("pk", flat=True)
    bodies = [one for one in (ticket.desk_id, *office) if one not in ticket.accused]
    seats = members(bodies, at)
    for body in bodies:
        if found := in_roles(seats.get(body, ()), {Role.LEAD, Role.OFFICER}):
            return body, found[0].person_id
    raise IllegalMove()


def step_in(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Give a ticket that nobody signed for to a person of the street."""
    organisation, worker = named_person(ticket, by.at)
    return perform(Ticket.step_in, ticket, by=by, version=version, organisation=organisation, worker=worker)


def whistle(ticket: Ticket, *, by: Actor, version: int | None, departments: Sequence[uuid.UUID], reason: str) -> Event:
    """Summon departments, each once."""
    named = _received(ticket, "departments", list(dict.fromkeys(departments)), by)
    if any(one.kind not in _WHISTLED_KINDS for one in named):
        raise InvalidInput("departments", "not_a_department", _NOT_A_DEPARTMENT)
    takers = list(dict.fromkeys(one.receiver_id for one in named))
    return perform(Ticket.whistle, ticket, by=by, version=version, departments=takers, reason=reason)


def put_on_account(
    ticket: Ticket, *, by: Actor, version: int | None, kind: str, owner: uuid.UUID, plan_date: date, reason: str
) -> Event:
    """Put the ticket on account, under an owner that exists."""
    _received(ticket, "owner", [owner], by)
    return perform(
        Ticket.put_on_account,
        ticket,
        by=by,
        version=version,
        kind=kind,
        owner=owner,
        plan_date=plan_date,
        reason=reason,
    )


def holder_live(ticket: Ticket, by: Actor) -> bool:
    """Whether the organisation that leads, or led last, still has somebody, and serves the place if it did so then."""
    led = ticket.last_lead
    if led is None or led.outcome not in (Outcome.PENDING, Outcome.DONE) or led.organisation_id in ticket.accused:
        return False
    return bool(getattr(led, "staffed", False)) and not _lost_the_place(led, ticket, by)


def _lost_the_place(led: Assignment, ticket: Ticket, by: Actor) -> bool:
    """Whether a contract on the provider's matter named the company when it was given the ticket, and none does today.

    Whoever was chosen without a contract, such as a cleaning firm for one job, has none to lose.
    """
    leaf = catalogue.leaf_by_id(ticket.category_id)
    if leaf.lead != parties.PROVIDER:
        return False
    kind, head = Organisation.objects.values_list("kind", "parent").get(pk=led.organisation_id)
    if kind not in _COMPANIES:
        return False
    named = partial(_named, led.organisation_id, head, ticket, leaf)
    return not named(by.at) and named(led.opened_at)


def _named(
    organisation_id: uuid.UUID, head: uuid.UUID | None, ticket: Ticket, leaf: catalogue.Leaf, at: datetime | None
) -> bool:
    """Whether a contract on the provider's matter named the company, or its head office, at the ticket's place at `at`."""
    serving = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=at)
    return any(
        one.kind == "property" and covers(one, leaf.code) and renders(one, organisation_id, head)
        for one in serving.services
    )


def _with_holder_live(transition: Callable[..., Any]) -> Action:
    def action(ticket: Ticket, *, by: Actor, version: int | None, **inputs: Any) -> Event:
        live = holder_live(ticket, by)
        return perform(transition, ticket, by=by, version=version, holder_live=live, **inputs)

    return action


_resume_dispute = _with_holder_live(Ticket.dispute)


def dispute(ticket: Ticket, *, by: Actor, version: int | None, reason: str, photos: Sequence[uuid.UUID] = ()) -> Event:
    """Dispute the reply; a follower's voice is noted, for each has one."""
    claimed = claim(photos, by)
    event = _resume_dispute(ticket, by=by, version=version, reason=reason, photos=photos)
    attach(ticket, claimed, PhotoKind.DISPUTE)
    mine = relations(ticket, by)
    if Relation.FOLLOWER in mine and not mine & {Relation.REPORTER, Relation.INSPECTOR, Relation.STREET}:
        mark(ticket, Follower.objects.filter(ticket=ticket, person=by.person_id), disputed_at=event.at)
    return event


def _with_photos(transition: Callable[..., Any], kind: PhotoKind) -> Action:
    def action(ticket: Ticket, *, by: Actor, version: int | None, **inputs: Any) -> Event:
        claimed = claim(inputs.get("photos", ()), by)
        event = perform(transition, ticket, by=by, version=version, **inputs)
        attach(ticket, claimed, kind)
        return event

    return action


def hold(name: str, ticket_id: uuid.UUID, inputs: Mapping[str, Any], *, by: Actor) -> tuple[Ticket, Mapping[str, Any]]:
    """Lock the ticket for the move `name`, and with it, by one statement in id order, the others that the move concerns.

    Returns it with the inputs. In those of a merger the other ticket stands in the place of its id, None when there is none;
    a split is given the tickets that took this one in, the nearest first. Raises Ticket.DoesNotExist, and StaleVersion when
    another merger or split came in between.
    """
    if name == "split":
        return _hold_split(ticket_id, inputs, by)
    into = inputs.get("into")
    if into is None:
        (ticket,) = lock(Ticket, ticket_id, by=by)
        return ticket, inputs
    try:
        ticket, master = lock(Ticket, ticket_id, into, by=by)
    except Ticket.DoesNotExist:
        (ticket,) = lock(Ticket, ticket_id, by=by)
        master = None
    return ticket, {**inputs, "into": master}


def _hold_split(ticket_id: uuid.UUID, inputs: Mapping[str, Any], by: Actor) -> tuple[Ticket, Mapping[str, Any]]:
    above = Ticket.objects.absorbing(ticket_id).values_list("pk", flat=True)
    locked = {one.pk: one for one in lock(Ticket, ticket_id, *above, by=by)}
    ticket, masters = locked.pop(ticket_id), []
    following = ticket.merged_into_id
    while following is not None:
        if following not in locked:
            raise StaleVersion()
        masters.append(locked[following])
        following = locked[following].merged_into_id
    return ticket, {**inputs, "masters": masters}


def merge(ticket: Ticket, *, by: Actor, version: int | None, into: Ticket | None) -> Event:
    """Merge `ticket` into the open ticket `into`, locked with it; its residents follow `into` from now on.

    Raises IllegalMove, NotPermitted, InvalidInput or StaleVersion, and then nothing has changed.
    """
    if into is None or not relations(into, by) & {Relation.STREET, Relation.COORDINATOR}:
        raise InvalidInput("into", "unknown_ticket", _UNKNOWN_TICKET)
    followers = list(Follower.objects.filter(ticket=ticket).values_list("person_id", flat=True))
    if followers and not into.has_public_face:
        raise InvalidInput("into", "no_public_face", _FOLLOWED)
    promise = ticket.promise
    event = perform(Ticket.merge, ticket, by=by, version=version, into=into)
    # Its residents are those of the other now: what they were promised sooner holds for that.
    if promise is not None and (into.due_at is None or promise["due_at"] < into.due_at):
        into.note(promise=promise)
    # Whoever reads the other is told that it took one in, and not by whom nor whose.
    perform(Ticket.absorb, into, by=Actor.the_clock(by.at))
    people = {person for person in [ticket.reporter_id, *followers] if person and person != into.reporter_id}
    there = Follower.objects.filter(ticket=into, person__in=people).values_list("person_id", flat=True)
    follow(into, people.difference(there), FollowerKind.MERGED, event.at)
    return event


def file_another(
    ticket: Ticket,
    *,
    by: Actor,
    version: int | None,
    category: str,
    text: str = "",
    title: str = "",
    type: str = "",
    compound: uuid.UUID | EllipsisType | None = ...,
    spot: str | None = None,
    accused: uuid.UUID | None = None,
    photos: Sequence[uuid.UUID] = (),
) -> Event:
    """File a second matter that the report holds as a ticket of its own, which is routed as any is and has its whole time.

    Raises InvalidInput.
    """
    moved = compound is not ... and compound != ticket.compound_id
    place = ticket.compound_id if compound is ... else compound
    report = Report(
        type=type or ticket.type,
        category=category,
        text=text or ticket.text,
        title=title,
        compound_id=place,
        street_id=ticket.street_id,
        spot=spot if spot is not None else "" if moved else ticket.spot,
        secrecy=ticket.secrecy,
        accused_id=accused,
        photos=photos,
        channel=ticket.channel,
    )
    if ticket.inspector_id and (accused or report.type not in TYPES_FOUND):
        raise InvalidInput("accused" if accused else "type", "for_residents", FOR_RESIDENTS)
    another, happening, _ = _routed(report, by, None, out_of=ticket)
    if another.street_id != ticket.street_id:
        raise InvalidInput("compound", "unknown_place", _UNKNOWN_PLACE)
    claimed = claim(photos, by)
    event = perform(Ticket.file_another, ticket, by=by, version=version, another=another.pk, category=category)
    standing_in = "" if another.inspector_id else StoodInFor.REPORTER.value
    bear(another, happening, by=replace(by, on_behalf=standing_in), at=event.at)
    attach(another, claimed, PhotoKind.REPORT)
    return event


def cosign(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Stand behind a neighbour's ticket, and follow it."""
    assert by.person_id is not None
    event = perform(Ticket.cosign, ticket, by=by, version=version)
    try:
        follow(ticket, [by.person_id], FollowerKind.COSIGNED, event.at)
    except IntegrityError:
        # A person with two phones: the second waited for the lock, and what it knew of the followers is older than that.
        raise IllegalMove(*not_following.refusal) from None  # type: ignore[attr-defined]
    return event


def split(ticket: Ticket, *, by: Actor, version: int | None, masters: Sequence[Ticket] = (), reason: str = "") -> Event:
    """Take the ticket out of `masters`, locked with it, the nearest first; its people follow them no longer on its account."""
    if ticket.due_at is None and masters and masters[0].promise is not None:
        # Its residents were promised what the other's were.
        ticket.note(promise=masters[0].promise)
    event = perform(Ticket.split, ticket, by=by, version=version, reason=reason)
    leaving = {ticket.reporter_id, *Follower.objects.filter(ticket=ticket).values_list("person_id", flat=True)} - {None}
    for master in masters:
        others = Ticket.objects.absorbed_by(master.pk)
        reporters = others.filter(reporter__in=leaving).values("reporter")
        followers = Follower.objects.filter(ticket__in=others.values("pk"), person__in=leaving).values("person")
        there = Follower.objects.filter(ticket=master, person__in=leaving, kind=FollowerKind.MERGED)
        unfollow(master, there.exclude(person__in=reporters.union(followers)))
    return event


def withdraw(ticket: Ticket, *, by: Actor, version: int | None, reason: str = "") -> Event:
    """Take the report back; where it is that of others as well, one of them is asked to succeed its reporter."""
    following = Follower.objects.filter(ticket=ticket)
    shared = following.exists() or Ticket.objects.absorbed_by(ticket.pk).exists()
    successor = _next_successor(ticket) if shared else None
    return perform(Ticket.withdraw, ticket, by=by, version=version, successor=successor, shared=shared, reason=reason)


def _next_successor(ticket: Ticket, besides: uuid.UUID | None = None) -> uuid.UUID | None:
    """Whom to ask next whether they succeed the reporter, `besides` the one who has just said no; None where nobody is left."""
    return succession.candidates(ticket).exclude(person=besides).values_list("person", flat=True).first()


def succeed(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Become the reporter in the place of the one who left, and follow the ticket no longer.

    Raises IllegalMove where the person has come to be with a party since they were asked.
    """
    one = succession.candidates(ticket).filter(person=by.person_id).select_related("person").first()
    if one is None:
        raise IllegalMove("with_a_party", _WITH_A_PARTY)
    cosigned = one.kind == FollowerKind.COSIGNED
    event = perform(Ticket.succeed, ticket, by=by, version=version, person=one.person, cosigned=cosigned)
    unfollow(ticket, Follower.objects.filter(pk=one.pk))
    return event


def decline_succession(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Decline to succeed the reporter, for good; the next follower is asked."""
    successor = _next_successor(ticket, besides=by.person_id)
    event = perform(Ticket.decline_succession, ticket, by=by, version=version, successor=successor)
    mark(ticket, Follower.objects.filter(ticket=ticket, person=by.person_id), declined_at=event.at)
    return event


def uncosign(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Stand behind a neighbour's ticket no longer. Raises IllegalMove where the person has done so already."""
    asked = by.person_id is not None and by.person_id == ticket.successor_id
    successor = _next_successor(ticket, besides=by.person_id) if asked else None
    event = perform(Ticket.uncosign, ticket, by=by, version=version, successor=successor)
    mine = Follower.objects.filter(ticket=ticket, person=by.person_id, kind=FollowerKind.COSIGNED)
    if not mine:
        # A person with two phones, as with a cosign.
        raise IllegalMove(*cosigned.refusal)  # type: ignore[attr-defined]
    unfollow(ticket, mine)
    return event


def rate(ticket: Ticket, *, by: Actor, version: int | None, rating: int, words: str = "") -> Event:
    """Rate it as one whose own report was merged into it; once. Raises IllegalMove."""
    event = perform(Ticket.rate, ticket, by=by, version=version, rating=rating, words=words)
    mine = Follower.objects.filter(ticket=ticket, person=by.person_id, rated_at=None)
    if not mark(ticket, mine, rating=rating, rated_at=event.at):
        # A person with two phones, as with a cosign.
        raise IllegalMove(*not_rated.refusal)  # type: ignore[attr-defined]
    return event


def urge(ticket: Ticket, *, by: Actor, version: int | None, reason: str = "") -> Event:
    """Urge whoever works on it and, from the ticket's second urge on, their head office as well.

    What the person urged before is asked for again, for what came with the lock may be older than the lock.
    """
    made = TicketEvent.objects.filter(subject=ticket.pk, verb="urge", actor=by.person_id)
    ticket.own_urges = list(made.order_by("at").values_list("at", flat=True))
    again = ticket.urges > 0
    facts = {"audience": [side.value for side in (URGED_AGAIN if again else URGED)]}
    draft = Draft.of(ticket)
    told = [_supervisor(ticket, by)] if again else []
    event = draft.move(Ticket.urge, by=by, version=version, facts=facts, told=told, reason=reason)
    store([draft])
    return event


_add_comment = _with_photos(Ticket.comment, PhotoKind.REPORT)


def comment(ticket: Ticket, *, by: Actor, version: int | None, **inputs: Any) -> Event:
    """Add words or photos; as with an urge, what the person said before is asked for again."""
    made = TicketEvent.objects.filter(subject=ticket.pk, verb="comment", actor=by.person_id)
    ticket.own_comments = list(made.values_list("at", flat=True))
    return _add_comment(ticket, by=by, version=version, **inputs)


def _supervisor(ticket: Ticket, by: Actor) -> uuid.UUID:
    """Who receives for the head office of the organisation that leads; where there is nobody, the street's desk."""
    if ticket.lead is None:
        return ticket.desk_id
    parent = Organisation.objects.values_list("parent", flat=True).get(pk=ticket.lead.organisation_id)
    head = receivers([parent], by.at).get(parent) if parent else None
    found = head.receiver_id if head else None
    return found if found and found not in ticket.accused else ticket.desk_id


ACTIONS: Mapping[str, Action] = {
    "correct": correct,
    "correct_contact": correct_contact,
    "appoint": appoint,
    "dispatch": _dispatching(Ticket.dispatch),
    "redispatch": _dispatching(Ticket.redispatch),
    "sign": sign,
    "assign": assign,
    "step_in": step_in,
    "whistle": whistle,
    "put_on_account": put_on_account,
    "resume": _with_holder_live(Ticket.resume),
    "reopen": _with_holder_live(Ticket.reopen),
    "dispute": dispute,
    "record": _with_photos(Ticket.record, PhotoKind.PROGRESS),
    "progress": _with_photos(Ticket.progress, PhotoKind.PROGRESS),
    "answer": _with_photos(Ticket.answer, PhotoKind.REPORT),
    "reply": _with_photos(Ticket.reply, PhotoKind.AFTER),
    "complete_step": complete_step,
    "merge": merge,
    "split": split,
    "file_another": file_another,
    "cosign": cosign,
    "uncosign": uncosign,
    "urge": urge,
    "comment": comment,
    "rate": rate,
    "withdraw": withdraw,
    "succeed": succeed,
    "decline_succession": decline_succession,
}


def act(name: str, ticket: Ticket, *, by: Actor, version: int | None, inputs: Mapping[str, Any]) -> Event:
    """Make the move `name` on a locked ticket, with its second parties where it has some."""
    move, _ = admit(name, ticket, by=by, version=version)
    if action := ACTIONS.get(name):
        return action(ticket, by=by, version=version, **inputs)
    return perform(getattr(Ticket, move.method), ticket, by=by, version=version, **inputs)

"""Moves that need more than the ticket: places, organisations, photos, neighbours. The caller opens the transaction."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from types import EllipsisType
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet

from community.addressees import in_roles, members, seats_on
from community.models import Membership, Organisation, Person, Role
from community.models.organisations import CONTRACTORS, STREET_KINDS
from community.receivers import Receiver, local_day, receivers
from community.serving import Service, who_serves
from tickets import catalogue, parties, succession
from tickets.access import Relation, relations
from tickets.filing import COMPANIES, UNKNOWN_PARTY, family_of, leaf_of, name_of, serving_at
from tickets.following import follow, mark, unfollow
from tickets.merging import file_another, merge, split
from tickets.models import Assignment, Follower, FollowerKind, Ticket, TicketEvent
from tickets.models.photo import PhotoKind
from tickets.models.ticket import LOOKED_UP
from tickets.moves.residents import cosigned, not_following, not_rated
from tickets.news import URGED, URGED_AGAIN
from tickets.photos import attach, claim
from tickets.rota import next_in_turn
from tickets.routing import answering_section, contract_of, covers, renders, route, successor
from tickets.states import Channel, Outcome, Secrecy
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import IllegalMove, InvalidInput, NotPermitted
from workflow.models import Event
from workflow.moves import Visibility
from workflow.writing import Draft, admit, lock, perform, store

_ACCUSED_PARTY = bilingual("不能派给被投诉的单位。", "It cannot be sent to the accused party.")
_ACCUSED_HOLDS = bilingual(
    "该单位正在承办，请先改派或同意退回。", "It leads the ticket; dispatch it anew or uphold its return first."
)
_NOT_ON_LIST = bilingual(
    "该事项不在居委会职责清单内，不得由社区主责办理。",
    "It is not on the residents' committee's list, so it may not lead.",
)
_UNKNOWN_OFFICER = bilingual(
    "该人员不是街道的在岗人员，或在被反映单位任职。",
    "That person is no member of the street's office, or sits in the accused organisation.",
)
_UNCHANGED = bilingual("请填写要更正的姓名或电话。", "Give the name or the phone as it should be.")
_UNKNOWN_WORKER = bilingual("该人员不是承办单位的在岗成员。", "That person is not a member of the holder.")
_WITH_A_PARTY = bilingual(
    "您或您所在的单位参与了该工单的办理，不能接续为诉求人。",
    "You, or your organisation, have a part in it, so you cannot become its reporter.",
)
_NOT_A_DEPARTMENT = bilingual(
    "吹哨对象须为区级部门、专业单位或街道科室。", "Only departments, utilities and sections can be whistled."
)

MOST_FOUND = 25
WHISTLED_KINDS = frozenset({"department", "utility", "section", "maintainer", "title_holder"})


def look_up(phone: str, *, by: Actor) -> list[uuid.UUID]:
    """The latest tickets of the street whose reporter has this whole phone number, each with an event that says who found it.

    Anonymous ones are never found, nor those that accuse an organisation of the actor's. Raises NotPermitted.
    """
    streets = {seat.street_id for seat in by.seats if seat.kind in STREET_KINDS}
    if not streets:
        raise NotPermitted()
    found = Ticket.objects.filter(contact_phone=phone, street__in=streets).exclude(contact_phone__constant="")
    found = found.exclude(secrecy__constant=Secrecy.ANONYMOUS).exclude(
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
    """Correct category, place or the accused, looked up as they are today.

    No compound (None) is the street's public ground; `...` leaves the place as it is. Raises InvalidInput.
    """
    leaf = leaf_of(category, by) if category else None
    place = None if compound is ... else serving_at(compound, ticket.street_id, by)
    family = family_of(accused, ticket.street_id) if accused else None
    if family and any(one.organisation_id in family for one in ticket.leads):
        raise InvalidInput("accused", "holds_it", _ACCUSED_HOLDS)
    desk = None
    if place or family:
        there = place or serving_at(ticket.compound_id, ticket.street_id, by)
        desk = answering_section(there, family or ticket.accused).id
    return perform(
        Ticket.correct,
        ticket,
        by=by,
        version=version,
        reason=reason,
        leaf=leaf,
        place=place,
        place_name=name_of(place) if place else "",
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
    """Correct the reporter's contact. The event says what was corrected but not the new values, because others read the event.

    A report that staff took down is its caller's, whom Linli knows by the phone: with another number it is somebody else's, and
    the person with the wrong number has no part in it any more. Raises InvalidInput where nothing changes.
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
    """Name the street's officer who answers for the ticket, or None.

    The officer has a seat in the street's office, and none in an accused organisation. Raises InvalidInput.
    """
    if officer is not None:
        seats = _seated(officer, by)
        office = seats.filter(organisation__kind__in=STREET_KINDS, organisation__street=ticket.street_id)
        if not office.exists() or seats.filter(organisation__in=ticket.accused).exists():
            raise InvalidInput("officer", "unknown_officer", _UNKNOWN_OFFICER)
    return perform(Ticket.appoint, ticket, by=by, version=version, officer=officer, reason=reason)


def _seated(person: uuid.UUID, by: Actor) -> QuerySet[Membership]:
    """The seats that a person has today."""
    return seats_on(local_day(by.at)).filter(person=person)


def _received(ticket: Ticket, field: str, ids: Sequence[uuid.UUID], by: Actor) -> list[Receiver]:
    """The organisation that receives for each of `ids`, in order. Where nobody is there the head office receives, and the event says so."""
    found = receivers(ids, by.at)
    received = []
    for organisation_id in ids:
        one = found.get(organisation_id)
        if one is None or one.receiver_id is None:
            raise InvalidInput(field, "unknown_organisation", UNKNOWN_PARTY)
        if one.street_id not in (None, ticket.street_id):
            raise InvalidInput(field, "unknown_organisation", UNKNOWN_PARTY)
        if {one.organisation_id, one.receiver_id} & set(ticket.accused):
            raise InvalidInput(field, "accused", _ACCUSED_PARTY)
        received.append(one)
        ticket.kinds[one.receiver_id] = one.kind
    return received


def may_lead(kind: str, leaf: catalogue.Leaf) -> bool:
    """Whether an organisation of this kind may lead in such a matter: residents' committees do so in what is on their list alone."""
    return kind != "residents_committee" or leaf.lead == parties.RESIDENTS_COMMITTEE


def _dispatching(transition: Callable[..., object]) -> Action:
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
        if not all(may_lead(one.kind, leaf) for one in leading):
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
    """The contract under which the holder serves the ticket's place today; None for kinds of organisation that have no contracts."""
    if holder.kind not in CONTRACTORS or holder.receiver_id is None:
        return None
    serving = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=by.at)
    return contract_of(serving, leaf, holder.receiver_id, holder.parent_id)


def complete_step(
    ticket: Ticket, *, by: Actor, version: int | None, result: str, photos: Sequence[uuid.UUID] = ()
) -> Event:
    """Finish the holder's step; the holder of the next step is measured by its own contract.

    Where the company that was to lead it has lost the place since it was named, the provider of today is asked instead.
    """
    claimed = claim(photos, by)
    following, contract, instead = ticket.next_step, None, None
    if following is not None:
        leaf = catalogue.leaf_by_id(ticket.category_id)
        if holder := receivers([following.organisation_id], by.at).get(following.organisation_id):
            contract = _contract(ticket, leaf, replace(holder, receiver_id=holder.organisation_id), by)
            # The provider of a place has a contract there: a company that has none may have lost it since it was named.
            named = leaf.lead == parties.PROVIDER and holder.kind in COMPANIES and contract is None
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
    """The holder that routing names by who serves the place today, with its contract."""
    serving = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=by.at)
    party = successor(route(serving, leaf, ticket.type, ticket.accused), serving, leaf, ticket.accused)
    ticket.kinds[party.id] = party.kind
    return party.id, contract_of(serving, leaf, party.id, party.parent_id)


def sign(ticket: Ticket, *, by: Actor, version: int | None, worker: uuid.UUID | None = None) -> Event:
    """Sign for the ticket; the person who signs works on it, unless another member of the holder is named.

    Where the holder gives out its work in turn, that is whose turn it is, if anybody has room. Where the street stands in, nobody
    works on it until somebody is named.
    """
    lead, in_turn = ticket.lead, False
    if worker:
        _check_worker(ticket, worker, by)
    elif lead and getattr(lead, "takes_turns", False) and (next_one := next_in_turn(lead.organisation_id, by.at)):
        worker, in_turn = next_one, True
    elif not by.on_behalf:
        worker = by.person_id
    return perform(Ticket.sign, ticket, by=by, version=version, worker=worker, in_turn=in_turn)


def assign(ticket: Ticket, *, by: Actor, version: int | None, worker: uuid.UUID, note: str = "") -> Event:
    """Pass the ticket to another member of the holder."""
    _check_worker(ticket, worker, by)
    return perform(Ticket.assign_, ticket, by=by, version=version, worker=worker, note=note)


def _check_worker(ticket: Ticket, worker: uuid.UUID, by: Actor) -> None:
    """Raises InvalidInput where the person is no member of the holder today."""
    if not _seated(worker, by).filter(organisation=ticket.holder_id).exists():
        raise InvalidInput("worker", "unknown_worker", _UNKNOWN_WORKER)


def named_person(ticket: Ticket, at: datetime) -> tuple[uuid.UUID, uuid.UUID]:
    """The person of the street who takes over a ticket that nobody signed for: from the section that answers, else from the office.

    Raises IllegalMove where nobody is there.
    """
    office = Organisation.objects.filter(kind="street_office", street=ticket.street_id).values_list("pk", flat=True)
    bodies = [one for one in (ticket.desk_id, *office) if one not in ticket.accused]
    seats = members(bodies, at)
    for body in bodies:
        if found := in_roles(seats.get(body, ()), {Role.STREET_LEAD, Role.OFFICER}):
            return body, found[0].person_id
    raise IllegalMove()


def step_in(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Give a ticket that nobody signed for to a person of the street."""
    organisation, worker = named_person(ticket, by.at)
    return perform(Ticket.step_in, ticket, by=by, version=version, organisation=organisation, worker=worker)


def whistle(ticket: Ticket, *, by: Actor, version: int | None, departments: Sequence[uuid.UUID], reason: str) -> Event:
    """Summon departments, each once."""
    named = _received(ticket, "departments", list(dict.fromkeys(departments)), by)
    if any(one.kind not in WHISTLED_KINDS for one in named):
        raise InvalidInput("departments", "not_a_department", _NOT_A_DEPARTMENT)
    takers = list(dict.fromkeys(one.receiver_id for one in named))
    return perform(Ticket.whistle, ticket, by=by, version=version, departments=takers, reason=reason)


def put_on_account(
    ticket: Ticket, *, by: Actor, version: int | None, kind: str, owner: uuid.UUID, plan_date: date, reason: str
) -> Event:
    """Put the ticket on account. Raises InvalidInput for an owner that does not exist."""
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
    """Whether the holder, or the last holder, still has members, and still serves the place if it did when it was given the ticket."""
    led = ticket.last_lead
    if led is None or led.outcome not in (Outcome.PENDING, Outcome.DONE) or led.organisation_id in ticket.accused:
        return False
    return bool(getattr(led, "staffed", False)) and not _lost_the_place(led, ticket, by)


def _lost_the_place(led: Assignment, ticket: Ticket, by: Actor) -> bool:
    """Whether a contract on the provider's matter named the company when it was given the ticket, and none does today.

    A company that was chosen without a contract, such as a cleaning firm for one job, has none to lose.
    """
    leaf = catalogue.leaf_by_id(ticket.category_id)
    if leaf.lead != parties.PROVIDER:
        return False
    kind, head = Organisation.objects.values_list("kind", "parent").get(pk=led.organisation_id)
    if kind not in COMPANIES:
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


def _with_holder_live(transition: Callable[..., object]) -> Action:
    def action(ticket: Ticket, *, by: Actor, version: int | None, **inputs: object) -> Event:
        live = holder_live(ticket, by)
        return perform(transition, ticket, by=by, version=version, holder_live=live, **inputs)

    return action


_resume_dispute = _with_holder_live(Ticket.dispute)


def dispute(ticket: Ticket, *, by: Actor, version: int | None, reason: str, photos: Sequence[uuid.UUID] = ()) -> Event:
    """Dispute the reply. Each follower may do so once, which is noted on the follower."""
    claimed = claim(photos, by)
    event = _resume_dispute(ticket, by=by, version=version, reason=reason, photos=photos)
    attach(ticket, claimed, PhotoKind.DISPUTE)
    mine = relations(ticket, by)
    if Relation.FOLLOWER in mine and not mine & {Relation.REPORTER, Relation.INSPECTOR, Relation.STREET}:
        mark(ticket, Follower.objects.filter(ticket=ticket, person=by.person_id), disputed_at=event.at)
    return event


def _with_photos(transition: Callable[..., object], kind: PhotoKind) -> Action:
    def action(ticket: Ticket, *, by: Actor, version: int | None, **inputs: Any) -> Event:
        claimed = claim(inputs.get("photos", ()), by)
        event = perform(transition, ticket, by=by, version=version, **inputs)
        attach(ticket, claimed, kind)
        return event

    return action


def cosign(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Cosign a neighbour's ticket, and follow it."""
    assert by.person_id is not None
    event = perform(Ticket.cosign, ticket, by=by, version=version)
    try:
        follow(ticket, [by.person_id], FollowerKind.COSIGNED, event.at)
    except IntegrityError:
        # A person with two phones: the second waited for the lock, and what it knew of the followers is older than that.
        raise IllegalMove(*not_following.refusal) from None  # type: ignore[attr-defined]
    return event


def withdraw(ticket: Ticket, *, by: Actor, version: int | None, reason: str = "") -> Event:
    """Take the report back. Where others follow it, a follower is asked to succeed the reporter."""
    following = Follower.objects.filter(ticket=ticket)
    shared = following.exists() or Ticket.objects.absorbed_by(ticket.pk).exists()
    successor = _next_successor(ticket) if shared else None
    return perform(Ticket.withdraw, ticket, by=by, version=version, successor=successor, shared=shared, reason=reason)


def _next_successor(ticket: Ticket, besides: uuid.UUID | None = None) -> uuid.UUID | None:
    """The next person to ask whether they succeed the reporter, `besides` the person who has just declined; None where nobody is left."""
    return succession.candidates(ticket).exclude(person=besides).values_list("person", flat=True).first()


def succeed(ticket: Ticket, *, by: Actor, version: int | None) -> Event:
    """Become the reporter in the place of the reporter who left, and follow the ticket no longer.

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
    """Take a cosign back. Raises IllegalMove where it has been taken back already."""
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
    """Rate the result, as a resident whose own ticket was merged into this one; once. Raises IllegalMove."""
    event = perform(Ticket.rate, ticket, by=by, version=version, rating=rating, words=words)
    mine = Follower.objects.filter(ticket=ticket, person=by.person_id, rated_at=None)
    if not mark(ticket, mine, rating=rating, rated_at=event.at):
        # A person with two phones, as with a cosign.
        raise IllegalMove(*not_rated.refusal)  # type: ignore[attr-defined]
    return event


def urge(ticket: Ticket, *, by: Actor, version: int | None, reason: str = "") -> Event:
    """Urge the holder and, from the ticket's second urge on, its head office as well.

    What the person urged before is asked for again, for what came with the lock may be older than the lock.
    """
    made = TicketEvent.objects.filter(subject=ticket.pk, verb__constant="urge", actor=by.person_id)
    ticket.own_urges = list(made.order_by("at").values_list("at", flat=True))
    again = ticket.urges > 0
    facts = {"audience": [side.value for side in (URGED_AGAIN if again else URGED)]}
    draft = Draft.of(ticket)
    event = draft.move(Ticket.urge, by=by, version=version, facts=facts, reason=reason)
    store([draft])
    return event


_add_comment = _with_photos(Ticket.comment, PhotoKind.REPORT)


def comment(ticket: Ticket, *, by: Actor, version: int | None, **inputs: object) -> Event:
    """Add words or photos. The person's earlier comments are read again, because those that came with the lock may be older than it."""
    made = TicketEvent.objects.filter(subject=ticket.pk, verb__constant="comment", actor=by.person_id)
    ticket.own_comments = list(made.values_list("at", flat=True))
    return _add_comment(ticket, by=by, version=version, **inputs)


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


def act(name: str, ticket: Ticket, *, by: Actor, version: int | None, inputs: Mapping[str, object]) -> Event:
    """Make the move `name` on a locked ticket, by its action where it has one."""
    move, _ = admit(name, ticket, by=by, version=version)
    if action := ACTIONS.get(name):
        return action(ticket, by=by, version=version, **inputs)
    return perform(getattr(Ticket, move.method), ticket, by=by, version=version, **inputs)

"""What each relation may do and see, and who stands in which relation."""

import uuid
from dataclasses import replace

import pytest

from tests.tickets.paths import INPUTS, Scene
from tests.tickets.test_moves import LEGAL
from tickets.access import (
    CLOCKS_OF_RESIDENTS,
    READS,
    RESIDENTS,
    SEES,
    SEES_CONTACT,
    SEES_FACE,
    SEES_SUMMARY,
    SEES_WHOLE,
    STANDS_IN_FOR,
    Relation,
    any_of,
    of_the_street,
    reads_clock,
    relations,
    sees,
)
from tickets.models import Assignment, Ticket
from tickets.queries import visible_ticket
from tickets.states import ClockName, Outcome
from workflow.actor import Actor, Seat
from workflow.moves import moves

R = Relation
HOME, ELSEWHERE = uuid.uuid4(), uuid.uuid4()
STREET, OTHER_STREET = uuid.uuid4(), uuid.uuid4()
OFFICE, PMC, RESIDENTS_COMMITTEE, SECTION, FINDER = (uuid.uuid4() for _ in range(5))
ME, SOMEBODY = uuid.uuid4(), uuid.uuid4()


def ticket(**columns) -> Ticket:
    """A ticket in memory, at home, reported by somebody, coordinated by the committee, held by the office."""
    given = {
        "street_id": STREET, "compound_id": HOME, "reporter_id": SOMEBODY, "committee_id": PMC, "coordinator_id": PMC,
        "residents_committee_id": RESIDENTS_COMMITTEE, "desk_id": SECTION, "state": "in_progress", "secrecy": "open", "type": "help",
    }  # fmt: skip
    one = Ticket(**given | columns)
    one.assignments = [Assignment(organisation_id=OFFICE, role="lead", open=True)]
    return one


def actor(*seats: Seat, **more) -> Actor:
    """Somebody with these seats."""
    return Actor(person_id=ME, at=None, seats=seats, **more)


def seat(organisation, kind="project_office", role="dispatcher", street=STREET) -> Seat:
    return Seat(organisation_id=organisation, kind=kind, function="", role=role, street_id=street)


OFFICER = seat(SECTION, "section", "officer")
LEAD = seat(SECTION, "street_office", "lead")


@pytest.mark.parametrize(
    ("who", "on", "found"),
    [
        (actor(), {}, set()),
        (actor(), {"reporter_id": ME}, {R.REPORTER}),
        (Actor(person_id=None, at=None), {"reporter_id": None}, set()),
        (actor(compounds=frozenset({HOME})), {}, {R.NEIGHBOUR}),
        (actor(compounds=frozenset({ELSEWHERE})), {}, set()),
        (actor(), {"compound_id": None}, set()),
        (actor(compounds=frozenset({HOME})), {"secrecy": "confidential"}, set()),
        (actor(compounds=frozenset({HOME})), {"secrecy": "anonymous"}, set()),
        (actor(compounds=frozenset({HOME})), {"type": "report"}, set()),
        (actor(compounds=frozenset({HOME})), {"accused": [OFFICE]}, set()),
        (actor(seat(OFFICE)), {}, {R.HOLDER}),
        (actor(seat(PMC, "pmc", "chair")), {}, {R.COMMITTEE, R.COORDINATOR}),
        (actor(seat(PMC, "pmc", "chair")), {"coordinator_id": SECTION}, {R.COMMITTEE}),
        (actor(seat(PMC, "pmc", "chair")), {"committee_id": None}, set()),
        (actor(seat(PMC, "pmc", "chair")), {"accused": [OFFICE], "coordinator_id": SECTION}, set()),
        (actor(seat(RESIDENTS_COMMITTEE, "residents_committee", "member")), {}, {R.COMMUNITY}),
        (actor(seat(RESIDENTS_COMMITTEE, "residents_committee", "member")), {"accused": [OFFICE]}, set()),
        (actor(OFFICER), {}, {R.STREET}),
        (actor(OFFICER), {"coordinator_id": SECTION}, {R.STREET}),
        (actor(OFFICER), {"committee_id": None}, {R.STREET}),
        (actor(LEAD), {}, {R.STREET, R.STREET_LEAD}),
        (actor(replace(LEAD, street_id=OTHER_STREET)), {}, set()),
        (actor(replace(LEAD, kind="company")), {}, set()),
        (actor(seat(OFFICE), OFFICER), {}, {R.HOLDER, R.STREET}),
        # Whose party is accused is recused, whatever other seats they have; their own report stays theirs.
        (actor(seat(OFFICE)), {"accused": [OFFICE]}, set()),
        (actor(seat(OFFICE), OFFICER), {"accused": [OFFICE]}, set()),
        (actor(OFFICER), {"accused": [OFFICE]}, {R.STREET}),
        (actor(seat(OFFICE)), {"accused": [OFFICE], "reporter_id": ME}, {R.REPORTER}),
        (actor(seat(FINDER)), {"inspector_id": FINDER, "reporter_id": None}, {R.INSPECTOR}),
        (actor(seat(FINDER)), {"inspector_id": FINDER, "reporter_id": None, "accused": [FINDER]}, set()),
        (actor(OFFICER, on_behalf="reporter"), {"inspector_id": FINDER, "reporter_id": None}, set()),
        (Actor.the_clock(None), {"reporter_id": None}, {R.CLOCK}),
        # The street stands in for others, and then has their relation and no other; nobody else stands in.
        (actor(OFFICER, on_behalf="reporter"), {}, {R.REPORTER}),
        (actor(OFFICER, on_behalf="holder"), {}, {R.HOLDER}),
        (actor(OFFICER, on_behalf="committee"), {}, {R.COORDINATOR}),
        (actor(LEAD, on_behalf="holder"), {}, {R.HOLDER}),
        (actor(seat(OFFICE), on_behalf="reporter"), {}, set()),
        (actor(seat(PMC, "pmc", "chair"), on_behalf="holder"), {}, set()),
        (actor(on_behalf="reporter"), {"reporter_id": ME}, set()),
        (actor(seat(OFFICE), OFFICER, on_behalf="holder"), {"accused": [OFFICE]}, set()),
    ],
)
def test_who_stands_in_which_relation(who, on, found):
    one = ticket(**on)
    assert relations(one, who) == found
    assert of_the_street(one, who) == (R.STREET in found)
    assert sees(one, who) == found & SEES


@pytest.mark.parametrize(
    ("role", "open_", "found"),
    [
        ("lead", True, {R.HOLDER}),
        ("co_handler", True, {R.CO_HANDLER}),
        ("whistled", True, {R.WHISTLED}),
        ("copy", True, {R.COPIED}),
        ("lead", False, {R.PAST_HOLDER}),
        ("co_handler", False, {R.PAST_HOLDER}),
        ("whistled", False, {R.PAST_HOLDER}),
        ("copy", False, {R.PAST_HOLDER}),
    ],
)
def test_an_assignment_is_a_relation_while_it_is_open_and_a_summary_after(role, open_, found):
    one = ticket()
    outcome = Outcome.PENDING if open_ else Outcome.DONE
    one.assignments = [Assignment(organisation_id=OFFICE, role=role, open=open_, outcome=outcome)]
    assert relations(one, actor(seat(OFFICE))) == found
    assert relations(one, actor(seat(PMC, "company"))) == {R.COMMITTEE, R.COORDINATOR}


def test_a_lead_whose_turn_has_not_come_sees_a_summary():
    one = ticket()
    one.assignments = [Assignment(organisation_id=OFFICE, role="lead", open=False, step=2)]
    assert relations(one, actor(seat(OFFICE))) == {R.NEXT_HOLDER}


def test_whoever_follows_is_told_by_the_row():
    one = ticket()
    one.follows = True
    assert relations(one, actor()) == {R.FOLLOWER}


# Which moves each relation opens somewhere, by the table of moves.
MAY = {relation: {name for (name, _), legal in LEGAL.items() if relation in legal.who} for relation in Relation}


@pytest.mark.parametrize("relation", Relation)
def test_what_each_relation_may_do(relation):
    permitted = {
        name
        for name, move in moves(Ticket).items()
        if any(relation in transition.permission.relations for transition in move.meta.transitions.values())
    }
    assert permitted == MAY[relation]


def test_a_permission_names_the_relations_it_opens():
    permission = any_of(R.HOLDER, R.CLOCK)
    assert permission.relations == {R.HOLDER, R.CLOCK}
    assert permission(ticket(), actor(seat(OFFICE)))
    assert permission(ticket(), Actor.the_clock(None))
    assert not permission(ticket(), actor(OFFICER))


def test_what_each_relation_sees():
    assert set(Relation) - SEES == {R.CLOCK}
    assert {R.PAST_HOLDER, R.NEXT_HOLDER} == SEES_SUMMARY
    assert {R.NEIGHBOUR} == SEES_FACE
    staff = {
        R.HOLDER, R.CO_HANDLER, R.WHISTLED, R.COPIED, R.HEAD_OFFICE, R.INSPECTOR, R.OWNER, R.COORDINATOR,
        R.COMMITTEE, R.COMMUNITY, R.STREET, R.STREET_LEAD,
    }  # fmt: skip
    residents = {R.REPORTER, R.FOLLOWER, R.SUCCESSOR}
    assert staff | residents | {R.WORKED} == SEES_WHOLE
    assert {R.REPORTER, R.HOLDER, R.CO_HANDLER, R.COORDINATOR, R.STREET} == SEES_CONTACT
    assert READS["office"] == {R.STREET, R.STREET_LEAD}
    assert READS["internal"] == staff
    assert READS["parties"] == staff | residents | {R.WORKED}
    assert READS["public"] == staff | residents | {R.WORKED, R.NEIGHBOUR}


def test_residents_read_the_time_of_their_own_clocks_staff_that_of_all_and_others_of_none():
    named = set(ClockName)
    assert named > CLOCKS_OF_RESIDENTS
    for relation in Relation:
        read = {name for name in named if reads_clock(name, {relation})}
        if relation in RESIDENTS:
            assert read == CLOCKS_OF_RESIDENTS, relation
        else:
            assert read == (named if relation in SEES_WHOLE else set()), relation
    assert not any(reads_clock(name, set()) for name in named)


# With real people and rows.


@pytest.mark.django_db
def test_the_street_makes_a_move_in_anothers_place_and_the_event_says_so(scene: Scene):
    one = scene.reach("replied")
    for who in ("dispatcher", "chair"):
        assert scene.refused(who, one, "confirm", on_behalf="reporter", **INPUTS["confirm"]) == "not_permitted"
    assert scene.refused("desk_officer", one, "confirm", **INPUTS["confirm"]) == "not_permitted"
    event = scene.do("desk_officer", one, "confirm", on_behalf="reporter", **INPUTS["confirm"])
    assert (event.on_behalf, event.actor_id) == ("reporter", scene.cast["desk_officer"].pk)
    assert event.actor_organisation_id == scene.codes["section-desk"]


@pytest.mark.django_db
@pytest.mark.parametrize("party", ["reporter", "holder", "committee"])
def test_whoever_stands_in_may_do_what_that_party_may_and_nothing_else(scene: Scene, party):
    relation = STANDS_IN_FOR[party]
    for state in ("submitted", "coordinating", "dispatched", "in_progress", "replied", "closed"):
        one = Ticket.for_move(scene.actor("desk_officer").person_id).get(pk=scene.reach(state))
        type(one).gather([one], scene.actor("desk_officer"))
        standing_in = scene.actor("desk_officer", on_behalf=party)
        permitted = {
            move.name
            for move in moves(Ticket).values()
            if state in move.sources and move.meta.transitions[state].permission(one, standing_in)
        }
        assert permitted == {
            name for (name, source), legal in LEGAL.items() if source == state and relation in legal.who
        }


@pytest.mark.django_db
def test_a_committee_told_of_an_urgent_ticket_sees_it_and_may_not_move_it(scene: Scene):
    one = scene.file("RP01")
    chair = scene.actor("chair")
    assert relations(visible_ticket(one, chair), chair) == {R.COPIED, R.COMMITTEE}
    assert scene.offered("chair", one) == []


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["dispatcher", "head_manager", "chair", "residents_committee_worker", "neighbour"])
def test_an_accused_party_and_its_neighbours_do_not_know_of_the_report(scene: Scene, who):
    one = scene.file(type="report", accused_id=scene.codes["po-a01"])
    with pytest.raises(Ticket.DoesNotExist):
        visible_ticket(one, scene.actor(who))
    assert scene.refused(who, one, "progress", text="正在处理") in {"illegal_move", "not_permitted"}
    assert "reject" in scene.offered("property_officer", one)

"""Work that an organisation gives out in turn: whose turn it is, who is passed over, and what the history says of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from community.actors import by_person
from community.models import Membership, Organisation, Person, Rota
from community.rotas import RotaSettings, decide, settings_of
from tests.people import seat
from tests.statements import statements
from tests.tickets.committed import behind_linlis_back
from tests.tickets.story import history
from tests.tickets.test_races import move, race, stage
from tickets.models import Assignment, Ticket

__all__ = ["stage"]


@pytest.fixture
def workers(cast):
    """The worker of the first project office and two more, in the order of their seats."""
    more = [Person.objects.create(phone=f"1970000000{one}", name=f"师傅{one}", password="!") for one in range(2)]
    for one in more:
        seat(one, "po-a01")
    return [cast["worker"], *more]


@pytest.fixture
def office(db):
    return Organisation.objects.get(code="po-a01").pk


def choose(office, scene, **settings):
    decide(office, RotaSettings(**settings), by=scene.actor("dispatcher"))


def worker(ticket):
    return Assignment.objects.get(ticket=ticket, role="lead", open=True).worker_id


def signed(scene, **inputs):
    """Who works on a new ticket for which the dispatcher has signed."""
    ticket = scene.file("CL03")
    scene.do("dispatcher", ticket, "sign", **inputs)
    return worker(ticket)


def ids(people):
    return [one.pk for one in people]


def test_without_a_choice_whoever_signs_works_on_it(scene, workers, office):
    assert signed(scene) == scene.cast["dispatcher"].pk
    choose(office, scene, in_turn=False, most_open=1)
    ticket = scene.file("CL03")
    event = scene.do("dispatcher", ticket, "sign")
    assert worker(ticket) == scene.cast["dispatcher"].pk
    assert "in_turn" not in event.data


def test_in_turn_each_worker_gets_the_next_ticket_and_the_history_says_so(scene, workers, office):
    choose(office, scene, in_turn=True)
    assert [signed(scene) for _ in range(5)] == [*ids(workers), *ids(workers[:2])]
    ticket = scene.file("CL03")
    event = scene.do("manager", ticket, "sign")
    assert (event.data["worker"], event.data["in_turn"]) == (str(workers[2].pk), True)
    assert (event.actor_id, event.actor_organisation_id) == (scene.cast["manager"].pk, office)


def test_a_worker_who_is_named_gets_it_and_takes_nobodys_turn(scene, workers, office):
    choose(office, scene, in_turn=True)
    assert signed(scene) == workers[0].pk
    assert signed(scene, worker=str(workers[2].pk)) == workers[2].pk
    assert signed(scene) == workers[1].pk


def test_who_is_off_duty_has_no_turn(scene, workers, office):
    choose(office, scene, in_turn=True, off_duty=frozenset({workers[1].pk}))
    assert [signed(scene) for _ in range(3)] == [workers[0].pk, workers[2].pk, workers[0].pk]
    choose(office, scene, in_turn=True)
    assert signed(scene) == workers[1].pk


def test_who_has_as_many_as_there_may_be_has_no_turn_and_then_it_is_as_without(scene, workers, office):
    choose(office, scene, in_turn=True, most_open=1, off_duty=frozenset({workers[2].pk}))
    assert [signed(scene) for _ in range(2)] == ids(workers[:2])
    assert signed(scene) == scene.cast["dispatcher"].pk
    done = Ticket.objects.get(assignment_rows__worker=workers[1].pk).pk
    scene.do("dispatcher", done, "return", reason="不归我们")
    scene.do("property_officer", done, "uphold")
    assert signed(scene) == workers[1].pk


def test_nobody_on_duty_is_as_without(scene, workers, office):
    choose(office, scene, in_turn=True, off_duty=frozenset(ids(workers)))
    assert signed(scene) == scene.cast["dispatcher"].pk
    ticket = scene.file("CL03")
    scene.do("property_officer", ticket, "sign", on_behalf="holder")
    assert worker(ticket) is None


def test_the_turn_goes_on_behind_a_seat_that_has_ended(scene, workers, office):
    choose(office, scene, in_turn=True)
    assert [signed(scene) for _ in range(2)] == ids(workers[:2])
    Membership.objects.filter(person=workers[1]).delete()
    assert [signed(scene) for _ in range(2)] == [workers[2].pk, workers[0].pk]


def test_where_nobody_is_a_worker_all_members_take_turns(scene, cast):
    lift = Organisation.objects.get(code="lift-shengan").pk
    seat(cast["manager"], "lift-shengan", "manager")
    decide(lift, RotaSettings(in_turn=True), by=scene.actor("lift_dispatcher"))
    scene.known.clear()
    found = []
    for _ in range(2):
        ticket = scene.file("EL01")
        scene.do("lift_dispatcher", ticket, "sign")
        found.append(worker(ticket))
    assert found == [cast["lift_dispatcher"].pk, cast["manager"].pk]


def test_a_sign_that_is_refused_takes_no_turn(scene, workers, office):
    choose(office, scene, in_turn=True)
    ticket = scene.file("CL03")
    with transaction.atomic():
        scene.refusal("dispatcher", ticket, "sign", version=99)
        transaction.set_rollback(True)
    assert signed(scene) == workers[0].pk


def test_the_choice_is_written_down_and_knows_members_alone(scene, workers, office, cast):
    by = scene.actor("dispatcher")
    decide(office, RotaSettings(True, 3, frozenset({workers[0].pk, cast["chair"].pk})), by=by)
    assert settings_of(office) == RotaSettings(True, 3, frozenset({workers[0].pk}))
    rota = Rota.objects.get(pk=office)
    assert (rota.changed_by_id, rota.changed_at) == (by.person_id, by.at)
    decide(office, RotaSettings(), by=replace(by, at=by.at + timedelta(hours=1)))
    assert settings_of(office) == RotaSettings()


def test_a_sign_costs_nothing_more_where_nobody_takes_turns(scene, workers, office):
    first, second, third = (scene.file("CL03") for _ in range(3))
    scene.actor("dispatcher")
    with statements() as without:
        scene.do("dispatcher", first, "sign")
    choose(office, scene, in_turn=False)
    with statements() as off:
        scene.do("dispatcher", second, "sign")
    assert len(off) == len(without)
    assert not any("community_rota" in one and "FOR NO KEY UPDATE" in one for one in off)
    choose(office, scene, in_turn=True, most_open=5)
    with statements() as on:
        scene.do("dispatcher", third, "sign")
    assert len(on) == len(without) + 4


def test_of_signs_at_the_same_moment_everybody_gets_one(stage):
    office = Organisation.objects.get(code="po-a01")
    people = [one.person for one in stage.residents[:3]]
    seats = [seat(one, office) for one in people]
    others = Membership.objects.filter(organisation=office, role="worker").exclude(person__in=people)
    off = frozenset(others.values_list("person", flat=True))
    dispatcher = stage("dispatcher")
    try:
        with transaction.atomic():
            decide(office.pk, RotaSettings(True, 2, off), by=_actor(dispatcher))
        tickets = [stage.residents[one].file("CL07") for one in range(3, 9)]
        answers = race([move(dispatcher, one, "sign", 1) for one in tickets])
        assert {one.status for one in answers} == {200}
        given = [history(one)[-1].data["worker"] for one in tickets]
        assert sorted(given) == sorted(str(one.pk) for one in people for _ in range(2))
        assert all(history(one)[-1].data["in_turn"] for one in tickets)
        # Everybody has as many as there may be.
        more = stage.residents[9].file("CL07")
        dispatcher.move(more, "sign")
        assert history(more)[-1].data["worker"] == str(dispatcher.person.pk)
    finally:
        Rota.objects.filter(pk=office.pk).delete()
        decide(office.pk, RotaSettings(), by=_actor(dispatcher))
        Rota.objects.filter(pk=office.pk).delete()
        with transaction.atomic(), behind_linlis_back():
            Membership.objects.filter(pk__in=[one.pk for one in seats])._raw_delete("default")


def _actor(caller):
    found = by_person(caller.person.pk)
    assert found is not None
    return found.actor

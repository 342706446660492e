"""The course of a ticket on a time axis: what is drawn where."""

from datetime import timedelta

import pytest

from casework.duties import sweep
from console.axis import Axis, axis
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketEvent
from tickets.queries import visible_ticket
from tickets.reading.course import Course, course
from tickets.reading.parties import organisation_names
from workflow.moment import at

HOUR = timedelta(hours=1)


def drawn(scene, ticket, who="desk_officer") -> tuple[Course, Axis]:
    """The course and the drawing as that person reads them now."""
    actor = scene.actor(who)
    seen = visible_ticket(ticket, actor)
    events = list(TicketEvent.objects.filter(subject=ticket).order_by("seq"))
    names = organisation_names(one.organisation_id for one in seen.assignments)
    found = course(seen, actor, events, names)
    assert found
    return found, axis(found, actor.at)


def percent(text: str) -> float:
    return float(text.removesuffix("%"))


def row(axis: Axis, label: str):
    return next(one for one in axis.rows if str(one.label).startswith(label))


@pytest.mark.django_db
def test_a_clock_that_ran_out_shows_by_how_much_and_the_rungs_that_were_fired(scene):
    ticket = scene.at_work("CL03")
    due = next(one.due_at for one in visible_ticket(ticket, scene.actor("desk_officer")).clocks if one.name == "handle")
    scene.now = due + 3 * HOUR
    with at(scene.now):
        sweep(TICKETS)
    found, drawing = drawn(scene, ticket)
    handle = row(drawing, "办结")
    assert [bar.how for bar in handle.bars] == ["used", "over"]
    used, over = handle.bars
    assert percent(used.x) + percent(used.width) == pytest.approx(percent(over.x), abs=0.02)
    assert percent(over.x) + percent(over.width) == pytest.approx(percent(drawing.now), abs=0.02)
    assert handle.how == "late"
    assert "超 3 小时" in handle.note
    rungs = [one for one in handle.marks if one.how == "rung"]
    told = next(one for one in found.clocks if one.shown["name"] == "handle").rungs
    assert len(rungs) == len(told) >= 2
    assert all(0 <= percent(one.x) <= 100 for one in handle.marks)


@pytest.mark.django_db
def test_a_question_holds_the_clock_and_the_resident_is_waited_for(scene):
    ticket = scene.at_work("SV01")
    scene.do("dispatcher", ticket, "contact", result="reached")
    scene.now += 5 * HOUR
    scene.do("dispatcher", ticket, "ask", question="哪个门？")
    scene.now += 5 * HOUR
    asked, drawing = drawn(scene, ticket)
    assert (asked.stretches[-1].asked, str(asked.stretches[-1].who), asked.stretches[-1].until) == (
        True,
        "诉求人",
        None,
    )
    assert row(drawing, "办结").note == "暂停 · 等待补充"
    assert row(drawing, "办结").bars[-1].how == "pause"
    scene.do("resident", ticket, "answer", answer="东门")
    answered, drawing = drawn(scene, ticket)
    assert [one.asked for one in answered.stretches[-2:]] == [True, False]
    assert "天岳恒" in str(answered.stretches[-1].who)
    assert any("等待补充" in text for one in drawing.table for text in one.pauses)


@pytest.mark.django_db
def test_the_stretches_follow_one_another_without_a_gap(scene):
    ticket = scene.reach("closed")
    found, drawing = drawn(scene, ticket)
    ends = [one.until for one in found.stretches]
    assert ends[:-1] == [one.since for one in found.stretches[1:]]
    assert found.stretches[0].since == Ticket.objects.get(pk=ticket).submitted_at
    assert found.ended
    assert [str(one[0]) for one in drawing.stretches][-1] == "待居民确认"


@pytest.mark.django_db
def test_a_deadline_far_ahead_leaves_room_for_what_was(scene):
    ticket = scene.at_work("SV01")
    scene.now += HOUR
    _, drawing = drawn(scene, ticket)
    assert percent(drawing.now) > 10
    overall = row(drawing, "全程")
    assert percent(overall.bars[0].x) + percent(overall.bars[0].width) <= 100.01
    assert not any(one.how == "due" for one in overall.marks)


@pytest.mark.django_db
def test_only_staff_of_the_ticket_get_its_course(scene):
    ticket = scene.reach("dispatched")
    for who in ("other_dispatcher", "resident", "tenant"):
        actor = scene.actor(who)
        assert course(visible_ticket(ticket, actor), actor, [], {}) is None

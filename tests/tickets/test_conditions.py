"""What a move requires beyond state and person: each guard met and missed, at the very moment where it turns."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from community.models import Compound, Membership, Organisation
from tests.tickets.paths import CONTACTED, INPUTS
from tests.tickets.story import row
from tickets.audience import Audience
from tickets.models import Assignment, Follower, Photo, Ticket, TicketEvent, TicketOutbox, TicketWords, service_level
from tickets.models.photo import PhotoKind
from tickets.sides import OutboxEvent
from tickets.states import AssignmentRole, Outcome, Secrecy
from workflow import calendars
from workflow.calendar import Budget

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)
SIGNED = ("dispatcher", "sign", {})
DISPATCHED = ("chair", "dispatch", {"holder": "po-a01"})
REPLIED = ("dispatcher", "reply", {"result": "已整改"})
ASK, ANSWER = INPUTS["ask"], INPUTS["answer"]


def lead(ticket) -> Assignment:
    """The open lead of the ticket."""
    return Assignment.objects.get(ticket=ticket, role=AssignmentRole.LEAD, open=True)


def until(since, budget):
    """When a window that opened then closes."""
    return calendars.calendar(1, "Asia/Shanghai").due(since, Budget.parse(budget))


# Asking to return.


@pytest.mark.parametrize(("category", "window"), [("SV01", "1wd"), ("SV04", "4h")])
def test_a_return_may_be_asked_for_until_the_window_closes(scene, category, window):
    ticket = scene.at_work(category)
    last = until(lead(ticket).opened_at, window)
    assert scene.refused("dispatcher", ticket, "return", at=last + INSTANT, reason="非我方职责") == "return_window_over"
    assert scene.do("dispatcher", ticket, "return", at=last, reason="非我方职责").target == "returning"


def test_what_is_sent_on_a_friday_evening_may_be_returned_on_the_monday(scene):
    scene.now = datetime.fromisoformat("2025-06-06T17:00:00+08:00")
    ticket = scene.at_work()
    monday = datetime.fromisoformat("2025-06-09T17:30:00+08:00")
    assert scene.refused("dispatcher", ticket, "return", at=monday + timedelta(days=1), reason="非我方职责") == (
        "return_window_over"
    )
    assert scene.do("dispatcher", ticket, "return", at=monday, reason="非我方职责").target == "returning"


def test_a_designated_holder_may_not_ask_again_but_the_next_holder_may(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "return", reason="非我方职责")
    scene.do("desk_officer", ticket, "designate")
    assert scene.refused("dispatcher", ticket, "return", reason="仍非我方职责") == "already_designated"
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    assert scene.do("other_dispatcher", ticket, "return", reason="非我方职责").target == "returning"


def test_asking_for_coordination_is_a_return_to_a_holder_but_not_to_the_street(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "return", reason="非我方职责")
    scene.do("desk_officer", ticket, "designate")
    assert scene.refused("dispatcher", ticket, "coordinate", reason="请协调") == "already_designated"
    assert scene.do("desk_officer", ticket, "coordinate", reason="由物管会协调").target == "coordinating"


def test_a_corrected_place_is_coordinated_by_its_own_committee(scene):
    ticket = scene.file()
    there = Compound.objects.get(name="逸成社区小区")
    scene.do("desk_officer", ticket, "correct", compound=str(there.pk), reason="地点有误")
    assert row(ticket).coordinator_id == there.area.committee_id


def test_a_corrected_place_has_its_own_section_of_the_street(scene):
    street = Compound.objects.get(name="学院路14号院").street_id
    ticket = scene.file("TR01", street_id=street)
    before = row(ticket).desk_id
    scene.do("desk_officer", ticket, "correct", compound=str(scene.home), reason="在小区内")
    assert row(ticket).desk_id != before
    assert row(ticket).desk.function == "property"


@pytest.mark.parametrize("days", [0, 5 * 366 + 1])
def test_a_plan_date_lies_between_tomorrow_and_five_years_from_the_move(scene, days):
    ticket = scene.reach("coordinating")
    plan = {**INPUTS["put_on_account"], "plan_date": (scene.now + timedelta(days=days)).date().isoformat()}
    assert scene.refused("desk_officer", ticket, "put_on_account", **plan) == "out_of_range"
    plan["plan_date"] = (scene.now + timedelta(days=1)).date().isoformat()
    assert scene.do("desk_officer", ticket, "put_on_account", **plan).target == "on_account"


def test_two_secret_tickets_of_different_people_stay_apart(scene):
    mine = scene.file(secrecy="confidential")
    theirs = scene.file(who="neighbour", secrecy="confidential")
    assert scene.refused("desk_officer", mine, "merge", into=str(theirs)) == "no_public_face"
    again = scene.file(secrecy="confidential")
    assert scene.do("desk_officer", mine, "merge", into=str(again)).target == "merged"


def test_a_complaint_about_a_section_leaves_the_head_of_the_street_in_charge(scene):
    section = Organisation.objects.get(name="城市管理办公室").pk
    ticket = scene.file(type="complaint", secrecy="confidential", accused_id=section)
    assert row(ticket).accused == [section]
    assert "terminate" in scene.offered("street_lead", ticket)
    with pytest.raises(Ticket.DoesNotExist):
        scene.offered("city_officer", ticket)


def test_an_assignment_may_be_asked_back_once(scene):
    ticket = scene.at_work()
    Assignment.objects.filter(pk=lead(ticket).pk).update(return_asked=True)
    assert scene.refused("dispatcher", ticket, "return", reason="非我方职责") == "already_returned"


def test_an_upheld_return_goes_back_to_whoever_coordinated(scene):
    coordinated, direct = scene.at_work("SV01"), scene.at_work("SV04")
    for ticket, target in ((coordinated, "coordinating"), (direct, "submitted")):
        scene.do("dispatcher", ticket, "return", reason="非我方职责")
        assert scene.do("desk_officer", ticket, "uphold").target == target
        assert row(ticket).holder_id is None


@pytest.mark.parametrize(("category", "bounces"), [("SV01", True), ("SV04", True), ("RP03", False), ("FS04", False)])
def test_a_ticket_of_two_hours_stays_where_it_is_when_nobody_signs(scene, category, bounces):
    ticket = scene.file(category)
    if row(ticket).state == "coordinating":
        scene.follow(ticket, [DISPATCHED])
    if bounces:
        assert scene.do("clock", ticket, "bounce").target == "submitted"
        assert Assignment.objects.get(ticket=ticket, role="lead").outcome == Outcome.BOUNCED
    else:
        assert scene.refused("clock", ticket, "bounce") == "two_hour_class_stays"


# Coordination.


def test_the_street_takes_coordination_over_once(scene):
    ticket = scene.file()
    scene.do("clock", ticket, "take_over")
    assert scene.refused("desk_officer", ticket, "take_over") == "already_held_by_street"


# Questions to the resident.


def test_a_ticket_is_asked_about_twice_at_most_and_one_question_at_a_time(scene):
    ticket = scene.at_work()
    assert scene.refused("resident", ticket, "answer", **ANSWER) == "no_open_question"
    for _ in range(2):
        scene.do("dispatcher", ticket, "ask", **ASK)
        assert scene.refused("dispatcher", ticket, "ask", **ASK) == "question_open"
        scene.do("resident", ticket, "answer", **ANSWER)
    assert scene.refused("dispatcher", ticket, "ask", **ASK) == "too_many_questions"


def test_what_a_holder_asked_for_lapses_when_it_loses_the_ticket(scene):
    ticket = scene.at_work()
    scene.do("dispatcher", ticket, "ask", **ASK)
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    scene.do("dispatcher", ticket, "coordinate", reason="需要协调")
    scene.follow(ticket, [DISPATCHED, SIGNED])
    assert scene.refused("resident", ticket, "answer", **ANSWER) == "no_open_question"
    assert scene.refused("desk_officer", ticket, "grant_extension") == "no_extension_pending"
    scene.do("dispatcher", ticket, "ask", **ASK)
    assert scene.refused("dispatcher", ticket, "ask", **ASK) == "question_open"


# Extension.


@pytest.mark.parametrize(
    ("category", "class_", "extensible"),
    [
        ("FS04", "IMM", False),
        ("RP03", "H2", False),
        ("SV04", "H24", False),
        ("RP04", "LIGHT-I", False),
        ("RP05", "LIGHT-O", False),
        ("SV01", "D7", True),
        ("EV04", "D15", True),
        ("RP02", "LT", True),
        ("PK03", "VOTE", True),
    ],
)
def test_only_limits_of_days_are_extended(scene, category, class_, extensible):
    ticket = scene.at_work(category)
    assert row(ticket).disposal_class == class_
    if extensible:
        scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    else:
        refused = scene.refused("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
        assert refused == "limit_is_fixed"


def test_an_extension_is_answered_once_and_moves_the_due_moment_by_its_days(scene):
    ticket = scene.at_work()
    assert scene.refused("desk_officer", ticket, "grant_extension") == "no_extension_pending"
    assert scene.refused("clock", ticket, "refuse_extension") == "no_extension_pending"
    scene.do("dispatcher", ticket, "request_extension", days=3, reason="配件未到")
    again = scene.refused("dispatcher", ticket, "request_extension", days=5, reason="配件未到")
    assert again == "extension_pending"
    due = row(ticket).due_at
    event = scene.do("desk_officer", ticket, "grant_extension")
    assert row(ticket).due_at == due + timedelta(days=3)
    assert event.data["due_before"] == due.isoformat()
    assert scene.refused("dispatcher", ticket, "request_extension", days=2, reason="还差一天") == "extended_enough"
    other = scene.at_work()
    due = row(other).due_at
    scene.do("dispatcher", other, "request_extension", days=2, reason="还差一天")
    scene.do("clock", other, "refuse_extension")
    assert row(other).due_at == due


# Replying.


def test_contact_comes_before_the_reply_whoever_replies(scene):
    ticket = scene.at_work()
    for who in ("dispatcher", "desk_officer"):
        assert scene.refused(who, ticket, "reply", result="已整改") == "not_contacted"
    scene.follow(ticket, [CONTACTED])
    assert scene.do("dispatcher", ticket, "reply", result="已整改").target == "replied"


def test_nobody_has_to_contact_an_anonymous_reporter(scene):
    ticket = scene.at_work(secrecy=Secrecy.ANONYMOUS)
    assert scene.do("dispatcher", ticket, "reply", result="已整改").target == "replied"


def test_every_new_assignment_contacts_anew(scene):
    ticket = scene.at_work()
    scene.follow(ticket, [CONTACTED])
    scene.do("desk_officer", ticket, "redispatch", holder="po-a02", reason="另派")
    scene.do("other_dispatcher", ticket, "sign")
    assert scene.refused("other_dispatcher", ticket, "reply", result="已整改") == "not_contacted"


def test_a_reply_shows_the_result_where_the_category_demands_it(scene):
    ticket = scene.at_work("PK05")
    scene.follow(ticket, [CONTACTED])
    photo = scene.photo("dispatcher")
    assert scene.refused("dispatcher", ticket, "reply", result="已修好") == "after_photo_required"
    assert scene.refused("dispatcher", ticket, "reply", result="已修好", photos=[]) == "after_photo_required"
    foreign = scene.photo("other_dispatcher")
    assert scene.refused("dispatcher", ticket, "reply", result="已修好", photos=[foreign]) == "unknown_photo"
    both = scene.refused("dispatcher", ticket, "reply", result="已修好", photos=[photo, foreign])
    assert both == "unknown_photo"
    event = scene.do("dispatcher", ticket, "reply", result="已修好", photos=[photo])
    attached = Photo.objects.get(pk=photo)
    assert (attached.ticket_id, attached.event_seq) == (ticket, event.seq)
    assert event.data["photos"] == [photo]


def test_a_photo_serves_one_ticket(scene):
    first, second = scene.at_work("PK05"), scene.at_work("PK05")
    photo = scene.photo("dispatcher")
    for ticket in (first, second):
        scene.follow(ticket, [CONTACTED])
    scene.do("dispatcher", first, "reply", result="已修好", photos=[photo])
    assert scene.refused("dispatcher", second, "reply", result="已修好", photos=[photo]) == "unknown_photo"


def test_the_move_says_what_a_photo_shows_and_not_who_uploaded_it(scene):
    ticket = scene.file("PK05")
    scene.follow(ticket, [SIGNED, CONTACTED])
    done, wrong = scene.photo("dispatcher", PhotoKind.REPORT), scene.photo("resident", PhotoKind.AFTER)
    under_way = scene.photo("dispatcher", PhotoKind.AFTER)
    scene.do("dispatcher", ticket, "progress", text="在修", photos=[under_way])
    scene.do("dispatcher", ticket, "reply", result="已修好", photos=[done])
    scene.do("resident", ticket, "dispute", reason="没修好", photos=[wrong])
    kinds = [Photo.objects.get(pk=one).kind for one in (under_way, done, wrong)]
    assert kinds == [PhotoKind.PROGRESS, PhotoKind.AFTER, PhotoKind.DISPUTE]


# Steps.


def in_steps(scene):
    """A ticket whose first step the project office has signed for; a section and another office follow."""
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01", next_steps=["section-city", "po-a02"])
    return scene.follow(ticket, [SIGNED, CONTACTED])


def test_steps_are_led_one_after_the_other_and_the_last_one_replies(scene):
    ticket = in_steps(scene)
    assert scene.refused("city_officer", ticket, "sign") == "illegal_move"
    for holder, following in (("dispatcher", "city_officer"), ("city_officer", "other_dispatcher")):
        assert scene.refused(holder, ticket, "reply", result="已整改") == "steps_remain"
        scene.do(holder, ticket, "complete_step", result="本步完成")
        assert scene.refused(holder, ticket, "sign") in {"not_permitted"}
        scene.do(following, ticket, "sign")
        assert scene.refused(following, ticket, "complete_step", result="本步完成") == "not_contacted"
        scene.do(following, ticket, "contact", result="reached")
    assert scene.refused("other_dispatcher", ticket, "complete_step", result="本步完成") == "no_next_step"
    assert scene.do("other_dispatcher", ticket, "reply", result="全部完成").target == "replied"
    led = Assignment.objects.filter(ticket=ticket, role="lead").order_by("step")
    assert [one.outcome for one in led] == [Outcome.STEP_DONE, Outcome.STEP_DONE, Outcome.PENDING]


def test_a_ticket_whose_steps_were_dropped_can_be_disputed_and_reopened(scene):
    ticket = in_steps(scene)
    scene.do("dispatcher", ticket, "coordinate", reason="需要协调")
    scene.do("chair", ticket, "reply", result="已协调解决")
    assert scene.do("resident", ticket, "dispute", reason="没有解决").target == "coordinating"
    scene.do("desk_officer", ticket, "reply", result="已协调解决")
    scene.do("resident", ticket, "confirm", resolved=True, rating=3)
    assert scene.do("resident", ticket, "reopen", reason="又出现了").target == "submitted"


def test_a_helper_is_named_once_however_often_it_is_listed(scene):
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["po-a02", "po-a02", "po-a01"])
    helpers = Assignment.objects.filter(ticket=ticket, role="co_handler")
    assert [one.organisation_id for one in helpers] == [scene.codes["po-a02"]]


# Whistling.


def test_a_department_is_whistled_once_until_it_is_done(scene):
    ticket = scene.file()
    whistle = {"departments": ["dept-police", "dept-police"], "reason": "需要执法"}
    scene.do("desk_officer", ticket, "whistle", **whistle)
    assert scene.refused("desk_officer", ticket, "whistle", **whistle) == "already_whistled"
    assert Assignment.objects.filter(ticket=ticket, role="whistled").count() == 1


@pytest.mark.parametrize(("move", "outcome"), [("decline", Outcome.DECLINED), ("assist_done", Outcome.DONE)])
def test_a_department_that_is_done_has_no_more_part_and_can_be_whistled_again(scene, move, outcome):
    ticket = scene.file()
    whistle = {"departments": ["dept-traffic-police"], "reason": "需要执法"}
    scene.do("desk_officer", ticket, "whistle", **whistle)
    scene.do("traffic_liaison", ticket, move, **INPUTS[move])
    assert Assignment.objects.get(ticket=ticket, role="whistled").outcome == outcome
    assert scene.refused("traffic_liaison", ticket, "report_in") == "not_permitted"
    scene.do("desk_officer", ticket, "whistle", **whistle)
    scene.do("traffic_liaison", ticket, "report_in")
    assert Assignment.objects.get(ticket=ticket, role="whistled", open=True).signed_at is not None


def test_departments_that_share_a_receiver_are_whistled_through_it_once(scene):
    ticket = scene.file()
    Membership.objects.filter(organisation__code__in=["section-city", "section-welfare"]).delete()
    scene.do("desk_officer", ticket, "whistle", departments=["section-city", "section-welfare"], reason="需要配合")
    assert Assignment.objects.get(ticket=ticket, role="whistled").organisation_id == scene.codes["office"]


def test_a_corrected_spot_is_kept_with_people_s_words(scene):
    ticket = scene.file()
    event = scene.do("desk_officer", ticket, "correct", spot="3号楼2单元401", reason="位置有误")
    assert TicketWords.objects.get(event=event).body == {"spot": "3号楼2单元401", "reason": "位置有误"}
    assert set(event.data) == {"words"}
    assert row(ticket).spot == "3号楼2单元401"


# Helpers.


def helping(ticket) -> set[str]:
    """The codes of the open co-handlers."""
    rows = Assignment.objects.filter(ticket=ticket, role="co_handler", open=True)
    return set(rows.values_list("organisation__code", flat=True))


def helped(scene, *steps):
    """A ticket with two co-handlers and a whistled department, on which the steps were made."""
    ticket = scene.file()
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["po-a02", "lift-shengan"])
    scene.follow(ticket, [SIGNED, ("desk_officer", "whistle", INPUTS["whistle"])])
    assert helping(ticket) == {"po-a02", "lift-shengan"}
    return scene.follow(ticket, list(steps))


def test_co_handlers_go_with_the_holder_unless_they_are_named_again(scene):
    redispatch = {"holder": "section-city", "co_handlers": ["po-a02"], "reason": "改派"}
    assert helping(helped(scene, ("desk_officer", "redispatch", redispatch))) == {"po-a02"}
    leading = {"holder": "po-a02", "co_handlers": ["po-a02"], "reason": "改派"}
    assert helping(helped(scene, ("desk_officer", "redispatch", leading))) == set()
    assert helping(helped(scene, ("desk_officer", "coordinate", {"reason": "需要协调"}))) == set()
    returned = [("dispatcher", "return", {"reason": "非我方职责"}), ("desk_officer", "uphold", {})]
    ticket = helped(scene, *returned)
    assert helping(ticket) == set()
    assert Assignment.objects.filter(ticket=ticket, role="whistled", open=True).exists()
    assert scene.refused("lift_dispatcher", ticket, "assist_done", words="已完成") == "not_permitted"


def test_the_street_stands_in_for_one_of_the_helpers(scene):
    ticket = helped(scene)
    words = {"words": "已到场协助"}
    assert scene.refused("desk_officer", ticket, "assist_done", **words) == "not_permitted"
    assert scene.refused("desk_officer", ticket, "assist_done", on_behalf="co_handler", **words) == "required"
    other = {"organisation": "section-city", **words}
    assert scene.refused("desk_officer", ticket, "assist_done", on_behalf="co_handler", **other) == "no_part"
    named = {"organisation": "lift-shengan", **words}
    event = scene.do("desk_officer", ticket, "assist_done", on_behalf="co_handler", **named)
    assert (event.on_behalf, event.data["organisation"]) == ("co_handler", str(scene.codes["lift-shengan"]))
    assert helping(ticket) == {"po-a02"}
    # The only one of its kind needs no name.
    scene.do("desk_officer", ticket, "decline", on_behalf="whistled", reason="来电拒绝")
    assert scene.refused("desk_officer", ticket, "decline", on_behalf="whistled", reason="再拒") == "not_permitted"


# What the resident makes of the reply.


def test_the_first_dispute_goes_back_to_the_holder_and_the_second_to_the_street(scene):
    ticket = scene.at_work()
    scene.follow(ticket, [CONTACTED, REPLIED])
    assert scene.do("resident", ticket, "dispute", reason="没修好").target == "in_progress"
    scene.follow(ticket, [REPLIED])
    assert scene.do("resident", ticket, "dispute", reason="还是没修好").target == "coordinating"
    assert row(ticket).coordinator_id == row(ticket).desk_id
    assert row(ticket).holder_id is None


def test_a_neighbour_who_cosigned_may_dispute_once(scene):
    ticket = scene.at_work()
    scene.do("tenant", ticket, "cosign")
    scene.follow(ticket, [CONTACTED, REPLIED])
    event = scene.do("tenant", ticket, "dispute", reason="没修好")
    assert Follower.objects.get(ticket=ticket).disputed_at == event.at
    scene.follow(ticket, [REPLIED])
    assert scene.refused("tenant", ticket, "dispute", reason="还没修好") == "already_disputed"
    scene.do("resident", ticket, "dispute", reason="还没修好")


def test_a_ticket_is_called_back_once(scene):
    ticket = scene.at_work()
    scene.do("desk_officer", ticket, "callback", **INPUTS["callback"])
    assert scene.refused("street_lead", ticket, "callback", **INPUTS["callback"]) == "already_called_back"


def test_a_closed_ticket_is_reopened_within_thirty_days(scene):
    ticket = scene.at_work()
    scene.follow(ticket, [CONTACTED, REPLIED, ("resident", "confirm", INPUTS["confirm"])])
    last = until(row(ticket).closed_at, "30d")
    for who in ("resident", "desk_officer"):
        assert scene.refused(who, ticket, "reopen", at=last + INSTANT, reason="又坏了") == "reopening_window_over"
    assert scene.do("resident", ticket, "reopen", at=last, reason="又坏了").target == "in_progress"
    assert (row(ticket).closed_at, row(ticket).rating, row(ticket).reopenings) == (None, None, 1)


def test_work_that_is_to_be_done_again_for_the_second_time_raises_the_level(scene):
    ticket = scene.at_work()
    again = [CONTACTED, REPLIED, ("resident", "dispute", {"reason": "没修好"})]
    scene.follow(ticket, again)
    assert row(ticket).level == 0
    scene.follow(ticket, [REPLIED, ("resident", "dispute", {"reason": "还是没修好"})])
    assert row(ticket).level == 1
    event = TicketEvent.objects.filter(subject=ticket).latest("seq")
    assert (event.verb, event.data["level"]) == ("dispute", 1)


def test_reopening_counts_as_work_to_be_done_again_and_l3_is_the_highest(scene):
    ticket = scene.at_work()
    Ticket.objects.filter(pk=ticket).update(level=3)
    scene.follow(ticket, [CONTACTED, REPLIED, ("resident", "dispute", {"reason": "没修好"}), REPLIED,
                          ("resident", "confirm", INPUTS["confirm"])])  # fmt: skip
    scene.do("resident", ticket, "reopen", reason="又坏了")
    assert (row(ticket).disputes, row(ticket).reopenings, row(ticket).level) == (1, 1, 3)


def test_a_service_level_that_says_so_raises_nothing_for_rework(scene):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_servicelevelversion SET rework = 0")
    service_level.forget()
    ticket = scene.at_work()
    scene.follow(ticket, [CONTACTED, REPLIED, ("resident", "dispute", {"reason": "没修好"}), REPLIED,
                          ("resident", "dispute", {"reason": "还是没修好"})])  # fmt: skip
    assert (row(ticket).disputes, row(ticket).level) == (2, 0)
    service_level.forget()


# What residents may do in passing.


def test_each_urges_once_a_day_and_five_times_at_most_and_takes_nothing_from_the_others(scene):
    ticket = scene.file()
    scene.do("tenant", ticket, "cosign")
    for turn in range(1, 6):
        urged = scene.do("tenant", ticket, "urge").at
        assert row(ticket).urges == turn
        assert scene.refused("tenant", ticket, "urge", at=urged + timedelta(days=1) - INSTANT) == "urged_enough"
        scene.now = urged + timedelta(days=1)
    assert scene.refused("tenant", ticket, "urge") == "urged_enough"
    assert "urge" not in scene.offered("tenant", ticket)
    assert "urge" in scene.offered("resident", ticket)
    scene.do("resident", ticket, "urge")
    assert row(ticket).urges == 6


def urged(scene, ticket, who):
    """Whom an urge of `who` names, and which organisations are told of it."""
    event = scene.do(who, ticket, "urge")
    told = OutboxEvent.of(TicketOutbox.objects.get(event=event))
    return event.data["audience"], set(Audience([told], event.at).systems(told))


def test_from_the_second_urge_on_the_head_office_of_the_holder_is_told_as_well(scene):
    ticket = scene.follow(scene.at_work(), [("tenant", "cosign", {})])
    office = Organisation.objects.get(code="po-a01")
    audience, told = urged(scene, ticket, "tenant")
    assert audience == ["handler"]
    assert office.pk in told
    assert office.parent_id not in told
    audience, again = urged(scene, ticket, "resident")
    assert audience == ["handler", "supervisor"]
    assert again == told | {office.parent_id}


def test_a_second_urge_goes_to_the_desk_where_no_head_office_receives(scene):
    ticket = scene.follow(scene.at_work(), [("tenant", "cosign", {}), ("tenant", "urge", {})])
    office = Organisation.objects.get(code="po-a01")
    Membership.objects.filter(organisation=office.parent_id).update(ends_on="2025-06-01")
    audience, told = urged(scene, ticket, "resident")
    assert audience == ["handler", "supervisor"]
    assert office.parent_id not in told
    assert {office.pk, row(ticket).desk_id} <= told


def test_an_accused_head_office_hears_nothing_of_an_urge(scene):
    ticket = scene.follow(scene.at_work(), [("tenant", "cosign", {}), ("tenant", "urge", {})])
    office = Organisation.objects.get(code="po-a01")
    Ticket.objects.filter(pk=ticket).update(accused=[office.parent_id])
    assert office.parent_id not in urged(scene, ticket, "resident")[1]


def test_whoever_reads_a_ticket_is_told_that_another_was_merged_into_it_and_not_whose(scene):
    master, other = scene.file(who="neighbour"), scene.file()
    scene.do("chair", other, "merge", into=str(master))
    told = TicketEvent.objects.get(subject=master, verb="absorb")
    assert (told.visibility, told.actor_id, told.actor_organisation_id, told.data) == ("public", None, None, {})
    assert row(master).version == 1
    assert not any("absorb" in scene.offered(who, master) for who in ("chair", "desk_officer", "neighbour"))


def test_a_ticket_is_cosigned_once_by_neighbours_and_not_by_its_reporter(scene):
    ticket = scene.file()
    assert scene.refused("resident", ticket, "cosign") == "own_ticket"
    scene.do("tenant", ticket, "cosign")
    assert scene.refused("tenant", ticket, "cosign") == "already_following"
    assert scene.refused("resident_yicheng", ticket, "cosign") == "not_permitted"
    assert row(ticket).cosigns == 1


@pytest.mark.parametrize("report", [{"secrecy": "anonymous"}, {"secrecy": "confidential"}, {"type": "report"}])
def test_what_has_no_public_face_cannot_be_cosigned(scene, report):
    assert scene.refused("neighbour", scene.file(**report), "cosign") == "not_permitted"


# Withdrawing.


def test_a_fresh_ticket_is_withdrawn(scene):
    ticket = scene.file()
    assert scene.do("resident", ticket, "withdraw").target == "withdrawn"


def test_of_a_cosigned_ticket_the_first_to_cosign_is_asked_to_become_the_reporter(scene):
    ticket = scene.file()
    scene.do("tenant", ticket, "cosign")
    scene.do("neighbour", ticket, "cosign")
    assert scene.do("resident", ticket, "withdraw").target == "coordinating"
    left = row(ticket)
    assert (left.reporter_id, left.contact_name, left.contact_phone, left.cosigns) == (None, "", "", 2)
    scene.do("tenant", ticket, "succeed")
    now = row(ticket)
    assert (now.reporter_id, now.cosigns) == (scene.cast["tenant"].pk, 1)
    assert (now.contact_name, now.contact_phone) == (scene.cast["tenant"].name, scene.cast["tenant"].phone)
    assert list(Follower.objects.filter(ticket=ticket).values_list("person", flat=True)) == [scene.cast["neighbour"].pk]
    assert scene.refused("resident", ticket, "withdraw") == "not_permitted"


def test_whoever_cosigned_is_asked_before_a_merged_resident_who_was_no_cosigner(scene):
    master, other = scene.file(who="neighbour"), scene.file()
    scene.do("chair", other, "merge", into=str(master))
    scene.do("tenant", master, "cosign")
    for leaving, asked in (("neighbour", "tenant"), ("tenant", "resident")):
        scene.do(leaving, master, "withdraw")
        scene.do(asked, master, "succeed")
        assert (row(master).reporter_id, row(master).cosigns) == (scene.cast[asked].pk, 0)


@pytest.mark.parametrize("secrecy", ["anonymous", "confidential"])
def test_who_reported_in_secret_never_becomes_the_named_reporter_of_a_public_ticket(scene, secrecy):
    master, secret, open_too = scene.file(who="neighbour"), scene.file(secrecy=secrecy), scene.file()
    for merged in (secret, open_too):
        scene.do("desk_officer", merged, "merge", into=str(master))
    assert scene.do("neighbour", master, "withdraw").target == "coordinating"
    now = row(master)
    assert (now.reporter_id, now.contact_name, now.contact_phone) == (None, "", "")
    assert now.successor_id is None
    assert Follower.objects.get(ticket=master).person_id == scene.cast["resident"].pk


def test_a_secret_report_stays_secret_through_two_mergers(scene):
    master, between, secret = scene.file(who="neighbour"), scene.file(who="tenant"), scene.file(secrecy="anonymous")
    scene.do("desk_officer", secret, "merge", into=str(between))
    scene.do("desk_officer", between, "merge", into=str(master))
    scene.do("neighbour", master, "withdraw")
    scene.do("tenant", master, "succeed")
    scene.do("tenant", master, "withdraw")
    assert (row(master).reporter_id, row(master).successor_id) == (None, None)


def test_a_ticket_that_took_in_a_phone_report_is_not_withdrawn_as_a_whole(scene):
    master = scene.file()
    phone = scene.file(who="desk_officer", channel="phone", contact_name="李大爷", contact_phone="01062000000")
    scene.do("desk_officer", phone, "merge", into=str(master))
    assert not Follower.objects.filter(ticket=master).exists()
    assert scene.do("resident", master, "withdraw").target == "coordinating"
    assert row(master).reporter_id is None


# Splitting.


def followers(ticket):
    """Who follows the ticket."""
    return set(Follower.objects.filter(ticket=ticket).values_list("person__phone", flat=True))


def test_whoever_s_report_is_split_off_follows_the_other_no_longer(scene):
    phone = {who: scene.cast[who].phone for who in ("resident", "tenant")}
    master, other = scene.file(who="neighbour"), scene.file()
    scene.do("tenant", other, "cosign")
    scene.do("desk_officer", other, "merge", into=str(master))
    assert followers(master) == set(phone.values())
    scene.do("desk_officer", other, "split")
    assert followers(master) == set()
    assert followers(other) == {phone["tenant"]}
    assert scene.refused("resident", master, "urge") == "not_permitted"


def test_whoever_has_another_report_in_it_or_cosigned_it_follows_it_still(scene):
    master, one, another = scene.file(who="neighbour"), scene.file(), scene.file()
    scene.do("tenant", master, "cosign")
    scene.do("tenant", one, "cosign")
    for merged in (one, another):
        scene.do("desk_officer", merged, "merge", into=str(master))
    scene.do("desk_officer", one, "split")
    assert followers(master) == {scene.cast[who].phone for who in ("resident", "tenant")}
    scene.do("desk_officer", another, "split")
    assert followers(master) == {scene.cast["tenant"].phone}


def test_a_split_reaches_through_a_chain_of_mergers(scene):
    first, second, third = scene.file(), scene.file(who="tenant"), scene.file(who="neighbour")
    scene.do("desk_officer", first, "merge", into=str(second))
    scene.do("desk_officer", second, "merge", into=str(third))
    assert followers(third) == {scene.cast[who].phone for who in ("resident", "tenant")}
    scene.do("desk_officer", first, "split")
    assert followers(second) == set()
    assert followers(third) == {scene.cast["tenant"].phone}


def test_a_chain_that_is_split_in_its_middle_takes_along_what_was_merged_into_it(scene):
    first, second, third = scene.file(), scene.file(who="tenant"), scene.file(who="neighbour")
    scene.do("desk_officer", first, "merge", into=str(second))
    scene.do("desk_officer", second, "merge", into=str(third))
    scene.do("desk_officer", second, "split")
    assert followers(second) == {scene.cast["resident"].phone}
    assert followers(third) == set()


@pytest.mark.parametrize("begun", [True, False])
def test_an_urgent_or_begun_ticket_stays_without_its_reporter(scene, begun):
    ticket = scene.at_work() if begun else scene.file("RP01")
    state = row(ticket).state
    assert scene.do("resident", ticket, "withdraw").target == state
    now = row(ticket)
    assert (now.reporter_id, now.contact_name, now.contact_phone) == (None, "", "")


# Levels, contacts, merging.


def test_a_level_is_only_raised(scene):
    ticket = scene.file()
    scene.do("desk_officer", ticket, "raise_level", level=2)
    for level in (1, 2):
        assert scene.refused("desk_officer", ticket, "raise_level", level=level) == "not_higher"
    scene.do("clock", ticket, "raise_level", level=3)
    assert row(ticket).level == 3


def test_an_anonymous_contact_is_revealed_to_nobody(scene):
    ticket = scene.at_work(secrecy="anonymous")
    for who in ("dispatcher", "desk_officer"):
        assert scene.refused(who, ticket, "reveal", reason="上门") == "reporter_is_anonymous"


def test_a_confidential_contact_is_revealed_to_the_street_alone(scene):
    ticket = scene.at_work("PK05", secrecy="confidential")
    assert scene.refused("dispatcher", ticket, "reveal", reason="上门") == "reporter_is_confidential"
    scene.do("desk_officer", ticket, "reveal", reason="上门")


def test_a_ticket_is_merged_only_into_another_open_one_that_accuses_the_same(scene):
    ticket, ended, accusing = scene.file(), scene.file(), scene.file(accused_id=scene.codes["po-a01"], type="report")
    scene.do("resident", ended, "withdraw")
    assert scene.refused("desk_officer", ticket, "merge", into=str(ticket)) == "not_open"
    assert scene.refused("desk_officer", ticket, "merge", into=str(ended)) == "not_open"
    assert scene.refused("desk_officer", ticket, "merge", into=str(accusing)) == "accuses"
    assert scene.refused("chair", ticket, "merge", into=str(accusing)) == "unknown_ticket"
    master = scene.file(who="neighbour")
    scene.do("chair", ticket, "merge", into=str(master))
    assert row(ticket).merged_into_id == master
    assert Follower.objects.get(ticket=master).person_id == scene.cast["resident"].pk


def test_a_resumed_ticket_goes_on_with_its_holder_if_it_has_one(scene):
    held, unheld = scene.at_work(), scene.file()
    for ticket, target in ((held, "in_progress"), (unheld, "coordinating")):
        scene.do("desk_officer", ticket, "put_on_account", **INPUTS["put_on_account"])
        assert scene.do("clock", ticket, "resume").target == target
        assert row(ticket).account_kind == ""


def test_whoever_is_offered_a_move_may_make_it(scene):
    """Nobody is shown a button that can only be refused: the reporter no cosign, the one who disputed no second dispute."""
    ticket = scene.at_work("PK05")
    scene.do("tenant", ticket, "cosign")
    photo = scene.photo("dispatcher")
    scene.follow(ticket, [CONTACTED, ("dispatcher", "reply", {"result": "已修好", "photos": [photo]})])
    scene.do("tenant", ticket, "dispute", reason="没修好")
    photo = scene.photo("dispatcher")
    scene.do("dispatcher", ticket, "reply", result="已修好", photos=[photo])
    assert "cosign" not in scene.offered("resident", ticket)
    assert "cosign" not in scene.offered("tenant", ticket)
    assert "cosign" in scene.offered("neighbour", ticket)
    assert "dispute" not in scene.offered("tenant", ticket)
    assert "dispute" in scene.offered("resident", ticket)
    secret = scene.at_work("PK05", secrecy="confidential")
    assert "reveal" not in scene.offered("dispatcher", secret)
    assert "reveal" in scene.offered("desk_officer", secret)


# Whom a dispatch, a signature and a whistle may name.


def test_a_residents_committee_leads_only_what_is_on_its_list(scene):
    """Residents' committees are not made to lead what is not theirs (ordinance on swift response, article 17)."""
    ticket = scene.file()
    assert scene.refused("chair", ticket, "dispatch", holder="rc-xuezhi") == "not_on_its_list"
    later = {"holder": "po-a01", "next_steps": ["rc-xuezhi"]}
    assert scene.refused("chair", ticket, "dispatch", **later) == "not_on_its_list"
    assert scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["rc-xuezhi"]).target == "dispatched"
    theirs = scene.file("NB02")
    scene.do("desk_officer", theirs, "redispatch", holder="po-a01", reason="另派")
    again = scene.do("desk_officer", theirs, "redispatch", holder="rc-xuezhi", reason="由居委会调解")
    assert again.target == "dispatched"


def test_a_worker_is_a_member_of_the_holder(scene, cast):
    ticket = scene.follow(scene.file(), [DISPATCHED])
    for stranger in ("other_dispatcher", "lift_dispatcher", "resident"):
        worker = str(cast[stranger].pk)
        assert scene.refused("dispatcher", ticket, "sign", worker=worker) == "unknown_worker"
    assert scene.do("dispatcher", ticket, "sign", worker=str(cast["worker"].pk)).target == "in_progress"


@pytest.mark.parametrize("whom", ["po-a02", "rc-xuezhi", "pmc-a01"])
def test_only_departments_utilities_and_sections_are_whistled(scene, whom):
    ticket = scene.file()
    refused = scene.refused("desk_officer", ticket, "whistle", departments=["dept-police", whom], reason="需要执法")
    assert refused == "not_a_department"
    for called in ("dept-police", "section-city", "utility-water"):
        scene.do("desk_officer", ticket, "whistle", departments=[called], reason="需要执法")

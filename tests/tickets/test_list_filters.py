"""Lists are narrowed, ordered and counted by what their rows show, and by nothing that the reader may not see."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from community.models import Membership, Organisation
from notifications.models import Message
from tests.tickets.story import clocks, row, seen
from tests.tickets.test_statements import copies, request_statements
from tickets.models import Ticket
from tickets.reading.filters import FOR_EVERYBODY, FOR_PARTIES, FOR_REPORTERS, FOR_STAFF, FOR_STREET
from tickets.reading.parameters import Filters

pytestmark = pytest.mark.django_db


def ids(caller, path):
    """The ids of a list's tickets, in order."""
    return [one.get("ticket", one)["id"] for one in caller.get(path)["results"]]


@pytest.fixture
def two(api):
    """A ticket in progress that was asked about, and another one that is dispatched; both are the dispatcher's."""
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    first = resident.file("CL07", text="地下室积水长蚊子。", photos=[resident.photo("report")])
    second = resident.file("CL03", text="垃圾桶满了。", type="complaint")
    dispatcher.move(first, "sign", worker=str(api("worker").person.pk))
    dispatcher.move(first, "request_extension", days=3, reason="等配件")
    dispatcher.move(first, "ask", question="哪个门？")
    officer.move(first, "supervise", kind="listed", reason="久拖")
    officer.move(first, "raise_level", level=2)
    officer.move(first, "whistle", departments=[str(Organisation.objects.get(code="dept-police").pk)], reason="协助")
    return first, second


def test_each_filter_lets_through_what_it_says(api, two, street):
    first, second = two
    now, one = row(first), row(second)
    worker, today = api("worker").person.pk, timezone.localdate()
    only_first = {
        "state": "in_progress", "category": "CL07", "type": "help", "level": "2", "supervised": "listed", "worker": str(worker),
        "extension_pending": "true", "question_open": "true", "helper": "asked", "clock": "question",
    }  # fmt: skip
    only_second = {
        "state": "dispatched,returning", "category": "CL03", "type": "complaint", "level": "0,1", "supervised": "false",
        "extension_pending": "false", "question_open": "false", "clock": "sign", "worker": "none",
    }  # fmt: skip
    both = {
        "group": "CL", "holder": now.holder_id, "desk": now.desk_id, "compound": now.compound_id, "community": now.community_id,
        "channel": "app", "source": "residents", "submitted_from": today, "submitted_to": today, "urgent": "false", "due_from": today,
        "state": "in_progress,dispatched",
        "updated_after": "2020-01-01T00:00:00Z", "level": "0,1,2", "category": "CL03,CL07",
    }  # fmt: skip
    neither = {
        "group": "EL", "urgent": "true", "channel": "hotline", "source": "proactive", "submitted_from": today + timedelta(days=1),
        "coordinator": now.desk_id,
        "submitted_to": today - timedelta(days=1), "updated_after": "2100-01-01T00:00:00Z", "helper": "declined,done", "worker": "me",
        "due_to": today - timedelta(days=1),
    }  # fmt: skip
    assert one.holder_id == now.holder_id
    for who, path in (("property_officer", "tickets?scope=street"), ("dispatcher", "queue?role=lead")):
        caller = api(who)
        for given, expected in (
            (only_first, {first["id"]}),
            (only_second, {second["id"]}),
            (both, {first["id"], second["id"]}),
            (neither, set()),
        ):
            for name, value in given.items():
                assert set(ids(caller, f"{path}&{name}={value}")) == expected, (path, name, value)
    assert ids(api("worker"), "queue?worker=me") == [first["id"]]
    assert ids(api("worker"), "tickets?scope=street&worker=me") == []


def test_helpers_stand_as_they_answered(api, two):
    first, _ = two
    officer, police = api("property_officer"), api("dept-police-liaison")
    for move, state in (("report_in", "reported_in"), ("assist_done", "done")):
        police.move(first, move, **({"words": "到场"} if move == "assist_done" else {}))
        assert ids(officer, f"tickets?scope=street&helper={state}") == [first["id"]]
        assert ids(officer, "tickets?scope=street&helper=asked,declined") == []
    officer.move(first, "whistle", departments=[str(Organisation.objects.get(code="dept-police").pk)], reason="再来")
    police.move(first, "decline", reason="无权")
    assert ids(officer, "tickets?scope=street&helper=declined") == [first["id"]]


@pytest.mark.parametrize(
    "path", ["tickets?scope=street", "tickets", "queue", "overdue", "at-risk", "tickets/counts", "queue/counts"]
)
@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "state=lost", "state=", "level=6", "level=x", "holder=", "holder=7", "worker=somebody", "urgent=maybe",
        "sort=colour", "submitted_from=tomorrow", "updated_after=yesterday", "clock=hour", "q=" + "长" * 51, "q=a%00b",
        "sort=closed_at&state=closed", "helper=x", "by=colour", "channel=app,,phone",
    ],
)  # fmt: skip
def test_a_parameter_that_a_list_does_not_know_is_a_400_that_names_it(api, path, query):
    caller = api("property_officer")
    problem = caller.get(f"{path}{'&' if '?' in path else '?'}{query}", 400)
    assert problem["errors"][0]["field"] == query.split("=")[0]


def test_duplicates_and_timelines_refuse_what_they_do_not_know(api):
    ticket = api("resident").file("CL07")
    place = row(ticket).compound_id
    for path in (f"duplicates?compound={place}&category=CL07&colour=red", f"tickets/{ticket['id']}/events?colour=red"):
        (fault,) = api("resident").get(path, 400)["errors"]
        assert (fault["field"], fault["code"]) == ("colour", "unknown_parameter")


def test_every_filter_is_somebody_s(api):
    assert set(Filters().fields) == FOR_EVERYBODY | FOR_PARTIES | FOR_REPORTERS | FOR_STAFF | FOR_STREET
    assert not FOR_EVERYBODY & (FOR_PARTIES | FOR_REPORTERS | FOR_STAFF | FOR_STREET)


@pytest.mark.parametrize("name", sorted(FOR_PARTIES | FOR_STAFF | FOR_STREET))
def test_nobody_narrows_a_list_by_what_they_may_not_see(api, two, name):
    home = row(two[0]).compound_id
    value = {"desk": home, "worker": "none", "officer": "none", "clock": "sign", "helper": "asked"}.get(name, "true")
    lists = [(api("neighbour"), f"tickets?scope=compound&compound={home}&"), (api("dispatcher"), "queue?status=ended&")]
    lists += [(api("resident"), "tickets?")] if name in FOR_STAFF | FOR_STREET else []
    # Staff beside the street's do not see who of the street answers for it.
    lists += [(api("dispatcher"), "queue?"), (api("chair"), "tickets?scope=area&")] if name in FOR_STREET else []
    for caller, path in lists:
        problem = caller.get(f"{path}{name}={value}", 400)
        assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == (name, "not_here")


def test_what_happened_within_is_no_news_to_a_resident(api, two):
    first, _ = two
    now = timezone.now()
    at = now.isoformat().replace("+00:00", "Z")
    Ticket.objects.filter(pk=first["id"]).update(last_event_at=now + timedelta(seconds=1))
    api("dispatcher").move(first, "reveal", reason="核实")
    assert ids(api("resident"), f"tickets?updated_after={at}") == []
    # Also where the plus of the zone was not encoded.
    for moment in (at, at.replace("Z", "+00:00")):
        assert ids(api("property_officer"), f"tickets?scope=street&updated_after={moment}") == [first["id"]]


@pytest.mark.parametrize("sort", ["next_due_at", "due_at", "submitted_at", "state_since", "level"])
def test_a_list_is_ordered_as_asked_and_goes_on_where_it_ended(api, two, sort):
    copies(two[0], 3)
    for who, path, of in (
        ("property_officer", "tickets?scope=street", lambda one: one),
        ("dispatcher", "queue?role=lead", lambda one: one["ticket"]),
    ):
        caller = api(who)
        read: list[list[str]] = []
        for sign in ("", "-"):
            cursor, rows = "", []
            while cursor is not None:
                page = caller.get(f"{path}&limit=2&sort={sign}{sort}{f'&cursor={cursor}' if cursor else ''}")
                rows += [of(one) for one in page["results"]]
                cursor = page["next_cursor"]
            assert len({one["id"] for one in rows}) == len(rows) == 5
            if sort != "submitted_at":
                values = [one[sort] for one in rows]
                assert values == sorted(values, reverse=bool(sign))
            read.append([one["id"] for one in rows])
        assert read[0] == read[1][::-1]


def test_a_row_shows_what_a_queue_needs(api, two):
    first, second = two
    officer, resident = api("property_officer"), api("resident")
    (shown,) = [one for one in officer.get("tickets?scope=street")["results"] if one["id"] == first["id"]]
    assert shown["first_words"] == "地下室积水长蚊子。"
    answer = officer.client.get(shown["thumb"])
    assert answer.getvalue()
    assert answer.status_code == 200
    assert shown["worker"] == {"id": str(api("worker").person.pk), "name": api("worker").person.name}
    assert (shown["question_open"], shown["extension_days"], shown["disputes"], shown["urges"]) == (True, 3, 0, 0)
    assert (shown["rating"], shown["plan_date"], shown["called_back_at"]) == (None, None, None)
    assert shown["desk"]["name"] == "物业专班"
    assert shown["clock"]["due_at"] == shown["next_due_at"]
    assert shown["clock"]["words"]
    assert shown["due_at"]
    assert shown["state_since"]
    mine = resident.get("tickets")["results"][-1]
    assert mine["worker"] == {"id": None, "name": api("worker").person.name}
    assert (mine["desk"], mine["called_back_at"]) == (None, None)
    assert "您" in mine["clock"]["words"]
    (part,) = [one for one in api("dispatcher").get("queue")["results"] if one["ticket"]["id"] == second["id"]]
    assert part["ticket"]["clock"]["holder"] == part["organisation"]
    assert part["ticket"]["clock"]["due_at"] == part["next_due_at"]


WHOLE = {
    "spot",
    "first_words",
    "thumb",
    "worker",
    "question_open",
    "extension_days",
    "disputes",
    "urges",
    "clock",
    "desk",
}


def test_a_face_and_a_summary_show_no_more_than_before(api, two):
    first, second = two
    home = row(first).compound_id
    faces = api("neighbour").get(f"tickets?scope=compound&compound={home}")["results"]
    assert {one["id"] for one in faces} == {first["id"], second["id"]}
    api("dispatcher").move(second, "return", reason="不归我们。")
    api("property_officer").move(second, "uphold")
    (part,) = api("dispatcher").get("queue?status=ended")["results"]
    for one in (*faces, part["ticket"]):
        assert {name for name in WHOLE if one[name] is not None} == set()


def test_a_committee_lists_what_it_coordinates(api):
    chair, officer = api("chair"), api("property_officer")
    held, elsewhere = api("resident").file("PK01"), api("resident").file("CL07")
    taken = api("resident").file("PK01")
    officer.move(taken, "take_over")
    assert ids(chair, "tickets?scope=coordinating") == [held["id"]]
    assert ids(officer, "tickets?scope=coordinating") == [taken["id"]]
    assert elsewhere["id"] in ids(chair, "tickets?scope=area")
    for who in ("resident", "dispatcher", "other_chair"):
        assert ids(api(who), "tickets?scope=coordinating") == []
    accusing = api("resident").file("SV01", type="complaint", secrecy="confidential")
    assert accusing["id"] not in ids(chair, "tickets?scope=coordinating")


def test_a_section_s_officer_sees_its_desk_first(api):
    officer, lead = api("property_officer"), api("street_lead")
    first, other = api("resident").file("CL07"), api("resident").file("CL07")
    section = next(one for one in Organisation.objects.filter(kind="section") if one.pk != row(other).desk_id)
    assert row(other).desk_id in {one.organisation_id for one in Membership.objects.filter(person=officer.person)}
    Ticket.objects.filter(pk=first["id"]).update(desk=section, next_due_at=F("next_due_at") - timedelta(minutes=1))
    copies(other, 3)
    rows, cursor = [], ""
    while cursor is not None:
        page = officer.get(f"tickets?scope=street&limit=2{f'&cursor={cursor}' if cursor else ''}")
        rows += page["results"]
        cursor = page["next_cursor"]
    assert len(rows) == 5
    assert rows[-1]["id"] == first["id"]
    assert {one["desk"]["id"] for one in rows[:-1]} == {str(row(other).desk_id)}
    assert ids(lead, "tickets?scope=street")[0] == first["id"]
    assert ids(officer, f"tickets?scope=street&desk={section.pk}") == [first["id"]]


def test_counts_say_how_many_and_each_facet_is_counted_without_its_own_filter(api, two):
    first, second = two
    for who, path in (("property_officer", "tickets/counts?scope=street"), ("dispatcher", "queue/counts?role=lead")):
        found = api(who).get(f"{path}&by=state,category,worker,level,supervised&state=in_progress")
        assert found["total"] == {"count": 1, "shown": "1"}
        facets = {
            name: {one["value"]: one["count"] for one in values if one["count"]}
            for name, values in found["facets"].items()
        }
        assert facets == {
            "state": {"in_progress": 1, "dispatched": 1}, "category": {"CL07": 1}, "worker": {}, "level": {"2": 1},
            "supervised": {"listed": 1},
        }, who  # fmt: skip
    found = api("property_officer").get("tickets/counts?scope=street&by=desk,holder,compound,group,question_open")
    for name in ("desk", "holder", "compound"):
        ((value, count),) = [(one["value"], one["count"]) for one in found["facets"][name]]
        assert (value, count) == (str(getattr(row(first), f"{name}_id")), 2)
    assert {one["value"]: one["count"] for one in found["facets"]["group"] if one["count"]} == {"CL": 2}
    assert [one["count"] for one in found["facets"]["question_open"]] == [1, 1]
    assert api("property_officer").get("overdue/counts")["total"]["count"] == 0
    assert second["id"]


def test_the_street_s_lists_are_narrowed_and_counted_by_the_officer(api, two):
    first, second = two
    desk, officer = api("desk_officer"), api("property_officer")
    desk.move(first, "appoint", officer=str(officer.person.pk))
    Ticket.objects.update(
        next_due_at=timezone.now() - timedelta(minutes=1), at_risk_at=timezone.now() - timedelta(hours=1)
    )
    for path in ("tickets?scope=street&", "overdue?"):
        assert ids(officer, f"{path}officer=me") == [first["id"]]
        assert ids(desk, f"{path}officer=me") == []
        assert ids(desk, f"{path}officer={officer.person.pk}") == [first["id"]]
        assert ids(desk, f"{path}officer=none") == [second["id"]]
        counted = officer.get(f"{path.replace('?', '/counts?')}by=officer&officer=me")
        assert counted["total"]["count"] == 1
        assert {one["value"]: one["count"] for one in counted["facets"]["officer"]} == {"me": 1, "none": 1}
        shown = {one["id"]: one["officer"] for one in desk.get(path.rstrip("&?"))["results"]}
        assert shown == {first["id"]: {"id": str(officer.person.pk), "name": officer.person.name}, second["id"]: None}
    assert {one["ticket"]["officer"] for one in api("dispatcher").get("queue")["results"]} == {None}
    assert officer.get("tickets?scope=street&officer=somebody", 400)["errors"][0]["field"] == "officer"
    api("dispatcher").get("queue/counts?by=officer", 400)


def test_a_thousand_are_999_and_more_and_cost_no_more_statements(api, two):
    officer = api("property_officer")
    with request_statements() as before:
        officer.get("tickets/counts?scope=street&by=state,desk")
    copies(two[0], 997)
    assert officer.get("tickets/counts?scope=street")["total"] == {"count": 999, "shown": "999"}
    copies(two[0], 1)
    with request_statements() as after:
        found = officer.get("tickets/counts?scope=street&by=state,desk")
    assert found["total"] == {"count": 999, "shown": "999+"}
    assert {one["value"]: one["shown"] for one in found["facets"]["state"]}["in_progress"] == "999"
    assert len(before) == len(after)


def test_counts_tell_an_accused_office_nothing(api, accusing):
    for who in ("dispatcher", "head_manager"):
        assert api(who).get("queue/counts")["total"]["count"] == 0
        assert api(who).get("tickets/counts?scope=street")["total"]["count"] == 0


def test_more_than_five_facets_and_foreign_ones_are_refused(api):
    assert (
        api("property_officer").get("tickets/counts?by=state,type,level,channel,urgent,group", 400)["errors"][0][
            "field"
        ]
        == "by"
    )
    assert api("resident").get("tickets/counts?by=desk", 400)["errors"][0]["code"] == "not_here"


def test_mine_says_what_waits_for_me_and_what_i_have_not_read(api, two):
    first, second = two
    resident, dispatcher = api("resident"), api("dispatcher")
    dispatcher.move(second, "sign")
    dispatcher.move(second, "contact", result="reached")
    dispatcher.move(second, "reply", result="已清运。", photos=[dispatcher.photo()])
    third = resident.file("PK01")
    Message.objects.filter(person=resident.person).delete()
    for number, ticket in enumerate((first, first, second)):
        Message.objects.create(
            street_id=row(first).street_id, key=uuid.uuid4(), recipient=resident.person.pk, person=resident.person, kind="x",
            topic="progress", subject_id=ticket["id"], title="x", body="x", at=timezone.now(), inbox=True,
            read_at=timezone.now() if number == 2 else None,
        )  # fmt: skip
    shown = {one["id"]: one for one in resident.get("tickets")["results"]}
    assert {key: (one["needs_me"], one["unread"]) for key, one in shown.items()} == {
        first["id"]: (True, 2), second["id"]: (True, 0), third["id"]: (False, 0),
    }  # fmt: skip
    assert set(ids(resident, "tickets?needs_me=true")) == {first["id"], second["id"]}
    assert ids(resident, "tickets?needs_me=false") == [third["id"]]
    for who, path in (("property_officer", "tickets?scope=street"), ("dispatcher", "queue")):
        assert {one.get("ticket", one)["needs_me"] for one in api(who).get(path)["results"]} == {None}
        assert api(who).get(f"{path}{'&' if '?' in path else '?'}needs_me=true", 400)


def test_the_promise_of_the_whole_time_is_told_while_it_is_coordinated(api):
    resident = api("resident")
    ticket = resident.file("PK01")
    due = clocks(ticket)["overall"]
    for who, path in (("resident", "tickets"), ("chair", "tickets?scope=coordinating")):
        (shown,) = api(who).get(path)["results"]
        assert datetime.fromisoformat(shown["promised_at"]) == due
        assert shown["due_at"] is None
    assert datetime.fromisoformat(seen(resident, ticket)["promised_at"]) == due
    assert seen(api("neighbour"), ticket)["promised_at"] is None
    api("chair").move(ticket, "dispatch", holder=str(Organisation.objects.get(code="po-a01").pk))
    assert seen(resident, ticket)["promised_at"] == seen(resident, ticket)["due_at"] is not None


def test_ended_parts_are_paged_by_when_they_ended_though_their_tickets_are_open(api):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    filed = [resident.file("CL03") for _ in range(5)]
    for one in filed:
        officer.move(one, "coordinate", reason="请物管会协调。")
    for sort in ("closed_at", "-closed_at"):
        found, cursor = [], ""
        while cursor is not None:
            page = dispatcher.get(f"queue?status=ended&sort={sort}&limit=2{cursor and '&cursor='}{cursor}")
            found += [one["ticket"]["id"] for one in page["results"]]
            cursor = page["next_cursor"]
        mine = [one for one in found if one in {each["id"] for each in filed}]
        assert mine == [one["id"] for one in (filed if sort == "closed_at" else filed[::-1])]


def test_counts_of_a_part_that_is_over_tell_no_more_than_its_row(api):
    ticket = api("resident").file("CL03")
    api("property_officer").move(ticket, "coordinate", reason="请物管会协调。")
    dispatcher = api("dispatcher")
    assert dispatcher.get(f"queue/counts?q={ticket['code']}&by=state")
    refusal = dispatcher.get(f"queue/counts?q={ticket['code']}&by=desk", 400)
    assert refusal["errors"][0]["field"] == "desk"


def test_a_provider_is_counted_beside_the_others(api):
    """Each facet is counted without its own filter, by whichever of its two names that was given."""
    first, second = (api("resident").file("CL03") for _ in range(2))
    Ticket.objects.filter(pk=second["id"]).update(holder=Organisation.objects.get(code="dept-police"))
    Ticket.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
    officer = api("property_officer")
    every = officer.get("overdue/counts?by=holder")
    assert len(every["facets"]["holder"]) > 1
    narrowed = officer.get(f"overdue/counts?by=holder&provider={row(first).holder_id}")
    assert narrowed["facets"]["holder"] == every["facets"]["holder"]

"""What organisations find by themselves (巡查, 自查, 网格; 未诉先办): no resident is contacted, asked to confirm, called back or rates."""

from datetime import timedelta

import pytest
from django.utils import timezone

from casework import duties
from community.models import Membership
from notifications.models import Message
from tests.people import seat
from tests.tickets.paths import INPUTS, rows
from tests.tickets.story import assert_whole, clocks, history, row, seen, timeline
from tickets import announce
from tickets.kind import TICKETS
from tickets.models import TicketClock
from tickets.reading.lists import SCOPES
from workflow.moment import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(compound):
    return str(compound("学院路14号院"))


@pytest.fixture
def found(api, home):
    """What the street's officer found on patrol, for the company to mend."""
    return api("desk_officer").file("CL07", channel="patrol", compound=home, text="地下室积水长蚊子")


def replied(api, ticket):
    """The ticket once its holder has said that it is done; without a first contact."""
    api("dispatcher").move(ticket, "sign")
    api("dispatcher").move(ticket, "reply", result="已排水")
    return ticket


@pytest.mark.parametrize(
    ("who", "channel", "category"),
    [
        ("desk_officer", "patrol", "CL07"),
        ("desk_officer", "grid", "CL07"),
        ("dispatcher", "self_check", "CL07"),
        ("chair", "patrol", "PK01"),
        ("residents_committee_worker", "grid", "CL07"),
    ],
)
def test_street_company_and_committees_file_for_their_organisation(api, home, who, channel, category):
    ticket = row(api(who).file(category, channel=channel, compound=home))
    mine = Membership.objects.filter(person=api(who).person).values_list("organisation", flat=True)
    assert ticket.inspector_id in mine
    assert (ticket.reporter_id, ticket.contact_name, ticket.contact_phone) == (None, "", "")
    assert ticket.taken_by_id == api(who).person.pk
    (born,) = history(ticket.pk)
    assert (born.actor_organisation_id, born.on_behalf) == (ticket.inspector_id, "")
    assert "contact" not in clocks(ticket.pk)
    assert "callback" not in clocks(ticket.pk)


@pytest.mark.parametrize("who", ["resident", "outsider", "other_dispatcher", "other_chair", "traffic_liaison"])
def test_nobody_else_files_what_they_found(api, home, who):
    before = rows()
    assert api(who).file("CL07", 403, channel="patrol", compound=home)["code"] == "not_permitted"
    assert rows() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact_phone": "13800138000"}, "contact_phone"),
        ({"contact_name": "李大爷"}, "contact_name"),
        ({"hotline_number": "2026-1"}, "hotline_number"),
        ({"secrecy": "anonymous"}, "secrecy"),
        ({"secrecy": "confidential"}, "secrecy"),
        ({"hidden": True}, "hidden"),
        ({"type": "complaint"}, "type"),
        ({"type": "report"}, "type"),
        ({"type": "consult"}, "type"),
        ({"accused": "8f0e1c5e-0000-4000-8000-000000000000"}, "accused"),
        ({"inspector": "8f0e1c5e-0000-4000-8000-000000000000"}, "inspector"),
        ({"channel": "phone", "inspector": "8f0e1c5e-0000-4000-8000-000000000000"}, "inspector"),
    ],
)
def test_what_only_a_resident_s_report_has_is_refused(api, home, body, field):
    before = rows()
    problem = api("desk_officer").file("CL07", 400, **{"channel": "patrol", "compound": home, **body})
    assert [one["field"] for one in problem["errors"]] == [field]
    assert rows() == before


def test_whoever_sits_in_several_says_for_which(api, home, organisation):
    office = organisation("天岳恒学院路14号院项目部")
    api("desk_officer").file("CL07", channel="patrol", compound=home)
    seat(api("desk_officer").person, "po-a01", "member")
    assert api("desk_officer").file("CL07", 400, channel="patrol", compound=home)["errors"][0]["code"] == "required"
    made = api("desk_officer").file("CL07", channel="self_check", compound=home, inspector=office)
    assert str(row(made).inspector_id) == office


def test_the_work_needs_no_contact_and_the_street_closes_it_without_a_rating_or_a_call(api, found):
    dispatcher, officer = api("dispatcher"), api("desk_officer")
    dispatcher.move(found, "sign")
    assert dispatcher.move(found, "contact", 409, **INPUTS["contact"])["code"] == "found_on_patrol"
    assert "contact" not in dispatcher.moves(found)
    dispatcher.move(found, "reply", result="已排水")
    assert seen(officer, found)["state_label"] == "待核查"
    for name in ("callback", "correct_contact", "reveal"):
        assert officer.move(found, name, 409, **INPUTS[name])["code"] == "found_on_patrol"
        assert name not in officer.moves(found)
    offered = officer.get(f"tickets/{found['id']}/moves")["moves"]
    assert not [one for one in offered if one["on_behalf_of"] == "reporter"]
    assert officer.move(found, "confirm", 403, resolved=True, rating=5, on_behalf_of="reporter")
    officer.move(found, "close", words="已现场核查")
    closed = row(found)
    assert (closed.state, closed.rating, closed.resolved, closed.called_back_at) == ("closed", None, None, None)
    assert not TicketClock.objects.filter(subject=closed, name__in=["contact", "callback"]).exists()
    assert found["id"] not in [one["id"] for one in officer.get("callbacks", limit=100)["results"]]
    assert_whole(found, "closed")


def test_a_new_holder_has_nobody_to_contact_either(api, found):
    officer = api("desk_officer")
    officer.move(found, "redispatch", holder=str(row(found).holder_id), reason="重派")
    assert "contact" not in clocks(found)
    assert "sign" in clocks(found)
    assert_whole(found, "dispatched")


def test_whoever_found_it_closes_it_unless_they_did_the_work(api, home):
    by_chair = replied(api, api("chair").file("CL07", channel="patrol", compound=home))
    assert "close" in api("chair").moves(by_chair)
    api("chair").move(by_chair, "close")
    own = replied(api, api("dispatcher").file("CL07", channel="self_check", compound=home))
    before = rows()
    assert api("dispatcher").move(own, "close", 409)["code"] == "own_work"
    assert api("other_dispatcher").move(own, "close", 404)
    assert rows() == before
    api("desk_officer").move(own, "close")
    assert row(own).state == "closed"


def test_what_a_resident_reported_is_not_closed_by_a_check(api, filed):
    ticket = filed
    api("dispatcher").move(ticket, "sign")
    api("dispatcher").move(ticket, "contact", **INPUTS["contact"])
    api("dispatcher").move(ticket, "reply", result="已排水")
    before = rows()
    assert api("desk_officer").move(ticket, "close", 409)["code"] == "reported_by_resident"
    assert rows() == before
    assert "close" not in api("desk_officer").moves(ticket)


def test_whoever_found_it_sends_it_back_answers_and_reopens(api, home):
    chair, dispatcher = api("chair"), api("dispatcher")
    ticket = chair.file("CL07", channel="patrol", compound=home)
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "ask", question="哪个门？")
    chair.move(ticket, "answer", answer="东门")
    answered = history(ticket)[-1]
    assert (answered.verb, answered.actor_organisation_id) == ("answer", row(ticket).inspector_id)
    dispatcher.move(ticket, "reply", result="已排水")
    assert chair.move(ticket, "dispute", reason="还有积水")["state"] == "in_progress"
    dispatcher.move(ticket, "reply", result="再排")
    chair.move(ticket, "close")
    chair.move(ticket, "reopen", reason="又积水了")
    assert "callback" not in clocks(ticket)


def test_without_a_check_it_closes_by_itself_and_counts_as_nobody_s_satisfaction(api, found):
    replied(api, found)
    with at(timezone.now() + timedelta(days=30)):
        for _ in range(5):
            duties.sweep(TICKETS)
    assert row(found).state == "closed"
    assert "close_silent" in timeline(api("desk_officer"), found)
    assert row(found).rating is None


def test_whoever_found_it_is_told_what_became_of_it(api, home):
    ticket = api("chair").file("CL07", channel="patrol", compound=home)
    announce.tell_outbox()
    known = set(Message.objects.values_list("pk", flat=True))
    replied(api, ticket)
    announce.tell_outbox()
    told = Message.objects.exclude(pk__in=known)
    assert told.filter(person=api("chair").person, kind="replied.inspector").exists()
    api("desk_officer").move(ticket, "close")
    announce.tell_outbox()
    assert told.filter(person=api("chair").person, kind="checked.handler").exists()


def test_whoever_found_it_is_reminded_to_check_it(api, home):
    ticket = replied(api, api("chair").file("CL07", channel="patrol", compound=home))
    announce.tell_outbox()
    known = set(Message.objects.values_list("pk", flat=True))
    with at(timezone.now() + timedelta(days=5)):
        duties.sweep(TICKETS)
        announce.tell_outbox()
    told = Message.objects.exclude(pk__in=known).filter(subject_id=ticket["id"])
    reminder = told.get(kind="reminder.staff", person=api("chair").person)
    assert "核查" in reminder.title
    assert seen(api("chair"), ticket)["clocks"][0]["label"] == "核查"
    assert "等待核查" in seen(api("chair"), ticket)["clocks"][0]["words"]


def test_the_two_sources_are_listed_and_counted_apart(api, home, filed, found):
    officer = api("desk_officer")

    def listed(**query):
        return {one["id"] for one in officer.get("tickets", scope="street", limit=100, **query)["results"]}

    assert listed(source="residents") == {filed["id"]}
    assert listed(source="proactive") == {found["id"]}
    assert listed(source="residents,proactive") == {filed["id"], found["id"]}
    assert listed(channel="patrol") == {found["id"]}
    for path in ("tickets/counts", "queue/counts"):
        who = officer if path.startswith("tickets") else api("dispatcher")
        scope = {"scope": "street"} if path.startswith("tickets") else {}
        facets = who.get(path, by="source,channel", **scope)["facets"]
        assert {one["value"]: one["count"] for one in facets["source"]} == {"residents": 1, "proactive": 1}
        assert {one["value"]: one["count"] for one in facets["channel"]}["patrol"] == 1
        assert who.get(path, source="proactive", **scope)["total"]["count"] == 1
    assert officer.get("tickets", 400, scope="street", source="moon")["errors"][0]["field"] == "source"
    assert (seen(officer, found)["source"], seen(officer, filed)["source"]) == ("proactive", "residents")
    assert seen(officer, found)["inspector"]["id"] == str(row(found).inspector_id)
    assert seen(officer, found)["contact"] is None
    assert seen(api("neighbour"), found)["inspector"] is None


def test_an_organisation_lists_what_it_found(api, home, found):
    mine = api("chair").file("CL07", channel="patrol", compound=home)
    assert "inspected" in SCOPES
    assert [one["id"] for one in api("chair").get("tickets", scope="inspected")["results"]] == [mine["id"]]
    assert [one["id"] for one in api("desk_officer").get("tickets", scope="inspected")["results"]] == [found["id"]]
    assert api("resident").get("tickets", scope="inspected")["results"] == []


def test_an_inspector_that_comes_to_be_accused_finds_it_nowhere(api, home, organisation):
    office = organisation("天岳恒学院路14号院项目部")
    ticket = api("dispatcher").file("PK01", channel="self_check", compound=home)
    assert seen(api("dispatcher"), ticket)
    api("desk_officer").move(ticket, "correct", accused=office, reason="反映的就是它")
    assert seen(api("dispatcher"), ticket) is None
    assert api("dispatcher").get("tickets", scope="inspected")["results"] == []


def test_a_second_matter_out_of_a_patrol_is_its_inspector_s_as_well(api, found):
    officer = api("desk_officer")
    version = row(found).version
    path = f"tickets/{found['id']}/moves/file_another"
    second = officer.post(path, {"category": "CL03"}, **{"If-Match": f'"{version}"'})["another"]
    two = row(second)
    assert (two.inspector_id, two.channel, two.reporter_id) == (row(found).inspector_id, "patrol", None)
    assert history(second)[0].on_behalf == ""
    before = rows()
    assert officer.move(found, "file_another", 400, category="CL03", type="complaint")["errors"][0]["field"] == "type"
    accused = {"accused": str(two.holder_id), "text": "保安骂人"}
    assert officer.move(found, "file_another", 400, category="CL03", **accused)["errors"][0]["field"] == "accused"
    assert rows() == before


def test_neighbours_may_cosign_and_dispute_it(api, found):
    tenant = api("tenant")
    tenant.move(found, "cosign")
    replied(api, found)
    assert tenant.move(found, "dispute", reason="还有蚊子")["state"] == "in_progress"

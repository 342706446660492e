"""What a street sets for itself: who may, that a draft is looked at before it counts, and that it counts in that street alone."""

import uuid
from copy import deepcopy
from dataclasses import asdict
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from casework import duties
from community import zones
from community.models import Street
from tickets import routing
from tickets.kind import TICKETS
from tickets.models import (
    RoutingRule,
    RoutingVersion,
    ServiceLevelVersion,
    ServiceTarget,
    Ticket,
    TicketClock,
    TicketEvent,
    service_level,
)
from tickets.service_level import BOUNDS, Limits
from workflow import calendars
from workflow.models import CalendarVersion

pytestmark = pytest.mark.django_db
PARTS = {"service-level": ("windows", "targets", "rungs"), "calendar": ("years", "days"), "routing": ("rules",)}
MODELS = {"service-level": ServiceLevelVersion, "calendar": CalendarVersion, "routing": RoutingVersion}


@pytest.fixture(autouse=True)
def read_anew():
    """What a test publishes is remembered by no other."""
    every = (service_level.forget, calendars.forget, routing.forget, zones.forget)
    for forget in every:
        forget()
    yield
    for forget in every:
        forget()


def put(caller, kind, version, content, status=200):
    """Let the draft say this; the answer."""
    answer = caller.client.put(f"/api/v1/policies/{kind}/{version['number']}", content, format="json")
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


def drafted(caller, kind):
    """A new draft, and what it says."""
    version = caller.post(f"policies/{kind}", status=201)
    return version, version["content"]


@pytest.mark.parametrize("kind", MODELS)
def test_whoever_leads_the_street_drafts_looks_and_publishes(api, street, cast, kind):
    lead = api("street_lead")
    version, content = drafted(lead, kind)
    assert (version["street"], version["published_at"], version["in_effect"]) == (str(street.pk), None, False)
    assert version["drafted_by"] == {"id": str(cast["street_lead"].pk), "name": cast["street_lead"].name}
    assert put(lead, kind, version, content)["content"] == content
    preview = lead.get(f"policies/{kind}/{version['number']}/preview")
    assert (preview["problems"], preview["changes"], preview["more"]) == ([], [], 0)
    assert preview["parts"] == [
        {"part": part, "rows": len(content[part]), "unchanged": len(content[part]), "order": None}
        for part in PARTS[kind]
    ]
    published = lead.post(f"policies/{kind}/{version['number']}/publish")
    assert (published["in_effect"], published["published_by"]["name"]) == (True, cast["street_lead"].name)
    rows = api("desk_officer").get(f"policies/{kind}")["results"]
    assert [one["in_effect"] for one in rows if one["number"] == version["number"]] == [True]
    stored = MODELS[kind].objects.get(number=version["number"])
    assert stored.published_by == stored.drafted_by == cast["street_lead"].pk


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("who", ["desk_officer", "resident", "dispatcher", "chair"])
def test_nobody_else_may_and_nothing_changes(api, kind, who):
    lead, other = api("street_lead"), api(who)
    version, content = drafted(lead, kind)
    before = MODELS[kind].objects.count()
    assert other.post(f"policies/{kind}", status=403)["code"] == "not_permitted"
    put(other, kind, version, {**content, "source": "改"}, status=403)
    other.post(f"policies/{kind}/{version['number']}/publish", status=403)
    assert other.client.delete(f"/api/v1/policies/{kind}/{version['number']}").status_code == 403
    if who != "desk_officer":
        other.get(f"policies/{kind}", status=403)
    stored = MODELS[kind].objects.get(number=version["number"])
    assert (stored.source, stored.published_at) == (version["source"], None)
    assert MODELS[kind].objects.count() == before


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_published_stays_as_it_is(api, kind):
    lead = api("street_lead")
    version, content = drafted(lead, kind)
    address = f"policies/{kind}/{version['number']}"
    lead.post(f"{address}/publish")
    put(lead, kind, version, {**content, "source": "改"}, status=409)
    assert lead.client.delete(f"/api/v1/{address}").status_code == 409
    lead.post(f"{address}/publish", status=409)
    assert lead.get(address)["content"] == content
    assert lead.get(address)["source"] == version["source"]


@pytest.mark.parametrize("kind", MODELS)
def test_another_street_s_versions_are_not_there(api, kind):
    lead = api("street_lead")
    version, content = drafted(lead, kind)
    MODELS[kind].objects.filter(number=version["number"]).update(street=uuid.uuid4())
    lead.get(f"policies/{kind}/{version['number']}", status=404)
    put(lead, kind, version, content, status=404)
    lead.post(f"policies/{kind}/{version['number']}/publish", status=404)
    assert version["number"] not in [one["number"] for one in lead.get(f"policies/{kind}")["results"]]


def test_a_published_version_for_everybody_is_read_by_the_street_and_changed_by_nobody_in_it(api):
    lead = api("street_lead")
    assert lead.get("policies/service-level/1")["street"] is None
    put(lead, "service-level", {"number": 1}, lead.get("policies/service-level/1")["content"], status=403)
    lead.get("policies/weather", status=404)
    lead.get("policies/service-level/77", status=404)


def test_a_service_level_counts_in_its_street_alone(api, street, scene):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    for one in content["targets"]:
        if one["clock"] == "triage":
            one["budget"] = "30m"
    put(lead, "service-level", version, {**content, "source": "街道会议纪要"})
    changed = lead.get(f"policies/service-level/{version['number']}/preview")["changes"]
    assert {(one["before"]["budget"], one["after"]["budget"]) for one in changed} == {("2h", "30m"), ("15m", "30m")}
    lead.post(f"policies/service-level/{version['number']}/publish")
    now = timezone.now() + timedelta(seconds=1)
    assert service_level.in_effect(now, street.pk).budget("triage") == "30m"
    assert service_level.in_effect(now, uuid.uuid4()).budget("triage") == "2h"
    scene.now = now
    ticket = scene.file(type="consult")
    assert Ticket.objects.get(pk=ticket).policy == version["number"]
    assert TicketClock.objects.get(subject=ticket, name="triage").budget == "30m"


def test_a_draft_that_lacks_something_says_so_before_and_at_publication(api):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    left = [one for one in content["targets"] if one["clock"] != "confirm"]
    put(lead, "service-level", version, {**content, "targets": left})
    preview = lead.get(f"policies/service-level/{version['number']}/preview")
    assert "confirm" in preview["problems"][0]
    assert [one["part"] for one in preview["changes"]] == ["targets"]
    assert "confirm" in lead.post(f"policies/service-level/{version['number']}/publish", status=409)["detail"]
    assert ServiceLevelVersion.objects.get(number=version["number"]).published_at is None


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("service-level", lambda said: said["targets"].append(said["targets"][0])),
        ("service-level", lambda said: said["targets"][0].update(budget="bald")),
        ("service-level", lambda said: said["targets"][0].update(clock="lunch")),
        ("service-level", lambda said: said["windows"][0].update(ends_on="morgen")),
        ("calendar", lambda said: said.update(years=[{"year": 2020, "source": "x"}] * 1001)),
        ("service-level", lambda said: said.update(surprise=1)),
        ("service-level", lambda said: said.pop("windows")),
        ("calendar", lambda said: said.update(hours="spät")),
        ("calendar", lambda said: said["days"].append(said["days"][0])),
        ("calendar", lambda said: said["years"].append({"year": 1, "source": "x"})),
        ("routing", lambda said: said["rules"][0].update(action="forget")),
        ("routing", lambda said: said["rules"][0].update(name="Über")),
        ("routing", lambda said: said["rules"].append(said["rules"][0])),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_nothing_changes(api, kind, change):
    lead = api("street_lead")
    version, content = drafted(lead, kind)
    content = deepcopy(content)
    change(content)
    assert put(lead, kind, version, content, status=400)["code"] == "invalid"
    assert lead.get(f"policies/{kind}/{version['number']}")["content"] == version["content"]


# Limits.


LIMITS = {
    "extensions": 2, "contact_attempts": 1, "questions": 1, "urges": 2, "comments": 3, "comments_a_day": 2,
}  # fmt: skip


def limited(lead, **limits):
    """Publish the street's service level with these limits, from now on."""
    version, content = drafted(lead, "service-level")
    put(lead, "service-level", version, {**content, **limits})
    lead.post(f"policies/service-level/{version['number']}/publish")
    return version["number"]


def test_limits_are_read_looked_at_and_published(api, street):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    assert {name: content[name] for name in LIMITS} == {
        "extensions": 1, "contact_attempts": 3, "questions": 2, "urges": 5, "comments": 10, "comments_a_day": 3,
    }  # fmt: skip
    put(lead, "service-level", version, {**content, **LIMITS})
    preview = lead.get(f"policies/service-level/{version['number']}/preview")
    assert preview["changes"] == [
        {"part": "settings", "before": {name: content[name] for name in LIMITS}, "after": LIMITS}
    ]
    assert all(one["unchanged"] == one["rows"] > 0 for one in preview["parts"])
    lead.post(f"policies/service-level/{version['number']}/publish")
    now = timezone.now() + timedelta(seconds=1)
    assert service_level.in_effect(now, street.pk).limits == Limits(**LIMITS)
    assert service_level.in_effect(now, uuid.uuid4()).limits == Limits()


def test_a_body_without_limits_leaves_the_draft_s_as_they_are(api):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    put(lead, "service-level", version, {**content, **LIMITS})
    kept = put(lead, "service-level", version, {name: content[name] for name in content if name not in LIMITS})
    assert {name: kept["content"][name] for name in LIMITS} == LIMITS


@pytest.mark.parametrize(
    "limits",
    [{name: value} for name, bounds in BOUNDS.items() for value in (bounds[0] - 1, bounds[1] + 1, None, "viel")],
)
def test_a_limit_out_of_its_bounds_is_refused_and_nothing_changes(api, limits):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    answer = put(lead, "service-level", version, {**content, **limits}, status=400)
    assert [one["field"] for one in answer["errors"]] == [*limits]
    assert lead.get(f"policies/service-level/{version['number']}")["content"] == content


def test_a_street_says_how_often_its_residents_are_asked_and_may_urge(api, scene):
    earlier = scene.reach("in_progress")
    limited(api("street_lead"), questions=1, urges=2)
    scene.now = timezone.now() + timedelta(seconds=1)
    ticket = scene.reach("in_progress")
    for one, questions in ((ticket, 1), (earlier, 2)):
        for _ in range(questions):
            scene.do("dispatcher", one, "ask", question="是哪个单元？")
            scene.do("resident", one, "answer", answer="三单元。")
        assert scene.refused("dispatcher", one, "ask", question="几层？") == "too_many_questions"
        assert "ask" not in scene.offered("dispatcher", one)
    # Who was told of the older service level keeps it.
    for one, urges in ((ticket, 2), (earlier, 5)):
        for turn in range(urges):
            assert "urge" in scene.offered("resident", one)
            scene.do("resident", one, "urge")
            assert Ticket.objects.get(pk=one).urges == turn + 1
            scene.now += timedelta(days=1)
        assert scene.refused("resident", one, "urge") == "urged_enough"
        assert "urge" not in scene.offered("resident", one)
        assert Ticket.objects.get(pk=one).urges == urges


def test_a_street_says_how_often_somebody_comments(api, scene):
    limited(api("street_lead"), comments=3, comments_a_day=2)
    scene.now = timezone.now() + timedelta(seconds=1)
    ticket = scene.reach("in_progress")
    for _ in range(2):
        scene.do("resident", ticket, "comment", text="还是没有来。")
    assert scene.refused("resident", ticket, "comment", text="还是没有来。") == "commented_enough"
    scene.now += timedelta(days=1)
    scene.do("resident", ticket, "comment", text="还是没有来。")
    assert scene.refused("resident", ticket, "comment", text="还是没有来。") == "commented_enough"
    assert "comment" not in scene.offered("resident", ticket)


def test_a_version_from_before_there_were_limits_reads_with_the_usual_ones(street):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tickets_servicelevelversion (number, source, notes) VALUES (7, '旧版', '') RETURNING id"
        )
    version = ServiceLevelVersion.objects.get(number=7)
    assert {name: getattr(version, name) for name in BOUNDS} == asdict(Limits())
    draft = version.copy_as_draft()
    assert {name: getattr(draft, name) for name in BOUNDS} == asdict(Limits())


# Routing.


def born(ticket) -> TicketEvent:
    """The event of the ticket's birth."""
    return TicketEvent.objects.get(subject=ticket, seq=1)


def test_a_street_s_own_rules_route_what_is_filed_there(api, street, scene):
    lead = api("street_lead")
    version, content = drafted(lead, "routing")
    assert [one["name"] for one in content["rules"]] == [one.name for one in routing.rules()]
    night = {**content["rules"][-2], "name": "bins_to_the_city_section", "lead": "provider", "to": "section:city"}
    night |= {"action": "dispatch", "reason_zh": "街道自办", "reason_en": "The street does it itself"}
    put(lead, "routing", version, {"source": "街道会议纪要", "rules": [night, *content["rules"]]})
    [change] = lead.get(f"policies/routing/{version['number']}/preview")["changes"]
    assert (change["before"], change["after"]["to"]) == (None, "section:city")
    before = scene.file("CL03")
    lead.post(f"policies/routing/{version['number']}/publish")
    scene.now = timezone.now() + timedelta(seconds=1)
    after = scene.file("CL03")
    assert [born(one).data["rule"] for one in (before, after)] == ["direct", "bins_to_the_city_section"]
    assert [born(one).data.get("routing") for one in (before, after)] == [None, version["number"]]
    filed = api("resident").file("CL03")
    assert filed["routed"] == "街道自办"
    assert routing.versions.number(scene.now, uuid.uuid4()) is None


def test_a_preview_says_how_many_rules_stay_and_in_which_order_they_would_stand(api):
    lead = api("street_lead")
    version, content = drafted(lead, "routing")
    address, rules = f"policies/routing/{version['number']}", content["rules"]
    names = [one["name"] for one in rules]
    turned = [rules[1], rules[0], *rules[2:]]
    put(lead, "routing", version, {**content, "rules": turned})
    preview = lead.get(f"{address}/preview")
    assert preview["changes"] == []
    order = {"before": names, "after": [names[1], names[0], *names[2:]]}
    assert preview["parts"] == [{"part": "rules", "rows": len(names), "unchanged": len(names), "order": order}]
    # One left out and one changed is no other order.
    put(lead, "routing", version, {**content, "rules": [{**rules[0], "reason_zh": "改"}, *rules[2:]]})
    preview = lead.get(f"{address}/preview")
    assert [(one["before"] and one["before"]["name"], one["after"] and one["after"]["name"]) for one in preview["changes"]] == [
        (names[0], names[0]), (names[1], None),
    ]  # fmt: skip
    assert preview["parts"] == [{"part": "rules", "rows": len(names) - 1, "unchanged": len(names) - 2, "order": None}]


def test_a_preview_says_where_rungs_change_places(api):
    lead = api("street_lead")
    version, content = drafted(lead, "service-level")
    places = [place for place, one in enumerate(content["rungs"]) if one["clock"] == "triage"]
    first, second = places[:2]
    turned = [*content["rungs"]]
    turned[first], turned[second] = turned[second], turned[first]
    put(lead, "service-level", version, {**content, "rungs": turned})
    preview = lead.get(f"policies/service-level/{version['number']}/preview")
    by_part = {one["part"]: one for one in preview["parts"]}
    assert by_part["windows"]["order"] is by_part["targets"]["order"] is None
    order = by_part["rungs"]["order"]
    assert order["after"] == [f"{one['clock']} {one['code']}" for one in turned] != order["before"]


@pytest.mark.parametrize(
    "fault",
    [{"to": "section:moon"}, {"lead": "nobody:*"}, {"types": "wish"}, {"urgent": "?x"}, {"copy": "committee moon"},
     {"action": "desk", "to": "committee"}],
)  # fmt: skip
def test_a_rule_that_can_fit_nothing_is_not_published(api, fault):
    lead = api("street_lead")
    version, content = drafted(lead, "routing")
    content["rules"][-1] |= fault
    put(lead, "routing", version, content)
    assert lead.get(f"policies/routing/{version['number']}/preview")["problems"]
    lead.post(f"policies/routing/{version['number']}/publish", status=400)
    assert RoutingVersion.objects.get(number=version["number"]).published_at is None
    assert RoutingRule.objects.filter(version__published_at__isnull=False).count() == 0


# Calendars.


def test_a_street_s_calendar_moves_the_clocks_of_that_street_alone(api, street, scene):
    ticket = scene.reach("in_progress")
    handle = TicketClock.objects.get(subject=ticket, name="handle", stopped_at=None)
    lead = api("street_lead")
    version, content = drafted(lead, "calendar")
    last = (handle.due_at - timedelta(hours=1)).astimezone(timezone.get_default_timezone()).date()
    content["days"] = [one for one in content["days"] if one["day"] != str(last)]
    content["days"].append({"day": str(last), "works": False, "name": "街道庆典"})
    put(lead, "calendar", version, content)
    lead.post(f"policies/calendar/{version['number']}/publish")
    assert calendars.newest(street.pk) == version["number"]
    assert calendars.newest(uuid.uuid4()) == calendars.newest() == 1
    assert duties.follow_calendar(TICKETS).subjects == 1
    assert duties.follow_calendar(TICKETS).subjects == 0
    moved = TicketClock.objects.get(pk=handle.pk)
    assert moved.calendar == version["number"]
    assert moved.due_at > handle.due_at
    # A newer calendar for everybody moves nothing here.
    general = CalendarVersion.objects.get(number=1).copy_as_draft()
    general.publish(at=timezone.now())
    calendars.forget()
    assert duties.follow_calendar(TICKETS).subjects == 0
    assert TicketClock.objects.get(pk=handle.pk).calendar == version["number"]


def test_days_end_at_the_street_s_own_midnight(street, scene):
    Street.objects.filter(pk=street.pk).update(timezone="Asia/Urumqi")
    ticket = scene.reach("in_progress")
    due = TicketClock.objects.get(subject=ticket, name="handle", stopped_at=None).due_at
    assert f"{due.astimezone(ZoneInfo('Asia/Urumqi')):%H:%M}" == "00:00"


def test_a_notice_is_looked_at_and_then_saved_into_a_draft(api):
    lead = api("street_lead")
    version, _ = drafted(lead, "calendar")
    address = f"policies/calendar/{version['number']}/notice"
    text = "国庆节：2027年10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）上班。"
    looked = lead.post(address, {"text": text, "year": 2027})
    assert (looked["whole"], looked["saved"], len(looked["days"])) == (False, False, 8)
    stored = CalendarVersion.objects.get(number=version["number"])
    assert not stored.days.filter(day=date(2027, 9, 26)).exists()
    lead.post(address, {"text": text, "year": 2027, "save": True, "source": "国办发明电〔2026〕9号"})
    assert stored.days.get(day=date(2027, 9, 26)).works
    assert lead.post(address, {"text": text.replace("共7天", "共8天"), "year": 2027}, status=400)["errors"][0][
        "code"
    ] == ("unreadable_notice")
    assert lead.post(address, {"text": "国庆节：10月1日放假1天。"}, status=400)["errors"][0]["field"] == "year"
    other, _ = drafted(lead, "routing")
    lead.post(f"policies/routing/{other['number']}/notice", {"text": text, "year": 2027}, status=409)


def test_a_published_service_level_cannot_be_written_to_by_rows_either(api):
    lead = api("street_lead")
    version, _ = drafted(lead, "service-level")
    lead.post(f"policies/service-level/{version['number']}/publish")
    with pytest.raises(Exception, match="已发布"):
        ServiceTarget.objects.filter(version__number=version["number"]).update(budget="1h")

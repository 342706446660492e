"""Whoever must act finds it: lists and single tickets agree, today and after a committee has changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Area, Membership, Organisation
from tests.tickets.story import row, seen, told

pytestmark = pytest.mark.django_db


def listed(caller, scope) -> set[str]:
    """The ids in the list, ended ones too."""
    return {one["id"] for one in caller.get(f"tickets?scope={scope}&status=all&limit=100")["results"]}


@pytest.fixture
def area():
    return Area.objects.get(name="学院路14号院")


def test_a_new_committee_sees_its_area_and_coordinates_what_the_former_one_was_asked_to(api, area):
    chair, successor = api("chair"), api("other_chair")
    held, ended = api("resident").file("PK01"), api("resident").file("PK01")
    api("resident").move(ended, "withdraw")
    assert {held["id"], ended["id"]} <= listed(chair, "area")
    assert seen(successor, held) is None

    seats = [one.organisation_id for one in Membership.objects.filter(person=successor.person)]
    area.committee = Organisation.objects.get(pk__in=seats, kind="pmc")
    area.save(update_fields=["committee"])
    for ticket in (held, ended):
        assert ticket["id"] in listed(successor, "area")
        assert "committee" in seen(successor, ticket)["relations"]
        assert ticket["id"] not in listed(chair, "area")
        assert seen(chair, ticket) is None
    assert seen(successor, held)["coordinator"] == str(area.committee_id)
    successor.move(held, "record", met_with="业主", agreed="划线。")
    assert area.committee.name in told(held)
    successor.move(held, "reply", result="已协调。")


def test_of_a_dissolved_committee_the_street_s_section_takes_over(api, area):
    ticket, held = api("resident").file("PK01"), api("resident").file("PK01")
    api("chair").move(held, "dispatch", holder=str(Organisation.objects.get(code="po-a01").pk))
    Organisation.objects.filter(pk=area.committee_id).update(dissolved_on=timezone.localdate() - timedelta(days=1))
    officer, section = api("property_officer"), Organisation.objects.get(name="物业专班")
    assert seen(officer, ticket)["coordinator"] == str(section.pk)
    assert seen(api("chair"), ticket) is None
    api("dispatcher").move(held, "return", reason="不归我们。")
    assert officer.move(held, "uphold")["coordinator"] == str(section.pk)
    assert row(held).coordinator == section
    assert officer.move(ticket, "dispatch", holder=str(section.pk))["state"] == "dispatched"


def test_a_residents_committee_has_a_list_of_its_community(api):
    worker = api("residents_committee_worker")
    ticket, report = api("resident").file("PK01"), api("resident").file("IL01", type="report")
    elsewhere = api("resident_yicheng").file("PK01")
    found = listed(worker, "community")
    assert ticket["id"] in found
    assert not {report["id"], elsewhere["id"]} & found
    assert "community" in seen(worker, ticket)["relations"]
    for caller in (api("resident"), api("chair"), api("outsider")):
        assert listed(caller, "community") == set()


def test_the_desk_is_shown_what_was_reported_already_when_it_takes_a_call(api):
    ticket = api("resident").file("PK01", text="车辆堵住三号楼门口。", secrecy="confidential")
    query = {"compound": str(row(ticket).compound_id), "category": "PK01", "text": "有车堵住三号楼的门"}
    for key in ("desk_officer", "chair", "residents_committee_worker"):
        assert [one["ticket"]["id"] for one in api(key).get("duplicates", **query)] == [ticket["id"]], key
    for key in ("neighbour", "other_chair", "dispatcher", "outsider"):
        assert api(key).get("duplicates", **query) == [], key


def test_a_queue_is_searched_and_what_is_over_by_its_title_alone(api):
    dispatcher = api("dispatcher")
    ticket = api("resident").file("CL03", title="垃圾桶满溢", text="张三家门口堆成山。")
    other = api("resident").file("CL03", title="清运太晚", text="每晚十点才来。")

    def found(words, status="open"):
        return [one["ticket"]["id"] for one in dispatcher.get(f"queue?status={status}&q={words}")["results"]]

    assert found("堆成山") == found("桶满") == found(ticket["code"]) == [ticket["id"]]
    assert found("没有这样的") == []
    for one in (ticket, other):
        dispatcher.move(one, "return", reason="不归我们。")
        api("property_officer").move(one, "uphold")
    assert found("桶满", "ended") == found(ticket["code"], "ended") == [ticket["id"]]
    assert found("堆成山", "ended") == []

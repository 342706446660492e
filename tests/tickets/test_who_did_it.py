"""Who did it: which of an organisation's people made an event, for those who may know, and who rated whose work."""

import pytest

from community.models import Membership, Organisation
from tests.tickets.story import row, seen, timeline

pytestmark = pytest.mark.django_db


def people(reader, ticket) -> dict[str, str | None]:
    """Whom the reader is shown behind each event, the last of a kind."""
    lines = reader.get(f"tickets/{ticket['id']}/events", limit=100)["results"]
    return {one["verb"]: one["person"] and one["person"]["name"] for one in lines}


@pytest.fixture
def worked_on(api):
    """A ticket that was cosigned by the chair, signed for with a worker named, and revealed by somebody else."""
    ticket = api("resident").file("RP04")
    api("tenant").move(ticket, "cosign")
    api("dispatcher").move(ticket, "sign", worker=str(api("worker").person.pk))
    api("worker").move(ticket, "contact", result="reached")
    api("manager").move(ticket, "reveal", reason="核对门牌。")
    api("property_officer").move(ticket, "supervise", kind="listed", reason="影响较大")
    return ticket


def test_the_street_reads_which_of_an_organisation_s_people_did_it(api, worked_on):
    name = {key: api(key).person.name for key in ("dispatcher", "worker", "manager", "property_officer")}
    assert people(api("desk_officer"), worked_on) == {
        "submit": None,
        "cosign": None,
        "sign": name["dispatcher"],
        "contact": name["worker"],
        "reveal": name["manager"],
        "supervise": name["property_officer"],
    }


def test_an_organisation_reads_its_own_people_and_of_others_the_organisation(api, worked_on):
    shown = people(api("worker"), worked_on)
    assert [shown[verb] for verb in ("sign", "contact", "reveal")] == [
        api(key).person.name for key in ("dispatcher", "worker", "manager")
    ]
    assert (shown["supervise"], shown["cosign"]) == (None, None)
    lines = api("worker").get(f"tickets/{worked_on['id']}/events")["results"]
    assert next(one["organisation"]["name"] for one in lines if one["verb"] == "supervise") == "物业专班"


@pytest.mark.parametrize("key", ["resident", "tenant", "chair"])
def test_its_residents_and_other_parties_read_who_is_assigned_to_it_and_nobody_else(api, worked_on, key):
    shown, worker = people(api(key), worked_on), api("worker").person
    assert {verb: name for verb, name in shown.items() if name} == {"contact": worker.name}
    (lead,) = [one for one in seen(api(key), worked_on)["assignments"] if one["role"] == "lead"]
    assert lead["worker"] == {"id": str(worker.pk) if key == "chair" else None, "name": worker.name}


def test_a_neighbour_reads_of_nobody(api, worked_on):
    assert not any(people(api("neighbour"), worked_on).values())
    assert seen(api("neighbour"), worked_on)["assignments"] is None


def test_who_sits_in_an_organisation_acts_for_themselves_as_a_resident(api, organisation):
    resident = api("neighbour").person
    seated = Organisation.objects.get(pk=organisation("天岳恒学院路14号院项目部"))
    given = {"street": seated.street, "organisation": seated, "role": "worker", "starts_on": "2021-01-01"}
    Membership.objects.create(person=resident, **given)
    ticket = api("resident").file("RP04")
    api("neighbour").move(ticket, "cosign")
    lines = {one["verb"]: one for one in api("desk_officer").get(f"tickets/{ticket['id']}/events")["results"]}
    assert (lines["cosign"]["organisation"], lines["cosign"]["person"]) == (None, None)
    api("neighbour").move(ticket, "sign")
    assert people(api("desk_officer"), ticket)["sign"] == resident.name


def test_what_the_street_does_in_another_s_place_is_its_officer_s(api):
    ticket = api("resident").file("RP04")
    api("desk_officer").move(ticket, "urge", reason="来电催办", on_behalf_of="reporter")
    assert people(api("property_officer"), ticket)["urge"] == api("desk_officer").person.name
    assert people(api("resident"), ticket)["urge"] is None


def test_the_admin_names_the_people_of_organisations_and_no_resident(administrator, api, worked_on):
    page = administrator.get(f"/admin/tickets/ticket/{worked_on['id']}/change/").content.decode()
    assert api("dispatcher").person.name in page
    assert api("tenant").person.name not in page


# Ratings.


def replied(api):
    ticket, dispatcher = api("resident").file("CL03"), api("dispatcher")
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "contact", result="reached")
    return dispatcher.move(ticket, "reply", result="已清运", photos=[dispatcher.photo()])


def test_a_rating_by_the_street_in_the_resident_s_place_is_marked_and_no_satisfaction(api):
    own, theirs = replied(api), replied(api)
    api("resident").move(own, "confirm", resolved=True, rating=4)
    api("desk_officer").move(theirs, "confirm", resolved=True, rating=5, on_behalf_of="reporter")
    assert [seen(api("resident"), one)["rated_on_behalf"] for one in (own, theirs)] == [False, True]
    assert row(own).rating == 4
    api("resident").move(theirs, "reopen", reason="又满了。")
    assert (row(theirs).rating, row(theirs).rated_on_behalf) == (None, False)
    assert seen(api("resident"), theirs)["rated_on_behalf"] is None


def test_what_is_not_resolved_is_disputed_and_not_confirmed(api):
    ticket, resident = replied(api), api("resident")
    problem = resident.move(ticket, "confirm", 400, resolved=False, rating=1)
    assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == ("resolved", "dispute_instead")
    assert "不满意" in problem["errors"][0]["reason"]
    assert (row(ticket).state, row(ticket).rating) == ("replied", None)
    assert timeline(resident, ticket)[-1] == "reply"
    assert resident.move(ticket, "dispute", reason="没有清。")["state"] == "in_progress"

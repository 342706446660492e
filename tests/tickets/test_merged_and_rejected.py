"""What residents may do who did not report the ticket that was answered, and those whose report was not taken up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tickets.paths import CONTACTED
from tests.tickets.story import assert_whole, history, seen, shown
from tickets.models import Follower, Photo, Ticket
from tickets.photos import purge_unattached
from tickets.simulation.history import histories
from tickets.simulation.tally import Count
from workflow.verification import verify

pytestmark = pytest.mark.django_db

RATED, THANKED = {"rating": 2, "words": "太慢"}, {"words": "谢谢师傅", "consent": True}


@pytest.fixture
def master(scene):
    """A reply to the neighbour's ticket, which the resident's was merged into, and which the tenant cosigned."""
    ticket, other = scene.file("CL03", who="neighbour"), scene.file("CL03")
    scene.do("desk_officer", other, "merge", into=str(ticket))
    return scene.follow(
        ticket,
        [
            ("tenant", "cosign", {}),
            ("dispatcher", "sign", {}),
            CONTACTED,
            ("dispatcher", "reply", {"result": "已清运", "photos": [scene.photo("dispatcher")]}),
        ],
    )


@pytest.mark.parametrize("closed", [False, True])
def test_whose_ticket_was_merged_rates_and_thanks_each_for_themselves(scene, master, closed):
    if closed:
        scene.do("neighbour", master, "confirm", resolved=True, rating=5)
    scene.do("resident", master, "rate", **RATED)
    scene.do("resident", master, "thank", **THANKED)
    mine = Follower.objects.get(ticket=master, person=scene.cast["resident"])
    assert (mine.rating, mine.rated_at is not None) == (2, True)
    now = Ticket.objects.get(pk=master)
    assert (now.rating, now.state) == ((5, "closed") if closed else (None, "replied"))
    assert scene.refused("resident", master, "rate", **RATED) == "already_rated"
    assert "rate" not in scene.offered("resident", master)
    assert_whole(master, now.state)


def test_each_resident_s_rating_counts_once(scene, master):
    scene.do("resident", master, "rate", **RATED)
    scene.do("neighbour", master, "confirm", resolved=True, rating=5)
    count, (history,) = Count(), histories([master])
    count.add(history, timezone.now())
    assert (count.rated, count.satisfied, count.rated_on_behalf) == (2, 1, 0)


def test_a_rating_by_the_street_counts_neither_beside_nor_for_that_of_a_merged_reporter(scene, master):
    scene.do("resident", master, "rate", **RATED)
    scene.do("desk_officer", master, "confirm", resolved=True, rating=5, on_behalf="reporter")
    count, (history,) = Count(), histories([master])
    count.add(history, timezone.now())
    assert (count.rated, count.satisfied, count.rated_on_behalf) == (1, 0, 1)


def test_whoever_cosigned_or_reported_does_not_rate_so(scene, master):
    assert scene.refused("tenant", master, "rate", **RATED) == "nothing_merged"
    assert scene.refused("tenant", master, "thank", **THANKED) == "nothing_merged"
    assert scene.refused("neighbour", master, "rate", **RATED) == "not_permitted"
    assert scene.refused("desk_officer", master, "rate", **RATED) == "not_permitted"


def test_what_was_not_taken_up_is_filed_again_with_its_words(api, street):
    resident, officer = api("resident"), api("property_officer")
    words = {"title": "停车位被占", "text": "3号楼前停车位长期被占。", "spot": "3号楼前", "type": "complaint"}
    words["hidden"] = True
    ticket = resident.file("PK01", **words)
    path = f"tickets/{ticket['id']}/refiling"
    assert resident.get(path, 409)["code"] == "not_rejected"
    officer.move(ticket, "reject", branch="out_of_scope", guidance="请写明车牌。")
    body = resident.get(path)
    assert {name: body[name] for name in words} == words
    again = resident.post("tickets", body | {"text": f"{body['text']}请核实。"}, 201)
    assert seen(resident, again)["title"] == words["title"]
    assert again["id"] != ticket["id"]
    assert officer.get(path, 403)["code"] == "not_permitted"
    api("outsider").get(path, 404)
    road = resident.file("TR04", street=str(street.pk), text="路灯不亮。")
    officer.move(road, "reject", branch="out_of_scope", guidance="请联系市政。")
    body = resident.get(f"tickets/{road['id']}/refiling")
    assert (body["street"], "compound" in body) == (str(street.pk), False)
    resident.post("tickets", body, 201)


@pytest.fixture
def refused(api):
    """A report with two photos that was not taken up, and the photos."""
    resident = api("resident")
    photos = sorted(resident.photo("report") for _ in range(2))
    ticket = resident.file("PK01", text="车位被占，见照片。", photos=photos)
    neighbour = api("neighbour")
    neighbour.move(ticket, "cosign")
    neighbour.move(ticket, "comment", text="我也是。", photos=[neighbour.photo("report")])
    api("property_officer").move(ticket, "reject", branch="out_of_scope", guidance="请写明车牌。")
    return ticket, photos


def test_what_was_not_taken_up_is_filed_again_with_its_photos(api, refused):
    ticket, photos = refused
    resident = api("resident")
    before = list(Photo.objects.filter(ticket=ticket["id"]).order_by("pk").values())
    assert len(before) == 3
    body = resident.get(f"tickets/{ticket['id']}/refiling")
    assert sorted(body["photos"]) == photos
    another = resident.photo("report")
    again = resident.post("tickets", body | {"photos": [*body["photos"], another]}, 201)
    copies = [one["id"] for one in resident.get(f"tickets/{again['id']}")["photos"]]
    assert len(copies) == 3
    assert set(copies) & {*photos, another} == {another}
    assert history(again)[0].data["photos"] == sorted(copies)
    assert all(shown(resident, one) and shown(api("property_officer"), one) for one in copies)
    # The first ticket keeps its own, and both histories hold.
    assert list(Photo.objects.filter(ticket=ticket["id"]).order_by("pk").values()) == before
    assert [flaw for _, flaw in verify(Ticket) if flaw] == []
    names = Photo.objects.filter(ticket=again["id"]).values_list("full", flat=True)
    assert {one["full"] for one in before if str(one["id"]) in photos} < set(names)
    assert purge_unattached(timezone.now() + timedelta(days=2)) == 0
    assert all(shown(resident, one) for one in (*photos, *copies))


def test_nobody_else_and_nothing_else_is_filed_with_photos_of_before(api, refused):
    ticket, _ = refused
    resident = api("resident")
    body = resident.get(f"tickets/{ticket['id']}/refiling")
    standing = resident.photo("report")
    resident.file("PK01", photos=[standing])
    commented = str(Photo.objects.get(ticket=ticket["id"], uploader=api("neighbour").person).pk)
    tickets, rows = Ticket.objects.count(), Photo.objects.count()
    home = {"compound": str(api("neighbour").person.residencies.first().compound_id)}
    api("neighbour").post("tickets", body | home, 400)
    for photo in (standing, commented):
        resident.post("tickets", body | {"photos": [photo]}, 400)
    assert (Ticket.objects.count(), Photo.objects.count()) == (tickets, rows)

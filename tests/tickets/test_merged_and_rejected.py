"""What residents may do who did not report the ticket that was answered, and those whose report was not taken up."""

import pytest

from tests.tickets.paths import CONTACTED
from tests.tickets.story import assert_whole, seen
from tickets.models import Follower, Ticket

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
    assert_whole({"id": master}, now.state)


def test_whoever_cosigned_or_reported_does_not_rate_so(scene, master):
    assert scene.refused("tenant", master, "rate", **RATED) == "nothing_merged"
    assert scene.refused("tenant", master, "thank", **THANKED) == "nothing_merged"
    assert scene.refused("neighbour", master, "rate", **RATED) == "not_permitted"
    assert scene.refused("desk_officer", master, "rate", **RATED) == "not_permitted"


def test_what_was_not_taken_up_is_filed_again_with_its_words(api, street):
    resident, officer = api("resident"), api("property_officer")
    words = {"title": "停车位被占", "text": "3号楼前停车位长期被占。", "spot": "3号楼前", "type": "complaint"}
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

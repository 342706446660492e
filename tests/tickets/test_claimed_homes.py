"""Whoever only claims a home reports and follows what they reported; neighbours' tickets need a confirmed one."""

import pytest

from community.models import Residency

OUTSIDER = "outsider"


@pytest.fixture
def claimant(api, compound):
    """Somebody who has just claimed a home in the compound."""
    one = api(OUTSIDER)
    assert (
        one.post("me/homes", {"compound": str(compound("学院路14号院")), "relation": "tenant"}, 201)["confirmed"]
        is False
    )
    return one


def test_a_claimant_reads_nothing_of_neighbours_and_cosigns_nothing(claimant, filed, compound):
    home = str(compound("学院路14号院"))
    assert claimant.get("tickets", scope="compound", compound=home)["results"] == []
    assert claimant.get("duplicates", compound=home, category="CL07") == []
    for path in (f"tickets/{filed['id']}", f"tickets/{filed['id']}/events", f"tickets/{filed['id']}/moves"):
        claimant.get(path, 404)
    claimant.move(filed, "cosign", 404)


def test_a_claimant_reports_and_follows_what_they_reported(claimant, compound):
    mine = claimant.file("CL07", compound=str(compound("学院路14号院")))
    assert claimant.get(f"tickets/{mine['id']}")["relations"] == ["reporter"]
    assert [one["id"] for one in claimant.get("tickets", scope="mine")["results"]] == [mine["id"]]
    claimant.move(mine, "withdraw", reason="已解决。")


def test_a_confirmed_home_shows_neighbours_tickets_and_an_objection_hides_them_again(api, claimant, filed, compound):
    claim = Residency.objects.get(person=claimant.person)
    api("chair").post(f"homes/{claim.id}/confirm")
    assert claimant.get(f"tickets/{filed['id']}")["relations"] == ["neighbour"]
    assert claimant.get("tickets", scope="compound", compound=str(compound("学院路14号院")))["results"]
    api("chair").post(f"homes/{claim.id}/object")
    claimant.get(f"tickets/{filed['id']}", 404)

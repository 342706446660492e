import pytest

from community.models import Residency
from tests.statements import cost


@pytest.fixture
def claimed(cast):
    """A home that its person says they live in."""
    home = Residency.objects.filter(person=cast["resident"]).first()
    assert home
    Residency.objects.filter(pk=home.pk).update(confirmed_through="", confirmed_at=None, objected_at=None)
    return home


def standing(home):
    home.refresh_from_db()
    return home.confirmed_through, home.confirmed_at is not None, home.objected_at is not None


@pytest.mark.parametrize(
    ("who", "page", "listed"),
    [
        ("chair", 200, True),
        ("residents_committee_worker", 200, True),
        ("desk_officer", 200, True),
        ("other_chair", 200, False),
        ("dispatcher", 404, False),
        ("worker", 404, False),
        ("resident", 404, False),
        ("outsider", 404, False),
    ],
)
def test_homes_are_for_those_who_confirm_them_and_nobody_else_can(console, claimed, cast, who, page, listed):
    answer = console(who).get("/console/homes")
    assert answer.status_code == page
    assert (str(claimed.pk) in answer.content.decode()) == listed
    assert cast["resident"].phone not in answer.content.decode()
    answer = console(who).post("/console/homes", {"home": str(claimed.pk), "says": "confirm"})
    assert answer.status_code == (302 if listed else 404)
    assert standing(claimed)[1] == listed


def test_a_home_is_confirmed_and_objected_to_by_one_click_each(console, claimed):
    browser = console("chair")
    browser.post("/console/homes", {"home": str(claimed.pk), "says": "confirm"})
    assert standing(claimed) == ("committee", True, False)
    assert str(claimed.pk) not in browser.get("/console/homes").content.decode()
    assert str(claimed.pk) in browser.get("/console/homes?status=confirmed").content.decode()
    browser.post("/console/homes", {"home": str(claimed.pk), "says": "object"})
    assert standing(claimed) == ("", False, True)
    assert str(claimed.pk) in browser.get("/console/homes?status=objected").content.decode()


@pytest.mark.parametrize("sent", [{}, {"home": "x", "says": "confirm"}, {"says": "object"}, {"says": "nothing"}])
def test_what_no_button_sends_changes_nothing(console, claimed, sent):
    given = {"home": str(claimed.pk), **sent} if sent.get("says") == "nothing" else sent
    assert console("chair").post("/console/homes", given).status_code == 404
    assert standing(claimed) == ("", False, False)


def test_the_homes_take_no_more_than_twelve_statements(console, claimed):
    assert cost(console("chair"), "/console/homes") <= 12

import pytest

from community.models import Organisation
from community.rotas import RotaSettings, settings_of
from tests.people import seat
from tests.statements import cost

MOST_STATEMENTS = 12


@pytest.fixture
def office(db):
    return Organisation.objects.get(code="po-a01")


def people(office):
    return {str(one) for one in office.memberships.values_list("person", flat=True)}


def test_who_gives_out_the_work_decides_how(console, office, cast):
    browser, on = console("dispatcher"), people(office) - {str(cast["worker"].pk)}
    page = browser.get("/console/duty").content.decode()
    assert "轮流指派" in page
    assert page.count('name="on"') == page.count(" checked") == len(people(office))
    sent = {"organisation": str(office.pk), "in_turn": "1", "most_open": "5", "on": sorted(on)}
    answer = browser.post("/console/duty", sent)
    assert answer.status_code == 302
    assert settings_of(office.pk) == RotaSettings(True, 5, frozenset({cast["worker"].pk}))
    page = browser.get(answer["Location"]).content.decode()
    assert "已保存" in page
    assert 'value="5"' in page
    browser.post("/console/duty", {"organisation": str(office.pk), "on": sorted(people(office))})
    assert settings_of(office.pk) == RotaSettings()


@pytest.mark.parametrize("limit", ["0", "201", "x", "-1", "1.5"])
def test_a_limit_that_is_none_is_refused_and_what_was_given_stays(console, office, limit):
    sent = {"organisation": str(office.pk), "in_turn": "1", "most_open": limit, "on": sorted(people(office))}
    answer = console("dispatcher").post("/console/duty", sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "1 至 200" in page
    assert f'value="{limit}"' in page
    assert 'name="in_turn" value="1" checked' in page
    assert settings_of(office.pk) == RotaSettings()


@pytest.mark.parametrize("who", ["worker", "member", "resident"])
def test_who_gives_out_nothing_has_no_such_page(console, office, who):
    browser = console(who)
    assert browser.get("/console/duty").status_code == 404
    assert browser.post("/console/duty", {"organisation": str(office.pk), "in_turn": "1"}).status_code == 404
    assert settings_of(office.pk) == RotaSettings()


@pytest.mark.parametrize("who", ["other_dispatcher", "street_lead", "chair", "property_officer"])
def test_nobody_decides_for_another_organisation(console, office, who):
    browser = console(who)
    assert browser.get(f"/console/duty?organisation={office.pk}").status_code == 404
    assert browser.post("/console/duty", {"organisation": str(office.pk), "in_turn": "1"}).status_code == 404
    assert settings_of(office.pk) == RotaSettings()


def test_somebody_of_two_organisations_chooses_which(console, office, cast):
    other = Organisation.objects.get(code="po-a02")
    seat(cast["dispatcher"], "po-a02", "dispatcher")
    browser = console("dispatcher")
    page = browser.get(f"/console/duty?organisation={other.pk}").content.decode()
    assert f"<h2>{other.name}</h2>" in page
    assert office.name in page
    browser.post("/console/duty", {"organisation": str(other.pk), "in_turn": "1", "on": sorted(people(other))})
    assert settings_of(other.pk).in_turn
    assert not settings_of(office.pk).in_turn
    assert cost(browser, "/console/duty") <= MOST_STATEMENTS

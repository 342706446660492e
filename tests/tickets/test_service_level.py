"""Service levels: which limits hold for whom, and that a change moves no ticket that is under way."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from tickets import service_level as pure
from tickets.models import ServiceLevelVersion, ServiceTarget, ServiceWindow, Ticket, TicketClock, service_level
from tickets.models.category import DisposalClass, ResponseClass
from tickets.service_level import (
    BadServiceLevel,
    Limits,
    assemble,
    read,
    read_alternative,
    read_limits,
    read_windows,
    total,
)
from tickets.windows import Window
from workflow.calendar import Budget
from workflow.ladder import Ladder, Rung
from workflow.moment import at

pytestmark = pytest.mark.django_db
VERSIONS = "admin:tickets_servicelevelversion_changelist"


@pytest.fixture(autouse=True)
def read_anew():
    """What a test publishes is remembered by no other."""
    service_level.forget()
    yield
    service_level.forget()


@pytest.fixture
def level():
    return service_level.level(1)


def test_every_class_of_the_catalogue_has_its_limit(level):
    for one in DisposalClass:
        assert level.budget("handle", one), one
    for one in ResponseClass:
        assert level.budget("sign", one), one
        assert level.budget("contact", one), one
    assert {one for one in ResponseClass if level.budget("arrive", one)} == {"IMM", "R15M", "R30M"}


@pytest.mark.parametrize(
    ("disposal", "budget"),
    [
        ("IMM", "2h"), ("H2", "2h"), ("H24", "24h"), ("D7", "7d"), ("D15", "15d"), ("LT", "15d"), ("VOTE", "60d"),
        ("LIGHT-I", "12h"), ("LIGHT-O", "12h"), ("LIGHT-IX", "48h"), ("LIGHT-OX", "48h"),
        ("W1", "1wd"), ("W3", "3wd"), ("W5", "5wd"), ("W15", "15wd"),
    ],
)  # fmt: skip
def test_the_disposal_classes_are_those_of_the_rules(level, disposal, budget):
    assert level.budget("handle", disposal) == budget


def test_the_contract_s_own_terms_go_before_its_level_and_that_before_everybody_s(level):
    assert level.budget("handle", "LIGHT-I") == "12h"
    assert level.budget("handle", "LIGHT-I", standard=3) == "4h"
    assert level.budget("handle", "LIGHT-I", standard=3, terms={"handle:LIGHT-I": "6h"}) == "6h"
    assert level.budget("handle", "D7", standard=3, terms={"handle:LIGHT-I": "6h"}) == "7d"


def test_a_class_that_has_no_limit_of_its_own_has_everybody_s(level):
    assert level.budget("triage", "urgent") == "15m"
    assert level.budget("triage") == "2h"
    assert level.budget("confirm", "urgent") == "7d"
    assert level.budget("arrive", "R24H") is None


def test_the_whole_is_coordination_and_disposal():
    def sum_of(coordination: str, disposal: str) -> str:
        return str(total(Budget.parse(coordination), Budget.parse(disposal)))

    assert sum_of("3d", "7d") == "10d"
    assert sum_of("3d", "24h") == "96h"
    assert sum_of("3d", "5wd") == "8wd"
    assert sum_of("15m", "7d") == "7d"


def targets(**changed: str) -> list[pure.Target]:
    _, found, _ = read(pure.FILE)
    return [replace(one, budget=changed.get(one.clock, one.budget)) for one in found]


@pytest.mark.parametrize(
    ("given", "rungs", "said"),
    [
        ({"triage": "soon"}, [], "triage"),
        ({}, [("triage", Rung("a", ("explode",), share=50))], "explode"),
        ({}, [("triage", Rung("a", ("remind",), ("the_press",), share=50))], "the_press"),
        ({}, [("nap", Rung("a", ("remind",), share=50))], "nap"),
        ({}, [("triage", Rung("b", ("remind",), share=80)), ("triage", Rung("a", ("remind",), share=50))], "order"),
    ],
)
def test_what_is_no_service_level_is_refused_with_its_place(given, rungs, said):
    with pytest.raises(BadServiceLevel, match=said):
        assemble(2, "", targets(**given), rungs)


def test_a_missing_target_is_named():
    left = [one for one in targets() if one.clock != "confirm"]
    with pytest.raises(BadServiceLevel, match="confirm"):
        assemble(2, "", left, [])


@pytest.mark.parametrize("text", ["not toml [", "[targets]\n", "surprise = 1\n", "[targets]\ntriage = 3\n[ladders]\n"])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BadServiceLevel, match=r"policy\.toml"):
        read(path)


def test_a_file_says_the_limits_that_differ_and_nothing_of_the_others(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("# 延期次数\n[limits]\nextensions = 2\nurges = 7\n", encoding="utf-8")
    assert read_limits(path) == Limits(extensions=2, urges=7)
    path.write_text("")
    assert read_limits(path) == Limits()


@pytest.mark.parametrize("text", ["not toml [", "limits = 1\n", "[limits]\nnaps = 1\n", '[limits]\nurges = "many"\n'])
def test_a_file_whose_limits_are_none_is_refused(tmp_path, text):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BadServiceLevel, match=r"policy\.toml"):
        read_limits(path)


def test_the_rows_say_what_the_file_says():
    source, found, rungs = read(pure.FILE)
    windows, rework = read_windows(pure.FILE)
    assert rework == 2
    version = ServiceLevelVersion.objects.get(number=1)
    assert version.assembled() == assemble(
        1, source, found, rungs, windows=windows, rework=rework, limits=read_limits(pure.FILE)
    )


# What is compared with the service level in effect: a whole one, or what it changes.

CHANGES = """
base = "in effect"
source = "试行"
rework = 3
limits = { urges = 7 }
targets = { triage = { "" = "2wh" }, confirm = { urgent = "3d" } }
standards = { 3 = { handle = { LIGHT-I = "2h" } } }
windows = { urging = { "" = "12h" }, reopening = { H2 = "1d" } }

[ladders]
plan = []
triage = [{ code = "due", share = 100, effects = "remind", audience = "desk" }]
"""


@pytest.fixture
def alternative(tmp_path, level):
    """Reads a text as another service level than the one in effect."""

    def read(text: str) -> pure.TicketServiceLevel:
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return read_alternative(path, 2, level)

    return read


def test_what_a_file_changes_takes_its_place_in_the_service_level_in_effect_and_the_rest_stays(alternative, level):
    assert alternative(CHANGES) == replace(
        level,
        number=2,
        source="试行",
        rework=3,
        limits=replace(level.limits, urges=7),
        targets={
            **level.targets,
            ("triage", "", 0): "2wh",
            ("confirm", "urgent", 0): "3d",
            ("handle", "LIGHT-I", 3): "2h",
        },
        windows={**level.windows, ("urging", ""): "12h", ("reopening", "H2"): "1d"},
        ladders={
            **{clock: ladder for clock, ladder in level.ladders.items() if clock != "plan"},
            "triage": Ladder((Rung("due", ("remind",), ("desk",), share=100),)),
        },
    )
    assert alternative('base = "in effect"') == replace(level, number=2, source="policy.toml")


def test_what_is_in_effect_may_be_older_than_a_clock_and_then_its_changes_are_too(tmp_path, level):
    old = replace(level, targets={place: budget for place, budget in level.targets.items() if place[0] != "review"})
    path = tmp_path / "policy.toml"
    path.write_text(CHANGES, encoding="utf-8")
    assert read_alternative(path, 2, old).budget("review") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[targets.nap]\n'' = '1h'", "no clock nap"),
        ("[ladders]\nnap = []", "no clock nap"),
        ("[standards.1.nap]\n'' = '1h'", "nap: there is no such clock"),
        ("[targets.overall]\n'' = '1h'", "overall: there is no such clock"),
        ("[targets.triage]\nurgnet = '1h'", "no class urgnet"),
        ("[windows.return]\nH3 = '1h'", "no class H3"),
        ("[windows.nap]\n'' = '1h'", "nap: there is no such window"),
        ("[standards.4.handle]\nH2 = '1h'", "no standard 4"),
        ("[limits]\nnaps = 1", "naps"),
        ("[naps]", "no section naps"),
        ("[targets.triage]\n'' = 'soon'", "triage"),
        ("[[ladders.triage]]\ncode = 'due'\nshare = 100\neffects = 'explode'", "no effect explode"),
        ("[targets.confirm]\n'' = { budget = '1d', ends_on = 2040-01-01 }", "every target ends of confirm"),
    ],
)
def test_changes_of_what_there_is_not_are_refused_with_words(alternative, text, said):
    assert alternative('base = "in effect"')
    with pytest.raises(BadServiceLevel, match=said):
        alternative(f'base = "in effect"\n{text}\n')


def test_a_file_is_whole_unless_it_names_its_base(alternative, level):
    whole = pure.FILE.read_text(encoding="utf-8")
    assert alternative(whole) == replace(level, number=2)
    with pytest.raises(BadServiceLevel, match="ladders and targets missing"):
        alternative("rework = 1\n")
    with pytest.raises(BadServiceLevel, match="it can only be 'in effect'"):
        alternative(CHANGES.replace("in effect", "the last one"))


# Rows begin and end; windows are rows.


def test_a_limit_says_where_it_comes_from_and_what_stands_in_its_place_once_that_has_ended():
    rows = ServiceTarget.objects.filter(version__number=1, clock="handle", key="H24").order_by("starts_on")
    ended, kept = sorted(rows, key=lambda one: one.starts_on is not None)
    assert (ended.ends_on, kept.starts_on) == (date(2025, 6, 22), date(2025, 6, 23))
    assert "2020" in ended.source
    assert "第十三条" in kept.source
    assert [one.budget for one in (ended, kept)] == ["24h", "24h"]


def test_a_row_counts_on_its_own_days_alone():
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    effective = timezone.now() + timedelta(days=1)
    turn = timezone.localdate() + timedelta(days=10)
    ServiceTarget.objects.filter(version=draft, clock="confirm").update(ends_on=turn - timedelta(days=1), source="旧")
    with pytest.raises(ValidationError, match="confirm"):
        draft.publish(at=timezone.now(), effective_from=effective)
    draft.refresh_from_db()
    ServiceTarget.objects.create(version=draft, clock="confirm", budget="3d", starts_on=turn, source="新")
    draft.publish(at=timezone.now(), effective_from=effective)
    service_level.forget()
    days = [service_level.in_effect(effective + timedelta(days=n)).budget("confirm") for n in (0, 20)]
    assert days == ["7d", "3d"]
    assert service_level.level(draft.number).budget("confirm") == "3d"


def test_what_another_process_publishes_is_found_after_some_seconds(monkeypatch):
    effective = timezone.now() + timedelta(days=1)
    assert service_level.in_effect(effective).number == 1
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    draft.publish(at=timezone.now(), effective_from=effective)
    assert service_level.in_effect(effective).number == 1
    monkeypatch.setattr("workflow.versions.REREAD_SECONDS", 0)
    assert service_level.in_effect(effective).number == draft.number


def test_two_rows_for_the_same_day_are_not_published():
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    ServiceTarget.objects.create(version=draft, clock="confirm", budget="3d", starts_on=date(2040, 1, 1))
    with pytest.raises(ValidationError, match="two targets"):
        draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))


def test_windows_are_the_service_level_s(level):
    assert [str(level.window(Window.RETURN, one)) for one in ("H2", "H24", "D7", "W5")] == ["4h", "4h", "1wd", "1wd"]
    assert str(level.window(Window.REOPENING, "D7")) == "30d"
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    ServiceWindow.objects.filter(version=draft, name="urging").delete()
    with pytest.raises(ValidationError, match="urging"):
        draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))


def test_a_version_from_before_there_were_windows_keeps_those_of_its_day():
    QuerySet(ServiceWindow).filter(version__number=1).delete()
    service_level.forget()
    old = service_level.level(1)
    assert [str(old.window(Window.RETURN, one)) for one in ("H2", "D7")] == ["4h", "24h"]
    assert [str(old.window(one, "D7")) for one in (Window.REOPENING, Window.URGING)] == ["720h", "24h"]
    # Its copy has today's, and can be published.
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))
    assert draft.windows.filter(name="return", key="", budget="1wd").exists()


def test_a_version_stays_readable_when_a_later_release_knows_more_clocks_and_windows(scene):
    QuerySet(ServiceTarget).filter(version__number=1, clock__in=["review", "coordinate"]).delete()
    QuerySet(ServiceWindow).filter(version__number=1, name="return").delete()
    service_level.forget()
    old = service_level.level(1)
    assert [old.budget(clock, "D7") for clock in ("review", "coordinate", "handle")] == [None, None, "7d"]
    assert [str(old.window(Window.RETURN, one)) for one in ("H2", "D7")] == ["4h", "24h"]
    assert str(old.window(Window.REOPENING, "D7")) == "30d"
    # Work under it goes on; what it does not know of does not run.
    ticket = scene.reach("returning")
    assert not TicketClock.objects.filter(subject=ticket, name="review").exists()
    assert TicketClock.objects.filter(subject=ticket, name="handle").exists()
    # What is published from now on is whole.
    with pytest.raises(ValidationError, match="coordinate, review"):
        ServiceLevelVersion.objects.get(number=1).copy_as_draft().publish(
            at=timezone.now(), effective_from=timezone.now() + timedelta(days=1)
        )


# A change moves no running ticket; the next one is measured by it.


def draft_with(**budgets: str) -> ServiceLevelVersion:
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    for clock, budget in budgets.items():
        ServiceTarget.objects.filter(version=draft, clock=clock, key__in=("", "D7")).update(budget=budget)
    return draft


def test_a_new_version_holds_for_what_begins_under_it_and_for_nothing_before(scene):
    ticket = scene.reach("in_progress")
    before = list(TicketClock.objects.filter(subject=ticket).values_list("pk", "due_at", "policy"))
    scene.now = timezone.now()
    scene.known.clear()
    draft = draft_with(handle="3d", confirm="1d")
    effective = scene.now + timedelta(minutes=1)
    draft.publish(at=scene.now, effective_from=effective)
    service_level.forget()
    assert list(TicketClock.objects.filter(subject=ticket).values_list("pk", "due_at", "policy")) == before
    # A clock that starts on a ticket under way keeps to the version it was dispatched under.
    scene.do("dispatcher", ticket, "contact", result="reached", at=effective + timedelta(minutes=1))
    scene.do("dispatcher", ticket, "reply", result="已整改", at=effective + timedelta(minutes=2))
    confirm = TicketClock.objects.get(subject=ticket, name="confirm")
    assert (confirm.policy, confirm.budget) == (1, "7d")
    scene.now = effective + timedelta(minutes=3)
    scene.known.clear()
    other = scene.follow(scene.file(), [("chair", "dispatch", {"holder": "po-a01"})])
    handle = TicketClock.objects.get(subject=other, name="handle")
    assert (handle.policy, handle.budget, Ticket.objects.get(pk=other).policy) == (2, "3d", 2)


def test_a_version_that_does_not_fit_is_not_published():
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    ServiceTarget.objects.filter(version=draft, clock="confirm").delete()
    with pytest.raises(ValidationError, match="confirm"):
        draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))
    draft.refresh_from_db()
    assert draft.published_at is None


@pytest.mark.parametrize(("limit", "key"), [("handle", "D7"), ("sign", "R4H"), ("contact", "IMM")])
def test_a_class_without_a_limit_is_named_and_not_published(limit, key):
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    ServiceTarget.objects.filter(version=draft, clock=limit, key=key).delete()
    with pytest.raises(ValidationError, match=f"{limit} {key}"):
        draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))


def test_what_would_have_happened_under_another_level(scene, level):
    other = pure.TicketServiceLevel(level.number, "试", {**level.targets, ("triage", "", 0): "30m"}, level.ladders)
    with service_level.instead(other), at(scene.now):
        ticket = scene.file(type="consult")
    assert TicketClock.objects.get(subject=ticket, name="triage").budget == "30m"
    assert service_level.level(1) == level


# The office's way.


def test_the_office_copies_edits_and_publishes(client):
    client.force_login(
        get_user_model().objects.create_superuser("13900000008", name="管理员", password="linli-tests-1")
    )
    first = ServiceLevelVersion.objects.get()
    client.post(reverse(VERSIONS), {"action": "copy_as_draft", "_selected_action": str(first.pk)})
    draft = ServiceLevelVersion.objects.get(published_at=None)
    for one, editable in ((first, False), (draft, True)):
        page = client.get(reverse("admin:tickets_servicelevelversion_change", args=[one.pk]))
        assert page.status_code == 200
        assert (b'name="targets-0-budget"' in page.content) == editable
    client.post(reverse(VERSIONS), {"action": "publish", "_selected_action": str(draft.pk)}, follow=True)
    draft.refresh_from_db()
    assert draft.published_at is None
    draft.effective_from = timezone.now() + timedelta(days=1)
    draft.save()
    client.post(reverse(VERSIONS), {"action": "publish", "_selected_action": str(draft.pk)})
    draft.refresh_from_db()
    assert draft.published_at is not None


def test_a_target_may_end_on_the_last_day_there_is():
    draft = ServiceLevelVersion.objects.get(number=1).copy_as_draft()
    before = len(draft.editions())
    ServiceTarget.objects.filter(version=draft, clock="confirm").update(ends_on=date.max)
    assert len(draft.editions()) == before

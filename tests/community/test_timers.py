"""The moments of service contracts: each told once, on its day, to whom it concerns."""

import uuid
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.admin import site
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from community import timers
from community.models import Area, ContractFiring, Membership, Organisation, ServiceContract, Street
from community.tasks import fire_contracts
from notifications.models import Message
from notifications.wordings.validation import problems
from notifications.wordings.writer import Catalogue
from tests.statements import statements
from workflow.models import LastSweep
from workflow.moment import at

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def midnight(day):
    """The first moment of a day in Beijing."""
    return datetime.fromisoformat(f"{day}T00:00:00+08:00")


@pytest.fixture
def contract(street):
    """`contract(ends_on=…)` is a contract of a project office on an area of its own, in force from 2019 on."""

    def make(**columns):
        area = Area.objects.create(street=street, code="Z01", name="测试区域", committee=None, residential_type="old")
        given = {"code": "Z", "kind": "property", "mode": "contracted", "starts_on": date(2019, 1, 1), "area": area}
        given["provider"] = Organisation.objects.get(code="po-a01")
        one = ServiceContract(street=street, **given | columns)
        one.full_clean()
        one.save()
        return one

    return make


def told(contract):
    """What was fired of the contract: rungs and days."""
    rows = ContractFiring.objects.filter(contract=contract).order_by("due_on", "rung")
    return [(one.rung, one.due_on.isoformat()) for one in rows]


def fire(day, contract):
    """Fire at the first moment of the day; what is new of the contract."""
    before = set(told(contract))
    with at(midnight(day)):
        timers.fire_due()
    return sorted(set(told(contract)) - before)


def day_by_day(contract, first, last):
    """Fire each midnight; on which day what was told."""
    day, found = date.fromisoformat(first), []
    while day <= date.fromisoformat(last):
        new = fire(day, contract)
        assert all(due == day.isoformat() for _, due in new)
        found += new
        day += DAY
    return found


def test_an_ordinary_contract_is_decided_on_six_months_before_its_end(contract):
    one = contract(ends_on=date(2020, 8, 31))
    assert day_by_day(one, "2020-02-25", "2020-03-05") == [("renewal", "2020-02-29")]


def test_a_provider_who_leaves_is_told_of_at_the_notice_and_before_at_and_after_the_end(contract):
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 9, 25), notice_by="provider")
    assert day_by_day(one, "2020-06-20", "2021-02-10") == [
        ("renewal", "2020-06-30"),
        ("exit_notice", "2020-09-25"),
        ("exit_60", "2020-11-01"),
        ("exit_30", "2020-12-01"),
        ("exit_7", "2020-12-24"),
        ("end", "2021-01-01"),
        ("handover_overdue", "2021-01-31"),
        ("handover_overdue", "2021-02-07"),
    ]
    ServiceContract.objects.filter(pk=one.pk).update(handed_over_on=date(2021, 2, 10))
    assert fire("2021-02-14", one) == []


def test_owners_who_give_notice_on_the_last_day_for_it_are_not_told_twice(contract):
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 11, 1), notice_by="owners")
    fire("2020-10-30", one)
    assert day_by_day(one, "2020-10-31", "2020-11-30") == [("exit_notice", "2020-11-01")]


def test_an_emergency_service_is_followed_by_a_vote_or_by_the_street(contract):
    one = contract(mode="emergency", starts_on=date(2020, 10, 31), ends_on=date(2021, 4, 30))
    assert day_by_day(one, "2020-10-31", "2021-05-31") == [
        ("emergency_60", "2021-03-01"),
        ("emergency_30", "2021-03-31"),
        ("emergency_end", "2021-05-01"),
        ("handover_overdue", "2021-05-31"),
    ]


def test_nothing_is_told_before_the_street_s_midnight(contract):
    one = contract(ends_on=date(2020, 12, 31))
    with at(midnight("2021-01-01") - timedelta(microseconds=1)):
        timers.fire_due()
    assert "end" not in dict(told(one))
    assert fire("2021-01-01", one) == [("end", "2021-01-01")]
    assert timers.end_of(one) == midnight("2021-01-01")


def test_the_day_is_that_of_the_street_s_zone(contract, street):
    one = contract(ends_on=date(2020, 12, 31))
    Street.objects.filter(pk=street.pk).update(timezone="America/New_York")
    assert fire("2021-01-01", one) == [("renewal", "2020-06-30")]
    with at(datetime.fromisoformat("2021-01-01T00:00:00-05:00")):
        timers.fire_due()
    assert dict(told(one))["end"] == "2021-01-01"


def test_reminders_of_an_end_that_is_past_are_not_told(contract):
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 9, 25), notice_by="provider")
    assert fire("2021-01-10", one) == [("end", "2021-01-01")]


def test_reminders_that_were_missed_are_told_late_while_they_have_sense(contract):
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 9, 25), notice_by="provider")
    assert dict(fire("2020-12-10", one)) == {
        "renewal": "2020-06-30", "exit_notice": "2020-09-25", "exit_60": "2020-11-01", "exit_30": "2020-12-01",
    }  # fmt: skip


def test_repetitions_that_were_missed_are_told_once(contract):
    one = contract(ends_on=date(2020, 12, 31))
    assert dict(fire("2021-03-01", one)) == {"end": "2021-01-01", "handover_overdue": "2021-02-28"}
    assert fire("2021-03-06", one) == []
    assert fire("2021-03-07", one) == [("handover_overdue", "2021-03-07")]


def test_nothing_is_handed_over_where_the_provider_goes_on(contract, street):
    one = contract(ends_on=date(2020, 12, 31))
    ServiceContract.objects.create(
        street=street, code="Z2", provider=one.provider, kind="property", area=one.area, starts_on=date(2021, 1, 1)
    )
    fire("2020-12-30", one)
    assert day_by_day(one, "2020-12-31", "2021-02-10") == [("end", "2021-01-01")]


def test_another_end_has_moments_of_its_own(contract):
    one = contract(ends_on=date(2020, 12, 31))
    assert fire("2020-07-01", one) == [("renewal", "2020-06-30")]
    ServiceContract.objects.filter(pk=one.pk).update(ends_on=date(2021, 3, 31))
    assert fire("2020-09-29", one) == []
    assert fire("2020-09-30", one) == [("renewal", "2020-09-30")]


def test_a_maintainer_s_contract_ends_and_has_no_other_moments(contract):
    one = contract(kind="lift", ends_on=date(2020, 12, 31), notice_on=date(2020, 12, 1), notice_by="provider")
    assert day_by_day(one, "2020-11-01", "2021-02-10") == [("end", "2021-01-01")]


def test_a_firing_says_whom_it_concerned(contract):
    one = contract(area=Area.objects.get(code="A01"), ends_on=date(2021, 1, 1), code="Z9")
    fire("2021-01-02", one)
    row = ContractFiring.objects.get(contract=one, rung="end")
    named = list(Organisation.objects.filter(pk__in=row.concerned).values_list("code", flat=True))
    assert sorted(named) == ["pmc-a01", "po-a01", "section-property"]
    assert row.concerned[0] == Organisation.objects.get(code="section-property").pk
    assert row.fired_at == midnight("2021-01-02")


def test_a_provider_without_people_is_told_through_its_head_office_and_without_one_through_the_street(contract):
    empty = Organisation.objects.get(name="银杏树月泉家园项目部")
    one = contract(provider=empty, ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    assert ContractFiring.objects.get(contract=one, rung="end").concerned == [
        Organisation.objects.get(code="section-property").pk, empty.parent_id,
    ]  # fmt: skip
    other = contract_without_people(one)
    fire("2021-01-01", other)
    assert ContractFiring.objects.get(contract=other, rung="end").concerned == [
        Organisation.objects.get(code="section-property").pk
    ]


def contract_without_people(one):
    operator = Organisation.objects.get(code="co-tongda")
    return ServiceContract.objects.create(
        street=one.street, code="Z3", provider=operator, kind="property", area=one.area, starts_on=one.starts_on,
        ends_on=one.ends_on,
    )  # fmt: skip


def test_a_rung_is_remembered_once_whoever_writes(contract):
    one = contract(ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    again = ContractFiring(
        street=one.street, contract=one, rung="end", due_on=date(2021, 1, 1), fired_at=timezone.now()
    )
    with pytest.raises(IntegrityError, match="contractfiring_once"), transaction.atomic():
        again.save()


def test_the_task_fires_by_the_real_time_and_twice_does_no_harm(contract):
    one = contract(ends_on=timezone.localdate() - DAY)
    fire_contracts()
    fire_contracts()
    assert [rung for rung, _ in told(one)] == ["end"]
    assert timezone.now() - LastSweep.objects.get(name=timers.SWEEP).at < timedelta(minutes=1)


def test_every_rung_says_what_to_do_in_both_languages():
    for code, words in timers.TODO.items():
        chinese = str(words)
        with translation.override("en"):
            assert str(words) != chinese, code


# Who is shown them.


@pytest.fixture
def ask(at_api):
    """`ask("desk_officer", limit=2)` is the status and the JSON of the answer."""

    def get(key, language="zh-hans", **query):
        response = at_api(key).get("/api/v1/contracts/timers", query, headers={"Accept-Language": language})
        return response.status_code, response.json()

    return get


def test_staff_of_the_street_read_what_has_come_page_by_page(contract, ask):
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 9, 25), notice_by="provider")
    for day in ("2020-12-20", "2020-12-24", "2021-01-01", "2021-01-31"):
        fire(day, one)
    found, cursor = [], {}
    while True:
        status, body = ask("property_officer", limit=2, **cursor)
        assert status == 200
        found += [row for row in body["results"] if row["contract"]["code"] == "Z"]
        if not body["next_cursor"]:
            break
        cursor = {"cursor": body["next_cursor"]}
    expected = sorted(told(one), key=lambda row: row[1], reverse=True)
    assert [(row["rung"], row["due_on"]) for row in found] == expected
    late = found[0]
    assert late["rung"] == "handover_overdue"
    assert late["todo"].startswith("逾期未完成交接")
    assert late["article"] == "R 76, 97"
    assert (late["contract"]["place"], late["contract"]["ends_on"]) == ("测试区域", "2020-12-31")
    _, english = ask("property_officer", language="en", limit=1)
    assert english["results"][0]["todo"].startswith("The handover is overdue")


@pytest.mark.parametrize("key", ["resident", "dispatcher", "chair", "traffic_liaison"])
def test_nobody_else_reads_them(contract, ask, key):
    fire("2021-01-01", contract(ends_on=date(2020, 12, 31)))
    status, body = ask(key)
    assert (status, body["code"]) == (403, "not_permitted")
    assert "results" not in body


def test_another_street_s_are_not_there(contract, ask):
    other = Street.objects.create(code="other", name="另一街道")
    with at(midnight("2021-01-01")):
        theirs = ServiceContract.objects.create(
            street=other, code="OTHER", provider=Organisation.objects.get(code="utility-water"), kind="utility",
            starts_on=date(2019, 1, 1), ends_on=date(2020, 12, 31),
        )  # fmt: skip
        timers.fire_due()
    assert told(theirs) == [("end", "2021-01-01")]
    _, body = ask("property_officer", limit=100)
    assert "OTHER" not in {row["contract"]["code"] for row in body["results"]}


def test_the_contract_s_page_shows_them_and_lets_nobody_write_them(client, cast, contract):
    one = contract(ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    client.force_login(cast["administrator"])
    page = client.get(reverse("admin:community_servicecontract_change", args=[one.pk])).content.decode()
    assert "未结工单改派现服务单位" in page
    assert "物业专班" in page
    assert 'name="firings-0-rung"' not in page
    assert ContractFiring not in site._registry


def messages_of(contract, **which):
    """What was told of the contract."""
    kinds = {one.rung: uuid.uuid5(contract.pk, f"{one.rung} {one.due_on}") for one in contract.firings.all()}
    return Message.objects.filter(key__in=kinds.values(), **which)


def test_a_rung_is_told_once_to_those_who_answer_for_whom_it_concerns(contract, cast, street):
    committee = Organisation.objects.get(code="pmc-a01")
    area = Area.objects.create(street=street, code="Z02", name="测试片区", committee=committee, residential_type="old")
    one = contract(ends_on=date(2020, 12, 31), area=area)
    for _ in range(2):
        with at(midnight("2021-01-01")):
            timers.fire_due()
    (row,) = one.firings.all()
    assert row.rung == "end"
    found = messages_of(one)
    assert sorted(found.values_list("person", flat=True)) == sorted(
        cast[key].pk for key in ("property_officer", "chair", "manager")
    )
    for message in found:
        assert (message.kind, message.topic, message.street_id) == ("contract.end", "oversight", street.pk)
        assert (message.at, message.inbox) == (row.fired_at, True)
        assert message.title == "服务合同已结束：测试片区"
        for words in (one.code, one.provider.name, "2020年12月31日", "督促三十日内完成交接"):
            assert words in message.body


def test_a_firing_that_two_sweeps_write_is_told_once(contract):
    one = contract(ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    (row,) = one.firings.all()
    before = set(messages_of(one).values_list("pk", flat=True))
    timers.tell([timers.firing(one, row.rung, row.due_on, timezone.now(), row.concerned)])
    assert set(messages_of(one).values_list("pk", flat=True)) == before
    assert one.firings.count() == 1


def test_the_robots_of_whom_it_concerns_are_told(contract):
    one = contract(ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    (row,) = one.firings.all()
    assert timers.letter(row, {}).organisations == row.concerned
    assert len(row.concerned) > 1


def test_a_reader_of_english_is_told_in_english(contract, cast):
    cast["manager"].language = "en"
    cast["manager"].save(update_fields=["language"])
    one = contract(ends_on=date(2020, 12, 31), notice_on=date(2020, 9, 25), notice_by="provider")
    fire("2020-11-01", one)
    message = messages_of(one, kind="contract.exit_60").get(person=cast["manager"])
    assert message.topic == "reminder"
    assert message.title == f"The provider leaves in sixty days: {one.area.name}"
    assert "2020-12-31" in message.body
    assert "choose a new one" in message.body


def test_an_organisation_without_anybody_who_answers_has_all_its_members_told(contract, cast):
    Membership.objects.filter(organisation__code="po-a01", role="manager").update(ends_on=date(2020, 11, 1))
    one = contract(ends_on=date(2020, 12, 31))
    fire("2021-01-01", one)
    people = set(messages_of(one).values_list("person", flat=True))
    assert people == {cast[key].pk for key in ("property_officer", "dispatcher", "worker")}


def test_every_rung_has_words_in_both_languages_that_name_its_facts_alone():
    kinds = {f"{timers.KIND}{rung}" for rung in timers.TODO}
    for language in ("zh-hans", "en"):
        wordings = timers.CATALOGUE.kinds(language)
        assert set(wordings) - {"*"} == kinds
        for shapes in wordings.values():
            for shape, words in shapes.items():
                assert list(problems(words, shape, timers.FACTS)) == []


def test_a_firing_that_cannot_be_told_is_not_remembered(contract, monkeypatch):
    one = contract(ends_on=date(2020, 12, 31))
    monkeypatch.setattr(timers, "CATALOGUE", Catalogue(Path("/nowhere")))
    with at(midnight("2021-01-01")), pytest.raises(FileNotFoundError):
        timers.fire_due()
    assert told(one) == []


def test_telling_costs_the_same_for_one_contract_and_for_many(contract):
    def firing(day):
        with at(midnight(day)), statements() as made:
            timers.fire_due()
        # How the post finds its ways is not the timers' business.
        return sum("community_" in sql for sql in made)

    timers.fire_due()
    contract(ends_on=date(2020, 12, 31))
    one = firing("2021-01-01")
    for number in range(3):
        ServiceContract.objects.create(
            street=Street.objects.get(code="xueyuanlu"), code=f"Y{number}", kind="property", mode="contracted",
            starts_on=date(2019, 1, 1), ends_on=date(2020, 12, 31), area=Area.objects.get(code="Z01"),
            provider=Organisation.objects.get(code="po-a02"),
        )  # fmt: skip
    assert firing("2021-01-01") == one


@pytest.mark.parametrize(("day", "news"), [("2021-02-01", True), ("2021-02-02", False)])
def test_of_a_contract_that_ended_long_ago_nobody_is_told(contract, day, news):
    one = contract(ends_on=date(2020, 12, 31), handed_over_on=date(2021, 1, 10))
    assert fire(day, one) == [("end", "2021-01-01")]
    assert messages_of(one).exists() == news

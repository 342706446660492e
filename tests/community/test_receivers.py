"""Who receives for an organisation; and that whoever asks, is told the same of whether it is there and has somebody."""

from datetime import UTC, date, datetime

import pytest

from community.actors import by_person
from community.models import Membership, Organisation, Person, Street
from community.receivers import is_there, local_day, receivers, receives
from community.serving import who_serves

pytestmark = pytest.mark.django_db
NOON = datetime(2021, 6, 1, 4, tzinfo=UTC)
DAY = date(2021, 6, 1)


@pytest.fixture
def office():
    """The project office of 14 Xueyuan Road, whose head office is a company of all streets."""
    return Organisation.objects.get(code="po-a01")


def found(organisation, at=NOON):
    """The receiver of one organisation; None where it does not live."""
    return receivers([organisation.pk], at).get(organisation.pk)


def test_an_organisation_with_somebody_receives_for_itself(office, django_assert_num_queries):
    with django_assert_num_queries(1):
        one = found(office)
    assert (one.receiver_id, one.kind, one.street_id) == (office.pk, "project_office", office.street_id)


def test_one_without_anybody_hands_on_to_its_head_office(office):
    Membership.objects.filter(organisation=office).delete()
    assert found(office).receiver_id == office.parent_id


@pytest.mark.parametrize(
    "change", [{"active": False}, {"dissolved_on": date(2021, 6, 1)}, {"founded_on": date(2021, 6, 2)}, None]
)
def test_a_head_office_that_does_not_live_or_has_nobody_receives_nothing(office, change):
    Membership.objects.filter(organisation=office).delete()
    if change is None:
        Person.objects.filter(memberships__organisation=office.parent_id).update(is_active=False)
    else:
        Organisation.objects.filter(pk=office.parent_id).update(**change)
    assert found(office).receiver_id is None
    if change != {"founded_on": date(2021, 6, 2)}:
        home = who_serves(
            street_id=office.street_id, compound_id=office.contracts.get(code="P-A01").area.compounds.get().pk
        )
        head = home.parents.get(office.parent_id)
        assert head is None or not head.staffed


CHANGES = [
    {},
    {"active": False},
    {"dissolved_on": date(2021, 6, 1)},
    {"dissolved_on": date(2021, 6, 2)},
    {"founded_on": date(2021, 6, 1)},
    {"founded_on": date(2021, 6, 2)},
]


def three_answers(cast, at):
    """Whether the chair has the seat, whether the place has a staffed committee, whether it receives: as each is asked."""
    committee = Organisation.objects.get(code="pmc-a01")
    compound = committee.areas.get().compounds.get()
    serving = who_serves(compound_id=compound.pk, at=at)
    row = Organisation.objects.annotate(receives=receives("pk", at), there=is_there("pk", at)).get(pk=committee.pk)
    assert row.there or not row.receives
    seat = committee.pk in {seat.organisation_id for seat in by_person(cast["chair"].pk, at).actor.seats}
    return {
        "actors": seat,
        "serving": serving.committee is not None and serving.committee.staffed,
        "receivers": (one := found(committee, at)) is not None and one.receiver_id == committee.pk,
        "expression": row.receives,
    }


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("hour", [0, 3, 9, 11, 15, 17, 23])
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_all_agree_on_whether_an_organisation_is_there_and_has_somebody(cast, zone, hour, change):
    Street.objects.update(timezone=zone)
    Organisation.objects.filter(code="pmc-a01").update(**change)
    # The chair alone sits there, to the end of that day.
    seats = Membership.objects.filter(organisation__code="pmc-a01")
    seats.exclude(person=cast["chair"]).delete()
    seats.update(starts_on=date(2021, 5, 31), ends_on=date(2021, 6, 1))
    answers = three_answers(cast, datetime(2021, 6, 1, hour, tzinfo=UTC))
    assert len(set(answers.values())) == 1, answers


def test_they_can_disagree_with_yesterday(cast):
    Membership.objects.filter(organisation__code="pmc-a01").update(ends_on=date(2021, 5, 31))
    assert set(three_answers(cast, datetime(2021, 5, 31, 15, tzinfo=UTC)).values()) == {True}
    assert set(three_answers(cast, datetime(2021, 5, 31, 16, tzinfo=UTC)).values()) == {False}


def test_a_shared_organisation_has_the_servers_day(cast):
    Street.objects.update(timezone="America/New_York")
    Membership.objects.filter(person=cast["traffic_liaison"]).update(ends_on=date(2021, 5, 31))
    police = Organisation.objects.get(code="dept-traffic-police")
    for at, there in ((datetime(2021, 5, 31, 15, tzinfo=UTC), True), (datetime(2021, 5, 31, 16, tzinfo=UTC), False)):
        party = who_serves(street_id=Street.objects.get().pk, at=at).parties["traffic_police"]
        assert (found(police, at).receiver_id is not None) == party.staffed == there
        assert bool(by_person(cast["traffic_liaison"].pk, at).actor.seats) == there


def test_an_expression_takes_a_day_as_well(office):
    rows = Organisation.objects.filter(pk=office.pk)
    assert rows.annotate(there=receives("pk", DAY)).get().there
    assert not rows.annotate(there=receives("pk", date(2020, 10, 30))).get().there
    assert local_day(datetime(2021, 5, 31, 16, tzinfo=UTC)) == DAY

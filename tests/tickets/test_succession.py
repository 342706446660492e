"""Who takes the place of a reporter who leaves: whoever is asked and says yes, and nobody with a part in the ticket."""

from datetime import timedelta

import pytest

from community.models import Membership, Organisation, Residency, Street
from tests.people import seat
from tests.tickets.paths import CONTACTED, HOME, Step
from tests.tickets.story import assert_whole, row
from tests.tickets.test_clocks import live, swept
from tickets.models import Follower, Ticket
from tickets.service_level import FILE as SERVICE_LEVEL
from tickets.service_level import Target, assemble, read

pytestmark = pytest.mark.django_db


def seated(scene, who, body, **more) -> None:
    """Let `who` sit in an organisation, and be known as such."""
    seat(scene.cast[who], body, **more)
    scene.known.pop(who, None)


def shared(scene, *steps, category="SV01"):
    """A ticket that the tenant and then the neighbour cosigned, and what happened to it since."""
    return scene.follow(scene.file(category), [("tenant", "cosign", {}), ("neighbour", "cosign", {}), *steps])


WHISTLE: Step = ("desk_officer", "whistle", {"departments": ["dept-traffic-police"], "reason": "配合"})
GIVEN: list[Step] = [
    ("chair", "dispatch", {"holder": "po-a02"}),
    ("desk_officer", "redispatch", {"holder": "po-a01", "co_handlers": ["lift-shengan"], "reason": "更合适"}),
]
HELD = [WHISTLE, *GIVEN]
# Holder, past holder, helpers, the head office and another office of the holder's, who coordinates, and the street.
PARTIES = [
    *("po-a01", "po-a02", "lift-shengan", "dept-traffic-police", "co-tianyueheng", "po-a11"),
    *("pmc-a01", "rc-xuezhi", "section-general", "office"),
]


@pytest.mark.parametrize("code", PARTIES)
def test_nobody_who_sits_with_a_party_is_asked(scene, code):
    seated(scene, "tenant", code)
    ticket = shared(scene, *HELD)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk
    assert scene.refused("tenant", ticket, "succeed") == "not_permitted"


def test_nobody_who_sits_in_an_office_of_a_company_with_a_part_of_its_own_is_asked(scene):
    seated(scene, "tenant", "po-a03")
    given: Step = ("desk_officer", "redispatch", {"holder": "co-linjianli", "reason": "更合适"})
    ticket = shared(scene, GIVEN[0], given)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk
    assert scene.refused("tenant", ticket, "succeed") == "not_permitted"


def test_whoever_left_a_party_since_the_report_is_not_asked_and_whoever_left_before_is(scene):
    ticket = shared(scene, *HELD)
    today = scene.now.date()
    seated(scene, "tenant", "po-a01", ends_on=today)
    seated(scene, "neighbour", "po-a01", ends_on=today - timedelta(days=1))
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk


@pytest.mark.parametrize("code", ["po-a30", "co-yinxingshu"])
def test_whoever_sits_elsewhere_is_asked(scene, code):
    seated(scene, "tenant", code)
    ticket = shared(scene, *HELD)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["tenant"].pk


def test_whoever_sits_with_another_street_s_office_is_asked(scene):
    other = Street.objects.create(code="other", name="另一街道")
    office = Organisation.objects.create(street=other, code="other-office", name="另一街道办事处", kind="street_office")
    seat(scene.cast["tenant"], office)
    ticket = shared(scene, *HELD)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["tenant"].pk


def test_whoever_acted_on_it_for_a_party_is_not_asked_even_if_no_seat_of_theirs_is_left(scene):
    seated(scene, "tenant", "section-property")
    ticket = shared(scene, ("tenant", "whistle", WHISTLE[2]))
    Membership.objects.filter(person=scene.cast["tenant"]).delete()
    scene.known.pop("tenant", None)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk


def test_a_worker_of_the_accused_never_becomes_the_reporter_of_the_complaint(scene):
    worker = scene.cast["worker"]
    home = Residency.objects.filter(compound__name=HOME, confirmed_at__isnull=False)[0]
    confirmed = {"confirmed_through": home.confirmed_through, "confirmed_at": home.confirmed_at}
    moved_in = {"street": home.street, "compound": home.compound, "relation": "tenant", "starts_on": "2021-01-01"}
    Residency.objects.create(person=worker, **moved_in, **confirmed)
    scene.known.clear()
    ticket = scene.file("SV01", type="complaint")
    scene.do("worker", ticket, "cosign")
    scene.do("desk_officer", ticket, "correct", accused=str(scene.codes["po-a01"]), reason="反映的就是它")
    scene.do("resident", ticket, "withdraw")
    assert (row(ticket).reporter_id, row(ticket).successor_id) == (None, None)
    for name in ("succeed", "withdraw", "urge"):
        assert scene.refused("worker", ticket, name) == "not_permitted"
    assert_whole(ticket, "coordinating")


def test_whoever_acted_for_a_party_to_another_ticket_alone_is_asked(scene):
    seated(scene, "tenant", "section-property")
    scene.do("tenant", scene.file(), "whistle", **WHISTLE[2])
    Membership.objects.filter(person=scene.cast["tenant"]).delete()
    scene.known.pop("tenant", None)
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["tenant"].pk


def test_whoever_cosigned_another_ticket_alone_is_not_asked(scene):
    scene.do("tenant", scene.file(), "cosign")
    ticket = scene.follow(scene.file(), [("neighbour", "cosign", {})])
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk


def test_whoever_has_no_account_any_more_is_not_asked(scene):
    ticket = shared(scene)
    tenant = scene.cast["tenant"]
    tenant.is_active = False
    tenant.save(update_fields=["is_active"])
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk


def test_whoever_cosigned_is_asked_before_whose_own_was_merged_into_it_earlier(scene):
    ticket = scene.file()
    scene.do("desk_officer", scene.file(who="tenant"), "merge", into=str(ticket))
    scene.do("neighbour", ticket, "cosign")
    scene.do("resident", ticket, "withdraw")
    assert row(ticket).successor_id == scene.cast["neighbour"].pk


def test_whoever_comes_to_a_party_after_they_were_asked_is_refused(scene):
    ticket = shared(scene, *HELD)
    scene.do("resident", ticket, "withdraw")
    seated(scene, "tenant", "po-a01")
    assert scene.refused("tenant", ticket, "succeed") == "with_a_party"


def test_whoever_took_it_on_loses_it_once_it_accuses_their_own(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    scene.do("tenant", ticket, "succeed")
    seated(scene, "tenant", "po-a01")
    assert "withdraw" in scene.offered("tenant", ticket)
    scene.do("desk_officer", ticket, "correct", accused=str(scene.codes["po-a01"]), reason="反映的就是它")
    with pytest.raises(Ticket.DoesNotExist):
        scene.offered("tenant", ticket)
    assert scene.refused("tenant", ticket, "withdraw") == "not_permitted"


def test_one_after_the_other_is_asked_and_then_the_street_keeps_it(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    assert scene.do("tenant", ticket, "decline_succession").data["asked"] is True
    assert row(ticket).successor_id == scene.cast["neighbour"].pk
    assert scene.refused("tenant", ticket, "succeed") == "not_permitted"
    assert scene.do("neighbour", ticket, "decline_succession").data["asked"] is False
    now = row(ticket)
    assert (now.reporter_id, now.successor_id, now.cosigns, now.state) == (None, None, 2, "coordinating")
    assert "succession" not in live(ticket)
    assert_whole(ticket, "coordinating")


@pytest.mark.parametrize("state", ["coordinating", "in_progress", "replied", "on_account"])
def test_without_an_answer_in_three_working_days_the_street_keeps_it(scene, state):
    ticket = scene.reach(state)
    due_before = row(ticket).next_due_at
    scene.do("resident", ticket, "withdraw")
    asked = live(ticket)["succession"]
    # From a Monday that is a holiday.
    assert asked.due_at.isoformat() == "2025-06-05T16:00:00+00:00"
    assert row(ticket).next_due_at == due_before
    swept(scene, asked.due_at - scene.now - timedelta(minutes=1))
    assert row(ticket).successor_id == scene.cast["tenant"].pk
    swept(scene, timedelta(minutes=1))
    assert (row(ticket).reporter_id, row(ticket).successor_id) == (None, None)
    assert Follower.objects.filter(ticket=ticket, person=scene.cast["tenant"].pk).exists()
    assert scene.refused("tenant", ticket, "succeed") == "not_permitted"


REPLIED: list[Step] = [("dispatcher", "sign", {}), CONTACTED, ("dispatcher", "reply", {"result": "已整改"})]


@pytest.mark.parametrize("code", ["po-a01", "po-a02", "lift-shengan", "co-tianyueheng"])
def test_whoever_works_for_a_handler_rates_and_thanks_for_no_work_of_its_own(scene, code):
    ticket = scene.follow(scene.file("SV01"), [*GIVEN, *REPLIED])
    seated(scene, "resident", code)
    for name, given in (("confirm", {"resolved": True, "rating": 5}), ("thank", {"words": "谢谢", "consent": True})):
        assert scene.refused("resident", ticket, name, **given) == "own_work"
    assert not {"confirm", "thank"} & set(scene.offered("resident", ticket))
    assert "dispute" in scene.offered("resident", ticket)


def test_whoever_works_elsewhere_rates_it(scene):
    ticket = scene.follow(scene.file("SV01"), [*GIVEN, *REPLIED])
    seated(scene, "resident", "po-a30")
    scene.do("resident", ticket, "confirm", resolved=True, rating=5)
    assert row(ticket).rating == 5


def test_a_member_of_the_committee_does_not_rate_what_it_answered_itself(scene):
    ticket = scene.follow(scene.file("SV01"), [("chair", "reply", {"result": "已协调"})])
    seated(scene, "resident", "pmc-a01", role="member")
    assert scene.refused("resident", ticket, "confirm", resolved=True, rating=5) == "own_work"


def test_an_end_ends_the_question_as_well(scene):
    ticket = shared(scene, *GIVEN, ("dispatcher", "sign", {}), CONTACTED, ("dispatcher", "reply", {"result": "已整改"}))
    scene.do("resident", ticket, "withdraw")
    swept(scene, live(ticket)["confirm"].due_at - scene.now)
    now = row(ticket)
    assert (now.state, now.successor_id) == ("closed", None)
    assert_whole(ticket, "closed")


def test_nobody_becomes_the_reporter_of_what_another_left_by_being_named_as_its_contact(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    named = {"contact_phone": scene.cast["worker"].phone, "reason": "号码有误"}
    assert scene.refused("desk_officer", ticket, "correct_contact", **named) == "reporter_left"


def test_who_is_asked_is_nobody_else_s_business(scene):
    ticket = shared(scene)
    event = scene.do("resident", ticket, "withdraw")
    assert str(scene.cast["tenant"].pk) not in str(event.data)


# Taking a cosign back.


def test_a_cosign_is_taken_back_and_may_be_made_again(scene):
    ticket = shared(scene)
    scene.do("tenant", ticket, "uncosign")
    assert (row(ticket).cosigns, Follower.objects.filter(ticket=ticket).count()) == (1, 1)
    assert scene.refused("tenant", ticket, "uncosign") == "not_permitted"
    assert scene.refused("tenant", ticket, "urge") == "not_permitted"
    scene.do("tenant", ticket, "cosign")
    assert row(ticket).cosigns == 2
    assert_whole(ticket, "coordinating")


def test_whoever_is_asked_and_takes_the_cosign_back_has_declined(scene):
    ticket = shared(scene)
    scene.do("resident", ticket, "withdraw")
    scene.do("tenant", ticket, "uncosign")
    assert (row(ticket).successor_id, row(ticket).cosigns) == (scene.cast["neighbour"].pk, 1)
    scene.do("neighbour", ticket, "uncosign")
    assert (row(ticket).successor_id, row(ticket).cosigns) == (None, 0)
    assert "succession" not in live(ticket)
    assert_whole(ticket, "coordinating")


def test_whose_ticket_was_merged_has_no_cosign_to_take_back(scene):
    master, other = scene.file(who="neighbour"), scene.file()
    scene.do("desk_officer", other, "merge", into=str(master))
    assert scene.refused("resident", master, "uncosign") == "not_cosigned"


def test_a_second_voice_is_not_had_by_cosigning_anew(scene):
    ticket = shared(scene, *GIVEN, ("dispatcher", "sign", {}), CONTACTED, ("dispatcher", "reply", {"result": "已整改"}))
    scene.do("tenant", ticket, "dispute", reason="没有")
    assert scene.refused("tenant", ticket, "uncosign") == "spoke_as_cosigner"


def test_a_service_level_of_before_knows_the_question_all_the_same():
    source, targets, rungs = read(SERVICE_LEVEL)
    old = assemble(
        1,
        source,
        [one for one in targets if one.clock != "succession"],
        [one for one in rungs if one[0] != "succession"],
    )
    assert old.budget("succession") == "3wd"
    assert [one.effects for one in old.ladder("succession").rungs] == [("keep",)]
    said = [one for one in targets if one.clock != "succession"]
    own = assemble(1, source, [*said, Target("succession", "", 0, "5wd")], rungs)
    assert own.budget("succession") == "5wd"

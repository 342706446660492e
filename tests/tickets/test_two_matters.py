"""One report about two matters (一单多诉): the street files the second as a ticket of its own, and both name each other."""

import pytest

from notifications.models import Message
from tests.tickets.paths import rows
from tests.tickets.story import assert_whole, clocks, history, row, seen, timeline
from tickets import announce
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(api):
    """A report by phone that holds two matters, and is being coordinated."""
    return api("desk_officer").file(
        "PK01",
        text="车位被占，楼道灯也不亮，电话13811112222",
        spot="3号楼",
        channel="phone",
        contact_name="李大爷",
        contact_phone=api("resident").person.phone,
        compound=str(api("resident").person.residencies.get(ends_on=None).compound_id),
        hidden=True,
    )


def another(api, first, who="desk_officer", **inputs):
    """The second ticket, filed out of the first."""
    version = row(first).version
    path = f"tickets/{first['id']}/moves/file_another"
    answer = api(who).post(path, {"category": "CL03", **inputs}, **{"If-Match": f'"{version}"'})
    return {"id": answer["another"]}


def test_the_second_is_the_reporter_s_as_the_first_and_is_routed_as_any_report(api, first):
    before = Ticket.objects.values().get(pk=first["id"])
    second = another(api, first)
    one, two = row(first), row(second)
    kept = ("reporter_id", "contact_name", "contact_phone", "secrecy", "channel", "type", "text", "spot")
    same = (*kept, "compound_id", "place", "words_hidden")
    assert [getattr(two, name) for name in same] == [getattr(one, name) for name in same]
    assert two.title.endswith(one.place)
    assert (two.state, two.taken_by_id) == ("dispatched", api("desk_officer").person.pk)
    assert (two.filed_out_of_id, one.filed_others) == (one.pk, [two.pk])
    assert two.submitted_at >= one.submitted_at
    assert min(clocks(second).values()) > two.submitted_at
    after = Ticket.objects.values().get(pk=first["id"])
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {"last_event_at"} == {"filed_others", "event_count", "head", "seal"}
    assert_whole(first, "coordinating")
    assert_whole(second, "dispatched")


def test_words_place_and_type_may_be_its_own(api, first, compound):
    elsewhere = str(compound("逸成东苑"))
    given = {"text": "楼道灯不亮", "title": "楼道灯", "type": "complaint", "compound": elsewhere, "category": "CL07"}
    two = row(another(api, first, **given))
    assert (two.text, two.title, two.type, two.spot) == ("楼道灯不亮", "楼道灯", "complaint", "")
    assert str(two.compound_id) == elsewhere
    assert another(api, first, compound=None)["id"]
    assert len(row(first).filed_others) == 2


def test_both_name_each_other_to_staff_and_to_the_reporter(api, first):
    second = another(api, first)
    for reader in ("desk_officer", "resident", "chair"):
        (one,), (two,) = seen(api(reader), first)["linked"], seen(api(reader), second)["linked"]
        assert (one["id"], one["link"], one["state"]) == (second["id"], "another", "dispatched")
        assert (two["id"], two["link"], two["code"]) == (first["id"], "out_of", row(first).code)
    facts = {one["verb"]: one["data"] for one in api("resident").get(f"tickets/{first['id']}/events")["results"]}
    assert facts["file_another"]["another"] == second["id"]
    assert history(second)[0].data["out_of"] == first["id"]
    # Whoever works on the second alone learns nothing of the first.
    assert seen(api("dispatcher"), first) is None
    assert seen(api("dispatcher"), second)["linked"] == []
    answer = api("dispatcher").client.get(f"/api/v1/tickets/{second['id']}/events").content.decode()
    assert first["id"] not in answer


def test_the_reporter_is_told_both_numbers_and_whoever_coordinates_that_there_is_another(api, first):
    announce.tell_outbox()
    known = set(Message.objects.values_list("pk", flat=True))
    second = another(api, first)
    announce.tell_outbox()
    told = Message.objects.exclude(pk__in=known)
    heard = {one.kind: one for one in told.filter(person=api("resident").person)}
    assert set(heard) == {"another.resident", "received.resident"}
    assert row(first).code in heard["another.resident"].body
    assert row(second).code in heard["another.resident"].body
    assert told.filter(kind="another.staff", person=api("chair").person).exists()
    assert row(second).code not in told.get(kind="another.staff", person=api("chair").person).body


def test_the_accused_of_the_first_never_sees_the_second_that_says_the_same(api, accusing):
    second = another(api, accusing)
    assert set(row(second).accused) == set(row(accusing).accused)
    assert row(second).secrecy == "confidential"
    assert row(second).holder_id not in row(accusing).accused
    assert seen(api("dispatcher"), second) is None


def test_a_second_with_words_of_its_own_accuses_nobody_and_names_the_first_to_no_accused(api, accusing):
    second = another(api, accusing, text="楼道没有打扫", type="help")
    assert row(second).accused == []
    assert seen(api("dispatcher"), second)["linked"] == []
    for path in ("", "/events", "/moves"):
        answer = api("dispatcher").client.get(f"/api/v1/tickets/{second['id']}{path}").content.decode()
        assert accusing["id"] not in answer
        assert row(accusing).code not in answer


def test_whom_the_second_accuses_must_be_said_in_words_of_its_own(api, first, organisation):
    before, accused = rows(), organisation("天岳恒学院路14号院项目部")
    problem = api("desk_officer").move(first, "file_another", 400, category="SV01", accused=accused)
    assert problem["errors"][0]["field"] == "accused"
    assert rows() == before
    assert row(another(api, first, category="SV01", accused=accused, text="保安骂人")).accused


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({}, "category"),
        ({"category": "XX99"}, "category"),
        ({"category": "CL03", "text": "\u200b"}, "text"),
        ({"category": "CL03", "compound": "8f0e1c5e-0000-4000-8000-000000000000"}, "compound"),
        ({"category": "CL03", "photos": ["8f0e1c5e-0000-4000-8000-000000000000"]}, "photos"),
        ({"category": "CL03", "on_behalf_of": "reporter"}, "on_behalf_of"),
        ({"category": "CL03", "secrecy": "open"}, "secrecy"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(api, first, inputs, field):
    before = rows()
    assert api("desk_officer").move(first, "file_another", 400, **inputs)["errors"][0]["field"] == field
    assert rows() == before


@pytest.mark.parametrize("who", ["resident", "chair", "dispatcher", "tenant"])
def test_the_street_alone_files_a_second_ticket(scene, who):
    ticket = scene.reach("in_progress")
    assert scene.refused(who, ticket, "file_another", category="CL03") == "not_permitted"


@pytest.mark.parametrize("state", ["closed", "rejected", "merged", "withdrawn", "terminated"])
def test_nothing_is_filed_out_of_what_has_ended(scene, state):
    assert scene.refused("desk_officer", scene.reach(state), "file_another", category="CL03") == "illegal_move"


def test_it_needs_the_version_that_was_read_and_is_done_once_a_key(api, first):
    officer, path = api("desk_officer"), f"tickets/{first['id']}/moves/file_another"
    before = rows()
    officer.post(path, {"category": "CL03"}, 428)
    officer.post(path, {"category": "CL03"}, 412, **{"If-Match": '"99"'})
    assert rows() == before
    headers = {"If-Match": f'"{row(first).version}"', "Idempotency-Key": "k-1"}
    made = officer.post(path, {"category": "CL03"}, **headers)
    assert officer.post(path, {"category": "CL03"}, **headers)["another"] == made["another"]
    assert len(row(first).filed_others) == 1
    assert timeline(officer, first).count("file_another") == 1


def test_photos_go_with_the_second(api, first):
    photo = api("desk_officer").photo()
    second = another(api, first, photos=[photo])
    assert [one["id"] for one in seen(api("resident"), second)["photos"]] == [photo]
    assert seen(api("resident"), first)["photos"] == []

"""A contact in the clear: on record, for as long as the part lasts in which it was asked for, and never out of a kept answer."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image

from tests.statements import undone
from tests.tickets.paths import INPUTS
from tests.tickets.story import history, row, seen
from tests.tickets.test_moves import ALWAYS, FIRST, LEGAL, REFUSED, able
from tickets.access import CHANGES_CONTACT
from tickets.models import Ticket
from tickets.states import State
from web.models import IdempotencyKey
from workflow.moment import at

pytestmark = pytest.mark.django_db

CLEAR, MASKED = "19900000001", "199****0001"
KEY = {"Idempotency-Key": "one"}
REASON = {"reason": "上门前联系。"}


def phone(reader, ticket) -> str | None:
    """The reporter's phone as the reader is shown it."""
    document = seen(reader, ticket)
    return document["contact"]["phone"] if document and document["contact"] else None


def test_whoever_revealed_it_reads_it_until_their_part_ends(api, organisation):
    ticket, dispatcher, officer = api("resident").file("CL03"), api("dispatcher"), api("property_officer")
    assert phone(dispatcher, ticket) == MASKED
    dispatcher.move(ticket, "reveal", **REASON)
    assert phone(dispatcher, ticket) == CLEAR
    # Each for themselves: the event says who saw it.
    assert [phone(api(key), ticket) for key in ("manager", "property_officer")] == [MASKED, MASKED]
    officer.move(ticket, "redispatch", holder=organisation("物业专班"), reason="改派。")
    assert phone(dispatcher, ticket) is None
    # PostgreSQL's own time stands still in a test.
    with at(timezone.now() + timedelta(minutes=1)):
        officer.move(ticket, "redispatch", holder=ticket["holder"], reason="改回。")
    assert phone(dispatcher, ticket) == MASKED


def test_an_end_ends_what_was_revealed_and_a_reopening_does_not_bring_it_back(api):
    ticket, dispatcher, officer = api("resident").file("CL03"), api("dispatcher"), api("property_officer")
    dispatcher.move(ticket, "sign")
    for caller in (dispatcher, officer):
        caller.move(ticket, "reveal", **REASON)
    dispatcher.move(ticket, "contact", result="reached")
    dispatcher.move(ticket, "reply", result="已清运", photos=[dispatcher.photo()])
    assert [phone(one, ticket) for one in (dispatcher, officer)] == [CLEAR, CLEAR]
    api("resident").move(ticket, "confirm", resolved=True, rating=5)
    assert CLEAR not in {phone(one, ticket) for one in (dispatcher, officer)}
    api("resident").move(ticket, "reopen", reason="又满了。")
    assert [phone(one, ticket) for one in (dispatcher, officer)] == [MASKED, MASKED]


def test_what_was_revealed_is_the_first_reporter_s_and_not_that_of_whoever_succeeds(api):
    ticket, dispatcher = api("resident").file("CL03"), api("dispatcher")
    api("tenant").move(ticket, "cosign")
    path = f"tickets/{ticket['id']}/moves/reveal"
    assert dispatcher.post(path, REASON, **KEY)["contact"]["phone"] == CLEAR
    api("resident").move(ticket, "withdraw")
    assert dispatcher.post(path, REASON, **KEY)["contact"] is None
    api("tenant").move(ticket, "succeed")
    assert dispatcher.post(path, REASON, **KEY)["contact"] is None
    theirs = api("tenant").person.phone
    assert phone(dispatcher, ticket) == f"{theirs[:3]}****{theirs[-4:]}"
    assert [one.verb for one in history(ticket)].count("reveal") == 1
    assert dispatcher.post(path, REASON)["contact"]["phone"] == theirs
    assert [one.verb for one in history(ticket)].count("reveal") == 2


@pytest.mark.parametrize("state", State)
def test_every_move_after_which_the_contact_is_another_s_is_known_as_such(scene, state):
    ticket = scene.reach(state)
    before = Ticket.objects.get(pk=ticket)
    for (name, source), legal in LEGAL.items():
        who = next((one for one in ALWAYS if able(one, state, name, legal) and (name, one) not in REFUSED), None)
        if source != state or who is None:
            continue
        with undone():
            scene.follow(ticket, FIRST.get((name, source), []))
            into = {"into": str(scene.file())} if name == "merge" else {}
            scene.do(who, ticket, name, **INPUTS.get(name, {}) | into)
            after = Ticket.objects.get(pk=ticket)
            if (after.contact_name, after.contact_phone) != (before.contact_name, before.contact_phone):
                assert {name, *(step[1] for step in FIRST.get((name, source), []))} & CHANGES_CONTACT, name


# Kept answers.


def test_a_kept_answer_is_told_to_nobody_for_whom_the_ticket_is_no_longer_there(api, organisation):
    resident, dispatcher, desk = api("resident"), api("dispatcher"), api("desk_officer")
    ticket = resident.file("SV01", type="complaint")
    desk.move(ticket, "dispatch", holder=organisation("天岳恒学院路14号院项目部"))
    version = row(ticket).version
    path, guarded = f"tickets/{ticket['id']}/moves/return", {"If-Match": f'"{version}"', **KEY}
    first = dispatcher.post(path, {"reason": "不归我们。"}, **guarded)
    assert dispatcher.post(path, {"reason": "不归我们。"}, **guarded) == first
    desk.move(ticket, "uphold")
    # Whoever had a part reads of its clocks no more, in a kept answer either.
    assert dispatcher.post(path, {"reason": "不归我们。"}, **guarded)["ticket"]["clocks"] is None
    desk.move(ticket, "correct", accused=organisation("天岳恒学院路14号院项目部"), reason="反映的就是它")
    absent = dispatcher.post(path.replace(ticket["id"], str(dispatcher.person.pk)), {"reason": "x"}, 404, **guarded)
    assert dispatcher.post(path, {"reason": "不归我们。"}, 404, **guarded) == absent
    assert IdempotencyKey.objects.filter(caller=dispatcher.person.pk).exists()


def test_the_kept_answer_to_a_filing_is_there_for_as_long_as_the_ticket_is(api):
    resident = api("resident")
    body = {"category": "RP04", "text": "灯坏了。", "secrecy": "confidential"}
    body["compound"] = str(resident.person.residencies.get(ends_on=None).compound_id)
    filed = resident.post("tickets", body, 201, **KEY)
    assert resident.post("tickets", body, 201, **KEY) == filed
    api("dispatcher").move(filed, "sign")
    resident.move(filed, "withdraw")
    assert seen(resident, filed) is None
    resident.post("tickets", body, 404, **KEY)


def test_the_kept_answer_to_an_upload_is_told_to_whoever_sees_the_photo(api, organisation):
    dispatcher, officer = api("dispatcher"), api("property_officer")
    ticket = api("resident").file("CL03")

    def upload():
        content = BytesIO()
        Image.new("RGB", (16, 16)).save(content, "JPEG")
        content.seek(0)
        content.name = "photo.jpg"
        sent = {"file": content, "kind": "progress"}
        return dispatcher.client.post("/api/v1/photos", sent, format="multipart", headers=KEY)

    first = upload()
    assert upload().json() == first.json()
    dispatcher.move(ticket, "sign")
    dispatcher.move(ticket, "progress", text="清运中", photos=[first.json()["id"]])
    assert (upload().status_code, upload()["Idempotent-Replayed"]) == (201, "true")
    officer.move(ticket, "redispatch", holder=organisation("物业专班"), reason="改派。")
    assert upload().status_code == 404

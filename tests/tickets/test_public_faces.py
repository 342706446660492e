"""What neighbours read of others' tickets: nothing that identifies people, and nothing that was hidden."""

import pytest

from tests.tickets.story import history, row, shown
from tickets.models import Ticket

TEXT = "3号楼2单元401漏水，请打13812345678，车是京A12345。"
FACE = "3号楼2单元***漏水，请打***，车是***。"
TITLE = "401室漏水 138 1234 5678"


@pytest.fixture
def told(api):
    return api("resident").file("CL07", title=TITLE, text=TEXT, spot="3号楼2单元401")


def submitted(caller, ticket):
    (event,) = (one for one in caller.get(f"tickets/{ticket['id']}/events")["results"] if one["verb"] == "submit")
    return event["words"]


def test_a_neighbour_reads_no_number_in_any_view(api, told, compound):
    neighbour = api("neighbour")
    shown = neighbour.get(f"tickets/{told['id']}")
    assert (shown["title"], shown["text"]) == ("***室漏水 ***", FACE)
    assert submitted(neighbour, told) == {"title": "***室漏水 ***", "text": FACE}
    home = str(compound("学院路14号院"))
    (listed,) = (
        one for one in neighbour.get("tickets", scope="compound", compound=home)["results"] if one["id"] == told["id"]
    )
    assert listed["title"] == "***室漏水 ***"
    alike = neighbour.get("duplicates", compound=home, category="CL07", text="3号楼漏水")
    assert [one["ticket"]["title"] for one in alike] == ["***室漏水 ***"]


def test_cosigning_shows_no_number_either(api, told):
    neighbour = api("neighbour")
    neighbour.move(told, "cosign")
    shown = neighbour.get(f"tickets/{told['id']}")
    assert (shown["title"], shown["text"], shown["spot"]) == ("***室漏水 ***", FACE, "3号楼2单元***")
    assert submitted(neighbour, told) == {"title": "***室漏水 ***", "text": FACE, "spot": "3号楼2单元***"}
    (listed,) = neighbour.get("tickets", scope="followed")["results"]
    assert listed["title"] == "***室漏水 ***"


def test_what_others_say_later_is_masked_for_followers_too(api, told):
    api("neighbour").move(told, "cosign")
    api("dispatcher").move(told, "sign")
    api("dispatcher").move(told, "contact", result="reached", words="住户电话13812345678")
    events = {one["verb"]: one for one in api("neighbour").get(f"tickets/{told['id']}/events")["results"]}
    assert events["contact"]["words"] == {"words": "住户电话***"}


@pytest.mark.parametrize("who", ["resident", "dispatcher", "desk_officer", "chair"])
def test_the_reporter_and_staff_read_the_words_as_they_are(api, told, who):
    shown = api(who).get(f"tickets/{told['id']}")
    assert (shown["title"], shown["text"]) == (TITLE, TEXT)
    assert shown["face"] == {"title": "***室漏水 ***", "text": FACE, "hidden": False}
    assert submitted(api(who), told)["text"] == TEXT


@pytest.mark.parametrize("words", ["13812345678", "1381", "京A12345", "401"])
def test_nobody_searches_for_what_they_do_not_read(api, told, compound, words):
    api("neighbour").move(told, "cosign")
    home = str(compound("学院路14号院"))
    assert api("desk_officer").get("tickets", scope="street", q=words)["results"]
    for scope in ({"scope": "compound", "compound": home}, {"scope": "followed"}):
        assert api("neighbour").get("tickets", q=words, **scope)["results"] == []
        assert [one["id"] for one in api("neighbour").get("tickets", q="3号楼 漏水", **scope)["results"]] == [
            told["id"]
        ]


def test_likeness_tells_nothing_of_what_is_hidden(api, told, compound):
    asked = {"compound": str(compound("学院路14号院")), "category": "CL07"}
    scores = {
        text: [one["likeness"] for one in api("neighbour").get("duplicates", text=text, **asked)]
        for text in ("13812345678", "13987654321")
    }
    assert scores["13812345678"] == scores["13987654321"]


def test_the_reporter_sees_the_face_before_sending(api, compound):
    asked = {"category": "CL07", "title": TITLE, "text": TEXT, "compound": str(compound("学院路14号院"))}
    before = Ticket.objects.count()
    face = api("resident").post("tickets/face", asked)
    assert face == {"public": True, "title": "***室漏水 ***", "text": FACE, "hidden": False}
    hidden = api("resident").post("tickets/face", {**asked, "hidden": True})
    assert (hidden["text"], hidden["hidden"]) == (None, True)
    assert "学院路14号院" in hidden["title"]
    assert api("resident").post("tickets/face", {**asked, "secrecy": "anonymous"})["public"] is False
    assert api("resident").post("tickets/face", {**asked, "category": "NB02"})["public"] is False
    assert api("resident").post("tickets/face", {**asked, "text": ""}, 400)["code"] == "invalid"
    assert Ticket.objects.count() == before


def test_a_reporter_hides_their_words_and_shows_them_again(api, told, compound):
    api("neighbour").move(told, "cosign")
    api("resident").move(told, "hide_words", hidden=True)
    shown = api("neighbour").get(f"tickets/{told['id']}")
    assert (shown["text"], shown["spot"]) == (None, None)
    assert "漏水" not in shown["title"]
    assert submitted(api("neighbour"), told) == {}
    home = str(compound("学院路14号院"))
    for scope in ({"scope": "compound", "compound": home}, {"scope": "followed"}):
        (listed,) = (one for one in api("neighbour").get("tickets", **scope)["results"] if one["id"] == told["id"])
        assert "漏水" not in listed["title"]
        assert api("neighbour").get("tickets", q="漏水", **scope)["results"] == []
    assert api("dispatcher").get(f"tickets/{told['id']}")["text"] == TEXT
    api("resident").move(told, "hide_words", hidden=False)
    assert api("neighbour").get(f"tickets/{told['id']}")["text"] == FACE
    assert [one.data["hidden"] for one in history(told) if one.verb == "hide_words"] == [True, False]


def test_words_are_hidden_from_the_first_moment_on(api):
    ticket = api("resident").file("CL07", title=TITLE, text=TEXT, hidden=True)
    shown = api("neighbour").get(f"tickets/{ticket['id']}")
    assert shown["text"] is None
    assert "漏水" not in shown["title"]
    assert history(ticket)[0].data["hidden"] is True


def test_hidden_words_stay_hidden_when_their_writer_has_left(api):
    resident, neighbour = api("resident"), api("neighbour")
    ticket = resident.file("CL07", title=TITLE, text=TEXT, hidden=True)
    neighbour.move(ticket, "cosign")
    resident.move(ticket, "comment", text="我家在三层，晚上都在。")
    neighbour.move(ticket, "comment", text="我们这边也漏。")

    def read():
        told = neighbour.get(f"tickets/{ticket['id']}/events", limit=100)["results"]
        return [one["words"] for one in told if one["verb"] in ("submit", "comment", "withdraw")]

    assert read() == [{}, {}, {"text": "我们这边也漏。"}]
    resident.move(ticket, "withdraw", reason="我已搬到外地。")
    assert not any(read())


def test_the_street_redacts_with_an_event(api, told):
    api("dispatcher").move(told, "sign")
    api("dispatcher").move(told, "progress", text="已与张先生约好。")
    api("desk_officer").move(told, "redact", title="漏水", text="楼道漏水。", reason="含住户信息")
    shown = api("neighbour").get(f"tickets/{told['id']}")
    assert (shown["title"], shown["text"]) == ("漏水", "楼道漏水。")
    assert submitted(api("neighbour"), told) == {"title": "漏水", "text": "楼道漏水。"}
    event = history(told)[-1]
    assert (event.verb, event.words.body) == ("redact", {"title": "漏水", "text": "楼道漏水。", "reason": "含住户信息"})
    assert api("resident").get(f"tickets/{told['id']}")["text"] == TEXT
    assert "redact" not in {one["verb"] for one in api("resident").get(f"tickets/{told['id']}/events")["results"]}


def test_the_street_takes_the_words_of_one_event_away(api, told):
    api("neighbour").move(told, "cosign")
    api("dispatcher").move(told, "sign")
    api("dispatcher").move(told, "progress", text="已与张先生约好。")
    seq = history(told)[-1].seq
    api("desk_officer").move(told, "redact", events=[seq], reason="含住户姓名")
    events = {one["seq"]: one for one in api("neighbour").get(f"tickets/{told['id']}/events")["results"]}
    assert events[seq]["words"] == {}
    assert api("chair").get(f"tickets/{told['id']}/events")["results"][seq - 1]["words"] == {"text": "已与张先生约好。"}


def test_what_the_street_hid_the_reporter_does_not_show(api, told):
    api("desk_officer").move(told, "redact", hidden=True, reason="涉及他人隐私")
    before = row(told)
    assert api("resident").move(told, "hide_words", 409, hidden=False)["code"] == "hidden_by_street"
    assert row(told) == before
    api("desk_officer").move(told, "redact", hidden=False, reason="已核实")
    assert api("neighbour").get(f"tickets/{told['id']}")["text"] == FACE


@pytest.mark.parametrize("who", ["neighbour", "dispatcher", "chair", "resident"])
def test_nobody_but_the_street_redacts(api, told, who):
    before = row(told)
    api(who).move(told, "redact", 403, text="x", reason="x")
    assert row(told) == before


def test_a_redaction_says_what_it_redacts(api, told):
    assert api("desk_officer").move(told, "redact", 400, reason="x")["code"] == "invalid"
    assert [one.verb for one in history(told)] == ["submit"]


def test_a_category_without_a_face_is_read_by_no_neighbour(api, compound):
    ticket = api("resident").file("NB02", title="楼上太吵", text="每天半夜跳绳。")
    api("neighbour").get(f"tickets/{ticket['id']}", 404)
    home = str(compound("学院路14号院"))
    assert ticket["id"] not in {
        one["id"] for one in api("neighbour").get("tickets", scope="compound", compound=home)["results"]
    }
    assert api("neighbour").get("duplicates", compound=home, category="NB02", text="楼上太吵") == []
    api("neighbour").move(ticket, "cosign", 404)
    assert api("desk_officer").get(f"tickets/{ticket['id']}")["face"] is None
    assert api("resident").get(f"tickets/{ticket['id']}")["text"] == "每天半夜跳绳。"


def test_a_ticket_that_turns_out_to_be_of_such_a_category_loses_its_face(api):
    ticket = api("resident").file("SV01", title="保安态度差")
    api("neighbour").get(f"tickets/{ticket['id']}")
    api("desk_officer").move(ticket, "correct", category="NB02", reason="实为邻里噪音")
    api("neighbour").get(f"tickets/{ticket['id']}", 404)


def test_the_catalogue_says_which_categories_have_a_face(api):
    leaves = {
        leaf["code"]: leaf["public_face"]
        for group in api("resident").get("categories")["groups"]
        for leaf in group["categories"]
    }
    private = {"NB01", "NB02", "NB06", "NB07", "IL01", "IL02", "IL04", "IL05", "IL06"}
    assert {code for code, public in leaves.items() if not public} == private


@pytest.mark.parametrize("category", ["NB01", "NB06", "NB07", "IL02", "IL05"])
def test_what_accuses_people_next_door_is_read_by_no_neighbour(api, compound, category):
    ticket = api("resident").file(category, title="楼上那家", text="楼上那家姓王的。")
    api("neighbour").get(f"tickets/{ticket['id']}", 404)
    home = str(compound("学院路14号院"))
    assert ticket["id"] not in {
        one["id"] for one in api("neighbour").get("tickets", scope="compound", compound=home)["results"]
    }
    api("neighbour").move(ticket, "cosign", 404)
    assert api("resident").get(f"tickets/{ticket['id']}")["face"] is None


def pictures(caller, ticket, scope):
    """The photos that a ticket shows somebody, and the picture of its row in a list."""
    (listed,) = (one for one in caller.get("tickets", scope=scope)["results"] if one["id"] == ticket["id"])
    return [one["id"] for one in caller.get(f"tickets/{ticket['id']}")["photos"]], listed["thumb"]


def assert_shown(caller, ticket, visible, withheld, scope="followed"):
    """Exactly these photos are shown to the caller, in the ticket, in the list and by their addresses."""
    ids, thumb = pictures(caller, ticket, scope)
    assert sorted(ids) == sorted(visible)
    assert thumb == (f"/api/v1/photos/{visible[0]}/thumb" if visible else None)
    for photos, status in ((visible, 200), (withheld, 404)):
        for one in photos:
            for address in (f"/api/v1/photos/{one}", f"/api/v1/photos/{one}/thumb"):
                answer = caller.client.get(address)
                answer.getvalue()
                assert answer.status_code == status, address


@pytest.fixture
def pictured(api):
    """A ticket with a photo of its reporter's and one of the work, and somebody who cosigned it."""
    resident, dispatcher = api("resident"), api("dispatcher")
    reported = resident.photo("report")
    ticket = resident.file("CL07", text="漏水，见照片。", photos=[reported])
    api("neighbour").move(ticket, "cosign")
    dispatcher.move(ticket, "sign")
    worked = dispatcher.photo("progress")
    dispatcher.move(ticket, "progress", text="已到场。", photos=[worked])
    return ticket, reported, worked


@pytest.mark.parametrize(
    ("who", "inputs"),
    [
        ("resident", {"verb": "hide_words", "hidden": True}),
        ("desk_officer", {"verb": "redact", "hidden": True, "reason": "涉及他人隐私"}),
        ("desk_officer", {"verb": "redact", "text": "楼道漏水。", "reason": "含住户信息"}),
    ],
)
def test_where_the_words_of_a_report_are_covered_its_photos_are_not_shown_either(api, pictured, who, inputs):
    ticket, reported, worked = pictured
    neighbour = api("neighbour")
    assert_shown(neighbour, ticket, [reported, worked], [])
    api(who).move(ticket, inputs.pop("verb"), **inputs)
    assert_shown(neighbour, ticket, [worked], [reported])
    # The parties see what they saw.
    assert_shown(api("resident"), ticket, [reported, worked], [], scope="mine")
    for staff in ("dispatcher", "desk_officer", "chair"):
        assert shown(api(staff), reported)
    if who == "resident":
        api(who).move(ticket, "hide_words", hidden=False)
        assert_shown(neighbour, ticket, [reported, worked], [])


def test_the_photos_of_a_redacted_event_are_not_shown(api, pictured):
    ticket, reported, worked = pictured
    api("desk_officer").move(ticket, "redact", events=[history(ticket)[-1].seq], reason="拍到住户")
    assert_shown(api("neighbour"), ticket, [reported], [worked])
    assert_shown(api("resident"), ticket, [reported, worked], [], scope="mine")

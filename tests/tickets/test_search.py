"""Words find tickets whatever their width, case and spaces; a number finds its ticket in whatever words it stands."""

from importlib import import_module
from urllib.parse import quote

import pytest
from django.db import connection

from tests.statements import nodes
from tests.tickets.story import copies, row
from tickets.codes import new_code
from tickets.models import Assignment, SearchDocument, Ticket
from tickets.search import NEAR, Search, Wanted

pytestmark = pytest.mark.django_db


def found(caller, words, path="tickets?scope=street"):
    """The ids that the words find."""
    rows = caller.client.get(f"/api/v1/{path}{'&' if '?' in path else '?'}q={quote(words)}").json()["results"]
    return [one.get("ticket", one)["id"] for one in rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("在３号楼门口", "3号楼"),
        ("在3号楼门口", "３号楼"),
        ("ＡＢＣ单元", "abc"),
        ("abc单元", "ＡＢＣ"),
        ("学院路 14 号院", "学院路１４号院"),
        ("学院路１４号院", "学院路 14 号院"),
        ("学院路\u300014\u200b号院", "路14号"),
        ("The LIFT is stuck", "lift"),
        ("the lift is stuck", "LIFT"),
        ("ÉLÉVATEUR en panne", "élévateur"),
        ("x² 那栋", "X2"),
        ("100%_的\\线", "%_的\\"),
        ("车", "车"),
    ],
)
def test_words_are_found_whatever_their_width_case_and_spaces(api, text, words):
    ticket = api("resident").file("CL07", text=text, title="标题")
    other = api("resident").file("CL07", text="别的事", title="标题")
    officer = api("property_officer")
    assert ticket["id"] in found(officer, words)
    assert other["id"] not in found(officer, words)
    assert found(api("resident"), words, "tickets") == [ticket["id"]]


def test_nine_letters_that_could_be_a_number_are_searched_in_texts(api):
    word = next(one for one in (new_code() for _ in range(9)) if not Ticket.objects.filter(code=one).exists())
    ticket = api("resident").file("CL07", text=f"牌子上写着{word.lower()}", title="标题")
    assert found(api("property_officer"), word) == [ticket["id"]]


@pytest.mark.parametrize(
    "words", ["{}", "编号 {}", "编号：{}", "#{}", "{}。", "工单{}，请查", "{0:.4}-{1}", "ｎｏ．{}"]
)
def test_a_number_finds_its_ticket_in_whatever_words_it_stands(api, words):
    ticket = api("resident").file("CL07")
    api("resident").file("CL07")
    code = ticket["code"]
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code)
    for spelled in (code, code.lower(), wide):
        assert found(api("property_officer"), words.format(spelled, spelled[4:])) == [ticket["id"]], spelled


def test_a_whole_number_is_found_whatever_filters_stand(api):
    ticket = api("resident").file("CL07")
    api("resident").move(ticket, "withdraw")
    officer, dispatcher, code = api("property_officer"), api("dispatcher"), ticket["code"]
    for filters in ("status=open", "state=returning&level=5", "urgent=true&sort=level", "worker=me"):
        assert found(officer, code, f"tickets?scope=street&{filters}") == [ticket["id"]]
    assert found(dispatcher, code, "queue?role=co_handler") == []
    assert found(dispatcher, code, "queue?status=open&level=3") == [ticket["id"]]
    # What one may not see, one does not find by its number either.
    assert found(api("outsider"), code, "tickets?scope=street&status=all") == []
    secret = api("resident").file("SV01", type="complaint", secrecy="confidential")
    assert found(dispatcher, secret["code"], "queue") == []


def test_whoever_sees_it_whole_finds_it_by_spot_and_hotline_number(api, compound):
    ticket = api("desk_officer").file(
        "CL07", channel="hotline", compound=str(compound("学院路14号院")), spot="东门岗亭旁", contact_phone="19900000001",
        contact_name="李大爷", hotline_number="DH20261130-77",
    )  # fmt: skip
    for words in ("岗亭", "dh20261130-77", "ＤＨ２０２６"):
        assert found(api("property_officer"), words) == [ticket["id"]]
        assert found(api("chair"), words, "tickets?scope=area") == [ticket["id"]]
        assert found(api("neighbour"), words, f"tickets?scope=compound&compound={row(ticket).compound_id}") == []
    dispatcher = api("dispatcher")
    assert found(dispatcher, "岗亭", "queue") == [ticket["id"]]
    dispatcher.move(ticket, "return", reason="不归我们。")
    api("property_officer").move(ticket, "uphold")
    assert found(dispatcher, "岗亭", "queue?status=ended") == []


@pytest.mark.parametrize("words", ["138", "19900000001", "找我１３８", "京A12345"])
def test_neighbours_find_no_numbers_that_they_see_masked(api, words):
    ticket = api("resident").file("CL07", text="找我13800001234，19900000001，车京A12345", title="标题")
    home = row(ticket).compound_id
    assert found(api("neighbour"), words, f"tickets?scope=compound&compound={home}") == []
    assert found(api("neighbour"), "找我", f"tickets?scope=compound&compound={home}") == [ticket["id"]]
    assert found(api("property_officer"), words) == [ticket["id"]]


def test_a_page_of_a_common_word_and_of_a_rare_one_is_what_the_whole_list_begins_with(api, filed):
    made = copies(filed, NEAR * 25 + 60, text="常见词")
    Ticket.objects.filter(pk__in=[one.pk for one in made[::30]]).update(text="常见词，也有少见字样")
    officer = api("property_officer")
    for words in ("常见词", "少见字样", "字样 常见"):
        rows = Ticket.objects.filter(street=row(filed).street_id).open()
        whole = rows.filter(Search.whole(Wanted.read(words)).holds()).order_by("next_due_at", "id")
        page = officer.get("tickets", scope="street", q=words, limit=10)
        seen = [one["id"] for one in page["results"]]
        second = officer.get("tickets", scope="street", q=words, limit=10, cursor=page["next_cursor"])
        seen += [one["id"] for one in second["results"]]
        assert seen == [str(one) for one in whole.values_list("pk", flat=True)[: len(seen)]]
        assert len(seen) == 20


def test_the_index_of_grams_is_the_one_that_the_search_asks(api, filed):
    copies(filed, 2000, text="常见词")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tickets_ticket, tickets_searchdocument")
        # Until they are moved into the index, new grams stand in a list beside it.
        cursor.execute("SELECT gin_clean_pending_list('ticket_grams_3')")
    plan = Ticket.objects.filter(Search.whole(Wanted.read("蚊子")).indexed()).explain()
    assert "ticket_grams_3" in plan


@pytest.mark.parametrize("listed", [Ticket.objects.open(), Assignment.objects.open()], ids=["tickets", "parts"])
def test_a_rare_word_is_gathered_from_the_index_before_the_list_is_walked_through(filed, listed):
    prefix = "" if listed.model is Ticket else "ticket__"
    search = Search.whole(Wanted.read("没有这样的词"), prefix)
    sql, parameters = search.first(listed, ("next_due_at", "id"), 26).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        ((plan,),) = cursor.fetchone()
    (index,) = (one for one in nodes(plan["Plan"]) if one.get("Index Name") == "ticket_grams_3")
    (gathering,) = (
        one for one in nodes(plan["Plan"]) if index in list(nodes(one)) and "InitPlan" in one.get("Subplan Name", "")
    )
    # It stands by itself: nothing of the list is in it, and it is done once.
    assert {one["Relation Name"] for one in nodes(gathering) if "Relation Name" in one} == {"tickets_searchdocument"}


def test_a_search_document_is_what_the_ticket_says_whoever_writes_it(filed):
    ticket = row(filed)
    documents = SearchDocument.objects.filter(ticket=ticket.pk)
    Ticket.objects.filter(pk=ticket.pk).update(
        title="Ｄoor Ａ", text="it　is\nOPEN", hotline_number="12345-7", spot="３ 号楼"
    )
    assert documents.get().folded == f"{ticket.code.lower()}\x1fdoora\x1ditisopen\x1e12345-7\x1f3号楼"
    # A column that is not searched leaves it alone.
    documents.update(folded="as it was")
    Ticket.objects.filter(pk=ticket.pk).update(urges=3)
    assert documents.get().folded == "as it was"
    (other,) = copies(filed, 1, text="常见词")
    assert SearchDocument.objects.filter(ticket=other.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tickets_ticket WHERE id = %s", [other.pk])
    assert not SearchDocument.objects.filter(ticket=other.pk).exists()


def test_tickets_from_before_there_were_search_documents_get_theirs(filed):
    others = copies(filed, 3, text="常见词")
    kept, *gone = [row(filed).pk, *(one.pk for one in others)]
    before = dict(SearchDocument.objects.values_list("ticket", "folded"))
    SearchDocument.objects.filter(pk__in=gone).delete()
    SearchDocument.objects.filter(pk=kept).update(folded="newer")
    import_module("tickets.migrations.0026_search_by_document").fill(None, connection.schema_editor())
    assert dict(SearchDocument.objects.values_list("ticket", "folded")) == before | {kept: "newer"}


@pytest.mark.parametrize(
    ("text", "words", "codes"),
    [
        ("", (), 0),
        ("　\u200b ", (), 0),
        ("１４ 号院", ("14", "号院"), 0),
        ("the lift is out", ("the", "lift", "is", "out"), None),
    ],
)
def test_what_is_asked_for_is_read_from_the_words(text, words, codes):
    wanted = Wanted.read(text)
    assert wanted.words == words
    assert bool(wanted) is bool(words)
    assert codes is None or len(wanted.codes) == codes

"""The documents that are drawn from the code are current, and say what the code says."""

import re
import tomllib
from collections import defaultdict
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from notifications.models import Preference
from notifications.models.preferences import CHOSEN
from notifications.preferences import Preferences
from notifications.topics import Topic
from tests.commands import printed
from tests.tickets.test_access import MAY
from tests.tickets.test_moves import LEGAL, OFFICE_READ, PARTIES_READ, STAFF_READ, UNGUARDED
from tickets import service_level
from tickets.access import READS, RELATIONS, SEES_CONTACT, Relation
from tickets.audience import ROLES
from tickets.drawing import DOCUMENTS, sight
from tickets.models import Ticket
from tickets.news import Side
from tickets.notes import NEWS
from tickets.states import ENDED, OPEN, ClockName
from web.words import en, zh
from workflow.moves import moves

DOCS = settings.BASE_DIR / "docs"


def cells(text: str, heading: str) -> list[list[str]]:
    """The rows of the table below a line that begins so, without backquotes."""
    lines = text[text.index(heading) :].splitlines()[2:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return found


def test_the_documents_are_current():
    call_command("draw_states", check=True, stdout=StringIO())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_not_current_is_named_and_then_written(tmp_path, name):
    for document, draw in DOCUMENTS.items():
        (tmp_path / document).write_text(draw() + ("\n" if document == name else ""), "utf-8")
    with pytest.raises(CommandError, match=rf"^Not current: {re.escape(name)}\."):
        call_command("draw_states", check=True, into=tmp_path, stdout=StringIO())
    assert printed("draw_states", into=tmp_path) == f"{name} is written.\n"
    call_command("draw_states", check=True, into=tmp_path, stdout=StringIO())


def test_the_table_of_moves_says_what_the_code_allows_and_nothing_else():
    """Every pair of state and move is in the document, with its ends and its people; and the document has no other."""
    said = {}
    for move, _, _, _, way, who, *_ in cells((DOCS / "moves.md").read_text("utf-8"), "| move |"):
        sources, targets = way.split(" → ")
        for source in OPEN if sources == "any open" else sources.split(", "):
            ends = {str(source) if target == "=" else target for target in targets.split(", ")}
            assert (move, source) not in said
            said[move, str(source)] = (frozenset(ends), frozenset(who.split(", ")))
    assert said == {pair: (legal.targets, legal.who) for pair, legal in LEGAL.items()}


def test_the_table_of_moves_says_what_each_asks_for_and_who_reads_of_it():
    for row in cells((DOCS / "moves.md").read_text("utf-8"), "| move |"):
        move, chinese, english, meaning, _, _, asked, _, _, news, read, version = row
        fields = moves(Ticket)[move].input().fields
        expected = [
            f"{name}{'' if field.required else '?'}" for name, field in fields.items() if name != "on_behalf_of"
        ]
        assert asked.split(", ") == (expected or [""])
        readers = {"office": OFFICE_READ, "internal": STAFF_READ, "parties": PARTIES_READ}
        assert read == next((name for name, those in readers.items() if move in those), "public")
        assert version == ("" if move in UNGUARDED else "yes")
        assert re.search(r"[一-龥]", chinese)
        assert re.fullmatch(r"[A-Za-z ]+", english)
        assert re.fullmatch(r"[A-Z][^.]+\.", meaning)
        assert set(filter(None, news.split(", "))) == {note.side for note in NEWS[move]}


def test_the_table_of_moves_says_by_which_guards_each_is_refused():
    guards = {
        (row[0], row[4].split(" → ")[0]): row[7] for row in cells((DOCS / "moves.md").read_text("utf-8"), "| move |")
    }
    assert guards["reply", "in_progress"] == "not_contacted, steps_remain"
    assert guards["reply", "submitted"] == ""
    assert guards["cosign", "any open"] == "no_public_face, own_ticket, already_following"


def test_the_table_of_access_has_every_relation_with_what_it_sees_reads_and_may():
    rows = cells((DOCS / "access.md").read_text("utf-8"), "| relation |")
    assert [row[0] for row in rows] == list(Relation) == list(RELATIONS)
    for name, _, _, sees, contact, reads, may in rows:
        relation = Relation(name)
        assert sees == sight(relation)
        assert bool(contact) == (relation in SEES_CONTACT)
        assert [one for one in reads.split(", ") if one] == [one for one in READS if relation in READS[one]]
        assert {one for one in may.split(", ") if one} == MAY[relation]


def news(heading: str) -> list[list[str]]:
    """The rows of a table of news."""
    return cells((DOCS / "news.md").read_text("utf-8"), heading)


def listed(cell: str) -> set[str]:
    """What a field lists; nothing where it is empty."""
    return set(filter(None, cell.split(", ")))


def test_the_table_of_news_says_whom_each_move_tells_and_nothing_else():
    said = defaultdict(set)
    for move, chinese, sides, topic, when, ways in news("| move |"):
        assert re.search(r"[一-龥]", chinese)
        if sides == "nobody":
            assert (topic, when, ways) == ("", "", "")
            said[move] = set()
        else:
            said[move] |= {(side, topic, when) for side in listed(sides)}
    expected = {
        verb: {(note.side, note.topic, note.when.words if note.when else "") for note in noted}
        for verb, noted in NEWS.items()
    }
    for verb, topic in (("remind", "reminder"), ("raise_level", "oversight"), ("supervise", "oversight")):
        expected[verb].add(("[whom its ladder names](#ladders)", topic, "its rung names them"))
    expected["urge"] |= {("handler", "work", ""), ("supervisor", "work", "urged before")}
    assert said == expected


@pytest.mark.django_db
def test_the_table_of_news_has_the_channels_by_which_whoever_has_chosen_nothing_hears(cast):
    resident = cast["resident"].pk

    def heard(topic, *, urgent=False):
        preferences = Preferences([resident])
        return {one for one, _ in CHOSEN if preferences.wants(resident, topic, one, urgent=urgent)}

    ways = {topic: by for _, _, _, topic, _, by in news("| move |") if topic}
    for topic, _, _, default, urgent, fixed in news("| topic | 主题 |"):
        assert listed(default) == heard(topic)
        assert ways[topic] == default
        assert listed(default) | listed(urgent) == heard(topic, urgent=True)
        Preference.objects.bulk_create(
            Preference(person=cast["resident"], topic=topic, channel=one, wanted=False) for one, _ in CHOSEN
        )
        assert listed(fixed) == heard(topic, urgent=True)
    assert [row[0] for row in news("| topic | 主题 |")] == list(Topic)


def test_the_table_of_news_has_whom_the_ladders_name():
    named = defaultdict(set)
    for clock, rungs in tomllib.loads(service_level.FILE.read_text("utf-8"))["ladders"].items():
        for rung in rungs:
            for effect in rung["effects"].split():
                named[clock, effect] |= set(rung["audience"].split())
    rows = news("| clock |")
    assert [row[0] for row in rows] == list(ClockName)
    for clock, _, *columns in rows:
        for effect, sides in zip(("supervise", "raise_level", "remind"), columns, strict=True):
            assert listed(sides) == named[clock, effect]


def test_the_table_of_sides_has_them_all_with_who_is_told_of_their_organisations():
    rows = news("| side |")
    assert [row[0] for row in rows] == list(Side)
    assert {side: listed(roles) for side, _, _, roles in rows} == {side: set(ROLES.get(side, ())) for side in Side}


def test_sight_goes_from_the_whole_ticket_to_nothing():
    by_sight = {amount: {one for one in Relation if sight(one) == amount} for amount in ("face", "summary", "")}
    assert by_sight == {"face": {"neighbour"}, "summary": {"past_holder", "next_holder"}, "": {"clock"}}


def pictures() -> list[str]:
    """What stands between the fences of the pictures of states."""
    return re.findall(r"```mermaid\n(.+?)```\n", (DOCS / "moves.md").read_text("utf-8"), re.DOTALL)


def test_the_pictures_have_the_open_states_in_a_frame_and_every_end_outside_one():
    ended = []
    for picture in pictures():
        inside, after = re.search(r" as open \{\n(.+)\n    \}\n(.+)", picture, re.DOTALL).groups()
        framed, outside = (re.findall(r'state "([^"]+)" as (\w+)$', text, re.MULTILINE) for text in (inside, after))
        assert framed == [(f"{zh(one.label)} {en(one.label)}", one) for one in OPEN]
        ended += outside
    assert ended == [(f"{zh(one.label)} {en(one.label)}", one) for one in ENDED]


def test_the_pictures_have_every_move_from_a_state_to_another_once_and_no_other():
    drawn = []
    for source, target, words in re.findall(r"(\w+) --> (\w+): (.+)", "".join(pictures())):
        labels = words.split("<br>")
        for one in OPEN if source == "open" else [source]:
            drawn += [(one, target, *both) for both in zip(labels[::2], labels[1::2], strict=True)]
    made = [
        (source, target, zh(moves(Ticket)[name].label), en(moves(Ticket)[name].label))
        for (name, source), legal in LEGAL.items()
        for target in legal.targets - {source}
    ]
    assert sorted(drawn) == sorted(made)


def test_the_words_in_the_pictures_have_no_sign_that_means_something_to_mermaid():
    words = re.findall(r'"([^"]+)"', "".join(pictures())) + re.findall(r": (.+)", "".join(pictures()))
    assert [one for one in words if re.search(r'[:;"{}#%]', one)] == []


def test_the_table_of_moves_says_which_clocks_each_starts_and_stops():
    clocks = {(row[0], row[4]): row[8] for row in cells((DOCS / "moves.md").read_text("utf-8"), "| move |")}
    assert clocks["sign", "dispatched → in_progress"] == "−sign"
    assert clocks["dispatch", "submitted → dispatched"] == "+sign +contact +arrive +handle −triage"
    assert clocks["whistle", "coordinating, in_progress → ="] == "+report +assist"
    assert clocks["progress", "on_account → ="] == "+account −account"
    assert clocks["remark", next(way for move, way in clocks if move == "remark")] == ""

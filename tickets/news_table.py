"""The tables of news for people: who hears of each move, and when, by which topic and channels. Drawn from the code and its data."""

from collections.abc import Iterator, Mapping

from community.models import Role
from notifications.models.preferences import INBOX
from notifications.preferences import ALWAYS, DEFAULTS, URGENT_DEFAULTS
from notifications.topics import PERSONAL, Topic
from tickets import service_level
from tickets.audience import ROLES
from tickets.markdown import codes, page, table
from tickets.models.ticket import move_label
from tickets.news import SIDES, SUMMED_UP, URGED, URGED_AGAIN, Side
from tickets.notes import NEWS, notes
from tickets.service_level import assemble
from tickets.states import ClockName
from web.words import en, zh

# The moves by which a ladder's rung tells those whom it names.
OF_LADDERS = tuple(verb for verb in NEWS if verb in SUMMED_UP)
WAYS = (INBOX, *(one.value for one in PERSONAL))


def news_md() -> str:
    """The tables of topics, sides, moves, and of whom ladders tell."""
    lines = [
        "What each move tells, to whom, and by which channels unless they have chosen otherwise. How the people behind a side are",
        "found, and who hears nothing, is said in [notifications](notifications.md#who-hears-what).",
        "",
        "## Moves",
        "",
        "Who is on several sides of an event hears of it once, as the first of them. *When* is asked of the ticket as it was after the",
        "move; an empty field means always. The group robots of an organisation hear what the organisation is told.",
        "",
        *table(
            ("move", "动作", "who hears it", "topic", "when", "by"), (row for verb in NEWS for row in _move_rows(verb))
        ),
        "",
        "## Ladders",
        "",
        "Whom the rungs of a clock name, by the move that tells them; [rung by rung](clocks.md#ladders) it is with the clocks. What the",
        "reporter is reminded of is asked of them: its topic is `asked`.",
        "",
        *table(("clock", "时限", *(f"`{verb}`" for verb in OF_LADDERS)), _ladder_rows()),
        "",
        "## Topics",
        "",
        *table(
            ("topic", "主题", "name", "by default", "where it is urgent, also", "cannot be declined"),
            map(_topic_row, Topic),
        ),
        "",
        "## Sides",
        "",
        "Of an organisation those hear it who have one of the roles there; where nobody has, or no role is named, everybody.",
        "",
        *table(("side", "对象", "who", "roles"), map(_side_row, Side)),
    ]
    return page("News", lines)


def _move_rows(verb: str) -> list[list[str]]:
    """A row for those who hear of the move under the same topic in the same case."""
    cases: dict[tuple[Topic, str], list[str]] = {}
    for topic, when, whom in _told_of(verb):
        cases.setdefault((topic, when), []).append(whom)
    begin = [f"`{verb}`", zh(move_label(verb))]
    rows = [
        [*begin, ", ".join(those), f"`{topic}`", when, codes(_by_default(topic))]
        for (topic, when), those in cases.items()
    ]
    return rows or [[*begin, "nobody", "", "", ""]]


def _told_of(verb: str) -> Iterator[tuple[Topic, str, str]]:
    """Everybody who hears of the move: the topic, the case in words, and who."""
    if verb == "urge":
        for side in URGED_AGAIN:
            yield notes(verb, (side,))[0].topic, "" if side in URGED else "urged before", f"`{side}`"
    elif verb in OF_LADDERS:
        yield notes(verb, (Side.HOLDER,))[0].topic, "its rung names them", "[whom its ladder names](#ladders)"
    for note in NEWS[verb]:
        yield note.topic, note.when.words if note.when else "", f"`{note.side}`"


def _named_by_ladders() -> Mapping[tuple[ClockName, str], list[str]]:
    """The sides that the rungs of each clock name, by clock and by the move that tells them."""
    level = assemble(1, *service_level.read(service_level.FILE))
    found: dict[tuple[ClockName, str], list[str]] = {}
    for clock in ClockName:
        for rung in level.ladder(clock).rungs:
            for verb in rung.effects:
                sides = found.setdefault((clock, verb), [])
                sides += [side for side in rung.audience if side not in sides]
    return found


def _ladder_rows() -> list[list[str]]:
    named = _named_by_ladders()
    return [
        [f"`{clock}`", zh(clock.label), *(codes(named.get((clock, verb), ())) for verb in OF_LADDERS)]
        for clock in ClockName
    ]


def _topic_row(topic: Topic) -> list[str]:
    fixed = [way for way in WAYS if (topic, way) in ALWAYS]
    urgent = [way for way in WAYS if way in URGENT_DEFAULTS.get(topic, ())]
    return [f"`{topic}`", zh(topic.label), en(topic.label), codes(_by_default(topic)), codes(urgent), codes(fixed)]


def _by_default(topic: Topic) -> list[str]:
    return [way for way in WAYS if way in DEFAULTS[topic]]


def _side_row(side: Side) -> list[str]:
    roles = [role.value for role in Role if role in ROLES.get(side, ())]
    return [f"`{side}`", zh(SIDES[side]), en(SIDES[side]), codes(roles)]

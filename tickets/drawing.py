"""The documents that are drawn from the code: the states as a picture, the moves and the access as tables, the API in OpenAPI.

The layout of the picture is made by hand; which arrows it must have, and what is written on them, comes from the transitions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from tickets.access import (
    CLOCKS_OF_RESIDENTS,
    READS,
    RELATIONS,
    SEES,
    SEES_CONTACT,
    SEES_FACE,
    SEES_SUMMARY,
    SEES_WHOLE,
    STANDS_IN_FOR,
    Relation,
)
from tickets.models import Ticket
from tickets.news_table import codes, news_md
from tickets.states import ENDED, OPEN, ClockName, State
from tickets.timetable import clocks_md, clocks_of
from web.schema import openapi_yaml
from web.words import en, zh
from workflow.moves import Move, Visibility, moves

S, R = State, Relation
# Ends that a ticket can come to from almost anywhere: shown with their sources, for arrows would cover the picture.
SIDE_ENDS = (S.REJECTED, S.MERGED, S.WITHDRAWN, S.TERMINATED)


class Undrawn(Exception):
    """The transitions and the hand-made layout do not have the same arrows."""


def arrows() -> Mapping[tuple[State, State], tuple[Move, ...]]:
    """The moves that lead from one state to another (or, like a dispatch anew, into the same one again)."""
    found: dict[tuple[State, State], list[Move]] = {}
    for move in moves(Ticket).values():
        for source in move.sources:
            stays = move.meta.transitions[source].target is None
            for target in move.targets(source):
                if not stays and (target != source or len(move.targets(source)) == 1):
                    found.setdefault((State(source), State(target)), []).append(move)
    return {ends: tuple(made) for ends, made in found.items()}


# The picture.

type Point = tuple[int, int]
WIDTH, HEIGHT = 1300, 970
BOX_WIDTH, BOX_HEIGHT = 160, 64


@dataclass(frozen=True, slots=True)
class Box:
    """Where a state stands: the left upper corner, and whose turn it is there."""

    x: int
    y: int
    turn: str
    height: int = BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class ArrowRoute:
    """The corners of an arrow, and its label: where it stands, how it is aligned, and where further lines go; `flat` is one line."""

    points: tuple[Point, ...]
    label: Point
    anchor: str = "middle"
    grows: str = "middle"
    flat: bool = False


TURNS = {
    "street": ("#fdf1d8", "#c98a11", "街道", "The street"),
    "committee": ("#efe6fb", "#7d4fc4", "物管会", "The committee"),
    "holder": ("#e1eefc", "#2f75c0", "承办单位", "The holder"),
    "resident": ("#e0f5e6", "#2c8f4e", "居民", "The resident"),
    "nobody": ("#ececee", "#6d7078", "已结束", "Nobody: ended"),
}
BOXES = {
    S.SUBMITTED: Box(50, 330, "street"),
    S.COORDINATING: Box(330, 120, "committee", 104),
    S.DISPATCHED: Box(430, 330, "holder"),
    S.IN_PROGRESS: Box(790, 330, "holder"),
    S.RETURNING: Box(540, 540, "street"),
    S.REPLIED: Box(1100, 330, "resident"),
    S.ON_ACCOUNT: Box(890, 120, "street", 84),
    S.CLOSED: Box(1100, 540, "nobody"),
}
ROUTES = {
    (S.SUBMITTED, S.REPLIED): ArrowRoute(((80, 330), (80, 40), (1230, 40), (1230, 330)), (660, 32), flat=True),
    (S.COORDINATING, S.REPLIED): ArrowRoute(((410, 120), (410, 68), (1195, 68), (1195, 330)), (660, 60), flat=True),
    (S.SUBMITTED, S.ON_ACCOUNT): ArrowRoute(((120, 330), (120, 96), (970, 96), (970, 120)), (660, 89), flat=True),
    (S.SUBMITTED, S.COORDINATING): ArrowRoute(((160, 330), (160, 160), (330, 160)), (245, 153), grows="up"),
    (S.SUBMITTED, S.DISPATCHED): ArrowRoute(((210, 350), (430, 350)), (370, 343), grows="up"),
    (S.DISPATCHED, S.SUBMITTED): ArrowRoute(((430, 374), (210, 374)), (370, 390), grows="down"),
    (S.COORDINATING, S.DISPATCHED): ArrowRoute(((472, 224), (472, 330)), (480, 272), "start"),
    (S.DISPATCHED, S.COORDINATING): ArrowRoute(((448, 330), (448, 224)), (440, 272), "end"),
    (S.COORDINATING, S.ON_ACCOUNT): ArrowRoute(((490, 138), (890, 138)), (690, 131), flat=True),
    (S.ON_ACCOUNT, S.COORDINATING): ArrowRoute(((890, 166), (490, 166)), (690, 159), flat=True),
    (S.IN_PROGRESS, S.COORDINATING): ArrowRoute(((815, 330), (815, 192), (490, 192)), (690, 185), flat=True),
    (S.REPLIED, S.COORDINATING): ArrowRoute(
        ((1125, 330), (1125, 244), (560, 244), (560, 212), (490, 212)), (690, 237), flat=True
    ),
    (S.IN_PROGRESS, S.ON_ACCOUNT): ArrowRoute(((908, 330), (908, 204)), (900, 272), "end"),
    (S.ON_ACCOUNT, S.IN_PROGRESS): ArrowRoute(((936, 204), (936, 330)), (944, 272), "start"),
    (S.DISPATCHED, S.IN_PROGRESS): ArrowRoute(((590, 350), (790, 350)), (690, 343), grows="up"),
    (S.IN_PROGRESS, S.DISPATCHED): ArrowRoute(((790, 374), (590, 374)), (690, 390), grows="down"),
    (S.DISPATCHED, S.DISPATCHED): ArrowRoute(
        ((445, 394), (445, 424), (495, 424), (495, 394)), (470, 440), grows="down"
    ),
    (S.DISPATCHED, S.RETURNING): ArrowRoute(((555, 394), (555, 540)), (547, 500), "end"),
    (S.RETURNING, S.DISPATCHED): ArrowRoute(((579, 540), (579, 394)), (587, 490), "start"),
    (S.IN_PROGRESS, S.RETURNING): ArrowRoute(((820, 394), (820, 572), (700, 572)), (760, 565), grows="up"),
    (S.RETURNING, S.COORDINATING): ArrowRoute(((540, 560), (306, 560), (306, 200), (330, 200)), (314, 476), "start"),
    (S.RETURNING, S.SUBMITTED): ArrowRoute(((540, 584), (150, 584), (150, 394)), (158, 500), "start"),
    (S.IN_PROGRESS, S.REPLIED): ArrowRoute(((950, 350), (1100, 350)), (1025, 343), grows="up"),
    (S.REPLIED, S.IN_PROGRESS): ArrowRoute(((1100, 374), (950, 374)), (1025, 390), grows="down"),
    (S.REPLIED, S.CLOSED): ArrowRoute(((1180, 394), (1180, 540)), (1188, 450), "start"),
    (S.CLOSED, S.IN_PROGRESS): ArrowRoute(((1100, 572), (880, 572), (880, 394)), (985, 565), grows="up"),
    (S.CLOSED, S.SUBMITTED): ArrowRoute(((1180, 604), (1180, 650), (90, 650), (90, 394)), (660, 642), flat=True),
}
LINE = 16


def states_svg(routes: Mapping[tuple[State, State], ArrowRoute] = ROUTES) -> str:
    """The picture of states and moves. Raises Undrawn when `routes` lacks an arrow, or has an arrow of no move."""
    made = arrows()
    drawn = set(made) - {(source, end) for source, end in made if end in SIDE_ENDS}
    drawn -= {(source, end) for source, end in made if source in SIDE_ENDS}
    if drawn != set(routes):
        raise Undrawn(sorted(drawn ^ set(routes)))
    if set(BOXES) | set(SIDE_ENDS) != set(State):
        raise Undrawn(sorted(set(State) - set(BOXES) - set(SIDE_ENDS)))
    parts = [_head()]
    parts += [_arrow(routes[ends]) for ends in made if ends in routes]
    parts += [_label(routes[ends], made[ends]) for ends in made if ends in routes]
    parts += [_state(state, box) for state, box in BOXES.items()]
    parts += _side_ends(made)
    parts += _legend()
    return "\n".join(parts) + "\n</svg>\n"


def _head() -> str:
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">
<title>工单的状态与动作 · The states of a ticket and the moves between them</title>
<style>
text {{ font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", sans-serif; fill: #24262b; }}
.zh {{ font-size: 17px; font-weight: 600; }}
.en {{ font-size: 12px; fill: #555961; }}
.move {{ font-size: 12.5px; }}
.halo {{ stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round; paint-order: stroke; }}
.small {{ font-size: 12px; }}
.arrow {{ fill: none; stroke: #7b818c; stroke-width: 1.5; marker-end: url(#head); }}
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">\
<path d="M 0 0.8 L 9.5 5 L 0 9.2 z" fill="#7b818c"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"""


def _state(state: State, box: Box, *, width: int = BOX_WIDTH) -> str:
    fill, line, *_ = TURNS[box.turn]
    x, y = box.x + width // 2, box.y + box.height // 2
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{width}" height="{box.height}" rx="10" fill="{fill}" stroke="{line}"'
        f' stroke-width="1.8"/>\n'
        f'<text class="zh" x="{x}" y="{y - 3}" text-anchor="middle">{escape(zh(state.label))}</text>\n'
        f'<text class="en" x="{x}" y="{y + 16}" text-anchor="middle">{escape(en(state.label))}</text>'
    )


def _arrow(route: ArrowRoute, bend: int = 10) -> str:
    """A line with rounded corners."""
    first, last = route.points[0], route.points[-1]
    path = [f"M {first[0]} {first[1]}"]
    for before, corner, after in zip(route.points, route.points[1:], route.points[2:], strict=False):
        come, leave = _towards(corner, before, bend), _towards(corner, after, bend)
        path.append(f"L {come[0]} {come[1]} Q {corner[0]} {corner[1]} {leave[0]} {leave[1]}")
    path.append(f"L {last[0]} {last[1]}")
    return f'<path class="arrow" d="{" ".join(path)}"/>'


def _towards(start: Point, end: Point, length: int) -> Point:
    """The point at most `length` from `start` on the upright or level way to `end`."""
    step = [max(-length, min(length, end[axis] - start[axis])) for axis in (0, 1)]
    return start[0] + step[0], start[1] + step[1]


def _label(route: ArrowRoute, made: Iterable[Move]) -> str:
    """The names of the moves: in one line, or in lines of their own above, below or beside the label's point."""
    names = [(zh(move.label), en(move.label)) for move in made]
    lines = [" · ".join(map(" ".join, names))] if route.flat else [part for name in names for part in name]
    x, y = route.label
    rise = {"up": len(lines) - 1, "down": 0, "middle": (len(lines) - 1) / 2}[route.grows]
    return "\n".join(
        f'<text class="move halo" x="{x}" y="{round(y + (number - rise) * LINE)}" text-anchor="{route.anchor}">'
        f"{escape(line)}</text>"
        for number, line in enumerate(lines)
    )


def _side_ends(made: Mapping[tuple[State, State], tuple[Move, ...]]) -> list[str]:
    """A panel of the ends that have no arrows: the state, the move, the states that it comes from, and any way back."""
    parts = [
        f'<line x1="40" y1="690" x2="{WIDTH - 40}" y2="690" stroke="#d5d8de"/>',
        '<text class="zh" x="50" y="724">其他终点 <tspan class="en">Other ends, and where they are reached from</tspan></text>',
    ]
    width = 285
    for number, end in enumerate(SIDE_ENDS):
        x = 50 + number * (width + 20)
        parts.append(_state(end, Box(x, 742, "nobody", 56), width=width))
        sources = [source for source in State if (source, end) in made]
        names = {move.name: move for source in sources for move in made[source, end]}
        lines = [" · ".join(f"{zh(move.label)} {en(move.label)}" for move in names.values())]
        if set(sources) == set(OPEN):
            lines.append("自任何在办状态 from any open state")
        else:
            lines.append("自 " + "、".join(zh(one.label) for one in sources))
            english = [en(one.label) for one in sources]
            lines += [f"from {', '.join(english[:2])},", ", ".join(english[2:])]
        lines += [
            f"{zh(move.label)} {en(move.label)} → {zh(back.label)} {en(back.label)}"
            for (source, back), ways in made.items()
            if source == end
            for move in ways
        ]
        parts += [
            f'<text class="small" x="{x + 4}" y="{820 + row * 19}">{escape(line)}</text>'
            for row, line in enumerate(lines)
        ]
    return parts


def _legend() -> list[str]:
    y, parts = HEIGHT - 46, [f'<text class="small" x="50" y="{HEIGHT - 33}">轮到 Whose turn it is</text>']
    for number, (fill, line, chinese, english) in enumerate(TURNS.values()):
        x = 220 + number * 190
        parts.append(f'<rect x="{x}" y="{y}" width="26" height="16" rx="4" fill="{fill}" stroke="{line}"/>')
        parts.append(f'<text class="small" x="{x + 34}" y="{y + 13}">{chinese} {english}</text>')
    return parts


# The tables.

_DRAWN = "Drawn from the code by `manage.py draw_states`; a test compares. Do not edit."


def moves_md() -> str:
    """The table of moves: from where to where, by whom, with what input."""
    lines = [
        "# States and moves",
        "",
        _DRAWN,
        "",
        "A ticket changes only through a move. `=` means that the state stays. *Who* names relations to the ticket",
        "([access](access.md)); the street may stand in for one of the parties (代办) by giving",
        "`on_behalf_of`. Inputs with `?` may be left out. *Read by* says who is shown the event: everyone who sees the ticket",
        "(public), its residents and those who work on it (parties), or staff alone (internal). A move with a version needs",
        "`If-Match`: it is refused when the ticket has changed since it was read. *Guards* are the codes with which the move is refused",
        "where it is not possible for another reason than the state. *News to* names the sides that hear of it ([news](news.md)), besides",
        "those whom a ladder or an urge names. *Clocks* are those that it starts (+) and stops (−) where they run ([clocks](clocks.md)).",
        "",
        "![States](states.svg)",
        "",
        "## States",
        "",
        "| state | 名称 | name | |",
        "|---|---|---|---|",
        *(
            f"| {one.value} | {zh(one.label)} | {en(one.label)} | {'ended' if one in ENDED else 'open'} |"
            for one in State
        ),
        "",
        "## Moves",
        "",
        "| move | 动作 | action | meaning | from → to | who | input | guards | clocks | news to | read by | version |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(row for move in moves(Ticket).values() for row in _move_rows(move)),
    ]
    return "\n".join(lines) + "\n"


def _move_rows(move: Move) -> list[str]:
    """A row for each set of states from which the move has the same ends and guards and is open to the same people."""
    ways: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for state in State:
        if state in move.sources:
            targets = tuple("=" if target == state else target for target in move.targets(state))
            ways.setdefault((targets, permitted(move, state), _guards(move, state)), []).append(state.value)
    version = "yes" if move.guarded else ""
    sides = codes(dict.fromkeys(note.side for note in move.news or ()))
    return [
        f"| `{move.name}` | {zh(move.label)} | {en(move.label)} | {_meaning(move)} | {_sources(sources)} → {', '.join(targets)}"
        f" | {', '.join(who)} | {_inputs(move)} | {codes(guards)} | {_clocks(move, sources)} | {sides}"
        f" | {Visibility(move.visibility).value} | {version} |"
        for (targets, who, guards), sources in ways.items()
    ]


def _meaning(move: Move) -> str:
    """The first sentence of the move's docstring."""
    said = (getattr(Ticket, move.method).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(said.split()).split(". ")[0].rstrip(".") + "."


def _clocks(move: Move, sources: Iterable[str]) -> str:
    starts, stops = clocks_of(move, sources)
    return " ".join([*(f"+`{one.value}`" for one in starts), *(f"−`{one.value}`" for one in stops)])


def _guards(move: Move, state: str) -> tuple[str, ...]:
    conditions: Iterable[Any] = move.meta.transitions[state].conditions
    return tuple(condition.refusal[0] for condition in conditions)


def permitted(move: Move, state: str) -> tuple[str, ...]:
    """The relations that may make the move from `state`, in the order in which they are declared."""
    permission: Any = move.meta.transitions[state].permission
    return tuple(one.value for one in Relation if one in permission.relations)


def _sources(sources: list[str]) -> str:
    return "any open" if set(sources) == {state.value for state in OPEN} else ", ".join(sources)


def _inputs(move: Move) -> str:
    form: Any = move.input
    fields = form().fields.items()
    named = [f"{name}{'' if field.required else '?'}" for name, field in fields if name != "on_behalf_of"]
    return ", ".join(f"`{name}`" for name in named)


def access_md() -> str:
    """The table of relations: what each sees, reads and may do."""
    stand_in = ", ".join(f"`{party}` ({relation.value})" for party, relation in STANDS_IN_FOR.items())
    lines = [
        "# Access",
        "",
        _DRAWN,
        "",
        "What a person may see and do follows from their relations to a ticket, today; a person without any is told that there is no such",
        "ticket. Several relations add up. A member of an organisation that the ticket accuses is recused: no membership of theirs",
        "counts, nor that they cosigned, and only what they reported themselves stays visible. A report of wrongdoing, whether or not it",
        "names somebody, is the street's alone: no committee sees it.",
        "",
        f"The street may stand in (代办) for {stand_in}:",
        "it may then do what that party may, and nothing else.",
        "",
        "*Sees*: the whole ticket; its public face (no contact, no photos, no assignments); its summary (no text either). *Contact*: the",
        "reporter sees their own; others see it masked until they `reveal` it on record, and then for as long as the part lasts in which",
        "they did; that of an anonymous reporter nobody, that of a confidential one the street alone. *Reads*: the events of these",
        "visibilities. People who neither work on a ticket nor reported it read people's words without phones, plates, identity and door",
        "numbers, and none that were hidden or redacted. Which of an organisation's people made an event is read by the street and by that",
        "organisation; its residents and the other parties read the organisation, and who is assigned to the work.",
        "",
        "Staff who see the whole ticket watch all of its clocks, its residents those that speak of what they are owed or asked:",
        f"{', '.join(f'`{one.value}`' for one in ClockName if one in CLOCKS_OF_RESIDENTS)}.",
        "",
        "| relation | 关系 | who | sees | contact | reads | may |",
        "|---|---|---|---|---|---|---|",
        *map(_relation_row, Relation),
    ]
    return "\n".join(lines) + "\n"


def _relation_row(relation: Relation) -> str:
    chinese, meaning = RELATIONS[relation]
    contact = "own" if relation == R.REPORTER else "masked" if relation in SEES_CONTACT else ""
    reads = ", ".join(visibility for visibility, readers in READS.items() if relation in readers)
    may = [
        f"`{move.name}`"
        for move in moves(Ticket).values()
        if any(relation.value in permitted(move, source) for source in move.sources)
    ]
    row = [f"`{relation.value}`", chinese, meaning, sight(relation), contact, reads, ", ".join(may)]
    return f"| {' | '.join(row)} |"


def sight(relation: Relation) -> str:
    """How much of a ticket the relation shows: whole, face, summary, or nothing."""
    if relation not in SEES:
        return ""
    return (
        "whole"
        if relation in SEES_WHOLE
        else "face"
        if relation in SEES_FACE
        else "summary" * (relation in SEES_SUMMARY)
    )


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "states.svg": states_svg,
    "moves.md": moves_md,
    "access.md": access_md,
    "clocks.md": clocks_md,
    "news.md": news_md,
    "openapi.yaml": openapi_yaml,
}

"""The documents that are drawn from the code: the moves as a picture and a table, the access as a table, the API in OpenAPI."""

from collections.abc import Callable, Iterable, Mapping
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
from tickets.markdown import codes, page, table
from tickets.models import Ticket
from tickets.models.ticket import OTHERS
from tickets.news_table import news_md
from tickets.states import ENDED, OPEN, ClockName, State
from tickets.timetable import clocks_md, clocks_of
from web.schema import openapi_yaml
from web.words import en, zh
from workflow.moves import Move, Visibility, moves

# Ends that a ticket can come to from almost anywhere: in a picture of their own.
SIDE_ENDS = tuple(state for state in ENDED if state != State.CLOSED)


def moves_md() -> str:
    """The states and moves: from where to where, by whom, with what input."""
    arrows = _arrows()
    beside = {way: labels for way, labels in arrows.items() if not set(SIDE_ENDS).isdisjoint(way)}
    along = {way: labels for way, labels in arrows.items() if way not in beside}
    lines = [
        "A ticket changes only through a move. The pictures have the moves from one state to another, the table has all moves. The",
        "[glossary](glossary.md#states) says what each state means.",
        "",
        "```mermaid",
        *_picture("TB", (State.CLOSED,), along),
        "```",
        "",
        "The other ends, and the states from which a ticket comes to them:",
        "",
        "```mermaid",
        *_picture("LR", SIDE_ENDS, beside),
        "```",
        "",
        "## Moves",
        "",
        "`=` means that the state stays. *Who* names relations to the ticket",
        "([access](access.md)); the street may stand in for one of the parties (代办) by giving",
        "`on_behalf_of`. Inputs with `?` may be left out. *Read by* says who is shown the event: everyone who sees the ticket",
        "(public), its residents and those who work on it (parties), or staff alone (internal). A move with a version needs",
        "`If-Match`: it is refused when the ticket has changed since it was read. *Guards* are the codes with which the move is refused",
        "where it is not possible for another reason than the state. *News to* names the sides that hear of it ([news](news.md)), besides",
        "those whom a ladder or an urge names. *Clocks* are those that it starts (+) and stops (−) where they run ([clocks](clocks.md)).",
        "",
        *table(
            (
                *("move", "动作", "action", "meaning", "from → to", "who", "input", "guards", "clocks", "news to"),
                *("read by", "version"),
            ),
            (row for move in moves(Ticket).values() for row in _move_rows(move)),
        ),
        "",
        "## Other events",
        "",
        "What stands in a ticket's history as well, and is no move.",
        "",
        *table(("event", "事件", "name"), ([f"`{verb}`", zh(label), en(label)] for verb, label in OTHERS.items())),
    ]
    return page("States and moves", lines)


def _arrows() -> Mapping[tuple[str, str], list[str]]:
    """The labels of the moves by the states between which they lead; what is possible in every open state leads from `open`."""
    found: dict[tuple[str, str], list[str]] = {}
    for move in moves(Ticket).values():
        for end in State:
            sources = [source for source in move.sources if source != end and end in move.targets(source)]
            for source in ("open",) if set(sources) == set(OPEN) else sources:
                found.setdefault((source, end), []).append(f"{zh(move.label)}<br>{en(move.label)}")
    return found


def _picture(direction: str, ends: Iterable[State], arrows: Mapping[tuple[str, str], list[str]]) -> list[str]:
    """A Mermaid diagram of the open states in a frame, of `ends` outside it, and of `arrows`."""
    return [
        "stateDiagram-v2",
        f"    direction {direction}",
        '    state "在办 Open" as open {',
        *(f"    {_state(one)}" for one in OPEN),
        "    }",
        *map(_state, ends),
        *(f"    {source} --> {end}: {'<br>'.join(labels)}" for (source, end), labels in arrows.items()),
    ]


def _state(state: State) -> str:
    return f'    state "{zh(state.label)} {en(state.label)}" as {state}'


def _move_rows(move: Move) -> list[list[str]]:
    """A row for each set of states from which the move has the same ends and guards and is open to the same people."""
    ways: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for state in State:
        if state in move.sources:
            targets = tuple("=" if target == state else target for target in move.targets(state))
            ways.setdefault((targets, permitted(move, state), _guards(move, state)), []).append(state.value)
    said = [f"`{move.name}`", zh(move.label), en(move.label), _meaning(move)]
    news = codes(dict.fromkeys(note.side for note in move.news or ()))
    read = [Visibility(move.visibility).value, "yes" if move.guarded else ""]
    return [
        [
            *said,
            f"{_sources(sources)} → {', '.join(targets)}",
            *(", ".join(who), _inputs(move), codes(guards), _clocks(move, sources), news),
            *read,
        ]
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
    return codes(f"{name}{'' if field.required else '?'}" for name, field in fields if name != "on_behalf_of")


def access_md() -> str:
    """The table of relations: what each sees, reads and may do."""
    stand_in = ", ".join(f"`{party}` ({relation.value})" for party, relation in STANDS_IN_FOR.items())
    lines = [
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
        f"{codes(one for one in ClockName if one in CLOCKS_OF_RESIDENTS)}.",
        "",
        *table(("relation", "关系", "who", "sees", "contact", "reads", "may"), map(_relation_row, Relation)),
    ]
    return page("Access", lines)


def _relation_row(relation: Relation) -> list[str]:
    contact = "own" if relation == Relation.REPORTER else "masked" if relation in SEES_CONTACT else ""
    reads = ", ".join(visibility for visibility, readers in READS.items() if relation in readers)
    may = codes(
        move.name
        for move in moves(Ticket).values()
        if any(relation.value in permitted(move, source) for source in move.sources)
    )
    return [f"`{relation.value}`", *RELATIONS[relation], sight(relation), contact, reads, may]


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
    "moves.md": moves_md,
    "access.md": access_md,
    "clocks.md": clocks_md,
    "news.md": news_md,
    "openapi.yaml": openapi_yaml,
}

"""Every move from every state: who may make it, where it leads, and that a refusal changes nothing."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest

from tests.statements import undone
from tests.tickets.paths import CONTACTED, INPUTS, PATHS, Scene, Step, rows
from tests.tickets.story import history
from tickets.access import Relation, relations
from tickets.actions import act
from tickets.models import Ticket, TicketOutbox
from tickets.states import ENDED, OPEN, State
from workflow.errors import IllegalMove, NotPermitted, Refusal, StaleVersion
from workflow.moves import Visibility, moves
from workflow.verification import flaw, fold
from workflow.writing import lock

pytestmark = pytest.mark.django_db

# move | from | to ("=" stays) | who may. The specification, written down apart from the code.
TABLE = """
answer_now        | submitted                                     | replied                  | street community
correct           | submitted coordinating dispatched in_progress returning | =              | street
correct_contact   | OPEN closed                                   | =                        | street
coordinate        | submitted dispatched in_progress              | coordinating             | street holder
record            | coordinating                                  | =                        | coordinator street
take_over         | coordinating                                  | =                        | street clock
dispatch          | submitted                                     | dispatched               | street
dispatch          | coordinating                                  | dispatched               | coordinator street
sign              | dispatched                                    | in_progress              | holder
assign            | in_progress                                   | =                        | holder
redispatch        | dispatched in_progress returning              | dispatched               | street clock
relieve           | dispatched in_progress returning              | =                        | clock
bounce            | dispatched returning                          | submitted                | clock
return            | dispatched in_progress                        | returning                | holder
uphold            | returning                                     | submitted coordinating   | street
designate         | returning                                     | dispatched               | street clock
contact           | in_progress                                   | =                        | holder
arrive            | in_progress                                   | =                        | holder
progress          | in_progress                                   | =                        | holder co_handler whistled street
progress          | on_account                                    | =                        | holder co_handler whistled owner street
progress          | coordinating                                  | =                        | coordinator whistled street
complete_step     | in_progress                                   | dispatched               | holder
ask               | in_progress                                   | =                        | holder
ask               | coordinating                                  | =                        | coordinator street
answer            | coordinating in_progress                      | =                        | reporter inspector
lapse             | coordinating in_progress                      | =                        | clock
request_extension | in_progress                                   | =                        | holder
grant_extension   | in_progress                                   | =                        | street
refuse_extension  | in_progress                                   | =                        | street clock
whistle           | coordinating in_progress                      | =                        | street
report_in         | coordinating dispatched in_progress           | =                        | co_handler whistled
decline           | coordinating dispatched in_progress           | =                        | co_handler whistled
assist_done       | coordinating dispatched in_progress on_account | =                        | co_handler whistled
put_on_account    | submitted coordinating in_progress            | on_account               | street
resume            | on_account                                    | coordinating in_progress | street clock
reply             | in_progress                                   | replied                  | holder street
reply             | coordinating                                  | replied                  | coordinator street
reply             | submitted                                     | replied                  | street
confirm           | replied                                       | closed                   | reporter
close             | replied                                       | closed                   | inspector street
close_silent      | replied                                       | closed                   | clock
dispute           | replied                                       | in_progress coordinating | reporter follower inspector street
callback          | in_progress replied closed                    | =                        | street
reopen            | closed                                        | in_progress submitted    | reporter inspector street
reject            | submitted coordinating dispatched returning   | rejected                 | street
merge             | submitted coordinating dispatched in_progress | merged                   | street coordinator
absorb            | OPEN                                          | =                        | clock
file_another      | OPEN                                          | =                        | street
split             | merged                                        | submitted                | street
withdraw          | submitted coordinating dispatched             | withdrawn =              | reporter
withdraw          | in_progress returning replied on_account      | =                        | reporter
succeed           | OPEN                                          | =                        | successor
decline_succession | OPEN                                         | =                        | successor
keep              | OPEN                                          | =                        | clock
terminate         | OPEN                                          | terminated               | street_lead
urge              | OPEN                                          | =                        | reporter follower
comment           | OPEN                                          | =                        | reporter follower
cosign            | OPEN                                          | =                        | neighbour
uncosign          | OPEN                                          | =                        | follower
rate              | replied closed                                | =                        | follower
thank             | replied closed                                | =                        | reporter follower
supervise         | OPEN                                          | =                        | street clock
raise_level       | OPEN                                          | =                        | street clock
lift_supervision  | OPEN                                          | =                        | street
lower_level       | OPEN                                          | =                        | street
appoint           | OPEN                                          | =                        | street
remark            | OPEN closed rejected merged withdrawn terminated | =                     | street
remind            | OPEN closed                                   | =                        | clock
step_in           | dispatched                                    | in_progress              | clock
hide_words        | OPEN closed rejected merged withdrawn terminated | =                     | reporter
redact            | OPEN closed rejected merged withdrawn terminated | =                     | street
reveal            | submitted dispatched in_progress returning    | =                        | holder co_handler street
reveal            | replied on_account                            | =                        | holder co_handler street
reveal            | coordinating                                  | =                        | holder co_handler coordinator street
"""
PARTIES_READ = {
    "correct", "coordinate", "record", "take_over", "bounce", "designate", "request_extension", "refuse_extension",
    "report_in", "supervise", "raise_level", "relieve", "lift_supervision", "lower_level", "assign",
    "hide_words",
    "decline_succession", "keep", "rate", "comment", "file_another",
}  # fmt: skip
STAFF_READ = {"return", "uphold", "decline", "callback", "reveal", "remind", "correct_contact", "redact"}
OFFICE_READ = {"appoint", "remark"}
# What anyone may add from an old copy of the ticket.
UNGUARDED = {
    "absorb", "urge", "cosign", "thank", "supervise", "raise_level", "reveal", "remind",
    "relieve", "lift_supervision", "lower_level", "appoint", "remark", "hide_words", "redact",
    "uncosign", "succeed", "decline_succession", "keep", "rate", "comment",
}  # fmt: skip
# Moves that stay, and yet change what others act upon: the coordinator or the deadline.
STAY_AND_BUMP = {
    ("take_over", "coordinating"),
    ("grant_extension", "in_progress"),
}


@dataclass(frozen=True)
class Legal:
    """What the table says of a move from one state."""

    targets: frozenset[str]
    who: frozenset[str]


def _table() -> dict[tuple[str, str], Legal]:
    found = {}
    for line in TABLE.strip().splitlines():
        name, sources, targets, who = (cell.strip() for cell in line.split("|"))
        for source in [state for one in sources.split() for state in (OPEN if one == "OPEN" else [one])]:
            to = frozenset(str(source) if target == "=" else target for target in targets.split())
            found[name, str(source)] = Legal(to, frozenset(who.split()))
    return found


LEGAL = _table()

# What each of the cast is to the ticket, wherever it stands on the paths.
ALWAYS = {
    "resident": "reporter neighbour",
    "tenant": "follower neighbour",
    "neighbour": "neighbour",
    "chair": "committee",
    "residents_committee_worker": "community",
    "desk_officer": "street",
    "street_lead": "street street_lead",
    "clock": "clock",
    "dispatcher": "",
    "other_dispatcher": "",
    "lift_dispatcher": "",
    "traffic_liaison": "",
    "other_chair": "",
    "outsider": "",
}
S = State
_HELD = {S.DISPATCHED, S.IN_PROGRESS, S.RETURNING, S.REPLIED, S.ON_ACCOUNT}


def expected_relations(who: str, state: State) -> frozenset[str]:
    """What `who` is to a ticket that has come to `state` on its path, by the story and not by the code."""
    found = set(ALWAYS[who].split())
    was_held = state in _HELD | {S.CLOSED, S.TERMINATED}
    if who == "tenant" and state in {S.WITHDRAWN}:
        found.remove("follower")
    if who == "chair" and state != S.SUBMITTED:
        found.add("coordinator")
    if who == "dispatcher" and was_held:
        found.add("holder" if state in _HELD else "past_holder")
    if who == "other_dispatcher" and was_held:
        found.add("past_holder")
    if who == "lift_dispatcher" and was_held:
        found.add("co_handler" if state in _HELD else "past_holder")
    if who == "traffic_liaison" and state != S.SUBMITTED:
        found.add("past_holder" if state in ENDED else "whistled")
    if who in {"dispatcher", "lift_dispatcher", "traffic_liaison"} and state == S.CLOSED:
        found.add("worked")
    return frozenset(found)


# What has to happen first where the state alone does not make a move possible.
_ASKED: Step = ("dispatcher", "ask", {"question": "是哪个单元？"})
_INVITED: Step = ("chair", "ask", {"question": "是哪个单元？"})
_EXTENSION: Step = ("dispatcher", "request_extension", {"days": 3, "reason": "配件未到"})
_LEFT: Step = ("resident", "withdraw", {})
FIRST: dict[tuple[str, str], list[Step]] = {
    ("reply", "in_progress"): [CONTACTED],
    ("answer", "in_progress"): [_ASKED],
    ("lapse", "in_progress"): [_ASKED],
    ("answer", "coordinating"): [_INVITED],
    ("lapse", "coordinating"): [_INVITED],
    **{(name, state): [_LEFT] for name in ("succeed", "decline_succession", "keep") for state in OPEN},
    ("grant_extension", "in_progress"): [_EXTENSION],
    ("refuse_extension", "in_progress"): [_EXTENSION],
    ("step_in", "dispatched"): [("desk_officer", "correct", {"category": "RP03", "reason": "有坠落危险"})],
    ("complete_step", "in_progress"): [
        ("desk_officer", "redispatch", {"holder": "po-a01", "next_steps": ["section-city"], "reason": "分两步"}),
        ("dispatcher", "sign", {}),
        CONTACTED,
    ],
}
SUPERVISED: Step = ("desk_officer", "supervise", {"kind": "listed", "reason": "影响较大"})
RAISED: Step = ("desk_officer", "raise_level", {"level": 2})
FIRST |= {("lift_supervision", str(state)): [SUPERVISED] for state in OPEN}
FIRST |= {("lower_level", str(state)): [RAISED] for state in OPEN}
# Those whose relation would do, but who have done it before or may not for their own sake.
REFUSED = {
    ("rate", "tenant"): "nothing_merged",
    ("thank", "tenant"): "nothing_merged",
    ("cosign", "resident"): "own_ticket",
    ("cosign", "tenant"): "already_following",
    **{("close", who): "reported_by_resident" for who in ("desk_officer", "street_lead")},
}


def able(who: str, state: State, name: str, legal: Legal) -> bool:
    """Whether `who` may make the move from `state`, once what has to happen first has happened."""
    # Whoever cosigned is asked to succeed the reporter who left.
    asked = {"successor"} if who == "tenant" and _LEFT in FIRST.get((name, state), ()) else set()
    return bool((expected_relations(who, state) | asked) & legal.who)


def test_the_table_and_the_code_agree_on_every_move():
    code = {
        (move.name, source): Legal(
            frozenset(move.targets(source)),
            frozenset(str(one) for one in move.meta.transitions[source].permission.relations),
        )
        for move in moves(Ticket).values()
        for source in move.sources
    }
    assert code == LEGAL


def test_moves_come_in_the_order_in_which_they_are_written_down():
    names = list(moves(Ticket))
    first = names.index("whistle")
    assert names[first : first + 4] == ["whistle", "report_in", "decline", "assist_done"]


def test_the_table_and_the_code_agree_on_readers_and_versions():
    for name, move in moves(Ticket).items():
        readers = (
            Visibility.OFFICE
            if name in OFFICE_READ
            else Visibility.INTERNAL
            if name in STAFF_READ
            else Visibility.PARTIES
            if name in PARTIES_READ
            else Visibility.PUBLIC
        )
        assert (name, move.visibility) == (name, readers)
        assert (name, move.guarded) == (name, name not in UNGUARDED)
    assert set(moves(Ticket)) >= PARTIES_READ | STAFF_READ | OFFICE_READ | UNGUARDED


def test_every_relation_is_somebody_in_the_table():
    assert {who for legal in LEGAL.values() for who in legal.who} <= set(Relation)


@pytest.mark.parametrize("state", State)
def test_everyone_is_to_the_ticket_what_the_story_made_them(scene, state):
    ticket = scene.reach(state)
    for who in ALWAYS:
        (locked,) = lock(Ticket, ticket, by=scene.actor(who))
        assert locked.state == state
        assert (who, relations(locked, scene.actor(who))) == (who, expected_relations(who, state))


@pytest.mark.parametrize("state", State)
def test_a_move_from_a_state_that_it_does_not_start_from_is_refused_to_everyone(scene, state):
    ticket = scene.reach(state)
    foreign = sorted(set(moves(Ticket)) - {name for name, source in LEGAL if source == state})
    for who in ("street_lead", "dispatcher", "resident", "clock", "outsider"):
        assert_refused(scene, who, ticket, foreign, IllegalMove)


@pytest.mark.parametrize("state", State)
def test_a_move_is_refused_to_whoever_has_no_part_in_it(scene, state):
    ticket = scene.reach(state)
    for who in ALWAYS:
        mine = expected_relations(who, state)
        closed = [name for (name, source), legal in LEGAL.items() if source == state and not mine & legal.who]
        assert_refused(scene, who, ticket, closed, NotPermitted)


def assert_refused(scene: Scene, who: str, ticket: uuid.UUID, names: list[str], kind: type[Refusal]) -> None:
    """Each of the moves is refused to `who` in this way, and all of them together have changed nothing."""
    before, actor = rows(), scene.actor(who)
    (locked,) = lock(Ticket, ticket, by=actor)
    for name in names:
        with pytest.raises(Refusal) as refused:
            act(name, locked, by=actor, version=None, inputs={})
        assert type(refused.value) is kind, f"{name} from {locked.state} by {who}: {refused.value!r}"
    assert rows() == before, f"refusals of {names} to {who} changed {sorted(rows() ^ before)}"


def others(scene: Scene, ticket: uuid.UUID) -> dict[str, Any]:
    """Input that only the test's own moment knows: an open ticket to merge into."""
    return {"merge": {"into": str(scene.file())}} if Ticket.objects.get(pk=ticket).state in OPEN else {}


@pytest.mark.parametrize("state", State)
def test_a_move_leads_where_the_table_says_and_leaves_one_event(scene, state):
    ticket = scene.reach(state)
    ways = INPUTS | others(scene, ticket)
    made = 0
    for (name, source), legal in LEGAL.items():
        if source != state:
            continue
        for who in ALWAYS:
            if not able(who, state, name, legal):
                continue
            if (name, who) in REFUSED:
                refused = scene.refusal(who, ticket, name, **ways.get(name, {}))
                assert (type(refused), refused.code) == (IllegalMove, REFUSED[name, who])
                continue
            with undone():
                scene.follow(ticket, FIRST.get((name, source), []))
                assert_made(scene, who, ticket, name, source, ways.get(name, {}), legal.targets)
            made += 1
    assert made or state in {S.REJECTED, S.WITHDRAWN, S.TERMINATED}


def assert_made(
    scene: Scene,
    who: str,
    ticket: uuid.UUID,
    name: str,
    source: str,
    inputs: dict[str, Any],
    targets: Collection[str],
) -> None:
    """The move is accepted: one event, the next in the row, a state among `targets`, a new version where it is due."""
    said = f"{name} from {source} by {who}"
    before = Ticket.objects.get(pk=ticket)
    stale = scene.refusal(who, ticket, name, version=before.version - 1, **inputs)
    assert type(stale) is StaleVersion, said
    told = TicketOutbox.objects.count()
    event = scene.do(who, ticket, name, version=before.version, **inputs)
    after = Ticket.objects.get(pk=ticket)
    assert (event.verb, event.source, event.target) == (name, source, after.state), said
    assert after.state in targets, said
    assert event.seq == after.event_count == before.event_count + 1, said
    assert event.visibility == moves(Ticket)[name].visibility, said
    assert event.actor_id == (None if who == "clock" else scene.cast[who].pk), said
    assert event.at == after.last_event_at > before.last_event_at, said
    bumps = after.state != source or name == "redispatch" or (name, source) in STAY_AND_BUMP
    assert after.version == before.version + bumps, said
    assert (after.next_due_at is None, after.closed_at is None) == (after.state in ENDED, after.state in OPEN), said
    # The other ticket of a merger, and the one that is filed, tell of it as well.
    assert TicketOutbox.objects.count() == told + (2 if name in ("merge", "file_another") else 1), said
    events = history(ticket)
    assert fold(events) == after.state, said
    assert flaw(after, events) is None, said


def test_no_state_is_left_out():
    # The street leaves notes on everything, and what neighbours read can be changed at all times.
    always = {"remark", "hide_words", "redact"}
    assert {source for name, source in LEGAL if name in always} == set(State)
    assert {source for name, source in LEGAL if name not in always} == set(State) - {
        S.REJECTED,
        S.WITHDRAWN,
        S.TERMINATED,
    }
    assert set(PATHS) == set(State) - {S.SUBMITTED, S.WITHDRAWN, S.MERGED}

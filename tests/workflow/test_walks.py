"""Whatever people do in whatever order: histories hold, and what is offered can be done."""

import random
import uuid
from datetime import timedelta
from typing import Any

import pytest

from casework import duties
from tests.tickets.paths import INPUTS, Scene, rows
from tests.tickets.story import assert_clocks_are_as_the_events_say, history, row
from tickets.actions import act
from tickets.kind import TICKETS
from tickets.models import Assignment, Follower, Ticket, TicketClock, TicketOutbox
from tickets.states import ENDED, OPEN, AssignmentRole
from workflow.errors import IllegalMove, InvalidInput, NotPermitted, Refusal, StaleVersion
from workflow.moment import at
from workflow.moves import moves
from workflow.verification import flaw, fold
from workflow.writing import lock

pytestmark = pytest.mark.django_db
STEPS = 50
# A history that is broken stays broken, so that it need not be read as a whole after every step.
LOOKED_AT = 5
PEOPLE = (
    "resident", "tenant", "neighbour", "chair", "residents_committee_worker", "dispatcher", "other_dispatcher",
    "lift_dispatcher", "traffic_liaison", "city_officer", "desk_officer", "street_lead", "clock", "outsider",
)  # fmt: skip
HOLDERS = ("po-a01", "po-a02", "section-city", "lift-shengan")
DEPARTMENTS = ("dept-traffic-police", "dept-police")
# Moves that are offered nearly always and lead nowhere, or to an end: taken up more rarely, so that walks get far.
DULL = {
    "raise_level", "cosign", "urge", "supervise", "reveal", "terminate", "reject", "merge", "withdraw", "put_on_account",
    "coordinate", "record", "bounce", "return", "progress", "whistle", "take_over", "correct", "redispatch",
    "correct_contact", "lift_supervision", "lower_level", "appoint", "remark", "hide_words", "redact",
}  # fmt: skip


class Walk:
    """Two tickets of a compound, and everybody at once; the same seed is the same walk."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.dice = scene, random.Random(seed)
        self.trail: list[tuple[str, ...]] = []
        self.seen: dict[uuid.UUID, tuple[int, Any]] = {}
        self.tickets = [self.report(), scene.file("SV01", who="neighbour")]

    def report(self) -> uuid.UUID:
        """The id of a new ticket of one kind or another."""
        one = self.dice.choice
        return self.scene.file(
            one(("SV01", "SV01", "SV04", "CL03", "RP01", "RP03", "NB02")),
            secrecy=one(("open", "open", "confidential", "anonymous")),
            type=one(("help", "help", "consult", "complaint", "report")),
        )

    def go(self) -> None:
        """One step of any kind."""
        step = self.dice.choices(
            (self.take_up_an_offer, self.let_time_pass, self.try_what_is_not_offered, self.use_an_old_copy),
            (12, 2, 3, 1),
        )[0]
        step(self.dice.choice((self.tickets[0], self.tickets[0], self.tickets[1])))

    def let_time_pass(self, ticket: uuid.UUID) -> None:
        """And mostly somebody sweeps: then nothing is left that is due."""
        self.scene.now += timedelta(hours=self.dice.choice((1, 5, 25, 24 * 31)))
        if self.dice.random() < 0.2:
            return
        with at(self.scene.now):
            swept = duties.sweep(TICKETS)
        self.trail.append(("sweep", str(swept)))
        assert not swept.failed
        assert not TicketClock.objects.filter(fire_at__lte=self.scene.now).exists()
        self.seen.clear()

    def take_up_an_offer(self, ticket: uuid.UUID) -> None:
        """Every offered move is accepted with valid input; only a choice within it may be refused."""
        offers: dict[str, list[str]] = {}
        for who in PEOPLE:
            for name in self.offers(who, ticket):
                offers.setdefault(name, []).append(who)
        lively = sorted(set(offers) - DULL)
        names = lively if lively and self.dice.random() < 0.6 else sorted(offers)
        if not names or (row(ticket).state in ENDED and self.dice.random() < 0.3):
            self.tickets[self.tickets.index(ticket)] = self.report()
            return
        name = self.dice.choice(names)
        who = self.dice.choice(offers[name])
        inputs, before, now = self.inputs(name, who), rows(), row(ticket)
        self.trail.append((str(self.tickets.index(ticket)), now.state, who, name, str(inputs)))
        try:
            self.scene.do(who, ticket, name, version=now.version, **inputs)
        except InvalidInput as refused:
            self.trail.append((refused.field, refused.code))
            assert rows() == before

    def try_what_is_not_offered(self, ticket: uuid.UUID) -> None:
        """It is refused, and has changed nothing, even where nobody takes back the transaction."""
        who, name = self.dice.choice(PEOPLE), self.dice.choice(sorted(moves(Ticket)))
        if name in self.offers(who, ticket):
            return
        before, actor = rows(), self.scene.actor(who)
        (locked,) = lock(Ticket, ticket, by=actor)
        with pytest.raises(Refusal) as refused:
            act(name, locked, by=actor, version=None, inputs={})
        assert type(refused.value) in {IllegalMove, NotPermitted}
        assert rows() == before

    def use_an_old_copy(self, ticket: uuid.UUID) -> None:
        """Whatever it would do, it is stale."""
        who, version = self.dice.choice(PEOPLE), row(ticket).version - self.dice.randint(1, 3)
        assert type(self.scene.refusal(who, ticket, "arrive", version=version)) is StaleVersion

    def offers(self, who: str, ticket: uuid.UUID) -> list[str]:
        """The names of the moves that `who` is offered."""
        actor = self.scene.actor(who)
        (locked,) = lock(Ticket, ticket, by=actor)
        return [move.name for move in TICKETS.offered(locked, actor)]

    def inputs(self, name: str, who: str) -> dict[str, Any]:
        """Valid input, varied where it has choices."""
        some, one = self.dice.choices, self.dice.choice
        match name:
            case "merge":
                return {"into": str(one(self.tickets))}
            case "dispatch" | "redispatch":
                words = {"reason": "另派"} if name == "redispatch" else {}
                later = some(HOLDERS, k=self.dice.choice((0, 0, 1, 2)))
                return {"holder": one(HOLDERS), "co_handlers": some(HOLDERS, k=2), "next_steps": later, **words}
            case "correct":
                return {"category": one(("SV02", "CL03", "RP01", "RP03", "NB02")), "reason": "分类有误"}
            case "raise_level":
                return {"level": self.dice.randint(1, 5)}
            case "whistle":
                return {"departments": some(DEPARTMENTS, k=2), "reason": "需要配合"}
            case "reply" if self.dice.random() < 0.8:
                return {"result": "已整改", "photos": [self.scene.photo(who)]}
        return INPUTS.get(name, {})

    def histories_hold(self) -> None:
        for ticket in self.tickets:
            now = row(ticket)
            events = history(ticket)
            assert [event.seq for event in events] == list(range(1, now.event_count + 1))
            assert fold(events) == now.state
            assert flaw(now, events) is None
            assert [event.at for event in events] == sorted(event.at for event in events)
            assert now.last_event_at == events[-1].at
            assert TicketOutbox.objects.filter(event__subject=ticket).count() == len(events)
            self.parts_agree(now)
            assert_clocks_are_as_the_events_say(ticket)

    def parts_agree(self, now: Ticket) -> None:
        """Open or ended, held by whoever leads, one row for each part."""
        assert (now.next_due_at is not None) == (now.state in OPEN)
        assert (now.closed_at is not None) == (now.state in ENDED)
        assert (now.merged_into_id is not None) == (now.state == "merged")
        assignments = list(Assignment.objects.filter(ticket=now))
        leads = [one for one in assignments if one.open and one.role == AssignmentRole.LEAD]
        assert [one.organisation_id for one in leads] == ([now.holder_id] if now.holder_id else [])
        if now.state in {"dispatched", "in_progress", "returning"}:
            assert leads
        if now.state in {"submitted", "coordinating"}:
            assert not leads
        for one in assignments:
            assert (one.next_due_at is not None) == one.open
            assert not (one.open and now.state in ENDED)
            assert not (one.waiting and not leads)
        assert not set(now.accused) & {one.organisation_id for one in assignments}
        assert now.cosigns == Follower.objects.filter(ticket=now, kind="cosigned").count()
        assert not Follower.objects.filter(ticket=now, person=now.reporter_id).exists()

    def versions_agree(self) -> None:
        """A new version exactly where state, holder, coordinator or deadline has changed since the step before."""
        for now in Ticket.objects.filter(pk__in=self.tickets):
            seen = (now.state, now.holder_id, now.coordinator_id, now.due_at)
            version, before = self.seen.get(now.pk, (0, None))
            if before is not None:
                assert now.version == version + (seen != before)
            self.seen[now.pk] = (now.version, seen)


@pytest.mark.parametrize("seed", range(12))
def test_people_in_any_order(scene, seed):
    walk = Walk(scene, seed)
    walk.versions_agree()
    walk.histories_hold()
    for step in range(1, STEPS + 1):
        try:
            walk.go()
            walk.versions_agree()
            if step % LOOKED_AT == 0:
                walk.histories_hold()
        except Exception as failure:
            failure.add_note("\n".join(" ".join(step) for step in walk.trail))
            raise

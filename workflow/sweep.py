"""The sweep: whatever is due is fired, once, by any number of workers at a time, and nothing else has to run for it."""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from threading import Lock
from typing import Any

from django.db import OperationalError, connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from web.waiting import NOW
from workflow import moment
from workflow.actor import Actor
from workflow.clocks import RECALENDAR, fired
from workflow.errors import Refusal
from workflow.instances import fresh
from workflow.ladder import key
from workflow.models import Clock, Firing, LastSweep, Subject
from workflow.moves import Visibility
from workflow.prepared import Prepared, array_of
from workflow.writing import Draft, spare_ids, store

logger = logging.getLogger(__name__)
BATCH = 250
"""Subjects in one transaction at most."""
STEP = 25
PATIENCE = 0.2
"""Seconds that one transaction should take; batches shrink where it takes longer."""
WINDOW = 8
"""How many times a batch is looked at, so that several sweepers find subjects that the others have not locked."""
LONGEST_WAIT = 3600
"""Seconds until a rung that cannot be fired is tried again, at most."""


@dataclass(frozen=True, slots=True)
class Due:
    """One rung whose moment has come: its clock, the number of its firing, and the rung's own moment."""

    clock: Clock
    position: int
    code: str
    moment: datetime


class Climber[S: Subject]:
    """Fires the rungs of one kind of subject.

    An effect of a rung is the name of a move without inputs; the first possible one is made. A subject's app has a subclass where
    effects need more. `known` are the ids of the subjects that are due, set by a simulation; without it, the clocks are queried.
    Without `apart`, a batch that fails ends the whole transaction that it is a part of, and is not done one by one.
    """

    model: type[S]
    known: set[uuid.UUID] | None = None
    apart: bool = True

    def __init__(self, model: type[S]) -> None:
        self.model = model

    def fire(self, draft: Draft[S], due: Due, *, by: Actor, facts: Mapping[str, object]) -> None:
        """Make the move that the rung asks for; its event carries `facts`. Raises Refusal where none is possible."""
        found = draft.subject.rules().ladder(due.clock.policy, due.clock.name).at(due.position)
        assert found is not None
        moves = [getattr(self.model, effect) for effect in found[0].effects]
        first_possible(draft, [partial(draft.move, move, by=by, facts=facts) for move in moves])


@dataclass(slots=True)
class Swept:
    """What a sweep did: rungs fired, subjects they belong to, and subjects that could not be done and wait."""

    rungs: int = 0
    subjects: int = 0
    failed: int = 0

    def __iadd__(self, other: "Swept") -> "Swept":
        self.rungs += other.rungs
        self.subjects += other.subjects
        self.failed += other.failed
        return self


def fire_due[S: Subject](climber: Climber[S], *, limit: int = 20_000, seconds: float = 10.0) -> Swept:
    """Fire what is due, subject by subject, until nothing is, or `limit` subjects or `seconds` are reached.

    Every batch is a transaction of its own: it locks subjects (those that somebody else has locked are left for the next time), looks
    again under the lock, and writes all of them by a few statements. Where a batch fails, its subjects are done one by one; one
    that fails by itself is noted on its clocks and tried again later.
    """
    sweeping = _Sweeping(climber, limit, time.monotonic() + seconds)
    first = sweeping.batch(BATCH)
    # More is due than one batch. A transaction that is under way is seen by its own connection alone.
    if first == BATCH and climber.known is None and not connection.in_atomic_block:
        with ThreadPoolExecutor(1, "sweep") as beside:
            other = beside.submit(copy_context().run, sweeping.go_on_beside)
            sweeping.go_on()
            other.result()
    elif first is not None:
        sweeping.go_on()
    return sweeping.total


class _Sweeping[S: Subject]:
    """One call of `fire_due`: batch after batch, by one thread or two.

    Two have a connection each, and are to each other what two sweepers are: while PostgreSQL works for one of them, the other one has
    Python.
    """

    def __init__(self, climber: Climber[S], limit: int, end: float) -> None:
        self.climber, self.limit, self.end = climber, limit, end
        self.total = Swept()
        self._adding = Lock()

    def go_on_beside(self) -> None:
        """Go on in a thread that ends with it."""
        try:
            self.go_on()
        finally:
            connection.close()

    def go_on(self) -> None:
        """Fire batches until nothing is due that nobody else has locked, or what was asked for is reached."""
        size = BATCH
        while self.total.subjects + self.total.failed < self.limit and time.monotonic() < self.end:
            began = time.monotonic()
            if self.batch(size) is None:
                return
            took = time.monotonic() - began
            # In steps, so that each size's statement is worded once.
            size = (
                max(STEP, min(BATCH, int(size * PATIENCE / took) // STEP * STEP))
                if took > PATIENCE
                else min(BATCH, size * 2)
            )

    def batch(self, size: int) -> int | None:
        """Fire a batch; how many subjects it had, None where nothing was due that nobody else had locked."""
        done = _batch(self.climber, min(size, self.limit))
        if done is None:
            return None
        with self._adding:
            self.total += done
        return done.subjects + done.failed


def _batch[S: Subject](climber: Climber[S], size: int) -> Swept | None:
    """One batch; None where nothing was due that nobody else had locked."""
    keys: list[uuid.UUID] = []
    try:
        with transaction.atomic(savepoint=climber.apart):
            locked = _lock(climber.model, size, climber.known)
            if locked is None:
                return None
            keys = [one.pk for one in locked[0]]
            return _fire(climber, *locked)
    except Exception as error:
        if not keys or not climber.apart:
            raise
        logger.warning("A batch of %d subjects failed, and is done one by one: %s", len(keys), type(error).__name__)
    total = Swept()
    for one in keys:
        total += _alone(climber, one)
    return total


def _alone[S: Subject](climber: Climber[S], pk: uuid.UUID) -> Swept:
    """Fire what is due on one subject; where that fails, note it on its clocks and put them off."""
    try:
        with transaction.atomic():
            locked = _lock(climber.model, 1, {pk})
            return _fire(climber, *locked) if locked else Swept()
    except OperationalError:
        # The database is away or busy; that is no fault of the subject's.
        raise
    except Exception as error:
        logger.exception("The clocks of %s %s cannot be fired.", climber.model.__name__, pk)
        # Where another sweeper has failed on the same clocks and was quicker, it has counted them.
        return Swept(failed=int(_put_off(climber.model, pk, error)))


def _put_off(model: type[Subject], pk: uuid.UUID, error: Exception) -> bool:
    """Note the error on the clocks that are still due; whether there were any."""
    with transaction.atomic():
        now = moment.now()
        clocks: Any = model.CLOCKS._base_manager
        waiting = list(clocks.select_for_update(no_key=True).filter(subject=pk, fire_at__lte=now))
        for clock in waiting:
            wait = min(LONGEST_WAIT, 2 ** min(clock.failures, 12))
            clock.failures += 1
            clock.error = f"{type(error).__name__}: {error}"[:200]
            clock.fire_at = now + timedelta(seconds=wait)
            clock.save(update_fields=["failures", "error", "fire_at"])
    return bool(waiting)


def _lock[S: Subject](
    model: type[S], size: int, known: Collection[uuid.UUID] | None = None
) -> tuple[list[S], Actor] | None:
    """Up to `size` subjects with something due, or of those that are `known`, locked, with what belongs to them, and the clock as of
    now; None where there is none that nobody else has locked.
    """
    if known is None:
        candidates, now = _due(model, size * WINDOW)
    else:
        candidates, now = array_of(known), moment.now() if known else None
    if now is None:
        return None
    by = Actor.the_clock(now)
    subjects = _free(model, size).rows(keys=candidates)
    if not subjects:
        return None
    model.gather(subjects, by)
    return subjects, by


def _due(model: type[Subject], limit: int) -> tuple[str, datetime | None]:
    """The subjects of the first `limit` clocks that are due, as PostgreSQL writes an array, and the moment as of which they are; no
    moment where none is.
    """
    virtual = moment.virtual()
    # Not the ORM: thousands of ids come and go as one string.
    clocks = f"{model.CLOCKS._meta.db_table} WHERE fire_at <= {'%s' if virtual else NOW} ORDER BY fire_at, id LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT CAST(ARRAY(SELECT subject_id FROM {clocks}) AS text), {NOW}",  # noqa: S608 - no name is from outside
            [virtual, limit] if virtual else [limit],
        )
        found, now = cursor.fetchone()
    return found, (virtual or now) if found != "{}" else None


@cache
def _free[S: Subject](model: type[S], size: int) -> Prepared[S]:
    """Up to `size` of the subjects with some keys, in the order of their ids, locked where nobody else has locked them."""
    rows = model.for_move(None).select_for_update(no_key=True, skip_locked=True, of=("self",))
    return Prepared(lambda keys: rows.filter(pk__any_of=keys).order_by("pk")[:size], keys=[uuid.UUID(int=1)])


def _fire[S: Subject](climber: Climber[S], subjects: Sequence[S], by: Actor) -> Swept:
    """Fire everything that is due on these locked subjects, and write it."""
    drafts: list[Draft[S]] = []
    firings: list[models.Model] = []
    count = sum(1 for one in subjects for clock in one.clocks if clock.fire_at and clock.fire_at <= by.at)
    with spare_ids(count) if count > len(subjects) else nullcontext():
        for subject in subjects:
            draft = Draft.of(subject)
            fresh = _climb(climber, draft, by)
            if fresh:
                drafts.append(draft)
                firings += fresh
        if drafts:
            store(drafts, firings)
    return Swept(rungs=len(firings), subjects=len(drafts))


def _climb[S: Subject](climber: Climber[S], draft: Draft[S], by: Actor) -> list[Firing]:
    """Fire the rungs of one subject, the one whose moment came first before the others."""
    subject = draft.subject
    made: list[Firing] = []
    rules = subject.rules()
    while True:
        waiting = [clock for clock in subject.clocks if clock.fire_at is not None and clock.fire_at <= by.at]
        if not waiting:
            return made
        clock = min(waiting, key=lambda one: (one.fire_at, one.epoch, one.name))
        ladder = rules.ladder(clock.policy, clock.name)
        measures = {"started": clock.started_at, "due": clock.due_at, "paused": clock.paused}
        position = ladder.latest(clock.rung, by.at, **measures)
        found = ladder.at(position)
        assert found is not None
        rung, occurrence = found
        due = Due(clock, position, key(rung, occurrence, clock.turn), rung.moment(**measures, occurrence=occurrence))
        facts = {
            "fired": {
                "clock": clock.name,
                "holder": str(clock.holder_id or ""),
                "epoch": clock.epoch,
                "rung": due.code,
                "position": position,
                "due_at": due.moment,
            }
        }
        fired(clock, position, max(by.at, subject.last_event_at), rules)
        draft.clocks.touch(clock)
        climber.fire(draft, due, by=by, facts=facts)
        made.append(
            fresh(
                type(subject).FIRINGS,
                clock_id=clock.id,
                event_id=draft.events[-1].id,
                rung=due.code,
                due_at=due.moment,
                fired_at=by.at,
                **subject.shared_columns(),
            )
        )


def measure_anew(model: type[Subject], *, calendar: int, among: Q | None = None) -> Swept:
    """Measure the live clocks by the calendar of this number where they were measured by an older one, each subject with an event.

    `among` are the clocks that it is for; all without it.
    Batch by batch, beside the work; rungs that were fired stay fired. A subject that somebody has locked is waited for.
    """
    clocks: Any = model.CLOCKS._base_manager
    total = Swept()
    while True:
        with transaction.atomic():
            older = clocks.filter(among or Q(), stopped_at__isnull=True, calendar__lt=calendar).order_by("subject_id")
            keys = list(older.values_list("subject_id", flat=True).distinct()[:BATCH])
            if not keys:
                return total
            by = Actor.the_clock(moment.now())
            subjects = list(
                model.for_move(None).select_for_update(no_key=True, of=("self",)).filter(pk__in=keys).order_by("pk")
            )
            model.gather(subjects, by)
            drafts = [Draft.of(one) for one in subjects]
            for draft in drafts:
                draft.note(RECALENDAR, by=by, visibility=Visibility.PARTIES, facts={"calendar": calendar})
            store(drafts)
        total += Swept(subjects=len(drafts))


def note_sweep(name: str, *, version: int = 0) -> None:
    """Write down that a sweep of this kind came by; nothing where time is a simulation's."""
    if moment.virtual() is None:
        row = LastSweep(name=name, at=Now(), version=version)
        LastSweep.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["name"], update_fields=["at", "version"]
        )


def first_possible[S: Subject](draft: Draft[S], attempts: Sequence[Callable[[], object]]) -> None:
    """Make the first of these moves that is possible. Raises the last refusal where none is; nothing has changed then."""
    refusal: Refusal | None = None
    for attempt in attempts:
        try:
            attempt()
        except Refusal as error:
            refusal = error
        else:
            return
    assert refusal is not None
    raise refusal

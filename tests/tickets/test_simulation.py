"""A street under a clock of its own: the same seed brings the same, everything promised holds, and what does not is found."""

import re
import shlex
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils.translation import override

from community.models import Person
from launcher.family import PROJECT
from notifications.models import Message
from tests.commands import printed
from tests.statements import undone
from tickets import service_level
from tickets.management.commands.simulate import A_DAY, Command
from tickets.models import Ticket, TicketClock, TicketFiring
from tickets.simulation.crowd import Crowd, phone, settle
from tickets.simulation.filings import Span
from tickets.simulation.history import faults, histories
from tickets.simulation.outcome import examine
from tickets.simulation.run import Run
from tickets.simulation.tally import Tally

UNTIL = datetime.fromisoformat("2025-10-14T16:00:00+08:00")
SPAN = Span(days=5, tickets=60, seed=7, until=UNTIL)
DOCUMENT = Path(PROJECT) / "docs" / "simulation.md"
WHAT_IF = Path(PROJECT) / "docs" / "what_if.toml"


def lived(street, span: Span = SPAN) -> Run:
    """A run that has come to its end."""
    settle(street)
    run = Run(Crowd.gather(street, span.seed), span)
    run.go()
    return run


def simulate(**options: object) -> str:
    return printed("simulate", days=3, tickets=20, until=UNTIL.isoformat(), **options)


def test_the_same_seed_brings_the_same_events_and_another_seed_others(street):
    digests = []
    for seed in (7, 7, 8):
        with undone():
            outcome = examine(lived(street, Span(days=3, tickets=24, seed=seed, until=UNTIL)))
            assert outcome.events > 100
            digests.append(outcome.digest)
    assert digests[0] == digests[1] != digests[2]


def test_everything_promised_holds_and_what_does_not_is_named(street):
    run = lived(street)
    assert examine(run).faults == []
    every_rung_was_fired_at_its_own_moment()
    whoever_is_absent_signed_for_nothing_and_their_tickets_were_taken_from_them_or_raised(run)
    what_does_not_hold_is_named(run)


def every_rung_was_fired_at_its_own_moment():
    assert Ticket.objects.count() == SPAN.tickets
    assert TicketFiring.objects.count() > 100
    assert not TicketFiring.objects.exclude(fired_at=F("due_at")).exists()
    assert not Ticket.objects.filter(last_event_at__gt=UNTIL).exists()
    assert not Message.objects.exists()


def whoever_is_absent_signed_for_nothing_and_their_tickets_were_taken_from_them_or_raised(run):
    absent = {pk for pk, kind in run.crowd.kinds.items() if kind.signs is None}
    given = [life for life in run.lives if life.first is not None and life.first.signs is None]
    assert given
    pressed = 0
    for history in histories([life.ticket.pk for life in given]):
        assert not [one for one in history.events if one.verb == "sign" and one.actor_organisation_id in absent]
        due = min(one.due_at for one in history.clocks if one.name == "sign")
        if due < (history.ticket.closed_at or UNTIL):
            assert {"bounce", "raise_level"} & {one.verb for one in history.events}
            pressed += 1
    assert pressed


def firing() -> TicketFiring:
    return TicketFiring.objects.order_by("id").first()


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "a firing is gone": (lambda: firing().delete(), "not those that its events tell of"),
    "a firing came early": (
        lambda: TicketFiring.objects.filter(pk=firing().pk).update(fired_at=F("due_at") - timedelta(seconds=1)),
        "was fired early",
    ),
    "a clock was moved": (
        lambda: TicketClock.objects.filter(pk=firing().clock_id).update(due_at=F("due_at") + timedelta(minutes=1)),
        "is not as its events say",
    ),
    "a rung was missed": (
        lambda: TicketClock.objects.filter(pk=TicketClock.objects.exclude(fire_at=None).first().pk).update(
            fire_at=UNTIL
        ),
        "was not fired",
    ),
    "the clocks stand still": (
        lambda: TicketClock.objects.filter(subject=Ticket.objects.open().first()).update(
            running_since=None, fire_at=None
        ),
        "no clock runs",
    ),
    "the state was written past the moves": (
        lambda: Ticket.objects.filter(pk=Ticket.objects.filter(state="in_progress").first().pk).update(state="replied"),
        "the events lead to in_progress",
    ),
    "the head was changed": (
        lambda: Ticket.objects.filter(pk=Ticket.objects.first().pk).update(head=b"x" * 32),
        "does not seal its history",
    ),
}


def what_does_not_hold_is_named(run):
    keys = [life.ticket.pk for life in run.lives]
    for plant, words in FAULTS.values():
        with undone(), override("en"):
            plant()
            found = [fault for history in histories(keys) for fault in faults(history, UNTIL)]
            assert any(words in fault for fault in found), (words, found)


def test_another_service_level_is_shown_beside_the_one_in_effect_and_nothing_is_kept(db):
    told = simulate(policy=WHAT_IF)
    assert re.search(r"^ +in effect +instead +difference$", told, re.MULTILINE)
    reminders = re.search(r"^reminders +(\d+) +(\d+) +-(\d+)$", told, re.MULTILINE)
    before, after, less = map(int, reminders.groups())
    assert before - after == less > 0
    assert len(set(re.findall(r"^digest (\w{64})$", told, re.MULTILINE))) == 2
    assert not Ticket.objects.exists()
    assert not Person.objects.filter(phone=phone(0)).exists()
    assert not Message.objects.exists()


def test_the_service_level_in_effect_makes_no_difference_to_itself(db):
    told = simulate(policy=PROJECT / "tickets" / "data" / "service_level.toml")
    figures = [line.split() for line in told.splitlines() if line.startswith(("filed", "bounced", "reminders"))]
    assert [line[-1] for line in figures] == ["=", "=", "="]


def test_a_dry_run_tells_the_figures_and_keeps_nothing(db):
    told = simulate(dry_run=True)
    assert re.search(r"^filed +20 ", told, re.MULTILINE)
    assert "every promise holds" in told
    assert not Ticket.objects.exists()


# The document.


def blocks(language: str) -> list[list[str]]:
    """The lines of the document's blocks of code in a language; without one, what commands told."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text.splitlines() for name, text in found if name == language]


def cells(line: str) -> list[str]:
    """A line's label and its figures."""
    return [line[:24].rstrip(), *re.split(r" {2,}", line[24:].strip())]


def count(figure: str) -> int | None:
    """A figure that is a plain number; None for one with a unit, and for none at all."""
    return int(figure.replace(",", "")) if re.fullmatch(r"[+-]?[\d,]+", figure) else None


def test_every_command_of_the_document_is_one():
    commands = [line.partition("#")[0] for block in blocks("sh") for line in block]
    assert len(commands) > 2
    for command in commands:
        python, manage, name, *arguments = shlex.split(command)
        assert (python, manage, name) == ("python", "manage.py", "simulate")
        options = Command().create_parser("manage.py", "simulate").parse_args(arguments)
        assert options.policy is None or (PROJECT / options.policy).exists()


@override("en")
def test_the_document_s_tables_are_of_today_s_lines_and_add_up():
    month, beside = blocks("")
    usual = Command().create_parser("manage.py", "simulate").parse_args([])
    assert (
        month[0]
        == f"{usual.days} days, {A_DAY * usual.days} tickets, seed {usual.seed}, until 2026-11-20T18:00:00+08:00"
    )
    for told, table in ((month, Tally().table()), (beside, Tally().beside(Tally(), ["in effect", "instead"]))):
        lines = told[1 : len(table) + 1]
        assert [cells(line)[0] for line in lines] == [cells(line)[0] for line in table]
        assert cells(lines[0]) == cells(table[0])
    for line in month[2 : len(Tally().table()) + 1]:
        label, *figures = cells(line)
        if None not in (counts := [count(one) for one in figures]):
            assert counts[0] == sum(counts[1:]), label
    for line in beside[2:]:
        label, *figures = cells(line)
        if len(figures) == 3 and None not in (counts := [count(one) for one in figures]):
            assert counts[1] - counts[0] == counts[2], label
    digests = re.findall(r"^digest (\w{64})$", "\n".join(month + beside), re.MULTILINE)
    assert len(set(digests)) == len(digests) == 3


def test_the_other_service_level_says_only_what_differs():
    ours = tomllib.loads(service_level.FILE.read_text(encoding="utf-8"))
    other = tomllib.loads(WHAT_IF.read_text(encoding="utf-8"))
    assert other.pop("base") == service_level.IN_EFFECT
    assert other.keys() == {"source", "targets", "ladders"}
    assert other["source"] != ours["source"]
    for clock, budgets in other["targets"].items():
        assert [key for key, budget in budgets.items() if ours["targets"][clock][key] == budget] == []
    assert [clock for clock, rungs in other["ladders"].items() if ours["ladders"][clock] == rungs] == []


def test_a_file_that_is_no_service_level_and_an_end_that_is_no_moment_are_refused(db, tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text("[targets]\n")
    with pytest.raises(CommandError, match=r"bad\.toml"):
        simulate(policy=file)
    with pytest.raises(CommandError, match="no moment"):
        call_command("simulate", until="yesterday")
    assert not Ticket.objects.exists()

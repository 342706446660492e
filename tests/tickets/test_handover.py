"""A contract ends: its provider's open tickets pass to whoever serves the place now, each once, whoever sweeps and dies."""

import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from casework.tasks import TASKS
from community import demo, timers
from community.models import Area, Compound, ContractFiring, Organisation, ServiceContract
from notifications.models import Message
from tests.commands import printed
from tests.people import seat
from tests.processes import Crew, in_a_transaction, wait_until
from tests.statements import statements
from tests.tickets.committed import need_superuser, remove
from tests.tickets.paths import Scene
from tests.tickets.story import assert_clocks_are_as_the_events_say, assert_whole, history, queued, row, seen, told
from tickets import handover
from tickets.models import Assignment, Ticket, TicketEvent
from workflow.models import LastSweep
from workflow.moment import at
from workflow.verification import flaw

OLD = "P-A01-2018"
END = datetime.fromisoformat("2021-01-01T00:00:00+08:00")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def on(text):
    """A working morning on the demo street."""
    return at(datetime.fromisoformat(f"{text}T10:00:00+08:00"))


def sweep(moment):
    """Pass on what is to be passed on at that moment; how many tickets that was."""
    with at(moment):
        return handover.sweep().subjects


# The article's own story.


@pytest.fixture
def operator(api, cast):
    """The parking operator of 14号院, with somebody on Linli; it gave notice in July 2020 and leaves with the year."""
    company = Organisation.objects.get(code="co-tongda")
    seat(cast["outsider"], company, "dispatcher")
    old = ServiceContract.objects.filter(code=OLD)
    assert (old.get().notice_on, old.get().ends_on) == (date(2020, 7, 31), date(2020, 12, 31))
    old.update(handed_over_on=None)
    return api("outsider")


def test_the_operator_leaves_with_the_year_and_the_emergency_provider_takes_over(api, operator, organisation):
    resident, chair, officer = api("resident"), api("chair"), api("property_officer")
    company, office = organisation("北京通达驿停车管理有限公司"), organisation("天岳恒学院路14号院项目部")
    contract = ServiceContract.objects.get(code=OLD)

    def fired():
        rows = ContractFiring.objects.filter(contract=contract).order_by("due_on", "rung")
        return [one.rung for one in rows if one.rung != timers.HANDED_ON]

    for day, rungs in (
        ("2020-06-29", []),
        ("2020-06-30", ["renewal"]),
        ("2020-07-31", ["renewal", "exit_notice"]),
    ):
        with on(day):
            timers.fire_due()
        assert fired() == rungs

    tickets = {}
    with on("2020-12-28"):
        for name in ("dispatched", "in_progress", "returning", "replied", "on_account", "coordinating"):
            tickets[name] = resident.file("PK01", title="院内乱停车", text=f"消防通道旁每晚停满（{name}）。")
            if name != "coordinating":
                chair.move(tickets[name], "dispatch", holder=company)
            if name not in ("coordinating", "dispatched"):
                operator.move(tickets[name], "sign")
        operator.move(tickets["returning"], "return", reason="年底撤场。")
        operator.move(tickets["replied"], "contact", result="reached")
        operator.move(tickets["replied"], "reply", result="已清理。", photos=[operator.photo()])
        account = {"kind": "funding", "owner": str(row(tickets["replied"]).desk_id), "plan_date": "2021-02-26"}
        officer.move(tickets["on_account"], "put_on_account", reason="待资金。", **account)
        operator.move(tickets["in_progress"], "ask", question="几号车位？")
        due = row(tickets["in_progress"]).due_at
    assert {name: row(one).state for name, one in tickets.items()} == {name: name for name in tickets}

    assert sweep(END - timedelta(microseconds=1)) == 0
    assert sweep(END) == 3
    with at(END):
        timers.fire_due()
    assert fired()[-1] == "end"
    for name in ("dispatched", "in_progress", "returning"):
        ticket = tickets[name]
        now, event = row(ticket), history(ticket)[-1]
        assert (now.state, str(now.holder_id), now.question_open) == ("dispatched", office, False)
        assert (event.verb, event.source, event.actor_id) == ("redispatch", name, None)
        assert (event.data["ended"], event.data["holder"]) == (OLD, office)
        assert "words" not in event.data
        assert {"北京通达驿停车管理有限公司", "天岳恒学院路14号院项目部", "物业专班"} <= told(ticket)
        with at(END + MINUTE):
            assert (queued(operator, ticket), queued(api("dispatcher"), ticket)) == (None, "lead")
            assert seen(operator, ticket)["relations"] == ["past_holder"]
        parts = list(
            Assignment.objects.filter(ticket=now.pk, role="lead").order_by("id").values_list("outcome", flat=True)
        )
        assert parts == ["redispatched", ""]
        assert_whole(ticket, "dispatched")
    # The question that was open held it for 72 hours, two whole days among them.
    assert row(tickets["in_progress"]).due_at == due + 2 * DAY
    for name in ("replied", "on_account", "coordinating"):
        assert row(tickets[name]).state == name
        assert not TicketEvent.objects.filter(subject=tickets[name]["id"], verb="redispatch").exists()

    # What waited for the resident does not go back to the operator, and nothing passes on twice.
    with at(END + 9 * timedelta(hours=1)):
        assert resident.move(tickets["replied"], "dispute", reason="又停满了。")["state"] == "coordinating"
    assert sweep(END + 10 * timedelta(hours=1)) == 0
    assert sweep(END + DAY) == 0

    # A month later the operator has not handed over what it had.
    with at(END + 30 * DAY):
        timers.fire_due()
    assert fired() == ["renewal", "exit_notice", "end", "handover_overdue"]
    with at(END + 30 * DAY):
        late = officer.get("contracts/timers", limit=1)["results"][0]
    assert (late["contract"]["code"], late["rung"], late["due_on"]) == (OLD, "handover_overdue", "2021-01-31")


# What passes on, and what does not.


@pytest.fixture
def ending(scene, street):
    """`ending()` lets the contract of 14号院's project office end on 30 June 2025, and that of another begin the day after."""
    scene.now = datetime.fromisoformat("2025-06-30T15:00:00+08:00")

    def end(successor: str | None = "po-a02", **columns):
        assert ServiceContract.objects.filter(code="P-A01").update(ends_on=date(2025, 6, 30)) == 1
        if successor is not None:
            ServiceContract.objects.create(
                street=street, code="P-NEW", provider=Organisation.objects.get(code=successor), kind="property",
                area=Area.objects.get(code="A01"), starts_on=date(2025, 7, 1), **columns,
            )  # fmt: skip
        return datetime.fromisoformat("2025-07-01T00:00:00+08:00")

    return end


def now(ticket):
    return Ticket.objects.select_related("holder").get(pk=ticket)


def last(ticket):
    return TicketEvent.objects.filter(subject=ticket).latest("seq")


def done(code="P-A01"):
    return ContractFiring.objects.filter(contract__code=code, rung=timers.HANDED_ON)


def test_the_successor_s_own_contract_measures_what_passes_on(scene, ending):
    ticket = scene.file("RP04")
    end = ending(standard=3)
    assert sweep(end) == 1
    after = now(ticket)
    assert (after.holder.code, after.standard) == ("po-a02", 3)
    handle = after.clock_rows.get(name="handle", stopped_at=None)
    assert (handle.started_at, handle.due_at) == (end, end + timedelta(hours=4))
    assert_clocks_are_as_the_events_say(ticket)


def test_a_step_that_waits_for_whoever_lost_the_contract_goes_to_whoever_serves_then(scene, ending):
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="section-city", next_steps=["po-a01"])
    scene.follow(ticket, [("city_officer", "sign", {}), ("city_officer", "contact", {"result": "reached"})])
    begins = ending()
    scene.now = begins + timedelta(hours=9)
    scene.known.clear()
    event = scene.do("city_officer", ticket, "complete_step", result="第一步完成")
    assert now(ticket).holder == Organisation.objects.get(code="po-a02")
    assert event.data["instead_of"] == str(scene.codes["po-a01"])
    assert event.data["lead"] == str(scene.codes["po-a02"])


def test_a_step_that_waits_for_whoever_still_serves_is_theirs(scene):
    ticket = scene.file("SV01")
    scene.do("chair", ticket, "dispatch", holder="section-city", next_steps=["po-a01"])
    scene.follow(ticket, [("city_officer", "sign", {}), ("city_officer", "contact", {"result": "reached"})])
    event = scene.do("city_officer", ticket, "complete_step", result="第一步完成")
    assert now(ticket).holder == Organisation.objects.get(code="po-a01")
    assert "instead_of" not in event.data


def test_a_provider_whose_contract_is_renewed_keeps_its_tickets(scene, ending):
    ticket = scene.file("CL03")
    assert sweep(ending("po-a01")) == 0
    assert (now(ticket).holder.code, last(ticket).verb) == ("po-a01", "submit")


def test_without_a_successor_the_street_s_section_answers(scene, ending):
    ticket, coordinated = scene.file("CL03"), scene.file("PK01")
    scene.do("chair", coordinated, "dispatch", holder="po-a01")
    assert sweep(ending(None)) == 2
    assert {now(one).holder.code for one in (ticket, coordinated)} == {"section-property"}
    assert last(ticket).data["rule"] == "backstop"


def test_what_was_coordinated_already_goes_on_to_whoever_serves_now(scene, ending):
    ticket = scene.file("PK01")
    scene.do("chair", ticket, "dispatch", holder="po-a01")
    assert sweep(ending()) == 1
    assert (now(ticket).state, now(ticket).holder.code) == ("dispatched", "po-a02")


def test_what_the_old_provider_is_given_after_the_end_stays_with_it(scene, ending):
    ticket = scene.file("CL03")
    end = ending()
    assert sweep(end) == 1
    scene.now = end + MINUTE
    scene.known.clear()
    scene.do("desk_officer", ticket, "redispatch", holder="po-a01", reason="由原单位收尾。")
    assert sweep(end + 5 * MINUTE) == 0
    assert sweep(end + DAY) == 0
    assert now(ticket).holder.code == "po-a01"


def test_a_firm_without_a_contract_and_what_lies_outside_the_scope_stay(scene, ending):
    hired, beyond = scene.file("CL03"), scene.file("CL03")
    scene.do("desk_officer", hired, "redispatch", holder="co-linjianli", reason="专项保洁。")
    ServiceContract.objects.filter(code="P-A01").update(scope=["RP*"])
    assert sweep(ending()) == 0
    assert (now(hired).holder.code, now(beyond).holder.code) == ("co-linjianli", "po-a01")


def test_another_place_of_the_same_provider_is_not_touched(scene, ending):
    elsewhere = scene.file("CL03", compound_id=Compound.objects.get(name="逸成社区小区").pk)
    scene.do("desk_officer", elsewhere, "redispatch", holder="po-a01", reason="支援。")
    assert sweep(ending()) == 0
    assert now(elsewhere).holder.code == "po-a01"


def test_a_co_handler_that_left_is_replaced_and_the_lead_stays(scene, ending):
    ticket = scene.file("EL01", spot="3号楼")
    scene.do("lift_dispatcher", ticket, "sign")
    assert sweep(ending()) == 1
    event, after = last(ticket), now(ticket)
    assert (event.verb, event.data["ended"], after.state, after.holder.code) == (
        "relieve",
        "P-A01",
        "in_progress",
        "lift-shengan",
    )
    helping = Assignment.objects.filter(ticket=ticket, role="co_handler", open=True)
    assert [one.organisation.code for one in helping] == ["po-a02"]
    left = Assignment.objects.get(ticket=ticket, organisation__code="po-a01")
    assert (left.open, left.outcome) == (False, "redispatched")
    assert_clocks_are_as_the_events_say(ticket)


def test_a_co_handler_that_left_goes_where_nobody_follows_it(scene, ending):
    ticket = scene.file("EL01", spot="3号楼")
    assert sweep(ending(None)) == 1
    assert last(ticket).verb == "relieve"
    assert not Assignment.objects.filter(ticket=ticket, role="co_handler", open=True).exists()
    assert now(ticket).holder.code == "lift-shengan"


def test_co_handlers_that_go_on_serving_stay_with_the_ticket(scene, ending):
    ticket = scene.file("PK01")
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["lift-shengan", "co-tianyueheng"])
    assert sweep(ending()) == 1
    helping = Assignment.objects.filter(ticket=ticket, role="co_handler", open=True)
    assert [one.organisation.code for one in helping] == ["lift-shengan"]
    assert now(ticket).holder.code == "po-a02"


def test_only_those_who_help_now_go_on_helping_whoever_was_whistled_keeps_that_part(scene, ending):
    ticket = scene.file("PK01")
    scene.do("desk_officer", ticket, "whistle", departments=["dept-traffic-police"], reason="需要配合")
    scene.do("chair", ticket, "dispatch", holder="po-a01", co_handlers=["lift-shengan", "dept-police"])
    scene.do("lift_dispatcher", ticket, "decline", reason="不在职责内")
    assert sweep(ending()) == 1
    parts = Assignment.objects.filter(ticket=ticket, open=True).values_list("role", "organisation__code")
    assert sorted(parts) == [("co_handler", "dept-police"), ("lead", "po-a02"), ("whistled", "dept-traffic-police")]


def test_what_was_given_at_the_very_end_is_not_of_the_contract_that_ended(scene, ending):
    led, helped = scene.file("CL03"), scene.file("PK01")
    scene.do("chair", helped, "dispatch", holder="po-a01", co_handlers=["co-tianyueheng"])
    end = ending()
    Assignment.objects.filter(ticket=led).update(opened_at=end)
    Assignment.objects.filter(ticket=helped, role="co_handler").update(opened_at=end)
    assert sweep(end) == 1
    assert [now(one).holder.code for one in (led, helped)] == ["po-a01", "po-a02"]
    helping = Assignment.objects.filter(ticket=helped, role="co_handler", open=True)
    assert [one.organisation.code for one in helping] == ["co-tianyueheng"]


def test_a_ticket_that_accuses_the_successor_goes_to_the_street(scene, ending):
    ticket = scene.file("CL03")
    successor = Organisation.objects.get(code="po-a02")
    Ticket.objects.filter(pk=ticket).update(accused=[successor.pk])
    assert sweep(ending()) == 1
    assert now(ticket).holder.kind == "section"


def test_a_contract_is_done_once_what_was_under_way_has_settled(scene, ending):
    scene.file("CL03")
    end = ending()
    sweep(end)
    sweep(end + handover.SETTLED - MINUTE)
    assert not done().exists()
    sweep(end + handover.SETTLED)
    sweep(end + handover.SETTLED + MINUTE)
    assert done().get().due_on == date(2025, 7, 1)


def test_a_dispatch_that_began_before_the_end_and_came_after_the_first_sweep_passes_on_too(scene, ending):
    end = ending()
    assert sweep(end) == 0
    late = scene.file("CL03")
    assert sweep(end + 2 * MINUTE) == 1
    assert now(late).holder.code == "po-a02"


def test_an_end_that_is_set_anew_is_watched_anew(scene, ending):
    ticket = scene.file("CL03")
    end = ending("po-a01")
    sweep(end + DAY)
    assert done().count() == 1
    ServiceContract.objects.filter(code__in=["P-A01", "P-NEW"]).update(ends_on=None)
    ServiceContract.objects.filter(code="P-NEW").delete()
    ServiceContract.objects.filter(code="P-A01").update(ends_on=date(2025, 7, 10))
    assert sweep(datetime.fromisoformat("2025-07-11T00:00:00+08:00")) == 1
    assert now(ticket).holder.code == "section-property"


def test_a_poisoned_ticket_waits_and_the_others_pass_on(scene, ending):
    tickets = [scene.file("CL03") for _ in range(4)]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.subject_id = TG_ARGV[0]::uuid THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER poison BEFORE INSERT ON tickets_ticketevent FOR EACH ROW EXECUTE FUNCTION pg_temp.poison('{tickets[1]}')"
        )
    end = ending()
    with at(end + DAY):
        swept = handover.sweep()
    assert (swept.subjects, swept.failed) == (3, 1)
    assert [now(one).holder.code for one in tickets] == ["po-a02", "po-a01", "po-a02", "po-a02"]
    assert not done().exists()
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER poison ON tickets_ticketevent")
    assert sweep(end + DAY + MINUTE) == 1
    assert done().exists()


def test_one_batch_costs_the_same_for_two_tickets_and_for_twelve(scene, ending):
    for _ in range(2):
        scene.file("CL03")
    end = ending()
    with at(end), statements() as few:
        assert handover.sweep().subjects == 2
    Assignment.objects.filter(organisation__code="po-a01").update(opened_at=end - DAY)
    scene.now = end - DAY
    scene.known.clear()
    ServiceContract.objects.filter(code="P-NEW").update(starts_on=date(2025, 7, 1))
    for _ in range(12):
        scene.file("CL03")
    with at(end + MINUTE), statements() as many:
        assert handover.sweep().subjects == 12
    assert len(many) <= len(few)


def test_the_task_and_the_tick_do_it_by_the_real_time(scene, street):
    scene.now = timezone.now() - 3 * DAY
    scene.known.clear()
    tickets = [scene.at_work("CL07") for _ in range(2)]
    ServiceContract.objects.filter(code="P-A01").update(ends_on=timezone.localdate() - DAY)
    assert "2 tickets passed on." in printed("tick")
    TASKS["tickets.hand_over"]()
    assert [now(one).holder.code for one in tickets] == ["section-property"] * 2
    assert TicketEvent.objects.filter(subject__in=tickets, verb="redispatch").count() == 2
    assert timezone.now() - LastSweep.objects.get(name=handover.SWEEP).at < MINUTE


# Sweepers of their own, and one that dies.

TICKETS = 300
SWEEPING = "import time\nfrom tickets import handover\nwhile True:\n    handover.sweep()\n    time.sleep(0.02)\n"
SWEEPER = ("manage.py", "shell", "--no-imports", "-c", SWEEPING)


@dataclass
class Leaving(Crew):
    """Tickets of a project office whose contract ended last midnight, and the processes that pass them on."""

    scene: Scene
    tickets: list[uuid.UUID] = field(default_factory=list)


@pytest.fixture
def leaving(transactional_db: None) -> Iterator[Leaving]:
    """A contract that ended last midnight, with many open tickets; afterwards everything is as it was."""
    need_superuser()
    today = timezone.localdate()
    midnight = datetime.combine(today, datetime.min.time(), timezone.get_default_timezone())
    found = Leaving(Scene(demo.cast(), now=midnight - 2 * MINUTE))
    old = ServiceContract.objects.get(code="P-A01")
    try:
        with transaction.atomic():
            found.tickets += [found.scene.file("CL07") for _ in range(TICKETS)]
            ServiceContract.objects.filter(pk=old.pk).update(ends_on=today - DAY)
            ServiceContract.objects.create(
                street_id=old.street_id, code="P-NEW", provider=Organisation.objects.get(code="po-a02"),
                kind="property", area=old.area, starts_on=today,
            )  # fmt: skip
        yield found
    finally:
        found.stop()
        remove(found.tickets)
        ContractFiring.objects.all().delete()
        LastSweep.objects.filter(name=handover.SWEEP).delete()
        ServiceContract.objects.filter(code="P-NEW").delete()
        ServiceContract.objects.filter(pk=old.pk).update(ends_on=old.ends_on)


def test_two_sweepers_of_which_one_is_killed_in_the_middle_pass_each_ticket_on_once(leaving: Leaving) -> None:
    first = leaving.start("leaving-0", *SWEEPER)
    wait_until(lambda: in_a_transaction("leaving-0", "backend_xid"))
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    moved = TicketEvent.objects.filter(subject__in=leaving.tickets, verb="redispatch")
    assert moved.count() < TICKETS, "The sweeper was done before it was killed; the test shows nothing."
    for number in (1, 2):
        leaving.start(f"leaving-{number}", *SWEEPER)
    wait_until(lambda: moved.count() == TICKETS)
    time.sleep(0.5)
    assert all(process.poll() is None for process in leaving.processes[1:])
    leaving.stop()
    once = Counter(one.subject_id for one in moved)
    assert (len(once), set(once.values())) == (TICKETS, {1})
    for ticket in Ticket.objects.filter(pk__in=leaving.tickets).select_related("holder"):
        events = history(ticket.pk)
        assert (ticket.state, ticket.holder.code, events[-1].data["ended"]) == ("dispatched", "po-a02", "P-A01")
        assert flaw(ticket, events) is None
        assert_clocks_are_as_the_events_say(ticket.pk)
    with at(timezone.now() + handover.SETTLED):
        assert handover.sweep().subjects == 0
    assert done().count() == 1


def test_that_a_contract_is_done_is_told_once(scene, ending, cast):
    scene.file("CL03")
    end = ending()
    for moment in (end, end + DAY, end + 2 * DAY):
        sweep(moment)
    assert done().count() == 1
    found = Message.objects.filter(key=timers.letter(done().get(), {}).key)
    assert {one.kind for one in found} == {"contract.handed_on"}
    assert {one.topic for one in found} == {"oversight"}
    assert sorted(one.person_id for one in found) == sorted(
        cast[key].pk for key in ("property_officer", "chair", "manager")
    )

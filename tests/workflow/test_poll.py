"""The second subject goes the way of every subject, and no line of `tickets` is needed for it."""

import ast
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import connection, models
from django.db.transaction import atomic
from django.db.utils import IntegrityError
from django.test.utils import isolate_apps
from django.utils.timezone import localtime
from django_fsm import FSMField

from casework import duties
from casework.acting import make_move
from casework.api.moves import MakeMove, move_views
from casework.inputs import Input
from casework.kinds import Kind
from casework.tasks import SCHEDULE, TASKS
from community.actors import by_person
from community.models import Organisation, Person, Residency
from notifications.models import Delivery, Endpoint, Message
from tests.commands import printed
from tests.tickets.webhooks import KEPT
from tests.tickets.webhooks import page as webhook_page
from tests.workflow import poll
from tests.workflow.calendar_versions import publish
from tests.workflow.poll.kind import POLLS
from tests.workflow.poll.models import LEVELS, Poll, PollClock, PollEvent, PollFiring, PollLevel, PollOutbox, PollSeal
from web.models import new_ids
from web.words import zh
from workflow import calendars, moment
from workflow.actor import Actor
from workflow.errors import IllegalMove, NotPermitted, StaleVersion
from workflow.instances import fresh
from workflow.ladder import Rung
from workflow.models.service_levels import put
from workflow.moves import Visibility, clock_alone, move, moves, transition
from workflow.seals import read_seals, seal_heads
from workflow.service_level import Target
from workflow.verification import verify
from workflow.writing import Happening, create, lock

pytestmark = pytest.mark.django_db


@pytest.fixture
def chair(cast):
    return cast["chair"]


@pytest.fixture(autouse=True)
def level(db):
    """A service level of polls: three days for a vote, four hours for the count."""
    LEVELS.forget()
    draft = PollLevel.draft(source="议事规则")
    put(
        draft,
        [Target("voting", "", 0, "3d"), Target("count", "", 0, "4h")],
        [("voting", Rung("due", ("end",), share=100)), ("count", Rung("due", ("void",), share=100))],
    )
    draft.publish(at=moment.now(), effective_from=moment.now() - timedelta(days=1))
    yield draft
    LEVELS.forget()
    calendars.forget()


@pytest.fixture
def begun(street, chair, cast):
    """A poll that the chair has begun."""
    by = Actor(chair.pk, moment.now())
    one = fresh(
        Poll,
        id=new_ids(1)[0],
        street_id=street.pk,
        compound_id=home(cast["resident"]),
        chair_id=chair.pk,
        question="加装电梯？",
        last_event_at=by.at,
    )
    create(one, Happening("begin", "", one.state, Visibility.PUBLIC, words={"question": one.question}), by=by, at=by.at)
    return one.pk


def home(person):
    """The compound where a person lives."""
    return Residency.objects.filter(person=person).values_list("compound", flat=True)[0]


def act(name, pk, person, *, after=timedelta(0), version=None, **inputs):
    """Make a move, as any caller would."""
    by = by_person(person.pk, moment.now() + after).actor
    with atomic():
        return make_move(POLLS, name, pk, by=by, version=version, inputs=inputs).event


def sound(pk) -> bool:
    """Whether the poll is as its history says."""
    return all(flaw is None for _, flaw in verify(Poll)) and Poll.objects.filter(pk=pk).exists()


def test_a_subject_whose_permissions_ask_nothing_of_the_person_can_be_locked(begun, chair):
    with atomic():
        (one,) = lock(Poll, begun, by=Actor(chair.pk, moment.now()))
    assert one.pk == begun
    assert [clock.name for clock in one.clocks] == ["voting"]


def test_moves_of_a_base_class_are_moves_of_the_subject(begun, chair):
    assert list(moves(Poll)) == ["vote", "end", "count", "void"]
    act("void", begun, chair)
    assert Poll.objects.get(pk=begun).state == "closed"


def test_a_decimal_is_a_fact_and_a_column(begun, chair, cast):
    act("vote", begun, cast["resident"], yes=True, reason="方便老人")
    act("end", begun, chair)
    act("count", begun, chair, turnout=Decimal("66.7"))
    one = Poll.objects.get(pk=begun)
    assert one.turnout == Decimal("66.70")
    assert one.events.get(verb="count").data["turnout"] == "66.7"
    assert PollOutbox.objects.get(event__verb="count").facts["turnout"] == "66.7"
    # PostgreSQL gives it back with the two digits of its column.
    assert sound(begun)


def test_what_may_not_be_is_refused_and_changes_nothing(begun, chair, cast):
    act("end", begun, chair)
    before = Poll.objects.get(pk=begun)
    for name, who, version, refusal in [
        ("vote", "resident", None, IllegalMove),
        ("void", "resident", None, NotPermitted),
        ("void", "chair", before.version + 1, StaleVersion),
    ]:
        with pytest.raises(refusal):
            act(name, begun, cast[who], version=version, **({"yes": True} if name == "vote" else {}))
    with pytest.raises(IllegalMove) as caught:
        act("count", begun, chair, turnout=Decimal(1))
    assert caught.value.code == "nobody_voted"
    after = Poll.objects.get(pk=begun)
    assert (after.version, after.event_count, after.head) == (before.version, before.event_count, before.head)


def test_clocks_end_it_and_each_rung_is_fired_once(begun, chair):
    by = moment.now()
    for clock, days, state in [("voting", 4, "counting"), ("count", 8, "closed")]:
        with moment.at(by + timedelta(days=days)):
            assert duties.sweep(POLLS).rungs == 1
            assert duties.sweep(POLLS).rungs == 0
        assert Poll.objects.get(pk=begun).state == state
        assert PollFiring.objects.filter(clock__name=clock).count() == 1
    assert sound(begun)


def test_its_clocks_follow_a_calendar_that_changed(begun, chair):
    (before,) = PollClock.objects.all()
    # Its last day becomes a day off.
    last = (localtime(before.due_at) - timedelta(seconds=1)).date()
    version = publish(last.year, closed={last: "调休"})
    assert duties.follow_calendar(POLLS).subjects == 1
    (after,) = PollClock.objects.all()
    assert (after.calendar, after.pk) == (version.number, before.pk)
    assert after.due_at >= before.due_at + timedelta(days=1)
    event = PollEvent.objects.latest("seq")
    assert (event.verb, event.source, event.target, event.actor) == ("recalendar", "open", "open", None)
    assert event.data["calendar"] == version.number
    assert str(POLLS.event_label("recalendar")) == "历法更新"
    assert duties.follow_calendar(POLLS).subjects == 0
    with moment.at(before.due_at):
        assert duties.sweep(POLLS).rungs == 0
    assert sound(begun)


def test_its_events_are_told_once_to_whom_they_concern(begun, chair, paper):
    act("end", begun, chair)
    assert POLLS.teller.tell() == 2
    (message,) = Message.objects.filter(subject_type="poll", subject_id=begun)
    assert (message.person_id, message.title, message.seq) == (chair.pk, "投票已截止", 2)
    assert "加装电梯？" in message.body
    assert not PollOutbox.objects.exists()
    assert POLLS.teller.tell() == 0


def test_a_webhook_subscribes_to_its_events(begun, chair, cast, staff, street, paper):
    office = Organisation.objects.get(street=street, kind="street_office")
    url = "https://hooks.example.com/linli"
    endpoint = Endpoint.objects.create(street_id=street.pk, organisation_id=office.pk, name="议事系统", url=url)
    clerk, page = staff("general_officer", *KEPT), webhook_page(endpoint, "change")
    offered = clerk.get(page).content.decode()
    for type, label in (("poll.end", "截止"), ("poll.recalendar", "历法更新"), ("ticket.dispatch", "派单")):
        assert f"{label} {type}" in offered
    given = {"name": endpoint.name, "url": url, "active": "on", "types": ["poll.end"]}
    assert clerk.post(page, given).status_code == 302
    act("vote", begun, cast["resident"], yes=True)
    act("end", begun, chair)
    assert POLLS.teller.tell() == 3
    (delivery,) = Delivery.objects.filter(recipient=endpoint.pk)
    assert (delivery.content["type"], delivery.content["data"]) == ("poll.end", {"state": "counting"})
    assert delivery.message.subject_id == begun


def test_its_history_only_grows(begun):
    with connection.cursor() as cursor:
        # PostgreSQL truncates no table of which a check has still to come.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in (
        "UPDATE poll_pollevent SET verb = 'x'",
        "DELETE FROM poll_pollevent",
        "TRUNCATE poll_pollevent CASCADE",
    ):
        with pytest.raises(IntegrityError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_audit_and_seals_find_what_was_changed_or_deleted(begun, chair, street):
    seal_heads(Poll, moment.now(), street_id=street.pk)
    found = read_seals(Poll, street_id=street.pk)
    assert (found.flaws, set(found.heads)) == ([], {begun})
    Poll.objects.filter(pk=begun).update(question="不加装电梯？")
    (changed,) = [flaw for _, flaw in verify(Poll) if flaw]
    assert (changed.subject.pk, zh(changed.reason)) == (begun, "该对象本身或其附属的一行与最后一个事件之后不同")
    gone = [flaw for _, flaw in verify(Poll, heads={**found.heads, chair.pk: (1, b"")}) if flaw]
    assert [flaw.subject is None for flaw in gone] == [False, True]
    assert PollSeal.objects.count() == 1


def test_its_deadlines_are_those_of_its_service_level(begun, chair, street):
    (voting,) = Poll.objects.get(pk=begun).clock_rows.all()
    assert (voting.budget, voting.policy) == ("3d", 1)
    newer = PollLevel.objects.get().copy_as_draft()
    with pytest.raises(ValidationError):
        newer.targets.create(clock="voting", budget="soon", starts_on=date(2030, 1, 1)).clean_fields()
    newer.targets.filter(starts_on__isnull=False).delete()
    newer.targets.filter(clock="count").update(budget="6h")
    newer.publish(at=moment.now(), effective_from=moment.now() + timedelta(seconds=1))
    LEVELS.forget()
    act("end", begun, chair, after=timedelta(hours=1))
    counting = Poll.objects.get(pk=begun).clock_rows.get(name="count")
    assert (counting.budget, counting.policy) == ("6h", 2)
    assert sound(begun)


def test_a_service_level_that_lacks_a_target_is_not_published(begun):
    lacking = PollLevel.objects.get().copy_as_draft()
    lacking.targets.filter(clock="count").delete()
    with pytest.raises(ValidationError, match="count"):
        lacking.publish(at=moment.now(), effective_from=moment.now() + timedelta(days=1))


def test_tick_fires_tells_and_seals_it(begun, chair, paper):
    with moment.at(moment.now() + timedelta(days=4)):
        said = printed("tick")
    assert "1 rungs fired on 1 polls." in said
    assert "2 events told." in said
    assert Poll.objects.get(pk=begun).state == "counting"
    assert Message.objects.filter(subject_id=begun).count() == 1
    assert PollSeal.objects.count() == 1


def test_a_queue_has_a_task_for_each_of_its_duties(begun, paper):
    names = {f"polls.{duty}" for duty in ("sweep", "tell_outbox", "follow_calendar", "seal_heads")}
    assert {name for name in SCHEDULE if name.startswith("polls.")} == names <= set(TASKS)
    for name in sorted(names):
        TASKS[name]()
    assert not PollOutbox.objects.exists()
    assert PollSeal.objects.count() == 1


def test_the_audits_commands_seal_and_prove_it(begun, street):
    (head,) = printed("seal_audit").splitlines()
    assert head.startswith(f"polls:{street.code}:1:")
    assert "1 polls with 1 events" in printed("verify_audit", "--head", head)
    with pytest.raises(CommandError, match="The chain of seals does not hold"):
        printed("verify_audit", "--head", f"{head[:-64]}{'0' * 64}")
    Poll.objects.filter(pk=begun).update(question="不加装电梯？")
    with pytest.raises(CommandError, match="failed at poll number 1"):
        printed("verify_audit")
    with pytest.raises(CommandError, match="1 of 1 polls are flawed"):
        printed("verify_audit", "--all")


def test_clerks_read_its_history_in_the_admin_and_change_nothing(begun, chair, cast, client, street):
    act("vote", begun, cast["resident"], yes=True, reason="方便老人")
    act("end", begun, chair)
    address = f"/admin/poll/poll/{begun}/change/"
    clerk = cast["desk_officer"]
    assert read(client, clerk, address).status_code == 302
    Person.objects.filter(pk__in=[clerk.pk, cast["resident"].pk]).update(is_staff=True)
    permissions = Permission.objects.filter(codename__in=["view_poll", "view_pollevent"])
    for person in (clerk, cast["resident"]):
        person.user_permissions.set(permissions)
    page = read(client, clerk, address).content.decode()
    for told in ("加装电梯？", "方便老人", "截止", "counting"):
        assert told in page
    assert "加装电梯？" not in read(client, cast["resident"], address).content.decode()
    assert client.post(address, {"question": "x"}).status_code in (302, 403)
    assert read(client, clerk, "/admin/poll/poll/add/").status_code == 403


def read(client, person, address):
    """A page of the admin, for a person."""
    client.force_login(person)
    return client.get(address, HTTP_ACCEPT_LANGUAGE="zh-hans")


@pytest.mark.urls("tests.workflow.poll.kind")
def test_its_api_offers_makes_and_tells(begun, at_api, chair):
    def url(rest: str) -> str:
        return f"/api/v1/polls/{begun}/{rest}"

    offers = {who: at_api(who).get(url("moves")).json() for who in ("chair", "resident")}
    assert [one["name"] for one in offers["chair"]["moves"]] == ["vote", "end", "void"]
    assert [one["name"] for one in offers["resident"]["moves"]] == ["vote"]
    assert offers["resident"]["moves"][0]["input"]["required"] == ["yes"]
    key = {"HTTP_IDEMPOTENCY_KEY": "a-vote-of-mine"}
    votes = [at_api("resident").post(url("moves/vote"), {"yes": True}, format="json", **key) for _ in range(2)]
    assert [one.status_code for one in votes] == [200, 200]
    assert votes[0].content == votes[1].content
    assert Poll.objects.get(pk=begun).votes == 1
    version = f'"{offers["chair"]["version"]}"'
    for who, status, code, body in [
        ("resident", 403, "not_permitted", {}),
        ("outsider", 404, "not_found", {}),
        ("chair", 400, "invalid", {"surprise": 1}),
        ("chair", 200, None, {}),
        ("chair", 412, "stale_version", {}),
    ]:
        made = at_api(who).post(
            url("moves/end"),
            body,
            format="json",
            HTTP_IF_MATCH=version,
        )
        assert (made.status_code, made.json().get("code")) == (status, code)
    counting = {one["name"]: one["input"] for one in at_api("chair").get(url("moves")).json()["moves"]}
    assert counting["count"]["properties"]["turnout"]["format"] == "decimal"
    told = {who: at_api(who).get(url("events")).json()["results"] for who in ("chair", "resident")}
    assert [one["verb"] for one in told["chair"]] == ["begin", "vote", "end"]
    assert [one["verb"] for one in told["resident"]] == ["begin", "end"]
    assert at_api("outsider").get(url("events")).status_code == 404


@isolate_apps("tests.workflow.poll")
def test_a_move_that_the_clock_alone_makes_has_no_address():
    class Lamp(models.Model):
        state = FSMField(default="on", protected=True)

        class Meta:
            app_label = "poll"

        @transition(source="on", target="off", permission=clock_alone, custom=move("熄灭", "Go out", Input))
        def go_out(self): ...

        @transition(
            source="off", target="on", permission=lambda lamp, by: by.clock, custom=move("点亮", "Light", Input)
        )
        def light(self): ...

    class Lamps(Kind):
        name, model = "lamps", Lamp

    assert list(move_views(Lamps(), MakeMove)) == ["light"]


@isolate_apps("tests.workflow.poll")
def test_a_move_that_does_not_say_who_may_make_it_is_none():
    class Candle(models.Model):
        state = FSMField(default="on", protected=True)

        class Meta:
            app_label = "poll"

        @transition(source="on", target="off", custom=move("熄灭", "Go out", Input))
        def go_out(self): ...

    with pytest.raises(TypeError, match="go_out of Candle"):
        moves(Candle)


def test_it_knows_no_ticket_and_is_short():
    files = sorted(Path(poll.__file__).parent.glob("*.py"))
    named = {
        name.split(".")[0]
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert "tickets" not in named
    assert sum(len(file.read_text().splitlines()) for file in files) <= 250
    assert PollEvent._meta.get_field("subject").related_model is Poll

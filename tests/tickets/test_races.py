"""Many at once on one ticket, in real threads with real commits: one of them wins, and nobody sees an error of ours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from community import demo
from community.models import Compound, Organisation, Person, Residency, SignInToken
from tests.connections import together
from tests.people import residents
from tests.tickets.committed import behind_linlis_back, need_superuser, remove
from tests.tickets.conftest import Caller
from tests.tickets.story import assert_whole, history, row
from tickets.models import Follower, Ticket
from web.models import IdempotencyKey

HOME = "学院路14号院"


@dataclass
class Stage:
    """Committed people of the test's own, and the cast; `tickets` are what they filed."""

    residents: list[Caller]
    cast: dict[str, Person]
    callers: dict[str, Caller] = field(default_factory=dict)

    def __call__(self, key: str) -> Caller:
        """One of the cast with a live token."""
        if key not in self.callers:
            self.callers[key] = Caller(self.cast[key])
        return self.callers[key]

    @property
    def people(self) -> list[Person]:
        """Everybody who made a request."""
        return [one.person for one in [*self.residents, *self.callers.values()]]


@pytest.fixture
def stage(transactional_db: None) -> Iterator[Stage]:
    """Sixteen residents of one compound; afterwards their tickets and all that hangs on them are gone again."""
    need_superuser()
    people = residents(16)
    stage = Stage([Caller(one) for one in people], demo.cast())
    yield stage
    everybody = stage.people
    tickets = list(Ticket.objects.filter(reporter__in=people).values_list("pk", flat=True))
    remove(tickets)
    with transaction.atomic(), behind_linlis_back():
        for rows in (
            SignInToken.objects.filter(person__in=everybody),
            IdempotencyKey.objects.filter(caller__in=[one.pk for one in everybody]),
            Residency.objects.filter(person__in=people),
            Person.objects.filter(pk__in=[one.pk for one in people]),
        ):
            rows._raw_delete(rows.db)


@dataclass(frozen=True)
class Answer:
    """What one of the racers was told."""

    status: int
    body: Any


def post(caller: Caller, path: str, body: Any = None, **headers: str) -> Callable[[], Answer]:
    """A request to make later, from a client of its own; an error of ours is an answer like any other."""
    client = APIClient(raise_request_exception=False)
    client.credentials(**caller.client._credentials)

    def send() -> Answer:
        response = client.post(f"/api/v1/{path}", body or {}, format="json", headers=headers)
        return Answer(response.status_code, response.json())

    return send


def move(caller: Caller, ticket: Any, name: str, version: int | None = None, **inputs: Any) -> Callable[[], Answer]:
    """A move to make later, at a version that was read before."""
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return post(caller, f"tickets/{ticket['id']}/moves/{name}", inputs, **headers)


def race(requests: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Make all requests at the same moment, each in a thread with a connection of its own; the answers in order."""
    answers = together(len(requests), lambda number: requests[number]())
    assert all(one.status < 500 for one in answers), answers
    return answers


def only_winner(answers: Sequence[Answer]) -> Any:
    """The ticket as the one winner left it; everybody else came too late."""
    won = [one.body["ticket"] for one in answers if one.status == 200]
    assert len(won) == 1, answers
    assert {one.status for one in answers} <= {200, 412, 409}
    assert sum(one.status == 412 for one in answers) >= len(answers) - 2
    return won[0]


def test_of_sixteen_different_moves_at_one_version_one_wins(stage):
    officer, other_office = stage("property_officer"), Organisation.objects.get(code="po-a02")
    ticket = stage.residents[0].file("CL07")
    racers = [
        *(move(stage(key), ticket, "sign", 1) for key in ("dispatcher", "worker", "manager", "dispatcher")),
        *(move(stage(key), ticket, "return", 1, reason="不归我们。") for key in ("dispatcher", "worker") * 2),
        *(move(officer, ticket, "redispatch", 1, holder=str(other_office.pk), reason="改派。") for _ in range(4)),
        *(move(officer, ticket, "coordinate", 1, reason="需协调。") for _ in range(4)),
    ]
    assert len(racers) == 16
    after = only_winner(race(racers))
    assert after["version"] == row(ticket).version == 2
    assert len(history(ticket)) == 2
    assert_whole(ticket, after["state"])


def test_sixteen_racers_at_every_step_of_a_ticket_s_life_leave_one_life(stage):
    resident, office = stage.residents[0], ("dispatcher", "worker", "manager")
    ticket = resident.file("CL07")
    version = 1

    def step(name: str, who: Sequence[Caller], **inputs: Any) -> None:
        nonlocal version
        racers = [move(who[number % len(who)], ticket, name, version, **inputs) for number in range(16)]
        after = only_winner(race(racers))
        version += 1
        assert after["version"] == row(ticket).version == version

    crew = [stage(key) for key in office]
    step("sign", crew)
    crew[0].move(ticket, "contact", result="reached")
    step("reply", crew, result="已消杀。")
    step("dispute", [resident], reason="还有老鼠。")
    step("reply", crew, result="已二次消杀。")
    step("confirm", [resident], resolved=True, rating=4)
    step("reopen", [resident], reason="又有了。")
    assert [one.verb for one in history(ticket)] == [
        *("submit", "sign", "contact", "reply", "dispute", "reply", "confirm", "reopen")
    ]
    assert_whole(ticket, "in_progress")


def test_eight_neighbours_and_an_urging_reporter_do_not_hold_the_holder_up(stage):
    reporter, *neighbours = stage.residents[:9]
    dispatcher = stage("dispatcher")
    ticket = reporter.file("CL07")
    done = []

    def work() -> Answer:
        for name, version, inputs in (
            ("sign", 1, {}),
            ("contact", 2, {"result": "reached"}),
            ("arrive", 2, {}),
            ("reply", 2, {"result": "已消杀。"}),
        ):
            answer = move(dispatcher, ticket, name, version, **inputs)()
            done.append((name, answer.status))
        return answer

    cosigns = [move(one, ticket, "cosign") for one in neighbours]
    urges = [move(reporter, ticket, "urge") for _ in range(3)]
    answers = race([work, *cosigns, *urges])
    assert done == [("sign", 200), ("contact", 200), ("arrive", 200), ("reply", 200)]
    assert [one.status for one in answers[1:9]] == [200] * 8
    assert sorted(one.status for one in answers[9:]) == [200, 409, 409]
    now = row(ticket)
    assert (now.cosigns, now.urges, now.version) == (8, 1, 3)
    assert Follower.objects.filter(ticket=now).count() == 8
    assert len(history(ticket)) == 1 + 4 + 8 + 1
    assert_whole(ticket, "replied")


def test_one_neighbour_with_eight_phones_cosigns_once(stage):
    reporter, neighbour = stage.residents[:2]
    ticket = reporter.file("CL07")
    answers = race([move(neighbour, ticket, "cosign") for _ in range(8)])
    assert sorted(one.status for one in answers) == [200] + [409] * 7
    assert {one.body["code"] for one in answers if one.status == 409} == {"already_following"}
    assert row(ticket).cosigns == Follower.objects.filter(ticket=ticket["id"]).count() == 1
    assert_whole(ticket, "dispatched")


def test_two_merges_in_opposite_directions_end_in_one(stage):
    officer = stage("property_officer")
    for number in range(0, 16, 2):
        one, other = (resident.file("UT01") for resident in stage.residents[number : number + 2])
        answers = race(
            [move(officer, one, "merge", 1, into=other["id"]), move(officer, other, "merge", 1, into=one["id"])]
        )
        # The loser's ticket took the winner's in: which of the two it sees first, its new version or the ended one, is chance.
        (loser,) = (answer for answer in answers if answer.status != 200)
        assert loser.status == 412 or [fault["code"] for fault in loser.body["errors"]] == ["not_open"]
        merged, master = (one, other) if answers[0].status == 200 else (other, one)
        assert_whole(merged, "merged")
        assert_whole(master, "dispatched")
        assert Follower.objects.get(ticket=master["id"]).person_id == row(merged).reporter_id


def test_sixteen_merges_into_one_ticket_all_arrive(stage):
    officer = stage("property_officer")
    master, *others = [one.file("UT01") for one in stage.residents]
    answers = race([move(officer, one, "merge", 1, into=master["id"]) for one in others])
    assert [one.status for one in answers] == [200] * 15
    assert Follower.objects.filter(ticket=master["id"]).count() == 15
    assert {one.state for one in Ticket.objects.filter(merged_into=master["id"])} == {"merged"}
    assert_whole(master, "dispatched")


def test_twelve_requests_with_one_key_make_one_ticket(stage):
    resident = stage.residents[0]
    home = str(Compound.objects.get(name=HOME).pk)
    report = {"category": "CL03", "compound": home, "text": "垃圾桶满了。"}
    request = {"body": report, "Idempotency-Key": "0b9f6c2e"}
    answers = race([post(resident, "tickets", **request) for _ in range(12)])
    assert {one.status for one in answers} <= {201, 409}
    (ticket,) = {one.body["id"] for one in answers if one.status == 201}
    assert {one.body["code"] for one in answers if one.status == 409} <= {"in_progress"}
    assert [str(one.pk) for one in Ticket.objects.filter(reporter=resident.person)] == [ticket]
    again = post(resident, "tickets", **request)()
    assert (again.status, again.body["id"]) == (201, ticket)
    assert len(history(ticket)) == 1

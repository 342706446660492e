"""The demo's stories, told in this process over real HTTP semantics: every step of theirs must be possible."""

import json
import stat
from io import StringIO

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command
from django.utils.translation import override

from community.models import Membership
from tests.commands import printed
from tests.connections import one_connection
from tests.tickets.test_two_languages import foreign, without, written
from tickets.demo.server import DemoFailed, Server
from tickets.demo.stories import STORIES
from tickets.management.commands.demo import Command
from tickets.models import Ticket
from workflow.moves import Visibility, moves
from workflow.verification import verify


@pytest.fixture
def at_home(settings, tmp_path):
    """A server's own directory, for photos, codes and tokens."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LOCAL_DIR = tmp_path
    settings.SMS_LOG = tmp_path / "log" / "sms.log"
    return tmp_path


@pytest.fixture
def client():
    """The way to this process's own server, which keeps the test's connection as Django's own test client does."""
    transport = httpx.WSGITransport(app=WSGIHandler())
    with one_connection(), httpx.Client(base_url="http://testserver", transport=transport) as client:
        yield client


def tell(client: httpx.Client, *names: str) -> str:
    told = StringIO()
    Command(stdout=told, no_color=True).tell(client, list(names))
    return told.getvalue()


@pytest.mark.parametrize(
    ("name", "states", "verbs"),
    [
        ("garbage", ["closed"], {"sign", "contact", "reply", "confirm"}),
        ("lift", ["closed"], {"sign", "report_in", "arrive", "assist_done", "reply"}),
        ("parking", ["closed"], {"cosign", "record", "return", "redispatch", "dispute", "supervise", "callback"}),
        ("traffic-light", ["closed", "merged"], {"absorb", "whistle", "put_on_account", "resume", "thank"}),
    ],
)
def test_a_story_is_told_to_its_end(db, at_home, client, name, states, verbs):
    told = tell(client, name)
    tickets = list(Ticket.objects.all())
    assert sorted(ticket.state for ticket in tickets) == states
    assert verbs <= set(Ticket.EVENTS.objects.values_list("verb", flat=True))
    assert str(STORIES[name].title) in told
    assert all(ticket.code in told for ticket in tickets)
    # What all may read stands in the resident's timeline; the rest in what the street sees besides.
    of_resident, of_street = "", ""
    for part in told.split("居民看到的时间线")[1:]:
        resident, _, street = part.partition("街道另外看到的")
        of_resident, of_street = of_resident + resident, of_street + street
    for verb in verbs:
        move = moves(Ticket)[verb]
        assert str(move.label) in (of_street if move.visibility == Visibility.INTERNAL else of_resident), verb
    assert not [flaw for _, flaw in verify(Ticket) if flaw]


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_told_in_english_where_that_is_asked_for(db, at_home, client, name):
    client.headers["Accept-Language"] = "en"
    with override("en"):
        told = tell(client, name)
    assert str(STORIES[name].title) not in told
    assert foreign(without(told, written()), "en") == set()


def test_the_lift_is_due_in_two_hours_and_has_two_parties(db, at_home, client):
    tell(client, "lift")
    ticket = Ticket.objects.get()
    assert (ticket.due_at - ticket.submitted_at).total_seconds() == 2 * 3600
    roles = ticket.assignment_rows.values_list("role", "organisation__kind")
    assert {("lead", "maintainer"), ("co_handler", "project_office"), ("copy", "pmc")} <= set(roles)


def test_what_the_street_sees_besides_is_no_resident_s(db, at_home, client):
    of_resident, of_street = tell(client, "parking").split("街道另外看到的")
    timeline = of_resident.split("居民看到的时间线")[1]
    assert "申请退回" in of_street
    assert "申请退回" not in timeline
    assert "回访" in of_street
    assert "199****0001" in of_street


def test_a_second_run_needs_no_new_codes(db, at_home, client):
    tell(client, "garbage")
    codes = (at_home / "log" / "sms.log").read_text()
    tell(client, "garbage")
    assert (at_home / "log" / "sms.log").read_text() == codes
    assert Ticket.objects.filter(state="closed").count() == 2


def test_tokens_are_kept_where_nobody_else_reads_them(db, at_home, client):
    tell(client, "garbage")
    kept = at_home / "demo-tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert set(json.loads(kept.read_text())) == {"http://testserver"}


def test_a_token_that_died_is_replaced(db, at_home, client):
    (at_home / "demo-tokens.json").write_text('{"http://testserver": {"19900000001": "linli_long_gone"}}')
    tell(client, "garbage")
    assert Ticket.objects.get().state == "closed"


def test_a_step_that_is_refused_ends_the_demo(db, at_home, client):
    Membership.objects.filter(person__phone="19900000017").update(ends_on="2020-11-01")
    with pytest.raises(CommandError, match="worker"):
        tell(client, "garbage")
    assert Ticket.objects.get().state == "dispatched"


def answering(*answers: httpx.Response) -> httpx.Client:
    """A client to a server that gives these answers, one after the other."""
    queue = list(answers)
    return httpx.Client(base_url="http://elsewhere", transport=httpx.MockTransport(lambda _: queue.pop(0)))


def test_a_limit_is_waited_out_in_plain_words(tmp_path):
    said: list[str] = []
    limited = httpx.Response(429, headers={"Retry-After": "0"})
    client = answering(limited, httpx.Response(200, json={"results": []}))
    server = Server(client, sms_log=None, tokens=tmp_path / "tokens.json", say=said.append)
    assert server._send("GET", "places").status_code == 200
    assert said == ["服务器请我们稍候 0 秒（places）…"]


def test_a_long_limit_ends_the_demo(tmp_path):
    client = answering(httpx.Response(429, headers={"Retry-After": "3000"}))
    server = Server(client, sms_log=None, tokens=tmp_path / "tokens.json", say=print)
    with pytest.raises(DemoFailed, match="50 分钟"):
        server._send("POST", "auth/codes")


def test_without_a_server_the_error_says_what_to_do():
    with pytest.raises(CommandError, match="make run"):
        call_command("demo", url="http://127.0.0.1:9", stdout=StringIO())


def test_another_server_is_not_taken_for_linli(tmp_path):
    server = Server(answering(httpx.Response(200, text="It works!")), sms_log=None, tokens=tmp_path / "t", say=print)
    with pytest.raises(DemoFailed, match="不是 Linli"):
        server.check()


def test_the_stories_can_be_listed_in_english():
    said = printed("demo", list=True, language="en")
    assert [line.split()[0] for line in said.splitlines()] == list(STORIES)
    assert "whistle" in said

from datetime import timedelta
from html import unescape

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from casework import sealing
from casework.kinds import kinds
from casework.lag import RUNG_STALE, SWEEP_STALE
from community.models import Street
from notifications.delivery.standing import ROUND_STALE, WAITING_LONG
from notifications.models import LastRound
from notifications.topics import ChannelName, DeliveryState
from tests.notifications.post import STREET, letter
from tests.statements import cost
from tickets.models import TicketClock, TicketSeal
from workflow.models import LastSweep

MOST_STATEMENTS = 12 + 4 * (len(kinds()) - 1)
"""Four of them for each kind of subject; the tests have a second one."""


@pytest.fixture
def watched(street):
    """Sweepers and postmen have just looked."""
    for kind in kinds():
        LastSweep.objects.update_or_create(name=kind.name, defaults={"at": Now()})
    LastRound.note()
    LastRound.objects.update(at=Now())


def read(browser) -> str:
    page = browser.get("/console/health")
    assert page.status_code == 200
    return unescape(page.content.decode())


def test_where_all_is_well_it_says_so(console, watched):
    html = read(console("desk_officer"))
    for words in ("每秒检查一次，没有积压。", "办理的每一步都已生成通知。", "正常发送，没有积压。", "还没有封存过"):
        assert words in html
    assert 'class="ill"' not in html
    assert cost(console("desk_officer"), "/console/health") <= MOST_STATEMENTS


def test_clocks_that_nobody_watches_and_posts_that_nobody_sends_are_red_and_say_what_to_start(console, watched):
    LastSweep.objects.update(at=Now() - timedelta(seconds=SWEEP_STALE + 1))
    LastRound.objects.update(at=Now() - timedelta(seconds=ROUND_STALE + 1))
    html = read(console("street_lead"))
    assert html.count('class="ill"') == 2
    assert "请技术人员启动 sweeper 和 beat。" in html
    assert "请技术人员启动 postman 和 beat。" in html


def test_what_waits_and_what_fails_is_said_with_how_long(console, watched, scene):
    ticket = scene.file()
    TicketClock.objects.filter(subject=ticket).update(fire_at=None)
    clocks = TicketClock.objects.filter(subject=ticket, name="coordinate")
    clocks.update(fire_at=Now() - timedelta(seconds=RUNG_STALE + 125))
    letter(
        ChannelName.EMAIL, street_id=scene_street(ticket), available_at=Now() - timedelta(seconds=WAITING_LONG + 125)
    )
    html = read(console("desk_officer"))
    assert html.count("最早的一条已经等了 3 分") == html.count("最早到期的已经等了 3 分") == 1
    clocks.update(fire_at=None, failures=2)
    assert "1 个时限处理失败，会自动再试" in read(console("desk_officer"))


def scene_street(ticket):
    return TicketClock.objects.filter(subject=ticket).values_list("street_id", flat=True)[0]


def test_what_did_not_arrive_stands_with_its_remedy_counted_and_without_a_name(console, watched, street):
    dead = {"state": DeliveryState.DEAD, "finished_at": timezone.now(), "error": "No connection: refused"}
    for _ in range(3):
        letter(ChannelName.SMS, street_id=street.pk, content={"text": "13800138000"}, **dead)
    letter(ChannelName.SMS, street_id=street.pk, **dead | {"finished_at": timezone.now() - timedelta(hours=25)})
    letter(ChannelName.EMAIL, street_id=STREET, **dead)
    html = read(console("desk_officer"))
    row = html[html.index("怎么办") :]
    assert '<td>短信</td><td class="num">3</td>' in row
    assert "连不上对方服务器" in row
    assert "邮件" not in row
    assert "13800138000" not in html


def test_the_latest_head_of_the_readers_street_stands_there_to_be_kept(console, watched, scene):
    scene.file()
    assert sealing.seal_all() == 1
    ((head, _),) = sealing.latest_heads()
    assert str(head) in read(console("desk_officer"))
    (seal,) = TicketSeal.objects.all()
    elsewhere = Street.objects.create(code="yanyuan", name="燕园街道")
    TicketSeal.objects.create(street=elsewhere, number=1, at=seal.at, body=[], digest=bytes(32))
    assert len(sealing.latest_heads()) == 2
    assert read(console("street_lead")).count('class="head"') == 1
    assert cost(console("street_lead"), "/console/health") <= MOST_STATEMENTS

"""The round on a phone without a network: what it shows, and when it is gone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.console.browser.looking import session_of, sideways, violations
from tickets.models import Ticket

TWELVE_HOURS = 12 * 3600 * 1000


@pytest.fixture
def code(scene):
    """The number of a ticket that the worker was given."""
    scene.now = timezone.now() - timedelta(minutes=50)
    ticket = scene.file("CL03", spot="3号楼2单元401", title="家里漏水", text="请打13900139000。")
    scene.do("dispatcher", ticket, "sign", worker="worker")
    return str(Ticket.objects.get(pk=ticket).code)


@pytest.fixture
def phone(looking, code):
    """A phone on which the worker has opened the round."""
    page = looking.open("worker", "/console/round", width=390, touch=True)
    page.get_by_text(code).wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def without_network(page, path="/console/round"):
    page.context.set_offline(True)
    page.goto(path)


def kept(page) -> str | None:
    return page.evaluate("localStorage.getItem('round')")


def test_the_round_is_read_without_a_network(phone, code):
    without_network(phone)
    phone.get_by_text("没有网络。以下是").wait_for()
    body = phone.inner_text("main")
    assert code in body
    assert "3号楼" in body
    assert "垃圾" in body
    for secret in ("漏水", "13900139000", "401", "2单元"):
        assert secret not in body
        assert secret not in (kept(phone) or "")
    assert violations(phone) == []
    assert sideways(phone) <= 0


def test_the_worker_of_the_round_keeps_no_page_and_answers_for_no_other(phone):
    names = phone.evaluate("""async () => {
      const found = [];
      for (const name of await caches.keys())
        for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
      return found.sort();
    }""")
    assert names[0] == "/console/round/offline"
    assert [name.rpartition("/")[2].split(".")[0] for name in names[1:]] == ["console", "round", "theme"]
    scope = phone.evaluate("navigator.serviceWorker.ready.then((one) => new URL(one.scope).pathname)")
    assert scope == "/console/round"
    assert phone.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 1


def test_the_round_is_gone_after_signing_out(phone, code, looking):
    assert code in (kept(phone) or "")
    phone.get_by_role("button", name="账号与显示").click()
    phone.get_by_role("button", name="退出登录").click()
    phone.wait_for_url("**/signin/**")
    assert kept(phone) is None
    without_network(phone)
    phone.get_by_text("本机也没有保存巡修单").wait_for()
    assert code not in phone.content()


def test_the_round_is_gone_where_somebody_else_signs_in_and_where_the_session_ended_elsewhere(
    phone, code, looking, cast
):
    phone.context.clear_cookies()
    phone.goto("/console/queue")
    assert kept(phone) is None
    phone.context.add_cookies([{"name": "sessionid", "value": session_of(cast["worker"]), "url": looking.address}])
    phone.goto("/console/round")
    assert code in (kept(phone) or "")
    phone.context.add_cookies([{"name": "sessionid", "value": session_of(cast["dispatcher"]), "url": looking.address}])
    phone.goto("/console/queue")
    assert kept(phone) is None


def test_the_round_is_gone_after_twelve_hours(phone, code):
    phone.evaluate(
        "(life) => { const one = JSON.parse(localStorage.round); one.from -= life; localStorage.round = JSON.stringify(one); }",
        TWELVE_HOURS,
    )
    without_network(phone)
    phone.get_by_text("本机也没有保存巡修单").wait_for()
    assert code not in phone.content()
    assert kept(phone) is None

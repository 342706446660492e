"""The office's webhooks: set up for the own street alone, secrets shown once, rotated, switched off and on, tried out."""

import base64
import logging
import uuid
from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override
from standardwebhooks import Webhook

from community.models import Organisation, Street
from notifications.channels.webhook import from_settings
from notifications.delivery.workers import deliver
from notifications.models import Delivery, Endpoint
from notifications.models.receivers import PATIENCE, SWITCHED_OFF
from notifications.topics import DeliveryState
from tests.fakes.webhooks import SECRET, Mood, hearing
from tests.statements import cost, statements
from tests.tickets.webhooks import KEPT, SEEN, delivered, page

LIST, ADD = "admin:notifications_endpoint_changelist", "admin:notifications_endpoint_add"


@pytest.fixture
def receiver():
    with hearing() as receiver:
        yield receiver


@pytest.fixture
def channel(settings):
    """The webhooks' channel of a server that may reach this machine."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with closing(from_settings()) as channel:
        yield channel


@pytest.fixture
def clerk(staff):
    """The street's clerk, who looks after its webhooks."""
    return staff("general_officer", *KEPT)


@pytest.fixture
def endpoint(street, company, receiver):
    return Endpoint.objects.create(
        street_id=street.pk,
        organisation_id=company.pk,
        name="工单系统",
        url=f"{receiver.url}/hook?key=k-1",
        secrets=SECRET,
    )


@pytest.fixture
def company(street):
    return Organisation.objects.get(street=street, code="po-a01")


@pytest.fixture
def elsewhere(db):
    """Another street's webhook."""
    street = Street.objects.create(name="别处街道", code="elsewhere")
    other = Organisation.objects.create(street=street, name="别处公司", code="elsewhere-company", kind="company")
    return Endpoint.objects.create(
        street_id=street.pk, organisation_id=other.pk, name="别处系统", url="https://elsewhere.example/", secrets=SECRET
    )


def form(endpoint=None, **given):
    known = {"name": "工单系统", "url": endpoint.url if endpoint else "https://crm.example.com/hooks", "types": []}
    return {**known, "active": "on", **given}


def refused(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def stored(endpoint):
    return Endpoint.objects.values().get(pk=endpoint.pk)


def shown_secret(answer):
    assert answer.status_code == 200
    secret = answer.context["secret"]
    assert f'value="{escape(secret)}"' in answer.content.decode()
    return secret


def confirm(client, endpoint, name):
    """Read what follows, and confirm it."""
    seen = client.get(page(endpoint, name)).context["seen"]
    return client.post(page(endpoint, name), {"seen": seen})


# Setting up


def test_a_webhook_is_set_up_and_its_secret_made_here(clerk, street, company):
    given = form(street=street.pk, organisation=company.pk, types=["ticket.dispatch", "ticket.reply"])
    secret = shown_secret(clerk.post(reverse(ADD), given))
    made = Endpoint.objects.get()
    assert (made.street_id, made.organisation_id, made.url) == (street.pk, company.pk, given["url"])
    assert (made.types, made.active) == (["ticket.dispatch", "ticket.reply"], True)
    assert made.signing == [secret]
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    ("url", "zh", "en"),
    [
        ("https://10.1.2.3/hook", "WEBHOOK_ALLOWED_NETWORKS", "WEBHOOK_ALLOWED_NETWORKS"),
        ("https://127.0.0.1/", "不是公网地址，请填写公网域名", "none of the public Internet: give one"),
        ("https://[::ffff:10.0.0.1]/", "不是公网地址", "none of the public Internet"),
        ("https://crm.internal/", "请填写公网域名", "give a public one"),
        ("https://8.8.8.8:5432/", "请让接收方改用其中之一", "let the receiver listen on one of these"),
        ("https://0x7f.1/", "四段十进制", "four decimal numbers"),
        ("https://user:word@crm.example.com/", "不能带用户名或密码", "no user and no password"),
        ("ftp://crm.example.com/", "完整地址", "give all of it"),
        ("crm.example.com/hooks", "完整地址", "give all of it"),
    ],
)
def test_an_address_that_leads_inside_is_refused_with_what_to_do(clerk, street, company, url, zh, en):
    given = form(street=street.pk, organisation=company.pk, url=url)
    assert zh in str(refused(clerk.post(reverse(ADD), given))["url"])
    english = clerk.post(reverse(ADD), given, headers={"Accept-Language": "en"})
    with override("en"):
        assert en in str(refused(english)["url"])
    assert not Endpoint.objects.exists()


def test_only_organisations_of_ones_own_street_are_offered_and_taken(clerk, street, elsewhere, company):
    offered = clerk.get(reverse(ADD)).content.decode()
    assert company.name in offered
    assert "别处" not in offered
    for where, whose in ((street.pk, elsewhere.organisation_id), (elsewhere.street_id, company.pk)):
        assert refused(clerk.post(reverse(ADD), form(street=where, organisation=whose)))
    assert list(Endpoint.objects.all()) == [elsewhere]


def test_an_organisation_has_one_webhook_at_an_address(clerk, street, company, endpoint, channel):
    given = form(endpoint, street=street.pk, organisation=company.pk, name="另一个")
    assert "已有此地址" in str(refused(clerk.post(reverse(ADD), given))["url"])
    assert list(Endpoint.objects.all()) == [endpoint]


def test_every_event_that_there_is_can_be_chosen_and_no_other(clerk, endpoint, channel):
    offered = clerk.get(page(endpoint, "change")).content.decode()
    for type, zh in (("ticket.submit", "上报"), ("ticket.return", "申请退回"), ("ticket.dispatch", "派单")):
        assert f'value="{type}"' in offered
        assert f"{zh} {type}" in offered
    assert 'value="webhook.test"' not in offered
    assert "types" in refused(clerk.post(page(endpoint, "change"), form(endpoint, types=["ticket.fly"])))
    assert stored(endpoint)["types"] == []


def test_what_is_changed_is_written_alone(clerk, endpoint, channel):
    before = stored(endpoint)
    moved = f"{endpoint.url}&v=2"
    given = form(endpoint, name="新系统", url=moved, types=["ticket.reply"], active="", organisation="", street="")
    assert clerk.post(page(endpoint, "change"), given).status_code == 302
    assert stored(endpoint) == {**before, "name": "新系统", "url": moved, "types": ["ticket.reply"]}
    with statements() as made:
        clerk.post(page(endpoint, "change"), form(endpoint, name="又改名", url=moved, types=["ticket.reply"]))
    (written,) = [sql for sql in made if sql.startswith("UPDATE") and "endpoint" in sql]
    assert "secrets" not in written
    assert "failing_since" not in written


def test_who_may_only_look_sees_what_it_hears_and_changes_nothing(staff, endpoint):
    clerk = staff("general_officer", *SEEN)
    Endpoint.objects.update(types=["ticket.reply"])
    before = stored(endpoint)
    words = clerk.get(page(endpoint, "change")).content.decode()
    assert "办结反馈" in words
    assert 'name="url"' not in words
    assert "更换密钥" not in words
    assert clerk.post(page(endpoint, "change"), form(endpoint, name="我的")).status_code == 403
    for name in ("rotate", "drop-old-secret", "switch-off", "recover"):
        assert clerk.get(page(endpoint, name)).status_code == 403
        assert clerk.post(page(endpoint, name), {"seen": ""}).status_code == 403
    assert clerk.post(page(endpoint, "delete"), {"post": "yes"}).status_code == 403
    clerk.post(reverse(LIST), {"action": "send_trial", "_selected_action": [str(endpoint.pk)]})
    assert stored(endpoint) == before
    assert not Delivery.objects.exists()


def test_another_streets_webhook_is_as_good_as_absent(clerk, elsewhere):
    before = stored(elsewhere)
    assert "别处系统" not in clerk.get(reverse(LIST)).content.decode()
    assert clerk.get(page(elsewhere, "change")).status_code == 302
    assert clerk.post(page(elsewhere, "change"), form(elsewhere, name="我的")).status_code == 302
    assert clerk.post(page(elsewhere, "delete"), {"post": "yes"}).status_code == 302
    absent = Endpoint(pk=uuid.uuid4())
    for name in ("deliveries", "rotate", "drop-old-secret", "switch-on", "switch-off", "recover"):
        for one in (elsewhere, absent):
            assert clerk.get(page(one, name)).status_code == 404
            assert clerk.post(page(one, name)).status_code == 404
    clerk.post(reverse(LIST), {"action": "send_trial", "_selected_action": [str(elsewhere.pk)]})
    assert stored(elsewhere) == before
    assert not Delivery.objects.exists()


def test_without_permission_or_seat_there_is_nothing(clerk, cast, endpoint, street, company):
    cast["general_officer"].memberships.update(ends_on="2021-01-01")
    assert clerk.get(page(endpoint, "deliveries")).status_code == 404
    assert "工单系统" not in clerk.get(reverse(LIST)).content.decode()
    cast["general_officer"].user_permissions.clear()
    assert clerk.get(reverse(LIST)).status_code == 403
    assert clerk.post(reverse(ADD), form(street=street.pk, organisation=company.pk)).status_code == 403
    clerk.logout()
    assert "/login/" in clerk.get(page(endpoint, "deliveries")).url


def test_a_superuser_has_every_streets(administrator, endpoint, elsewhere):
    words = administrator.get(reverse(LIST)).content.decode()
    assert "别处系统" in words
    assert "工单系统" in words
    assert administrator.get(page(elsewhere, "deliveries")).status_code == 200


def test_one_that_is_removed_is_sent_nothing_more(clerk, endpoint, channel, receiver):
    waiting = delivered(endpoint, DeliveryState.QUEUED)
    assert clerk.post(page(endpoint, "delete"), {"post": "yes"}).status_code == 302
    deliver(channel)
    waiting.refresh_from_db()
    assert (waiting.state, receiver.heard) == (DeliveryState.DROPPED, [])


# The list


def test_the_list_says_how_each_does(clerk, endpoint):
    since, succeeded = timezone.now() - timedelta(hours=3), timezone.now() - timedelta(days=2)
    Endpoint.objects.update(active=False, disabled_reason="对方返回 410", failing_since=since, succeeded_at=succeeded)
    for state, number in (("queued", 3), ("sending", 1), ("dead", 2), ("sent", 5), ("dropped", 7)):
        for _ in range(number):
            delivered(endpoint, DeliveryState(state))
    answer = clerk.get(reverse(LIST))
    words = answer.content.decode()
    assert "127.0.0.1:" in words
    assert "k-1" not in words
    assert "对方返回 410" in words
    for column, said in (("waiting", "4"), ("dead", "2")):
        assert f'<td class="field-{column}">{said}</td>' in words
    (row,) = answer.context["cl"].result_list
    assert (row.failing_since, row.succeeded_at) == (since, succeeded)


def test_the_list_costs_the_same_for_one_and_for_many(clerk, street, company, endpoint):
    delivered(endpoint, DeliveryState.DEAD)
    before = cost(clerk, reverse(LIST))
    for number in range(12):
        other = Endpoint.objects.create(
            street_id=street.pk, organisation_id=company.pk, name=f"{number}", url=f"https://{number}.example/"
        )
        delivered(other, DeliveryState.QUEUED)
        delivered(other, DeliveryState.DEAD)
    assert cost(clerk, reverse(LIST)) == before


def test_the_list_counts_nothing_that_the_clerk_does_not_see(clerk, administrator, accusing, endpoint, cast):
    delivered(endpoint, DeliveryState.DEAD, accusing)
    assert '<td class="field-dead">1</td>' in administrator.get(reverse(LIST)).content.decode()
    clerk.force_login(cast["general_officer"])
    assert '<td class="field-dead">0</td>' in clerk.get(reverse(LIST)).content.decode()


def test_nothing_is_filtered_by_secrets(clerk, endpoint):
    assert clerk.get(f"{reverse(LIST)}?secrets__startswith=g").status_code in {302, 400}


# Secrets


def everything_else(clerk, endpoint):
    """Every page that is not the one that shows a secret, and what is kept of it elsewhere."""
    pages = [clerk.get(reverse(LIST)), *(clerk.get(page(endpoint, name)) for name in ("change", "history"))]
    pages += [clerk.get(page(endpoint, name)) for name in ("deliveries", "rotate", "drop-old-secret", "switch-off")]
    kept = [f"{one.change_message} {one.object_repr}" for one in LogEntry.objects.all()]
    cookies = [str(one) for one in clerk.cookies.values()]
    return [*(one.content.decode() for one in pages), *kept, *cookies]


def test_a_secret_is_shown_once_and_kept_nowhere_on_the_way(clerk, street, company, caplog):
    caplog.set_level(logging.DEBUG)
    answer = clerk.post(reverse(ADD), form(street=street.pk, organisation=company.pk))
    made, secrets = Endpoint.objects.get(), [shown_secret(answer)]
    rotated = confirm(clerk, made, "rotate")
    secrets.append(shown_secret(rotated))
    assert secrets[0] not in rotated.content.decode()
    for one in (answer, rotated):
        assert "no-store" in one.headers["Cache-Control"]
        assert one.headers["Referrer-Policy"] == "same-origin"
    kept = [*everything_else(clerk, made), caplog.text]
    assert len(kept) > 10
    for secret in secrets:
        assert not [one for one in kept if secret in one or secret.removeprefix("whsec_") in one]
    assert [one.change_message for one in LogEntry.objects.order_by("id")] == ['[{"added": {}}]', "更换密钥"]


def test_while_they_are_changed_over_old_and_new_sign_and_then_the_new_one_alone(clerk, endpoint, channel, receiver):
    asked = clerk.get(page(endpoint, "rotate"))
    assert "同时用新、旧两个密钥签名" in asked.content.decode()
    new = shown_secret(confirm(clerk, endpoint, "rotate"))
    assert Endpoint.objects.get().signing == [new, SECRET]
    try_out(clerk, endpoint)
    assert deliver(channel) == 1
    (heard,) = receiver.heard
    for secret in (SECRET, new):
        Webhook(secret).verify(heard.body, signed_by(heard))
    assert "2 个，更换中" in clerk.get(page(endpoint, "change")).content.decode()
    confirm(clerk, endpoint, "drop-old-secret")
    assert Endpoint.objects.get().signing == [new]
    receiver.secrets = (new,)
    try_out(clerk, endpoint)
    assert deliver(channel) == 1
    assert [(one.genuine, len(one.signatures)) for one in receiver.heard] == [(True, 2), (True, 1)]


def signed_by(heard):
    return {
        "webhook-id": heard.id,
        "webhook-timestamp": heard.attempt_at,
        "webhook-signature": " ".join(heard.signatures),
    }


def test_a_third_secret_ends_the_first_and_the_page_says_so(clerk, endpoint):
    second = shown_secret(confirm(clerk, endpoint, "rotate"))
    assert "较旧的那个立即失效" in clerk.get(page(endpoint, "rotate")).content.decode()
    third = shown_secret(confirm(clerk, endpoint, "rotate"))
    assert Endpoint.objects.get().signing == [third, second]


def test_a_page_that_is_sent_again_makes_no_second_secret(clerk, endpoint):
    seen = clerk.get(page(endpoint, "rotate")).context["seen"]
    secret = shown_secret(clerk.post(page(endpoint, "rotate"), {"seen": seen}))
    again = clerk.post(page(endpoint, "rotate"), {"seen": seen}, follow=True)
    assert "已有变化" in again.content.decode()
    assert secret not in again.content.decode()
    assert Endpoint.objects.get().signing == [secret, SECRET]
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("name", ["rotate", "drop-old-secret", "switch-off", "switch-on"])
def test_nothing_is_done_by_looking_or_without_the_pages_own_marks(clerk, endpoint, name):
    Endpoint.objects.update(active=name != "switch-on")
    endpoint.refresh_from_db()
    endpoint.rotate()
    endpoint.save()
    before = stored(endpoint)
    seen = clerk.get(page(endpoint, name)).context["seen"]
    assert clerk.post(page(endpoint, name)).status_code == 302
    assert clerk.post(page(endpoint, name), {"seen": "stale"}).status_code == 302
    clerk.handler.enforce_csrf_checks = True
    assert clerk.post(page(endpoint, name), {"seen": seen}).status_code == 403
    assert stored(endpoint) == before
    assert not LogEntry.objects.exists()


def test_the_only_secret_is_not_dropped(clerk, endpoint):
    answer = clerk.get(page(endpoint, "drop-old-secret"))
    assert answer.context["seen"] is None
    assert "没有旧的" in answer.content.decode()
    assert Endpoint.objects.get().signing == [SECRET]


def test_secrets_that_cannot_be_read_are_replaced(clerk, endpoint):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_endpoint SET secrets = 'sealed by a key that is gone'")
    assert "无法读取" in clerk.get(page(endpoint, "change")).content.decode()
    assert "推送因此暂停" in clerk.get(page(endpoint, "rotate")).content.decode()
    assert Endpoint.objects.get().signing == []
    secret = shown_secret(confirm(clerk, endpoint, "rotate"))
    assert Endpoint.objects.get().signing == [secret]


# Off and on


def test_switched_off_by_hand_what_waits_is_dropped_and_who_did_it_is_on_record(clerk, cast, endpoint):
    waiting = delivered(endpoint, DeliveryState.QUEUED)
    assert "正在等待的 1 条不再发送" in clerk.get(page(endpoint, "switch-off")).content.decode()
    confirm(clerk, endpoint, "switch-off")
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.disabled_reason) == (False, "由管理人员停用。")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error) == (DeliveryState.DROPPED, SWITCHED_OFF)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (cast["general_officer"], str(endpoint.pk), "停用")
    assert clerk.get(page(endpoint, "switch-off")).context["seen"] is None


def test_one_that_answered_410_is_switched_on_again_and_what_it_missed_is_sent_under_its_ids(
    clerk, endpoint, channel, receiver
):
    receiver.mood = Mood.GONE
    refused = delivered(endpoint, DeliveryState.QUEUED)
    waiting = [
        delivered(endpoint, DeliveryState.QUEUED, available_at=timezone.now() + timedelta(hours=1)) for _ in "ab"
    ]
    deliver(channel)
    endpoint.refresh_from_db()
    assert not endpoint.active
    assert "410" in clerk.get(reverse(LIST)).content.decode()
    assert "有 3 条未送达" in clerk.get(page(endpoint, "switch-on")).content.decode()
    answer = confirm(clerk, endpoint, "switch-on")
    landed = clerk.get(answer.url)
    assert "停用时有 2 条未再发送，另有 1 条发送失败" in landed.content.decode()
    assert {line.way.delivery.pk for line in landed.context["lines"]} == {refused.pk, *(one.pk for one in waiting)}
    assert [deliver(channel), len(receiver.heard)] == [0, 1]
    since = landed.context["form"].cleaned_data["since"].isoformat()
    clerk.post(page(endpoint, "recover"), {"since": since})
    receiver.mood = Mood.WELL
    assert deliver(channel) == 3
    assert {one.id for one in receiver.heard[1:]} == {str(refused.pk), *(str(one.pk) for one in waiting)}
    assert all(one.genuine for one in receiver.heard)
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.SENT}


def test_one_that_has_failed_for_days_begins_anew(clerk, endpoint):
    Endpoint.objects.update(failing_since=timezone.now() - PATIENCE)
    endpoint.switch_off("停用")
    answer = confirm(clerk, endpoint, "switch-on")
    assert answer.url == page(endpoint, "change")
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.failing_since, endpoint.disabled_reason) == (True, None, "")


def test_what_failed_before_it_began_to_fail_is_not_counted(clerk, endpoint):
    long_ago = timezone.now() - timedelta(days=9)
    delivered(endpoint, DeliveryState.DEAD, created_at=long_ago)
    delivered(endpoint, DeliveryState.DROPPED, created_at=long_ago)
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=5))
    endpoint.switch_off("停用")
    assert "未送达" not in clerk.get(page(endpoint, "switch-on")).content.decode()


# Trying out


def try_out(client, endpoint):
    return client.post(
        page(endpoint, "change"),
        {"CHANGE_FORM-action": "send_trial", "_selected_action": [str(endpoint.pk)], "index": 0},
        follow=True,
    )


def test_a_test_event_goes_the_whole_way_whatever_it_hears(clerk, cast, endpoint, channel, receiver):
    Endpoint.objects.update(types=["ticket.reply"])
    answer = try_out(clerk, endpoint)
    delivery = Delivery.objects.get()
    leads = f"{page(endpoint, 'deliveries')}?type=webhook.test"
    assert leads in answer.content.decode()
    assert deliver(channel) == 1
    (heard,) = receiver.heard
    assert (heard.id, heard.genuine) == (str(delivery.pk), True)
    assert heard.event["type"] == "webhook.test"
    assert heard.event["data"] == {"endpoint": str(endpoint.pk)}
    landed = clerk.get(leads)
    assert [line.way.delivery.pk for line in landed.context["lines"]] == [delivery.pk]
    assert "HTTP 200" in landed.content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (cast["general_officer"], str(endpoint.pk))


def test_one_that_is_off_is_not_tried_out(clerk, endpoint):
    Endpoint.objects.update(active=False)
    assert "均未启用" in try_out(clerk, endpoint).content.decode()
    assert not Delivery.objects.exists()


def test_the_first_page_says_that_one_does_nothing_but_fail(clerk, endpoint, client):
    index = reverse("admin:index")
    for since, active, told in ((1, True, False), (6, True, True), (6, False, False)):
        began = timezone.now() - timedelta(minutes=since)
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=began, active=active)
        assert ("1 个 Webhook 持续推送失败" in clerk.get(index).content.decode()) == told
        assert client.get("/healthz").json()["post"].get("failing_webhooks") == (1 if told else None)

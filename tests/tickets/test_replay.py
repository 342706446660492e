"""What was sent to a webhook, as the office finds it and sends it anew: one by one, or all that failed since a moment."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime

from community.models import Organisation
from notifications.models import Delivery, Endpoint
from notifications.topics import DeliveryState
from tests.statements import cost, nodes, plan, statements
from tests.tickets.webhooks import KEPT, SEEN, delivered, page
from tickets.admin import deliveries as list_of_deliveries
from tickets.admin import replay

MANY = 20_000


@pytest.fixture
def clerk(staff):
    """The street's clerk, who looks after its webhooks."""
    return staff("general_officer", *KEPT)


@pytest.fixture
def endpoint(street):
    company = Organisation.objects.get(street=street, code="po-a01")
    return Endpoint.objects.create(
        street_id=street.pk,
        organisation_id=company.pk,
        name="工单系统",
        url="https://crm.example.com/",
        secrets="whsec_",
    )


@pytest.fixture
def other(endpoint):
    """Another one of the same organisation."""
    return Endpoint.objects.create(
        street_id=endpoint.street_id,
        organisation_id=endpoint.organisation_id,
        name="备用",
        url="https://b.example.com/",
    )


def shown(client, endpoint, **query):
    answer = client.get(page(endpoint, "deliveries"), query)
    assert answer.status_code == 200
    return answer


def listed(client, endpoint, **query):
    return [line.way.delivery.pk for line in shown(client, endpoint, **query).context["lines"]]


def minute(at):
    return f"{localtime(at):%Y-%m-%dT%H:%M}"


def states(*deliveries):
    found = Delivery.objects.in_bulk([one.pk for one in deliveries])
    return [found[one.pk].state for one in deliveries]


def recover(client, endpoint, since):
    return client.post(page(endpoint, "recover"), {"since": since.isoformat()}, follow=True)


# Finding


def test_it_says_what_became_of_each_the_newest_first(clerk, endpoint, other, filed):
    now = timezone.now()
    waits = delivered(
        endpoint, DeliveryState.QUEUED, filed, error="HTTP 503", attempts=4, available_at=now + timedelta(hours=2)
    )
    dead = delivered(endpoint, DeliveryState.DEAD, filed, error="HTTP 404", attempts=10, kind="ticket.reply")
    sent = delivered(endpoint, DeliveryState.SENT, receipt="HTTP 204", attempts=1, kind="webhook.test")
    delivered(other, DeliveryState.DEAD, filed)
    answer = shown(clerk, endpoint)
    assert [line.way.delivery.pk for line in answer.context["lines"]] == [sent.pk, dead.pk, waits.pk]
    words = answer.content.decode()
    for said in (
        *(
            "派单",
            "ticket.dispatch",
            "办结反馈",
            "试发",
            filed["code"],
            "#3",
            "待发送",
            "发送失败",
            "已发送",
            "HTTP 503",
        ),
        *("HTTP 404", "HTTP 204", "系统会自动再试", "联系对方单位", f"{localtime(waits.available_at):%m-%d %H:%M:%S}"),
    ):
        assert said in words, said
    assert reverse("admin:tickets_ticket_messages", args=[filed["id"]]) in words


def test_it_is_narrowed_by_state_event_ticket_and_moments(clerk, endpoint, filed, api):
    now = timezone.now()
    old = delivered(endpoint, DeliveryState.DEAD, filed, created_at=now - timedelta(days=3))
    reply = delivered(endpoint, DeliveryState.SENT, filed, kind="ticket.reply", created_at=now - timedelta(days=2))
    dropped = delivered(
        endpoint, DeliveryState.DROPPED, api("neighbour").file("RP04"), created_at=now - timedelta(days=1)
    )
    trial = delivered(endpoint, DeliveryState.QUEUED, kind="webhook.test", created_at=now)
    assert listed(clerk, endpoint) == [trial.pk, dropped.pk, reply.pk, old.pk]
    assert listed(clerk, endpoint, state="failed") == [dropped.pk, old.pk]
    assert listed(clerk, endpoint, state="sent") == [reply.pk]
    assert listed(clerk, endpoint, type="webhook.test") == [trial.pk]
    assert listed(clerk, endpoint, type="ticket.reply") == [reply.pk]
    assert listed(clerk, endpoint, code=filed["code"].lower()) == [reply.pk, old.pk]
    assert listed(clerk, endpoint, since=minute(now - timedelta(days=2, minutes=5))) == [trial.pk, dropped.pk, reply.pk]
    between = {"since": minute(now - timedelta(days=2, hours=1)), "until": minute(now - timedelta(hours=1))}
    assert listed(clerk, endpoint, **between) == [dropped.pk, reply.pk]
    assert listed(clerk, endpoint, state="failed", code=filed["code"], until=minute(now)) == [old.pk]


def test_what_is_no_answer_is_said_and_narrows_nothing(clerk, endpoint):
    one = delivered(endpoint, DeliveryState.DEAD)
    answer = shown(clerk, endpoint, state="flying", type="ticket.fly", code="??", since="yesterday")
    assert set(answer.context["form"].errors) == {"state", "type", "code", "since"}
    assert "没有这样的工单编号" in answer.content.decode()
    assert [line.way.delivery.pk for line in answer.context["lines"]] == [one.pk]


def test_a_clerk_sees_counts_and_sends_nothing_about_an_accusation(
    clerk, endpoint, filed, accusing, administrator, cast
):
    clerk.force_login(cast["general_officer"])
    hidden = delivered(endpoint, DeliveryState.DEAD, accusing)
    mine = delivered(endpoint, DeliveryState.DEAD, filed)
    since = timezone.now() - timedelta(hours=1)
    assert listed(clerk, endpoint) == [mine.pk]
    assert listed(clerk, endpoint, code=accusing["code"]) == []
    assert accusing["code"] not in shown(clerk, endpoint).content.decode()
    assert clerk.get(page(endpoint, "recover"), {"since": minute(since)}).context["total"] == 1
    assert clerk.post(page(endpoint, "deliveries"), {"delivery": hidden.pk}).status_code == 404
    recover(clerk, endpoint, since)
    assert states(hidden, mine) == [DeliveryState.DEAD, DeliveryState.QUEUED]
    Endpoint.objects.update(failing_since=since)
    endpoint.switch_off("停用")
    assert "有 1 条未送达" in clerk.get(page(endpoint, "switch-on")).content.decode()
    administrator.force_login(cast["administrator"])
    assert "有 2 条未送达" in administrator.get(page(endpoint, "switch-on")).content.decode()
    assert set(listed(administrator, endpoint)) == {hidden.pk, mine.pk}


def test_who_does_not_see_tickets_is_led_to_none(staff, endpoint, filed):
    clerk = staff("general_officer", "notifications.view_endpoint")
    delivered(endpoint, DeliveryState.DEAD, filed)
    words = shown(clerk, endpoint).content.decode()
    assert filed["code"] in words
    assert "tickets/ticket" not in words


def test_it_is_leafed_through_with_what_was_asked(clerk, endpoint, monkeypatch):
    monkeypatch.setattr(replay, "PER_PAGE", 2)
    monkeypatch.setattr(list_of_deliveries, "MOST_COUNTED", 5)
    monkeypatch.setattr(replay, "MOST_COUNTED", 5)
    made = [delivered(endpoint, DeliveryState.DEAD).pk for _ in range(4)]
    made.append(delivered(endpoint, DeliveryState.SENT).pk)
    assert listed(clerk, endpoint, state="failed", page=2) == [made[1], made[0]]
    answer = shown(clerk, endpoint, state="failed")
    assert "?state=failed&amp;page=2" in answer.content.decode()
    assert not answer.context["cut"]
    delivered(endpoint, DeliveryState.DEAD)
    answer = shown(clerk, endpoint)
    assert answer.context["cut"]
    assert "更早的请按时间筛选" in answer.content.decode()
    assert answer.context["page"].paginator.num_pages == 3


# One


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.DROPPED])
def test_what_failed_is_sent_anew_under_its_id_and_who_asked_is_on_the_page(clerk, cast, endpoint, state):
    delivery = delivered(endpoint, state, attempts=10, failures=10, error="HTTP 404")
    assert clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk}).status_code == 302
    again = Delivery.objects.get()
    assert (again.pk, again.state, again.attempts, again.failures) == (delivery.pk, DeliveryState.QUEUED, 10, 0)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (cast["general_officer"], str(delivery.pk))
    assert f"重发: {cast['general_officer'].name}" in shown(clerk, endpoint).content.decode()


def test_what_was_sent_is_sent_again_only_when_that_is_confirmed(clerk, endpoint):
    delivery = delivered(endpoint, DeliveryState.SENT)
    asked = clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk})
    assert "对方已确认收到" in asked.content.decode()
    assert states(delivery) == [DeliveryState.SENT]
    assert not LogEntry.objects.exists()
    clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk, "confirm": delivery.pk})
    assert states(delivery) == [DeliveryState.QUEUED]


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.SENDING])
def test_what_is_under_way_is_left_alone(clerk, endpoint, state):
    delivery = delivered(endpoint, state, attempts=1)
    assert "<button name" not in shown(clerk, endpoint).content.decode()
    clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk, "confirm": delivery.pk})
    assert states(delivery) == [state]
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("key", ["", "nonsense", str(uuid.UUID(int=7)), "another's"])
def test_a_delivery_that_is_not_this_webhooks_is_not_found(clerk, endpoint, other, key):
    theirs = delivered(other, DeliveryState.DEAD)
    given = {"delivery": theirs.pk if key.startswith("another") else key}
    assert clerk.post(page(endpoint, "deliveries"), given).status_code == 404
    assert states(theirs) == [DeliveryState.DEAD]


def test_who_may_only_look_sends_nothing_anew(staff, endpoint):
    clerk = staff("general_officer", *SEEN)
    delivery = delivered(endpoint, DeliveryState.DEAD)
    words = shown(clerk, endpoint).content.decode()
    assert "<button name" not in words
    assert page(endpoint, "recover") not in words
    assert clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk}).status_code == 404
    assert clerk.post(page(endpoint, "recover"), {"since": "2026-01-01"}).status_code == 403
    assert states(delivery) == [DeliveryState.DEAD]


def test_nothing_is_sent_anew_to_one_that_is_off(clerk, endpoint):
    delivery = delivered(endpoint, DeliveryState.DEAD)
    Endpoint.objects.update(active=False)
    assert "<button name" not in shown(clerk, endpoint).content.decode()
    for answer in (
        clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk}, follow=True),
        recover(clerk, endpoint, timezone.now() - timedelta(hours=1)),
    ):
        assert "请先启用" in answer.content.decode()
    assert states(delivery) == [DeliveryState.DEAD]
    assert not LogEntry.objects.exists()


# All since a moment


def test_all_that_failed_since_a_moment_is_counted_and_then_sent_anew_once(clerk, cast, endpoint, other):
    now = timezone.now()
    before = delivered(endpoint, DeliveryState.DEAD, created_at=now - timedelta(days=2))
    failed = [delivered(endpoint, DeliveryState.DEAD, attempts=10, failures=10) for _ in "abc"]
    failed.append(delivered(endpoint, DeliveryState.DROPPED, created_at=now - timedelta(hours=20)))
    left = [delivered(endpoint, DeliveryState.SENT), delivered(endpoint, DeliveryState.SENDING)]
    theirs = delivered(other, DeliveryState.DEAD)
    since = now - timedelta(days=1)
    asked = clerk.get(page(endpoint, "recover"), {"since": minute(since)})
    assert asked.context["total"] == 4
    words = asked.content.decode()
    assert "发送失败 3" in words
    assert "不再发送 1" in words
    assert states(*failed) == [DeliveryState.DEAD] * 3 + [DeliveryState.DROPPED]
    answer = recover(clerk, endpoint, since)
    assert "已重新排队 4 条" in answer.content.decode()
    assert states(*failed) == [DeliveryState.QUEUED] * 4
    assert states(before, *left, theirs) == [
        *(DeliveryState.DEAD, DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.DEAD),
    ]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (cast["general_officer"], str(endpoint.pk))
    assert entry.change_message.startswith("补发 4 条")
    assert "没有可以重新发送的" in recover(clerk, endpoint, since).content.decode()
    assert LogEntry.objects.count() == 1


def test_what_waits_to_be_tried_again_is_due_at_once(clerk, endpoint):
    later = timezone.now() + timedelta(hours=5)
    waiting = delivered(endpoint, DeliveryState.QUEUED, attempts=4, failures=4, available_at=later)
    untried = delivered(endpoint, DeliveryState.QUEUED, available_at=later)
    since = timezone.now() - timedelta(hours=1)
    asked = clerk.get(page(endpoint, "recover"), {"since": minute(since)})
    assert asked.context["total"] == 1
    assert "待发送 1" in asked.content.decode()
    assert "已重新排队 1 条" in recover(clerk, endpoint, since).content.decode()
    waiting.refresh_from_db()
    untried.refresh_from_db()
    assert (waiting.state, waiting.failures) == (DeliveryState.QUEUED, 4)
    assert waiting.available_at <= timezone.now() < untried.available_at
    assert "没有可以重新发送的" in recover(clerk, endpoint, since).content.decode()


def test_they_are_queued_in_batches_and_all_of_them(clerk, endpoint, monkeypatch):
    monkeypatch.setattr(replay, "AT_ONCE", 2)
    failed = [delivered(endpoint, DeliveryState.DEAD) for _ in range(5)]
    recover(clerk, endpoint, timezone.now() - timedelta(hours=1))
    assert states(*failed) == [DeliveryState.QUEUED] * 5


@pytest.mark.parametrize("since", ["", "yesterday"])
def test_without_a_moment_nothing_is_counted_or_sent(clerk, endpoint, since):
    delivery = delivered(endpoint, DeliveryState.DEAD)
    assert clerk.get(page(endpoint, "recover"), {"since": since}).context["total"] == 0
    answer = clerk.post(page(endpoint, "recover"), {"since": since})
    assert answer.context["form"].errors
    assert states(delivery) == [DeliveryState.DEAD]


def test_the_pages_ask_for_a_token(clerk, endpoint):
    delivery = delivered(endpoint, DeliveryState.DEAD)
    clerk.handler.enforce_csrf_checks = True
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert clerk.post(page(endpoint, "deliveries"), {"delivery": delivery.pk}).status_code == 403
    assert clerk.post(page(endpoint, "recover"), {"since": since}).status_code == 403
    assert states(delivery) == [DeliveryState.DEAD]


# Many


def test_it_costs_the_same_for_one_and_for_many(clerk, endpoint, filed, api):
    delivered(endpoint, DeliveryState.DEAD, filed)
    before = cost(clerk, page(endpoint, "deliveries"))
    second = api("neighbour").file("RP04")
    for ticket in (filed, second, None):
        for state in (DeliveryState.DEAD, DeliveryState.SENT, DeliveryState.QUEUED):
            delivered(endpoint, state, ticket)
    assert cost(clerk, page(endpoint, "deliveries")) == before


FILL = """
WITH made AS (
  INSERT INTO notifications_message
    (id, street_id, key, recipient, kind, topic, subject_id, seq, title, body, language, urgent, at, created_at, inbox)
  SELECT uuidv7(), %(street)s, uuidv7(), %(recipient)s, 'ticket.dispatch', 'progress', %(ticket)s, i, '', '', 'zh-hans', false, at, at,
    false
  FROM (SELECT i, now() - i * interval '1 minute' AS at FROM generate_series(1, %(number)s) AS i) AS moments
  RETURNING id, created_at, seq
)
INSERT INTO notifications_delivery
  (id, street_id, message_id, channel, recipient, content, fallback, urgent, state, attempts, failures, unsure, error, receipt,
   available_at, created_at, finished_at)
SELECT uuidv7(), %(street)s, id, 'webhook', %(recipient)s, '{}', '[]', false, CASE WHEN seq %% 100 = 0 THEN 'dead' ELSE 'sent' END, 1, 0,
  false, '', '', created_at, created_at, created_at FROM made
"""


@pytest.fixture
def many(endpoint, other, filed):
    """Thousands of deliveries to either webhook, at which PostgreSQL has looked; one in a hundred is dead."""
    with connection.cursor() as cursor:
        for recipient in (endpoint.pk, other.pk):
            known = {"street": endpoint.street_id, "recipient": recipient, "ticket": filed["id"], "number": MANY}
            cursor.execute(FILL, known)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ANALYZE notifications_message, notifications_delivery")
    return endpoint


def read(made):
    """How PostgreSQL reads deliveries for the statements of a page that put them in order: by which nodes and indexes."""
    for sql in (sql for sql in made if 'FROM "notifications_delivery"' in sql):
        found = list(nodes(plan(sql)))
        yield sql, {one["Node Type"] for one in found}, {one.get("Index Name") for one in found}


def test_a_page_of_thousands_is_read_by_an_index_and_in_its_order(clerk, many):
    hours = {"since": minute(timezone.now() - timedelta(days=9)), "until": minute(timezone.now() - timedelta(days=8))}
    for query in ({}, {"state": "dead"}, {"state": "failed"}, hours, {"state": "dead", **hours}):
        with statements() as made:
            assert shown(clerk, many, **query).context["lines"]
        ((kinds, by),) = [(kinds, by) for sql, kinds, by in read(made) if "ORDER BY" in sql]
        # The few that are dead may be gathered first, and put in order then.
        few = "state" in query
        assert by & {"delivery_webhook", "delivery_webhook_state", *(["delivery_dead"] if few else [])}, query
        assert not kinds & ({"Seq Scan"} if few else {"Seq Scan", "Sort"}), query


def test_all_that_failed_among_thousands_are_counted_by_an_index(clerk, many):
    with statements() as made:
        answer = clerk.get(page(many, "recover"), {"since": minute(timezone.now() - timedelta(days=3))})
    assert answer.context["total"] == 3 * 24 * 60 // 100
    ((_, kinds, by),) = read(made)
    assert "delivery_webhook_state" in by
    assert "Seq Scan" not in kinds

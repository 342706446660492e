"""What the office sees of messages: to whom, by what name, what became of them; and sending anew."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from community.models import Person, Street
from notifications.delivery.outcomes import start_next
from notifications.models import Delivery, Message, Robot
from notifications.topics import ChannelName, DeliveryState, Topic
from tests.statements import cost
from tickets.admin import messages as page_of_messages
from tickets.models import Follower, Ticket

LIST = "admin:notifications_delivery_changelist"


def page(ticket):
    return reverse("admin:tickets_ticket_messages", args=[ticket["id"]])


@pytest.fixture
def clerk(staff):
    """The street's clerk, who sees tickets and deliveries, and may send anew."""
    return staff(
        "general_officer",
        "tickets.view_ticket",
        "tickets.view_assignment",
        "tickets.view_ticketevent",
        "notifications.view_delivery",
        "notifications.change_delivery",
    )


@pytest.fixture
def tell(street):
    """`tell(ticket, person)` is a message about its first event, with one delivery where `state` is given."""

    def told(ticket, person=None, state=None, *, channel=ChannelName.SMS, recipient=None, seq=1, **columns):
        message = Message.objects.create(
            street_id=street.pk,
            key=uuid.uuid5(uuid.NAMESPACE_OID, f"{ticket['id']} {seq}"),
            recipient=recipient or person.pk,
            person=person,
            kind="signed",
            topic=Topic.PROGRESS,
            subject_id=ticket["id"],
            seq=seq,
            title=f"{ticket['code']} 已签收",
            body="",
            at=timezone.now(),
            inbox=person is not None,
        )
        if state is None:
            return message
        if state in {"dead", "sent", "dropped"}:
            columns.setdefault("finished_at", timezone.now())
        if state == "sending":
            columns.setdefault("lease_until", timezone.now())
        return Delivery.objects.create(
            street_id=street.pk, message=message, channel=channel, recipient=message.recipient, state=state, **columns
        )

    return told


def shown(client, ticket, **query):
    answer = client.get(page(ticket), query)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(client, **query):
    return {one.pk for one in client.get(reverse(LIST), query).context["cl"].result_list}


def test_the_ticket_leads_to_its_messages(clerk, filed):
    assert page(filed) in clerk.get(reverse("admin:tickets_ticket_change", args=[filed["id"]])).content.decode()


def test_it_says_to_whom_by_which_way_and_why_not(clerk, filed, tell, cast, street):
    robot = Robot.objects.create(
        street_id=street.pk, organisation_id=uuid.uuid4(), name="值班群", vendor="wecom", token="t"
    )
    tell(filed, cast["dispatcher"], "dead", error="isv.BUSINESS_LIMIT", attempts=9)
    tell(filed, cast["resident"], "sent", receipt="R-77")
    tell(filed, None, "queued", channel=ChannelName.WECOM, recipient=robot.pk)
    words = shown(clerk, filed)
    for said in (
        *(f"{cast['dispatcher'].name}（", "值班群", "发送失败", "isv.BUSINESS_LIMIT", "短信签名", "R-77"),
        *("待发送", "下次", "#1", "上报", "未读", "企业微信群机器人"),
    ):
        assert said in words, said


def test_residents_are_masked_and_an_anonymous_reporter_has_no_name(clerk, filed, api, tell, cast):
    anonymous = api("neighbour").file("CL07", secrecy="anonymous")
    tell(filed, cast["resident"])
    tell(anonymous, cast["neighbour"])
    words = shown(clerk, filed)
    assert cast["resident"].name not in words
    assert f"{cast['resident'].name[0]}*" in words
    words = shown(clerk, anonymous)
    assert "匿名诉求人" in words
    assert f"{cast['neighbour'].name[0]}*" not in words


def test_who_reports_for_themselves_is_a_resident_there_whatever_seat_they_have(clerk, filed, tell, cast):
    Ticket.objects.filter(pk=filed["id"]).update(reporter=cast["worker"], contact_name=cast["worker"].name)
    tell(filed, cast["worker"])
    words = shown(clerk, filed)
    assert cast["worker"].name not in words
    assert f"{cast['worker'].name[0]}*" in words


@pytest.mark.parametrize(("kind", "name"), [("cosigned", "masked"), ("merged", "并单诉求人")])
def test_followers_have_no_whole_name(clerk, filed, tell, cast, kind, name, street):
    person = cast["worker"]
    Follower.objects.create(street=street, ticket_id=filed["id"], person=person, kind=kind, since=timezone.now())
    tell(filed, person)
    words = shown(clerk, filed)
    assert person.name not in words
    assert (f"{person.name[0]}*" if name == "masked" else name) in words


@pytest.mark.parametrize("reach", ["accusing", "elsewhere", "no seat", "no permission", "nobody"])
def test_who_does_not_see_the_ticket_does_not_see_its_messages(clerk, filed, accusing, tell, cast, reach):
    ticket, person = filed, cast["general_officer"]
    delivery = tell(filed, cast["dispatcher"], "dead")
    match reach:
        case "accusing":
            ticket = accusing
            delivery = tell(accusing, cast["desk_officer"], "dead")
        case "elsewhere":
            ticket = {"id": uuid.uuid4()}
        case "no seat":
            person.memberships.update(ends_on="2021-01-01")
        case "no permission":
            person.user_permissions.remove(Permission.objects.get(codename="view_ticket"))
        case "nobody":
            clerk.logout()
    for answer in (clerk.get(page(ticket)), clerk.post(page(ticket), {"delivery": delivery.pk})):
        assert answer.status_code == (302 if reach == "nobody" else 404)
        assert "/login/" in answer.url if reach == "nobody" else True
    delivery.refresh_from_db()
    assert delivery.state == "dead"
    assert not LogEntry.objects.exists()


def test_a_superuser_sees_messages_about_accusations(administrator, accusing, tell, cast):
    tell(accusing, cast["desk_officer"], "dead")
    assert cast["desk_officer"].name in shown(administrator, accusing)


@pytest.mark.parametrize("state", ["dead", "dropped"])
def test_what_failed_is_sent_anew_and_who_asked_is_on_record(clerk, filed, tell, cast, state):
    delivery = tell(filed, cast["dispatcher"], state, attempts=9, failures=9, error="no")
    assert clerk.post(page(filed), {"delivery": delivery.pk}).status_code == 302
    again = Delivery.objects.get()
    assert (again.pk, again.state, again.attempts, again.failures) == (delivery.pk, "queued", 9, 0)
    assert again.finished_at is None
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (cast["general_officer"], str(delivery.pk))
    assert f"重发: {cast['general_officer'].name}" in shown(clerk, filed)


@pytest.mark.parametrize(("state", "unsure"), [("sent", False), ("dead", True)])
def test_what_may_have_arrived_is_sent_again_only_when_that_is_confirmed(clerk, filed, tell, cast, state, unsure):
    delivery = tell(filed, cast["dispatcher"], state, unsure=unsure)
    answer = clerk.post(page(filed), {"delivery": delivery.pk})
    assert answer.status_code == 200
    assert "确认再发一次" in answer.content.decode()
    assert Delivery.objects.get().state == state
    assert not LogEntry.objects.exists()
    assert clerk.post(page(filed), {"delivery": delivery.pk, "confirm": delivery.pk}).status_code == 302
    assert Delivery.objects.get().state == "queued"


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_what_is_under_way_is_left_alone(clerk, filed, tell, cast, state):
    delivery = tell(filed, cast["dispatcher"], state, attempts=1)
    clerk.post(page(filed), {"delivery": delivery.pk, "confirm": delivery.pk})
    assert Delivery.objects.get().state == state
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("key", ["", "nonsense", str(uuid.UUID(int=7)), "another ticket's"])
def test_a_delivery_that_is_not_this_ticket_s_is_not_found(clerk, filed, api, tell, cast, key):
    other = tell(api("neighbour").file("RP04"), cast["dispatcher"], "dead")
    assert clerk.post(page(filed), {"delivery": other.pk if key.startswith("another") else key}).status_code == 404
    assert Delivery.objects.get().state == "dead"


def test_who_may_only_look_sends_nothing_anew(clerk, filed, tell, cast):
    cast["general_officer"].user_permissions.remove(Permission.objects.get(codename="change_delivery"))
    delivery = tell(filed, cast["dispatcher"], "dead")
    assert "<button name" not in shown(clerk, filed)
    assert clerk.post(page(filed), {"delivery": delivery.pk}).status_code == 404
    clerk.post(reverse(LIST), {"action": "send_anew", "_selected_action": [delivery.pk]})
    assert Delivery.objects.get().state == "dead"


def test_the_page_asks_for_a_token(filed, tell, cast, clerk):
    delivery = tell(filed, cast["dispatcher"], "dead")
    clerk.handler.enforce_csrf_checks = True
    assert clerk.post(page(filed), {"delivery": delivery.pk}).status_code == 403
    assert Delivery.objects.get().state == "dead"


def test_it_costs_the_same_for_many_messages_and_is_leafed_through(clerk, filed, tell, cast, monkeypatch):
    tell(filed, cast["dispatcher"], "dead")
    before = cost(clerk, page(filed))
    people = [Person(phone=f"1980000{number:04}", name=f"李四{number}") for number in range(30)]
    for person in Person.objects.bulk_create(people):
        tell(filed, person, "sent", seq=2)
    assert cost(clerk, page(filed)) == before
    monkeypatch.setattr(page_of_messages, "PER_PAGE", 20)
    first, second = shown(clerk, filed), shown(clerk, filed, page=2)
    assert (first.count("<tbody>"), second.count("<tbody>")) == (20, 11)
    assert cast["dispatcher"].name not in first
    assert cast["dispatcher"].name in second
    assert shown(clerk, filed, failed="").count("<tbody>") == 1


def test_of_a_digest_it_says_what_became_of_it(clerk, filed, tell, cast):
    digest = tell({"id": None, "code": "汇总"}, cast["dispatcher"], "dead", error="mailbox full", attempts=4)
    held = tell(filed, cast["dispatcher"], "gathered", gathered_into=digest)
    Message.objects.filter(pk=held.message_id).update(inbox=False, gathered_into=digest.message_id)
    words = shown(clerk, filed)
    for said in ("并入汇总 → 发送失败", "已并入汇总", "mailbox full"):
        assert said in words


def test_the_list_shows_the_dead_first_and_others_when_asked(clerk, filed, tell, cast):
    dead = tell(filed, cast["dispatcher"], "dead")
    sent = tell(filed, cast["manager"], "sent", channel=ChannelName.EMAIL)
    assert listed(clerk) == {dead.pk}
    assert listed(clerk, state="sent") == {sent.pk}
    assert listed(clerk, state="all") == {dead.pk, sent.pk}
    assert listed(clerk, state="all", channel__exact="email") == {sent.pk}
    assert listed(clerk, q=filed["code"]) == {dead.pk}
    assert listed(clerk, q="A" * 9) == set()


def test_the_list_keeps_to_the_street_and_off_accusations(clerk, filed, accusing, tell, cast, street):
    mine = tell(filed, cast["dispatcher"], "dead")
    accusation = tell(accusing, cast["desk_officer"], "dead")
    elsewhere = tell(filed, cast["worker"], "dead", seq=2)
    other = Street.objects.create(code="elsewhere", name="别处街道")
    Message.objects.filter(pk=elsewhere.message_id).update(street_id=other.pk)
    Delivery.objects.filter(pk=elsewhere.pk).update(street_id=other.pk)
    assert listed(clerk) == {mine.pk}
    assert listed(clerk, q=accusing["code"]) == set()
    for hidden in (accusation, elsewhere):
        assert clerk.get(reverse("admin:notifications_delivery_change", args=[hidden.pk])).status_code == 302
        clerk.post(reverse(LIST), {"action": "send_all_anew", "_selected_action": [hidden.pk]})
    assert not Delivery.objects.exclude(state="dead").exists()
    cast["general_officer"].memberships.update(ends_on="2021-01-01")
    assert listed(clerk) == set()


def test_the_list_hides_residents_names(clerk, filed, tell, cast):
    tell(filed, cast["resident"], "dead")
    words = clerk.get(reverse(LIST)).content.decode()
    assert cast["resident"].name not in words
    assert cast["resident"].phone not in words
    assert filed["code"] in words


def test_the_list_costs_the_same_for_one_and_for_many(clerk, filed, tell, cast):
    tell(filed, cast["dispatcher"], "dead")
    before = cost(clerk, reverse(LIST))
    for key in ("resident", "worker", "manager", "desk_officer"):
        tell(filed, cast[key], "dead")
    assert cost(clerk, reverse(LIST)) == before


def test_the_action_sends_what_failed_and_spares_what_may_have_arrived(clerk, filed, tell, cast):
    dead = tell(filed, cast["dispatcher"], "dead")
    unsure = tell(filed, cast["manager"], "dead", unsure=True)
    sent = tell(filed, cast["worker"], "sent")
    chosen = {"_selected_action": [dead.pk, unsure.pk, sent.pk], "state": "all"}

    def states():
        return [Delivery.objects.get(pk=one.pk).state for one in (dead, unsure, sent)]

    answer = clerk.post(f"{reverse(LIST)}?state=all", {"action": "send_anew", **chosen}, follow=True)
    assert states() == ["queued", "dead", "sent"]
    assert "1 条可能已经送达" in answer.content.decode()
    clerk.post(f"{reverse(LIST)}?state=all", {"action": "send_all_anew", **chosen})
    assert states() == ["queued", "queued", "sent"]
    assert LogEntry.objects.count() == 2


def test_the_action_leaves_what_a_webhook_that_is_off_would_drop(clerk, filed, tell, cast):
    off = tell(filed, cast["dispatcher"], "dead", channel=ChannelName.WEBHOOK)
    chosen = {"action": "send_anew", "_selected_action": [off.pk]}
    answer = clerk.post(reverse(LIST), chosen, follow=True)
    assert "1 条的接收方（Webhook 或群机器人）已停用" in answer.content.decode()
    off.refresh_from_db()
    assert off.state == "dead"


def test_one_for_a_webhook_that_is_off_is_left_alone_and_says_so(clerk, filed, tell, cast):
    off = tell(filed, cast["dispatcher"], "dropped", channel=ChannelName.WEBHOOK)
    answer = clerk.post(page(filed), {"delivery": off.pk}, follow=True)
    assert "请先启用再重发" in answer.content.decode()
    off.refresh_from_db()
    assert off.state == "dropped"
    assert not LogEntry.objects.exists()


def test_nothing_of_a_delivery_is_changed_by_hand(administrator, filed, tell, cast):
    delivery = tell(filed, cast["dispatcher"], "dead")
    address = reverse("admin:notifications_delivery_change", args=[delivery.pk])
    assert "短信签名" in administrator.get(address).content.decode()
    assert administrator.post(address, {"state": "sent"}).status_code == 403
    assert administrator.post(reverse("admin:notifications_delivery_add"), {}).status_code == 403
    assert Delivery.objects.get().state == "dead"


def test_the_first_page_says_how_many_failed_within_a_day(clerk, filed, accusing, tell, cast):
    index = reverse("admin:index")
    assert "发送失败" not in clerk.get(index).content.decode()
    tell(filed, cast["dispatcher"], "dead")
    tell(filed, cast["manager"], "dead", finished_at=timezone.now() - timedelta(hours=25))
    tell(accusing, cast["desk_officer"], "dead")
    assert "最近一天有 1 条通知发送失败" in clerk.get(index).content.decode()
    cast["general_officer"].user_permissions.clear()
    assert "发送失败" not in clerk.get(index).content.decode()


def test_what_waits_for_a_channel_that_is_not_set_up_is_told_with_what_to_do(clerk, filed, accusing, tell, cast):
    index = reverse("admin:index")
    tell(filed, cast["manager"], "queued", channel=ChannelName.EMAIL)
    tell(accusing, cast["desk_officer"], "queued", channel=ChannelName.SMS)
    assert "尚未配置" not in clerk.get(index).content.decode()
    tell(filed, cast["dispatcher"], "queued", channel=ChannelName.SMS)
    words = clerk.get(index).content.decode()
    assert "1 条通知的发送渠道尚未配置" in words
    assert f'href="{reverse(LIST)}?state=queued"' in words
    for where in (reverse(LIST) + "?state=queued", page(filed)):
        assert "请技术人员设置 SMS_PROVIDER" in clerk.get(where).content.decode()


def test_a_delivery_that_is_unwanted_once_more_begins_no_second_fallback(filed, tell, cast):
    first = tell(filed, cast["resident"], "dropped", channel=ChannelName.WECHAT)
    for _ in range(2):
        start_next(first, {"channel": "sms", "content": {}}, [])
    assert Delivery.objects.filter(channel="sms", state=DeliveryState.QUEUED).count() == 1

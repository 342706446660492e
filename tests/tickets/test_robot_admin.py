"""The office's group robots: set up for the own street alone, key and secret entered and never read again, tried out."""

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from community.models import Organisation, Street
from notifications.models import Delivery, Robot
from notifications.topics import DeliveryState
from tickets.admin.robots import key_of

KEY, SECRET = "key-that-nobody-reads-again", "SEC-that-nobody-reads-again"
LIST, ADD = "admin:notifications_robot_changelist", "admin:notifications_robot_add"


@pytest.fixture
def clerk(staff):
    """The street's clerk, who looks after its robots."""
    return staff(
        "general_officer",
        "notifications.view_robot",
        "notifications.add_robot",
        "notifications.change_robot",
        "notifications.delete_robot",
    )


@pytest.fixture
def company(street):
    return Organisation.objects.filter(street=street, kind="project_office", active=True).first()


@pytest.fixture
def robot(street, company):
    return Robot.objects.create(
        street_id=street.pk, organisation_id=company.pk, name="值班群", vendor="dingtalk", token=KEY, secret=SECRET
    )


@pytest.fixture
def elsewhere(db):
    """Another street's robot."""
    street = Street.objects.create(name="别处街道", code="elsewhere")
    other = Organisation.objects.create(street=street, name="别处公司", code="elsewhere-company", kind="company")
    return Robot.objects.create(
        street_id=street.pk, organisation_id=other.pk, name="别处群", vendor="wecom", token="other-key"
    )


def page(robot):
    return reverse("admin:notifications_robot_change", args=[robot.pk])


def form(**given):
    return {"name": "值班群", "token": "", "secret": "", "topics": [], "active": "on", **given}


def stored(robot):
    return Robot.objects.values("name", "token", "secret", "topics", "active").get(pk=robot.pk)


def refused(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def test_a_robot_is_set_up_for_an_organisation_of_the_street(clerk, street, company):
    given = form(
        street=street.pk,
        organisation=company.pk,
        vendor="feishu",
        token=f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}",
        secret=f" {SECRET} ",
        topics=["work", "reminder"],
    )
    assert clerk.post(reverse(ADD), given).status_code == 302
    made = Robot.objects.get()
    assert (made.street_id, made.organisation_id, made.vendor) == (street.pk, company.pk, "feishu")
    assert stored(made) == {
        "name": "值班群",
        "token": KEY,
        "secret": SECRET,
        "topics": ["work", "reminder"],
        "active": True,
    }


def test_only_organisations_of_ones_own_street_are_offered_and_taken(clerk, street, elsewhere, company):
    offered = clerk.get(reverse(ADD)).content.decode()
    assert company.name in offered
    assert "别处" not in offered
    for where, whose in ((street.pk, elsewhere.organisation_id), (elsewhere.street_id, company.pk)):
        given = form(street=where, organisation=whose, vendor="wecom", token=KEY)
        assert refused(clerk.post(reverse(ADD), given))
    assert list(Robot.objects.all()) == [elsewhere]


def test_a_robot_needs_a_key_and_a_name_of_its_own(clerk, street, company, robot):
    given = form(street=street.pk, organisation=company.pk, vendor="wecom")
    assert set(refused(clerk.post(reverse(ADD), given))) == {"token", "name"}
    assert list(Robot.objects.all()) == [robot]


def test_an_address_of_another_platform_is_told_from_none(clerk, robot):
    answer = clerk.post(page(robot), form(token="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?access_token="))
    assert "不是所选平台" in str(refused(answer)["token"])


def test_an_empty_key_stays_and_a_new_one_takes_its_place(clerk, robot):
    before = stored(robot)
    assert clerk.post(page(robot), form(name="新群")).status_code == 302
    assert stored(robot) == {**before, "name": "新群"}
    assert clerk.post(page(robot), form(name="新群", token="new-key", secret="new-secret")).status_code == 302
    assert stored(robot) == {**before, "name": "新群", "token": "new-key", "secret": "new-secret"}
    assert clerk.post(page(robot), form(name="新群", forget_secret="on")).status_code == 302
    assert stored(robot)["secret"] == ""


def test_whose_it_is_and_which_platforms_stays_as_it_is(clerk, robot, street):
    other = Organisation.objects.filter(street=street).exclude(pk=robot.organisation_id).first()
    given = form(organisation=other.pk, vendor="wecom", street=uuid.uuid4())
    assert clerk.post(page(robot), given).status_code == 302
    kept = Robot.objects.get()
    assert (kept.organisation_id, kept.vendor, kept.street_id) == (robot.organisation_id, "dingtalk", street.pk)


def test_key_and_secret_are_on_no_page_and_in_no_history(clerk, cast, robot):
    clerk.post(page(robot), form(token=KEY, secret=SECRET))
    bad = clerk.post(page(robot), form(name="", token=KEY, secret=SECRET))
    assert refused(bad)
    pages = [clerk.get(reverse(LIST)), clerk.get(page(robot)), bad]
    cast["general_officer"].user_permissions.set(Permission.objects.filter(codename="view_robot"))
    looked_at = clerk.get(page(robot))
    assert looked_at.status_code == 200
    assert 'name="token"' not in looked_at.content.decode()
    for answer in (*pages, looked_at):
        assert KEY not in answer.content.decode()
        assert SECRET not in answer.content.decode()
    assert not LogEntry.objects.filter(change_message__contains=KEY).exists()
    assert clerk.get(f"{reverse(LIST)}?token__startswith=key").status_code in {302, 400}


def test_another_streets_robot_is_not_seen_changed_removed_or_tried_out(clerk, elsewhere):
    before = stored(elsewhere)
    assert "别处群" not in clerk.get(reverse(LIST)).content.decode()
    assert clerk.get(page(elsewhere)).status_code == 302
    assert clerk.post(page(elsewhere), form(name="我的")).status_code == 302
    delete = reverse("admin:notifications_robot_delete", args=[elsewhere.pk])
    assert clerk.post(delete, {"post": "yes"}).status_code in {302, 403}
    clerk.post(reverse(LIST), {"action": "send_trial", "_selected_action": [str(elsewhere.pk)]})
    assert stored(elsewhere) == before
    assert not Delivery.objects.exists()


def test_without_permission_nothing_is_shown_or_set_up(clerk, cast, robot, street, company):
    cast["general_officer"].user_permissions.clear()
    given = form(street=street.pk, organisation=company.pk, vendor="wecom", token=KEY, name="另一群")
    assert clerk.get(reverse(LIST)).status_code == 403
    assert clerk.post(reverse(ADD), given).status_code == 403
    assert list(Robot.objects.all()) == [robot]


def test_a_robot_is_tried_out_the_way_that_news_goes(clerk, robot):
    answer = clerk.post(reverse(LIST), {"action": "send_trial", "_selected_action": [str(robot.pk)]}, follow=True)
    delivery = Delivery.objects.get()
    assert (delivery.channel, delivery.recipient, delivery.state) == ("dingtalk", robot.pk, DeliveryState.QUEUED)
    assert delivery.content["body"] == "群机器人“值班群”已接通。"
    assert reverse("admin:notifications_delivery_change", args=[delivery.pk]) in answer.content.decode()


def test_a_robot_that_is_off_is_not_tried_out(clerk, robot):
    Robot.objects.update(active=False)
    clerk.post(reverse(LIST), {"action": "send_trial", "_selected_action": [str(robot.pk)]})
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("vendor", "given"),
    [
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1"),
        ("dingtalk", " https://oapi.dingtalk.com/robot/send?access_token=k-1&timestamp=1 "),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/k-1/"),
        ("feishu", " k-1 "),
    ],
)
def test_the_key_is_found_in_a_whole_address(vendor, given):
    assert key_of(given, vendor) == "k-1"


def test_an_address_without_a_key_has_none():
    assert key_of("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "wecom") == ""

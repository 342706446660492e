"""The office's own words: seen beside Linli's, read over, tried out on a real event without a trace, kept and taken back."""

import uuid

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import Error, connection
from django.urls import reverse

from community.models import Street
from notifications.models import Message, Wording
from notifications.wordings.validation import problems
from notifications.wordings.writer import Writer
from tests.statements import statements
from tickets import announce, notes
from tickets.admin.kinds import kinds
from tickets.admin.rehearsal import reading_only
from tickets.models import Ticket, TicketEvent

LIST = "admin:notifications_wording_changelist"
KIND = "signed.resident"


@pytest.fixture
def clerk(staff):
    """The street's clerk, who words its messages."""
    return staff(
        "general_officer",
        "notifications.view_wording",
        "notifications.change_wording",
    )


@pytest.fixture
def signed(api):
    """A ticket that was signed for."""
    ticket = api("resident").file("CL07", text="地下室积水长蚊子。")
    return api("dispatcher").move(ticket, "sign")


@pytest.fixture
def editor(street):
    """`editor(kind, shape, language)` is the address of the editor for the demo street."""

    def address(kind=KIND, shape="text", language="zh-hans", where=None):
        return reverse("admin:notifications_wording_edit", args=[where or street.pk, kind, shape, language])

    return address


def rows():
    """How many rows each table has; a session is the browser's, and not counted."""
    counted = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.label != "sessions.Session" and model._meta.managed:
                cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}"')  # noqa: S608
                counted[model._meta.label] = cursor.fetchone()[0]
    return counted


def said(answer):
    assert answer.status_code == 200, answer
    return answer.content.decode()


def own(**which):
    return list(Wording.objects.filter(**which).values_list("kind", "channel", "language", "title", "body", "template"))


def test_the_list_has_every_kind_with_whether_the_street_words_it_itself(clerk, editor, street):
    assert set(kinds()) >= {*notes.message_kinds(), "contract.renewal", "digest", "*"}
    before = said(clerk.get(reverse(LIST)))
    assert before.count(">默认</a>") == 6 * (len(kinds()) - 1) + 4
    assert ">自拟</a>" not in before
    Wording.objects.create(
        street_id=street.pk, kind=KIND, channel="text", language="en", title="Signed", body="${code}"
    )
    Wording.objects.create(street_id=uuid.uuid4(), kind=KIND, channel="text", title="别处", body="${code}")
    after = said(clerk.get(reverse(LIST)))
    assert after.count(">自拟</a>") == 1
    assert f'href="{editor(language="en")}"' in after
    with statements() as made:
        clerk.get(reverse(LIST))
    assert sum("notifications_wording" in sql for sql in made) == 1


def test_every_kind_opens_in_every_shape(clerk, editor, monkeypatch):
    # The bar at the side is the same on each of three hundred pages.
    monkeypatch.setattr("community.office.Office.get_app_list", lambda *_: [])
    for kind in kinds().values():
        for shape in kind.shapes:
            assert kind.code in said(clerk.get(editor(kind.code, shape, "en")))


def test_the_form_shows_the_default_and_the_placeholders(clerk, editor):
    words = said(clerk.get(editor()))
    default = announce.WORDINGS.find(KIND, "text", "zh-hans")
    assert default.title in words
    assert "${matter}" in words
    assert str(announce.FACTS["matter"]) in words
    assert "phone_number ≤17" in said(clerk.get(editor("*", "wechat")))


def test_what_is_kept_is_said_from_then_on_and_on_record(clerk, editor, street, cast):
    given = {"title": "已签收 ${code}", "body": "${place}\r\n费用 $$0", "save": ""}
    assert clerk.post(editor(), given).status_code == 302
    assert own() == [(KIND, "text", "zh-hans", "已签收 ${code}", "${place}\n费用 $$0", "")]
    writer = Writer(announce.WORDINGS, [street.pk])
    content = writer.content(street.pk, KIND, "text", "zh-hans", {"code": "A1", "place": "14号院"})
    assert (content["title"], content["body"]) == ("已签收 A1", "14号院\n费用 $0")
    clerk.post(editor(), {"title": "改过 ${code}", "body": "${place}", "save": ""})
    assert [one[3] for one in own()] == ["改过 ${code}"]
    assert [one.user for one in LogEntry.objects.all()] == [cast["general_officer"]] * 2
    assert "自拟" in said(clerk.get(editor()))


def test_the_default_is_restored(clerk, editor, cast):
    clerk.post(editor(), {"title": "已签收", "body": "${place}", "save": ""})
    assert clerk.post(editor(), {"restore": ""}).status_code == 302
    assert own() == []
    assert LogEntry.objects.first().is_deletion()
    clerk.post(editor(), {"restore": ""})
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("shape", "given", "words"),
    [
        ("text", {"title": "${phone}", "body": "好"}, "没有这样的占位符：${phone}"),
        ("text", {"title": "标题", "body": "$5"}, "“$” 后应为"),
        ("text", {"title": "", "body": "${code}"}, "请填写标题"),
        ("text", {"title": "长" * 121, "body": "${code}"}, "120"),
        ("text", {"title": "标题", "body": ""}, "必填"),
        ("sms", {"body": "只有一句话"}, "应写成 名称: 内容"),
        ("wechat", {"body": "things1: ${code}"}, "没有“things1”这种字段"),
        ("wechat", {"body": "thing: ${code}"}, "缺编号"),
    ],
)
@pytest.mark.parametrize("button", ["save", "preview"])
def test_what_a_channel_could_not_say_is_refused_in_words(clerk, editor, signed, shape, given, words, button):
    answer = said(clerk.post(editor(shape=shape), {**given, button: ""}))
    assert words in answer
    assert own() == []
    assert 'id="samples"' not in answer


def test_a_draft_is_tried_out_on_the_newest_event_in_all_shapes(clerk, editor, signed, settings):
    settings.SMS_TEMPLATE = settings.WECHAT_TEMPLATE = "T-1"
    answer = clerk.post(editor(), {"title": "签收啦 ${code}", "body": "${matter} 在 ${place}", "preview": ""})
    words = said(answer)
    place = Ticket.objects.get(pk=signed["id"]).place
    assert f"{signed['code']} · #2 签收" in words
    assert words.count(f"签收啦 {signed['code']}") >= 3
    assert f"在 {place}" in words
    shown = {(one.shape, one.language): one for one in answer.context["samples"]}
    assert len(shown) == 6
    assert [one.drafted for one in answer.context["samples"]].count(True) == 1
    default = announce.WORDINGS.find(KIND, "text", "en").title
    assert shown["text", "英文"].title == default
    assert all(field.most is not None and len(field.words) <= field.most for field in shown["wechat", "中文"].fields)
    assert own() == []


@pytest.mark.parametrize("shape", ["sms", "wechat"])
def test_fields_are_tried_out_before_a_template_is_approved(clerk, editor, signed, shape):
    answer = clerk.post(editor(shape=shape), {"body": "thing1: ${title}${body}${place}", "preview": ""})
    assert said(answer).count("还没有平台模板编号，不会发送") == 4
    (drafted,) = [one for one in answer.context["samples"] if one.drafted]
    (field,) = drafted.fields
    assert field.most == (20 if shape == "wechat" else None)
    assert field.cut == (shape == "wechat")


def test_trying_out_writes_nothing(clerk, editor, signed):
    clerk.get(editor())
    before = rows()
    for shape, given in (("text", {"title": "签收 ${code}"}), ("sms", {}), ("wechat", {})):
        answer = clerk.post(editor(shape=shape), {"body": "thing1: ${place}", "preview": "", **given})
        assert answer.context["example"] is not None
    answer = clerk.post(editor("contract.end"), {"title": "${code}", "body": "${todo}", "preview": ""})
    assert answer.context["example"] is not None
    assert rows() == before
    assert not LogEntry.objects.exists()
    assert not Wording.objects.exists()


def test_the_database_refuses_to_write_while_trying_out(street):
    with pytest.raises(Error, match="read-only"), reading_only():
        Wording.objects.create(street_id=street.pk, kind=KIND, body="x")
    Wording.objects.create(street_id=street.pk, kind=KIND, body="x")


def test_a_ticket_can_be_named(clerk, api, editor, signed):
    other = api("dispatcher").move(api("neighbour").file("CL02"), "sign")
    given = {"title": "${code}", "body": "${code}", "preview": ""}
    assert clerk.post(editor(), given).context["example"].facts["code"] == other["code"]
    spoken = f"{signed['code'][:4]}-{signed['code'][4:]}".lower()
    assert clerk.post(editor(), {**given, "example": spoken}).context["example"].facts["code"] == signed["code"]
    assert "没有可用来预览的事件" in said(clerk.post(editor(), {**given, "example": "没有这个"}))


def test_it_is_tried_out_on_nothing_that_the_clerk_does_not_see(clerk, accusing, cast, editor, street):
    given = {"title": "${code}", "body": "${code}", "preview": ""}
    for number in ("", accusing["code"]):
        answer = clerk.post(editor("received.resident"), {**given, "example": number})
        assert answer.context["example"] is None
        assert "没有可用来预览的事件" in said(answer)
    clerk.force_login(cast["administrator"])
    answer = clerk.post(editor("received.resident"), {**given, "example": accusing["code"]})
    assert answer.context["example"].facts["code"] == accusing["code"]


def test_a_digest_is_tried_out_on_what_was_told_of_a_ticket(clerk, editor, signed, accusing):
    given = {"title": "${count} 件", "body": "请看：${lines}", "preview": ""}
    assert clerk.post(editor("digest"), given).context["example"] is None
    announce.tell_outbox()
    newest = clerk.post(editor("digest"), given).context
    assert newest["example"].name == signed["code"]
    (drafted,) = [one for one in newest["samples"] if one.drafted]
    told = Message.objects.filter(subject_id=signed["id"], person__isnull=False)
    assert (drafted.title, drafted.robot) == (f"{told.count()} 件", False)
    assert drafted.body.startswith(f"请看：{signed['code']} ")
    assert clerk.post(editor("digest"), {**given, "example": accusing["code"]}).context["example"] is None


@pytest.mark.parametrize("button", ["save", "preview", "restore"])
def test_another_street_s_words_are_not_the_clerk_s(clerk, editor, button):
    other = Street.objects.create(code="elsewhere", name="别处街道")
    Wording.objects.create(street_id=other.pk, kind=KIND, title="别处", body="${code}")
    address = editor(where=other.pk)
    assert clerk.get(address).status_code == 404
    assert clerk.post(address, {"title": "改", "body": "改", button: ""}).status_code == 404
    assert [one[3] for one in own()] == ["别处"]
    assert "别处" not in said(clerk.get(reverse(LIST), {"street": other.pk}))


@pytest.mark.parametrize("button", ["save", "preview", "restore"])
def test_who_may_only_look_changes_nothing(clerk, cast, editor, street, button):
    Wording.objects.create(street_id=street.pk, kind=KIND, title="原有", body="${code}")
    cast["general_officer"].user_permissions.remove(Permission.objects.get(codename="change_wording"))
    assert 'name="save"' not in said(clerk.get(editor()))
    assert clerk.post(editor(), {"title": "改", "body": "改", button: ""}).status_code == 403
    assert [one[3] for one in own()] == ["原有"]
    cast["general_officer"].user_permissions.clear()
    assert clerk.get(editor()).status_code == 403
    assert clerk.get(reverse(LIST)).status_code == 403


def test_without_a_seat_on_the_street_there_is_nothing_to_word(clerk, cast, editor):
    cast["general_officer"].memberships.update(ends_on="2021-01-01")
    assert clerk.get(editor()).status_code == 404
    assert "默认</a>" not in said(clerk.get(reverse(LIST)))


@pytest.mark.parametrize(
    ("kind", "shape", "language"),
    [("no.such", "text", "en"), (KIND, "fax", "en"), (KIND, "text", "fr"), ("*", "text", "zh-hans")],
)
def test_what_cannot_be_worded_is_not_found(clerk, editor, kind, shape, language):
    assert clerk.get(editor(kind, shape, language)).status_code == 404


def test_every_default_is_without_fault(db):
    for kind in kinds().values():
        for shape in kind.shapes:
            for language in ("zh-hans", "en"):
                words = kind.catalogue.find(kind.code, shape, language)
                if words is not None:
                    assert list(problems(words, shape, kind.known(shape))) == [], (kind.code, shape, language)


def test_events_stay_as_they_are(clerk, editor, signed):
    before = list(TicketEvent.objects.values())
    clerk.post(editor(), {"title": "${code}", "body": "${code}", "preview": ""})
    assert list(TicketEvent.objects.values()) == before

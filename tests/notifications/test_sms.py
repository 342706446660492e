import logging
import uuid
from datetime import time, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from notifications.channels import sms
from notifications.channels.channel import Refused, TryLater, Unsure, Unwanted
from notifications.channels.sms import aliyun, gateway, tencent
from notifications.channels.sms.channel import ASKED_ENOUGH, SmsChannel
from notifications.channels.sms.gateway import SmsAccount, fitted
from notifications.delivery.replay import replay
from notifications.delivery.workers import deliver
from notifications.models import Delivery, Message, Profile
from notifications.topics import ChannelName, DeliveryState
from notifications.wordings.writer import Catalogue, Writer
from tests.fakes import sms as fakes
from tests.fakes.sms import Manners, serving
from tests.notifications.post import claimed, letter

FIELDS = {"news": "请您确认办理结果", "code": "7K2M-0001"}
CONTENT = {"template": fakes.NEWS_TEMPLATE, "fields": FIELDS, "order": ["news", "code"]}
VENDORS = ["aliyun", "tencent"]


@pytest.fixture(params=VENDORS)
def vendor(request):
    with serving(request.param) as server:
        yield server


@pytest.fixture
def channel(vendor, request, patience, monkeypatch):
    monkeypatch.setattr(gateway, "READ", patience.get("read", gateway.READ))
    name = request.node.callspec.params["vendor"]
    opened = sms.PROVIDERS[name](SmsAccount(vendor.url, fakes.KEY_ID, fakes.KEY_SECRET, fakes.SIGN, fakes.APP_ID))
    yield SmsChannel(opened)
    opened.client.close()


def codes(channel, aliyun_code, tencent_code):
    """The code that the vendor of the channel has for it."""
    return [aliyun_code if isinstance(channel.gateway, aliyun.Aliyun) else tencent_code]


def envelope(person, **changes):
    return claimed(person, **{"content": CONTENT} | changes)


def test_aliyuns_own_example_is_signed_as_aliyun_signs_it():
    account = SmsAccount("https://ecs.cn-shanghai.aliyuncs.com", "YourAccessKeyId", "YourAccessKeySecret", "")
    query = {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    asked, headers = aliyun.signed(
        account, "RunInstances", "2014-05-26", query, "2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d"
    )
    assert asked == "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_tencents_own_example_is_signed_as_tencent_signs_it():
    account = SmsAccount(
        "https://cvm.tencentcloudapi.com",
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        "",
    )
    payload = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    assert tencent.signed(account, "cvm", payload, 1551113065)["Authorization"] == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_a_text_goes_out_signed_with_its_key_and_its_fields_in_order(channel, vendor, cast):
    sent = envelope(cast["resident"])
    receipt = channel.send(sent)
    (text,) = vendor.taken
    assert receipt == text.receipt
    assert text.key == str(sent.key)
    assert text.phone.removeprefix("+86") == cast["resident"].phone
    assert text.fields in (FIELDS, list(FIELDS.values()))


def test_a_wrong_secret_is_noticed_by_the_vendor(vendor, request, cast):
    name = request.node.callspec.params["vendor"]
    opened = sms.PROVIDERS[name](SmsAccount(vendor.url, fakes.KEY_ID, "another", fakes.SIGN, fakes.APP_ID))
    with pytest.raises(TryLater, match="Signature") as refusal:
        SmsChannel(opened).send(envelope(cast["resident"]))
    opened.client.close()
    assert refusal.value.after >= timedelta(hours=1)
    assert vendor.taken == []


def test_long_and_strange_fields_are_made_to_fit(channel, vendor, cast):
    fields = {"news": "很长" * 40, "code": ""}
    channel.send(envelope(cast["resident"], content={**CONTENT, "fields": fields}))
    found = vendor.taken[0].fields
    news, code = found.values() if isinstance(found, dict) else found
    assert (len(news), news[-1], code) == (35, "…", "-")
    assert fitted("一\n二 【三】") == "一 二 [三]"


@pytest.mark.parametrize(
    ("aliyun_code", "tencent_code", "kind", "after"),
    [
        ("isv.AMOUNT_NOT_ENOUGH", "FailedOperation.InsufficientBalanceInSmsPackage", TryLater, timedelta(hours=1)),
        ("isv.OUT_OF_SERVICE", "whole:UnauthorizedOperation.SerivceSuspendDueToArrears", TryLater, timedelta(hours=1)),
        ("isv.DAY_LIMIT_CONTROL", "LimitExceeded.AppDailyLimit", TryLater, timedelta(hours=6)),
        ("isp.SYSTEM_ERROR", "whole:RequestLimitExceeded.UinLimitExceeded", TryLater, None),
        ("Throttling.User", "RequestLimitExceeded", TryLater, None),
        ("isv.SMS_TEMPLATE_ILLEGAL", "FailedOperation.TemplateIncorrectOrUnapproved", Refused, None),
        ("isv.SMS_SIGNATURE_ILLEGAL", "FailedOperation.SignatureIncorrectOrUnapproved", Refused, None),
        ("isv.MOBILE_NUMBER_ILLEGAL", "InvalidParameterValue.IncorrectPhoneNumber", Refused, None),
        ("isv.NEVER_HEARD_OF", "FailedOperation.NeverHeardOf", Refused, None),
        ("SignatureNonceUsed", "InternalError.Timeout", Unsure, None),
        ("InternalError", "whole:InternalError.UnknownError", Unsure, None),
        ("", "", Unsure, None),
    ],
)
def test_an_answer_of_http_200_that_is_not_ok_is_a_failure(
    channel, vendor, cast, aliyun_code, tencent_code, kind, after
):
    vendor.manners = Manners(codes=codes(channel, aliyun_code, tencent_code))
    with pytest.raises(kind) as outcome:
        channel.send(envelope(cast["resident"]))
    assert getattr(outcome.value, "after", None) == after
    assert cast["resident"].phone not in outcome.value.reason
    assert vendor.taken == []


def test_a_phone_that_has_unsubscribed_at_tencent_wants_none(cast):
    with serving("tencent") as vendor:
        vendor.manners = Manners(codes=["FailedOperation.PhoneNumberInBlacklist"])
        opened = tencent.Tencent(SmsAccount(vendor.url, fakes.KEY_ID, fakes.KEY_SECRET, fakes.SIGN, fakes.APP_ID))
        with pytest.raises(Unwanted):
            SmsChannel(opened).send(envelope(cast["resident"]))
        opened.client.close()


@pytest.mark.parametrize(
    ("said", "code", "after"),
    [
        ("触发分钟级流控Permits:1", "LimitExceeded.PhoneNumberThirtySecondLimit", timedelta(minutes=1)),
        ("触发小时级流控Permits:5", "LimitExceeded.PhoneNumberOneHourLimit", timedelta(hours=1)),
        ("触发天级流控Permits:10", "LimitExceeded.PhoneNumberDailyLimit", timedelta(days=1)),
        ("", "LimitExceeded.DeliveryFrequencyLimit", timedelta(minutes=10)),
    ],
)
def test_a_limit_is_waited_for_as_long_as_it_lasts(said, code, after):
    for outcome in (aliyun.outcome("isv.BUSINESS_LIMIT_CONTROL", said), tencent.outcome(code)):
        assert isinstance(outcome, TryLater)
        assert (outcome.after, outcome.counts) == (after, True)


@pytest.mark.parametrize(
    "manners",
    [
        {"lost": True},
        {"gone": True},
        pytest.param({"slow": 0.6}, marks=pytest.mark.silent),
        {"status": 500, "body": b"<html>"},
        {"status": 502, "body": b"<html>"},
        {"body": b"{"},
    ],
)
def test_a_lost_answer_leaves_it_unknown(channel, vendor, cast, manners):
    vendor.manners = Manners(**manners)
    with pytest.raises(Unsure) as outcome:
        channel.send(envelope(cast["resident"]))
    assert cast["resident"].phone not in outcome.value.reason


def test_a_vendor_that_cannot_be_reached_has_got_nothing(channel, vendor, cast):
    vendor.shutdown()
    vendor.server_close()
    with pytest.raises(TryLater):
        channel.send(envelope(cast["resident"]))


def test_after_a_lost_answer_the_receipt_is_asked_for_and_nothing_is_sent_again(channel, vendor, cast):
    sent = envelope(cast["resident"])
    vendor.manners = Manners(lost=True)
    with pytest.raises(Unsure):
        channel.send(sent)
    vendor.manners = Manners()
    receipt = channel.send(envelope(cast["resident"], key=sent.key, attempt=2, unsure=True))
    assert receipt
    assert len(vendor.taken) == 1
    assert [action for action, _ in vendor.asked].count("SendSms") == 1


@pytest.mark.parametrize("manners", [{"late": True}, {}])
def test_without_a_receipt_it_is_asked_for_again_later_and_never_sent(channel, vendor, cast, manners):
    vendor.manners = Manners(**manners)
    with pytest.raises(TryLater, match="Outcome unknown"):
        channel.send(envelope(cast["resident"], attempt=2, unsure=True, at=timezone.now() - timedelta(days=40)))
    assert vendor.taken == []
    assert all(action != "SendSms" for action, _ in vendor.asked)


def test_a_receipt_is_told_from_those_of_other_texts(channel, vendor, cast):
    for _ in range(3):
        channel.send(envelope(cast["resident"]))
    channel.send(wanted := envelope(cast["neighbour"]))
    channel.send(envelope(cast["neighbour"]))
    with pytest.raises(TryLater, match="Outcome unknown"):
        channel.send(envelope(cast["resident"], key=wanted.key, unsure=True))
    assert channel.send(envelope(cast["neighbour"], key=wanted.key, unsure=True))
    assert len(vendor.taken) == 5


def test_what_the_operator_could_not_deliver_is_dead(channel, vendor, cast):
    channel.send(sent := envelope(cast["resident"]))
    vendor.manners = Manners(undelivered="MK:0001")
    with pytest.raises(Refused, match="MK:0001"):
        channel.send(envelope(cast["resident"], key=sent.key, attempt=2, unsure=True))


def test_a_vendor_that_refuses_to_tell_leaves_it_unknown(channel, vendor, cast):
    vendor.manners = Manners(codes=codes(channel, "isv.INVALID_PARAMETERS", "InvalidParameter"))
    with pytest.raises(TryLater, match="does not say"):
        channel.send(envelope(cast["resident"], attempt=2, unsure=True))


def queued(person, **columns):
    return letter(ChannelName.SMS, person=person.pk, content=CONTENT, **columns)


@pytest.mark.parametrize("vendor", ["tencent"], indirect=True)
def test_one_of_unknown_fate_dies_for_the_office_which_may_send_it_anew(channel, vendor, cast):
    last = len(SmsChannel.delays)
    delivery = queued(cast["resident"], unsure=True, attempts=last, failures=last)
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.DEAD, "Outcome unknown: the vendor has no receipt")
    assert vendor.taken == []
    assert replay([delivery.pk]) == 1
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.receipt) == (DeliveryState.SENT, vendor.taken[0].receipt)
    assert [one.key for one in vendor.taken] == [str(delivery.pk)]


@pytest.mark.parametrize("vendor", ["aliyun"], indirect=True)
def test_one_that_a_vendor_who_records_all_never_took_begins_anew_after_it_was_asked_long_enough(channel, vendor, cast):
    assert sum(SmsChannel.delays[:ASKED_ENOUGH], timedelta()) > timedelta(minutes=40)
    patient = queued(cast["resident"], unsure=True, attempts=ASKED_ENOUGH, failures=ASKED_ENOUGH - 1)
    enough = queued(cast["resident"], unsure=True, attempts=ASKED_ENOUGH + 1, failures=ASKED_ENOUGH)
    deliver(channel)
    patient.refresh_from_db()
    enough.refresh_from_db()
    assert (patient.state, patient.failures) == (DeliveryState.QUEUED, ASKED_ENOUGH)
    assert (enough.state, enough.receipt) == (DeliveryState.SENT, vendor.taken[0].receipt)
    assert (enough.failures, enough.unsure) == (0, False)
    assert [one.key for one in vendor.taken] == [str(enough.pk)]


@pytest.mark.parametrize("vendor", ["aliyun"], indirect=True)
def test_old_news_does_not_begin_anew(channel, vendor, cast):
    # At night nothing would be asked.
    Profile.objects.create(person=cast["resident"], quiet_from=time(0), quiet_until=time(0))
    delivery = queued(cast["resident"], unsure=True, attempts=ASKED_ENOUGH + 1, failures=ASKED_ENOUGH)
    Message.objects.filter(pk=delivery.message_id).update(at=timezone.now() - timedelta(hours=25))
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, vendor.taken) == (DeliveryState.QUEUED, ASKED_ENOUGH + 1, [])


@pytest.mark.parametrize("vendor", ["aliyun"], indirect=True)
def test_what_lies_behind_more_texts_than_are_looked_through_stays_unknown(channel, vendor, cast):
    phone = cast["resident"].phone
    for number in range(1_000):
        vendor.take(str(number), phone, fakes.NEWS_TEMPLATE, {})
    delivery = queued(cast["resident"], unsure=True, attempts=ASKED_ENOUGH + 1, failures=ASKED_ENOUGH)
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, len(vendor.taken)) == (DeliveryState.QUEUED, 1_000)
    assert delivery.error.startswith("Outcome unknown: the phone had more texts")


@pytest.mark.parametrize("vendor", ["aliyun"], indirect=True)
def test_one_that_has_come_after_all_is_never_sent_anew(channel, vendor, cast):
    delivery = queued(cast["resident"], unsure=True, attempts=ASKED_ENOUGH + 1, failures=ASKED_ENOUGH)
    vendor.manners = Manners(lost=True)
    with pytest.raises(Unsure):
        channel.send(envelope(cast["resident"], key=delivery.pk))
    vendor.manners = Manners()
    deliver(channel)
    delivery.refresh_from_db()
    assert (delivery.state, len(vendor.taken)) == (DeliveryState.SENT, 1)


def test_the_order_of_the_fields_outlives_the_database(channel, vendor, cast):
    delivery = queued(cast["resident"])
    # The database itself keeps none.
    assert list(Delivery.objects.get(pk=delivery.pk).content["fields"]) in (["code", "news"], ["news", "code"])
    deliver(channel)
    found = vendor.taken[0].fields
    assert found in (FIELDS, [FIELDS["news"], FIELDS["code"]])


def test_a_wording_keeps_the_order_of_its_lines(tmp_path, db):
    words = f'[x.en]\ntitle = "t"\nbody = "b"\n[x.en.sms]\nbody = "zz: ${{code}}\\na: ${{title}}"\ntemplate = "{fakes.NEWS_TEMPLATE}"\n'
    (tmp_path / "messages.toml").write_text(words)
    content = Writer(Catalogue(tmp_path / "messages.toml"), []).content(
        uuid.uuid4(), "x", "sms", "en", {"code": "7K2M"}
    )
    assert content["order"] == ["zz", "a"]
    assert content["fields"] == {"zz": "7K2M", "a": "t"}


def test_everybody_who_is_active_can_be_texted(channel, cast):
    cast["neighbour"].is_active = False
    cast["neighbour"].save(update_fields=["is_active"])
    people = [cast["resident"].pk, cast["neighbour"].pk, uuid.uuid4()]
    assert channel.reachable(people, CONTENT) == {cast["resident"].pk}


def test_neither_phone_nor_secret_is_logged(channel, vendor, cast, caplog):
    caplog.set_level(logging.DEBUG)
    channel.send(envelope(cast["resident"]))
    vendor.manners = Manners(codes=codes(channel, "isv.MOBILE_NUMBER_ILLEGAL", "InvalidParameterValue.X"))
    with pytest.raises(Refused):
        channel.send(envelope(cast["resident"]))
    said = caplog.text + repr(channel.gateway.account)
    assert cast["resident"].phone not in said
    assert fakes.KEY_SECRET not in said


SET = {
    "SMS_KEY_ID": "id",
    "SMS_KEY_SECRET": "secret",
    "SMS_SIGN_NAME": "sign",
    "SMS_CODE_TEMPLATE": "1",
    "SMS_APP_ID": "140",
    "SMS_BASE_URL": "",
}


@pytest.fixture
def configured(settings):
    for name, value in SET.items():
        setattr(settings, name, value)
    return settings


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        (one, name)
        for one in VENDORS
        for name in SET
        if name != "SMS_BASE_URL" and (one, name) != ("aliyun", "SMS_APP_ID")
    ],
)
def test_what_is_missing_is_named(configured, provider, missing):
    configured.SMS_PROVIDER = provider
    setattr(configured, missing, "")
    with pytest.raises(ImproperlyConfigured, match=missing):
        sms.from_settings()


@pytest.mark.parametrize("address", ["sms.example", "ftp://sms.example", "https://sms.example/path", "https://"])
def test_an_address_that_is_none_is_named(configured, address):
    configured.SMS_PROVIDER, configured.SMS_BASE_URL = "aliyun", address
    with pytest.raises(ImproperlyConfigured, match="SMS_BASE_URL"):
        sms.from_settings()


def test_a_provider_that_is_none_is_named(configured):
    configured.SMS_PROVIDER = "carrier-pigeon"
    with pytest.raises(ImproperlyConfigured, match="SMS_PROVIDER"):
        sms.from_settings()


def test_each_vendor_is_asked_at_its_own_address(configured):
    configured.SMS_PROVIDER = "aliyun"
    assert sms.from_settings().gateway.account.base_url == "https://dysmsapi.aliyuncs.com"
    configured.SMS_PROVIDER = "tencent"
    assert sms.from_settings().gateway.account.host == "sms.tencentcloudapi.com"
    configured.SMS_PROVIDER = ""
    assert sms.from_settings() is None


def test_on_a_development_machine_news_can_go_to_the_log(configured, tmp_path, cast):
    configured.SMS_PROVIDER, configured.SMS_LOG = "log", tmp_path / "sms.log"
    sms.from_settings().send(envelope(cast["resident"]))
    assert configured.SMS_LOG.read_text().endswith(f" {cast['resident'].phone} 请您确认办理结果 7K2M-0001\n")
    configured.SMS_LOG = None
    with pytest.raises(ImproperlyConfigured, match="SMS_PROVIDER"):
        sms.from_settings()

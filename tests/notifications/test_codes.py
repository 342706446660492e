import pytest
from rest_framework.test import APIClient

from community.models import Person, SignInCode
from notifications.channels import sms
from notifications.channels.sms import gateway
from tests.fakes import sms as fakes
from tests.fakes.sms import Manners, serving
from tests.processes import wait_until

PHONE = "13912345678"


@pytest.fixture(params=["aliyun", "tencent"])
def vendor(request, settings, patience, monkeypatch, db):
    monkeypatch.setattr(gateway, "READ", patience.get("read", gateway.READ))
    with serving(request.param) as server:
        settings.SMS_PROVIDER, settings.SMS_BASE_URL = request.param, server.url
        settings.SMS_KEY_ID, settings.SMS_KEY_SECRET = fakes.KEY_ID, fakes.KEY_SECRET
        settings.SMS_SIGN_NAME, settings.SMS_APP_ID = fakes.SIGN, fakes.APP_ID
        settings.SMS_CODE_TEMPLATE = fakes.CODE_TEMPLATE
        server.manners = Manners(limited=True)
        opened = sms.vendor()
        yield server
        opened.client.close()
        sms._open.cache_clear()


def ask():
    return APIClient().post("/api/v1/auth/codes", {"phone": PHONE}, format="json")


def code_of(text):
    return text.fields["code"] if isinstance(text.fields, dict) else text.fields[0]


def sign_in(code, request=""):
    proof = {"phone": PHONE, "code": code, "device": "d", "request": request}
    return APIClient().post("/api/v1/auth/tokens", proof, format="json")


def test_a_code_comes_by_text_and_signs_in(vendor):
    sent = ask()
    assert sent.status_code == 202
    (text,) = vendor.taken
    assert text.phone.removeprefix("+86") == PHONE
    assert sign_in(code_of(text), sent.data["request"]).status_code == 201


def test_our_own_limits_stop_before_the_vendors(vendor):
    assert ask().status_code == 202
    again = ask()
    assert (again.status_code, again.data["code"]) == (429, "too_many_codes")
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("manners", "taken"), [({"lost": True}, 1), pytest.param({"slow": 0.6}, 1, marks=pytest.mark.silent)]
)
def test_a_code_of_unknown_fate_works_when_it_arrives(vendor, manners, taken):
    vendor.manners = Manners(**manners)
    sent = ask()
    assert sent.status_code == 202
    assert len(vendor.asked) <= 1
    # One that is slow takes it in the end.
    wait_until(lambda: len(vendor.taken) == taken)
    assert sign_in(code_of(vendor.taken[0]), sent.data["request"]).status_code == 201


def test_what_the_vendor_refuses_is_told_and_does_not_count(vendor):
    is_aliyun = vendor.RequestHandlerClass is fakes.AliyunAnswer
    code = "isv.SMS_SIGNATURE_ILLEGAL" if is_aliyun else "FailedOperation.SignatureIncorrectOrUnapproved"
    vendor.manners = Manners(codes=[code])
    refused = ask()
    assert (refused.status_code, refused.data["code"]) == (503, "sms_not_sent")
    assert PHONE not in refused.content.decode()
    assert not SignInCode.objects.filter(phone=PHONE).exists()
    assert ask().status_code == 202


def test_a_limit_of_the_vendors_says_how_long_to_wait(vendor):
    is_aliyun = vendor.RequestHandlerClass is fakes.AliyunAnswer
    code = "isv.BUSINESS_LIMIT_CONTROL" if is_aliyun else "LimitExceeded.PhoneNumberOneHourLimit"
    vendor.manners = Manners(codes=[code], message="触发小时级流控Permits:5")
    refused = ask()
    assert (refused.status_code, refused["Retry-After"]) == (503, "3600")
    assert not SignInCode.objects.filter(phone=PHONE).exists()


def test_a_vendor_that_is_away_is_told(vendor):
    vendor.shutdown()
    vendor.server_close()
    refused = ask()
    assert (refused.status_code, refused.data["code"]) == (503, "sms_not_sent")
    assert not SignInCode.objects.filter(phone=PHONE).exists()


def test_the_offices_page_says_it_too(vendor, client):
    vendor.shutdown()
    vendor.server_close()
    staff_member = Person.objects.create_superuser(PHONE, name="测试")
    page = client.post("/console/signin/code/", {"phone": staff_member.phone}, follow=True)
    assert "验证码短信未能发出" in page.content.decode()

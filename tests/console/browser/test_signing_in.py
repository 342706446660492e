"""Signing in, in a real browser: passkeys of a virtual authenticator, and every page of it looked at."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from community.credentials import SESSION_KEY
from community.models import Person
from tests.console.browser.looking import look_at, picture, violations
from tests.totp import digits

PASSWORD = "a password of twenty-four"
# What a phone's fingerprint is to a browser.
FINGERPRINT = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def officer(cast) -> Iterator[Person]:
    """An officer with a password, and as before when the test is over."""
    person = cast["desk_officer"]
    before = person.password
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    try:
        yield person
    finally:
        Person.objects.filter(pk=person.pk).update(password=before, last_login=None)
        Authenticator.objects.all().delete()
        UserSession.objects.all().delete()


@pytest.fixture
def page(looking, site) -> Page:
    """A page at the site's name: browsers know no passkeys for a number."""
    page: Page = looking.context().new_page()
    page.goto(f"http://localhost:{site.port}/console/signin/")
    return page


def by_password(page: Page, person: Person) -> None:
    """Sign in by password."""
    page.get_by_text("用密码登录").click()
    page.locator("details").get_by_label("手机号").fill(person.phone)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def authenticator(page: Page, **bent: object) -> None:
    """Give the browser a fingerprint reader."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": {**FINGERPRINT, **bent}})


def test_a_passkey_is_added_and_then_signs_in_alone(page, officer):
    authenticator(page)
    by_password(page, officer)
    page.wait_for_url("**/console/queue")
    page.goto(page.url.replace("/console/queue", "/console/signin/account/"))
    page.get_by_role("link", name="添加通行密钥").click()
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("heading", name="恢复码")).to_be_visible()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="已保存，继续").click()
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url("**/console/queue")
    (open_session,) = [one.get_decoded() for one in Session.objects.all() if "_auth_user_id" in one.get_decoded()]
    assert open_session[SESSION_KEY] == str(officer.pk)


def test_a_passkey_is_the_second_factor_after_a_password(page, officer):
    authenticator(page)
    by_password(page, officer)
    page.wait_for_url("**/console/queue")
    page.goto(page.url.replace("/console/queue", "/console/signin/account/passkeys/add/"))
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("heading", name="恢复码")).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    by_password(page, officer)
    page.get_by_role("button", name="用通行密钥").click()
    page.wait_for_url("**/console/queue")


def test_a_person_who_does_not_verify_is_not_let_in_by_a_passkey_alone_and_reads_so(page, officer):
    authenticator(page, isUserVerified=False)
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page.get_by_role("alert")).to_have_text("没有用上通行密钥。请重试，或换一种方式登录。")
    assert not [one for one in Session.objects.all() if "_auth_user_id" in one.get_decoded()]


def test_an_app_is_set_up_by_its_picture_and_asked_for(page, officer):
    by_password(page, officer)
    page.wait_for_url("**/console/queue")
    page.goto(page.url.replace("/console/queue", "/console/signin/account/app/add/"))
    secret = page.locator("code").inner_text()
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    assert violations(page) == []
    page.locator("form.stack input[name=code]").fill(digits(secret))
    page.get_by_role("button", name="启用").click()
    page.get_by_role("button", name="退出登录").click()
    by_password(page, officer)
    page.locator("input[name=code]").wait_for()
    assert violations(page) == []
    picture(page, "signin-second-factor-1440")
    page.locator("input[name=code]").fill(digits(secret, 1))
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/console/queue")


PAGES = [
    ("signin", "", "/console/signin/", "登录工作台"),
    ("signin-account", "desk_officer", "/console/signin/account/", "登录与安全"),
    ("signin-sessions", "desk_officer", "/console/signin/account/sessions/", "登录的浏览器和设备"),
    ("signin-no-seat", "", "/console/signin/no-seat/", "该账号没有工作席位"),
]


@pytest.mark.parametrize(("name", "who", "path", "heading"), PAGES, ids=[one[0] for one in PAGES])
def test_every_page_is_as_it_should_be(looking, name, who, path, heading):
    look_at(looking, name, who, path, lambda page: page.get_by_role("heading", name=heading).first.wait_for())

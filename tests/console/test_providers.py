"""Signing in by an account at an identity provider: who is let in, who connects it, and what goes wrong."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from community.models import Person
from tests.console.test_signin import ACCOUNT, DOOR, PASSWORD, by_password, set_up_app, who, words
from tests.fakes import oidc, wecom

pytestmark = pytest.mark.django_db
WITH = f"{DOOR}with/oidc/"


def told(client: str, secret: str, provider: str, **settings: str) -> dict[str, object]:
    """A provider as config/settings.py tells allauth of it."""
    app = {"client_id": client, "secret": secret, "provider_id": provider, "name": provider, "settings": settings}
    return {"APPS": [app], "OAUTH_PKCE_ENABLED": provider == "oidc"}


@pytest.fixture
def fake(settings):
    """A provider that is set up."""
    with oidc.serving() as server:
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": told(oidc.CLIENT, oidc.SECRET, "oidc", server_url=server.url)
        }
        yield server


@pytest.fixture
def dispatcher(cast):
    """A dispatcher with a password."""
    person = cast["dispatcher"]
    person.set_password(PASSWORD)
    person.save()
    return person


def away(browser, address=WITH):
    """Press the button, and go to the provider; where it sends the browser back."""
    page = browser.post(address)
    assert page.status_code == 200, words(page)
    assert "form-action 'self'" in page["Content-Security-Policy"]
    onward = unescape(re.search(r'href="(http[^"]+)" rel', page.content.decode())[1])
    answer = httpx.get(onward)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def connect(browser):
    """Connect the account to whoever is signed in."""
    return browser.get(away(browser, f"{WITH}?process=connect"))


def test_a_provider_stands_on_the_page_where_it_is_set_up(client, fake, settings):
    assert f'action="{WITH}"' in client.get(DOOR).content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert WITH not in client.get(DOOR).content.decode()
    for address in (WITH, f"{DOOR}with/wecom/", f"{DOOR}with/dingtalk/", f"{DOOR}with/feishu/"):
        assert client.post(address).status_code == 404


def test_an_account_that_nobody_connected_opens_nothing_and_makes_nobody(client, fake, dispatcher):
    people = Person.objects.count()
    fake.person |= {"phone_number": dispatcher.phone, "phone_number_verified": True}
    answer = client.get(away(client))
    assert "该账号尚未绑定" in words(answer)
    assert who(client) is None
    assert (Person.objects.count(), SocialAccount.objects.count()) == (people, 0)
    assert client.get(f"{DOOR}with/signup/").status_code == 404


def test_a_connected_account_signs_in_and_nothing_but_its_id_is_kept(client, fake, dispatcher):
    by_password(client, dispatcher)
    assert "已绑定" in words(client.get(connect(client)["Location"]))
    account = SocialAccount.objects.get()
    assert (account.user, account.uid, account.extra_data) == (dispatcher, "person-1", {})
    browser = Client()
    assert browser.get(away(browser, f"{WITH}?next=/console/queue"))["Location"] == "/console/queue"
    assert who(browser) == dispatcher
    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()


def test_it_is_a_first_factor(client, fake, dispatcher, settings):
    settings.SECOND_FACTOR_FOR = "staff"
    by_password(client, dispatcher)
    connect(client)
    browser = Client()
    browser.get(away(browser))
    assert browser.get("/console/queue", follow=True).redirect_chain[-1][0].startswith(ACCOUNT)
    set_up_app(browser)
    again = Client()
    assert again.get(away(again))["Location"] == f"{DOOR}second-factor/"
    assert who(again) is None


def test_somebody_elses_account_is_not_connected_twice(client, fake, dispatcher, cast):
    by_password(client, dispatcher)
    connect(client)
    other = cast["street_lead"]
    other.set_password(PASSWORD)
    other.save()
    browser = Client()
    by_password(browser, other)
    assert "该账号已绑定了别人" in words(browser.get(connect(browser)["Location"]))
    assert SocialAccount.objects.get().user == dispatcher


def test_whoever_does_not_work_here_any_more_is_not_let_in(client, fake, dispatcher):
    by_password(client, dispatcher)
    connect(client)
    dispatcher.memberships.all().delete()
    browser = Client()
    browser.get(away(browser))
    assert who(browser) is None


def test_an_account_is_disconnected_by_its_person_alone(client, fake, dispatcher, cast):
    by_password(client, dispatcher)
    connect(client)
    (account,) = SocialAccount.objects.all()
    other = cast["street_lead"]
    other.set_password(PASSWORD)
    other.save()
    browser = Client()
    by_password(browser, other)
    browser.post(f"{ACCOUNT}connections/", {"account": account.pk})
    assert SocialAccount.objects.exists()
    client.post(f"{ACCOUNT}connections/", {"account": account.pk})
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "bent",
    [
        {"person": None},
        {"broken": {"/token"}},
        {"broken": {"/userinfo"}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"iss": "https://another.example"}},
        {"claims": {"exp": 1}},
        {"userinfo": {"sub": "person-2"}},
    ],
    ids=str,
)
def test_what_goes_wrong_at_the_provider_lets_nobody_in_and_is_said(client, fake, dispatcher, bent):
    by_password(client, dispatcher)
    connect(client)
    for name, value in bent.items():
        setattr(fake, name, value)
    browser = Client()
    answer = browser.get(away(browser), follow=True)
    assert "登录未成功" in words(answer)
    assert who(browser) is None


def test_a_provider_that_is_away_is_said(client, fake):
    fake.broken = {"/.well-known/openid-configuration"}
    answer = client.post(WITH)
    assert (answer.status_code, "登录未成功" in words(answer)) == (403, True)


def test_a_code_of_another_browser_is_refused(client, fake, dispatcher):
    by_password(client, dispatcher)
    connect(client)
    stolen = away(client.__class__())
    browser = Client()
    assert "登录未成功" in words(browser.get(stolen))
    assert who(browser) is None


def test_wecom_signs_in_members_alone(client, dispatcher, settings):
    with wecom.serving() as server:
        settings.WECOM_BASE_URL, settings.WECOM = server.url, {"WECOM_AGENT_ID": wecom.AGENT}
        settings.SOCIALACCOUNT_PROVIDERS = {"wecom": told(wecom.CORPORATION, wecom.SECRET, "wecom")}

        def scan(browser, code, process=""):
            page = browser.post(f"{DOOR}with/wecom/{process}")
            onward = urlsplit(unescape(re.search(r'href="(http[^"]+)" rel', page.content.decode())[1]))
            asked = {name: value[0] for name, value in parse_qs(onward.query).items()}
            assert (onward.hostname, asked["appid"], asked["agentid"]) == (
                "login.work.weixin.qq.com", wecom.CORPORATION, wecom.AGENT,
            )  # fmt: skip
            return browser.get(f"{DOOR}with/wecom/back/", {"code": code, "state": asked["state"]})

        by_password(client, dispatcher)
        scan(client, "member-1", "?process=connect")
        assert SocialAccount.objects.get().uid == f"{wecom.CORPORATION}:member-1"
        browser = Client()
        assert scan(browser, "member-1#2")["Location"] == "/console/"
        assert who(browser) == dispatcher
        for code, said in (("member-2", "尚未绑定"), ("guest-1", "未成功"), ("member-1", "未成功"), ("x", "未成功")):
            browser = Client()
            assert said in words(scan(browser, code))
            assert who(browser) is None

import email
import re
from email.policy import default

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from config.mail import mailers
from notifications import mail as direct
from notifications.channels import email as channel_module
from notifications.channels import smtp
from notifications.channels.channel import Refused, TryLater, Unsure, Unwanted
from notifications.channels.email import EmailChannel, EmailConfig
from notifications.models import Profile
from notifications.topics import ChannelName
from notifications.unsubscribing import Mailing
from tests.fakes.smtp import Manners, serving
from tests.notifications.post import claimed
from tests.notifications.post import letter as delivery

ADDRESS = "resident@mail.example"
CONTENT = {"title": "请您确认办理结果", "body": "工单 7K2M 已办结。\n请在 48 小时内确认。", "language": "zh-hans"}


@pytest.fixture
def server():
    with serving() as fake:
        yield fake


@pytest.fixture
def channel(server, settings):
    settings.MAILERS = mailers(f"smtp://127.0.0.1:{server.port}")
    return EmailChannel(EmailConfig("邻里办 <linli@street.example>", "https://linli.example"))


@pytest.fixture
def reader(cast):
    person = cast["resident"]
    Profile.objects.create(person=person, email=ADDRESS, email_confirmed_at=timezone.now())
    return person


def envelope(person, **changes):
    return claimed(person, **{"content": CONTENT} | changes)


def read(raw):
    return email.message_from_bytes(raw, policy=default)


def test_a_mail_carries_its_key_and_both_forms_of_its_words(channel, server, reader):
    sent = envelope(reader, key=delivery(ChannelName.EMAIL, person=reader.pk).pk)
    receipt = channel.send(sent)
    (raw,) = server.accepted
    letter = read(raw)
    assert receipt == letter["Message-ID"] == f"<{sent.key}@street.example>"
    assert (letter["To"], letter["From"], letter["Subject"]) == (
        ADDRESS,
        "邻里办 <linli@street.example>",
        CONTENT["title"],
    )
    assert letter["Auto-Submitted"] == "auto-generated"
    end = f"https://linli.example{Mailing.of(reader.pk, sent.key).address}"
    # As mail programs look for them: whole lines of their own.
    assert {f"List-Unsubscribe: <{end}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"} <= set(
        raw.decode().splitlines()
    )
    plain, html = (letter.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert CONTENT["body"] in plain.replace("\r\n", "\n")
    assert "工单 7K2M 已办结。<br>请在 48 小时内确认。" in html
    assert plain.splitlines()[-1] == end
    assert "通知设置" in plain.splitlines()[-2]
    assert f'<a href="{end}">' in html
    assert "通知设置" in html
    assert 'lang="zh-hans"' in html


def test_a_mail_in_english_ends_in_english(channel, server, reader):
    channel.send(envelope(reader, content={"title": "Please confirm", "body": "Done.", "language": "en"}))
    plain = read(server.accepted[0]).get_body(["plain"]).get_content()
    assert "notification settings" in plain
    assert "通知设置" not in plain


def test_words_are_no_markup(channel, server, reader):
    channel.send(envelope(reader, content={**CONTENT, "title": "<b>a", "body": "<script>x</script>"}))
    html = read(server.accepted[0]).get_body(["html"]).get_content()
    assert "<script>" not in html
    assert "&lt;b&gt;a" in html


def test_a_line_break_in_a_title_makes_no_header(channel, server, reader):
    channel.send(envelope(reader, content={**CONTENT, "title": "done\r\nBcc: stranger@mail.example"}))
    letter = read(server.accepted[0])
    assert letter["Bcc"] is None
    assert letter["Subject"] == "done Bcc: stranger@mail.example"
    assert [line.lower() for line in server.heard if line.lower().startswith("rcpt")] == [f"rcpt to:<{ADDRESS}>"]


@pytest.mark.parametrize("address", ["a@b.example\nBcc: c@d.example", "a@b.example, c@d.example", "李@b.example"])
def test_an_address_that_is_none_is_refused_and_not_said(channel, server, reader, address):
    Profile.objects.filter(person=reader).update(email=address)
    with pytest.raises(Refused) as refusal:
        channel.send(envelope(reader))
    assert server.accepted == []
    assert "example" not in refusal.value.reason


def test_only_a_confirmed_address_is_reached(channel, server, cast, reader):
    others = [cast["neighbour"], cast["worker"], cast["chair"]]
    Profile.objects.create(person=others[0], email="new@mail.example")
    Profile.objects.create(person=others[1], email="", email_confirmed_at=timezone.now())
    people = [one.pk for one in (reader, *others)]
    assert channel.reachable(people, CONTENT) == {reader.pk}
    for person in others:
        with pytest.raises(Unwanted):
            channel.send(envelope(person))
    assert server.heard == []


@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ({"RCPT": "450 4.2.1 <resident@mail.example> mailbox busy"}, TryLater, "receiver: 450 4.2.1"),
        ({"RCPT": "550 5.1.1 <resident@mail.example> unknown"}, Refused, "receiver: 550 5.1.1"),
        ({"MAIL": "451 4.7.1 greylisted"}, TryLater, "sender: 451 4.7.1"),
        ({"MAIL": "553 5.7.1 not yours"}, TryLater, "sender: 553 5.7.1"),
        ({"DATA": "451 4.3.0 later"}, TryLater, "mail: 451 4.3.0"),
        ({"BODY": "554 5.7.1 resident@mail.example says spam"}, Refused, "mail: 554 5.7.1"),
        ({"BODY": "452 4.3.1 full"}, TryLater, "mail: 452 4.3.1"),
        ({"greeting": "421 4.3.2 closing"}, TryLater, "421 4.3.2"),
        ({"greeting": "554 go away"}, TryLater, "554"),
    ],
)
def test_what_the_server_says_decides_and_its_words_are_not_kept(channel, server, reader, answers, outcome, reason):
    server.manners = Manners(answers=answers)
    with pytest.raises(outcome) as refusal:
        channel.send(envelope(reader))
    assert refusal.value.reason.endswith(reason)
    assert server.accepted == []


def test_an_account_that_is_refused_waits_for_somebody_to_look(channel, server, reader):
    server.manners = Manners(answers={"MAIL": "553 5.7.1 not yours"})
    with pytest.raises(TryLater) as refusal:
        channel.send(envelope(reader))
    assert refusal.value.after is not None
    assert refusal.value.counts


def test_no_server_at_all_is_tried_later(channel, server, reader, settings):
    server.shutdown()
    server.server_close()
    with pytest.raises(TryLater):
        channel.send(envelope(reader))


def test_a_mail_whose_acceptance_is_unknown_is_repeated_under_the_same_message_id(channel, server, reader):
    server.manners = Manners(drop_after="BODY")
    sent = envelope(reader)
    with pytest.raises(Unsure):
        channel.send(sent)
    server.manners = Manners()
    channel.send(envelope(reader, key=sent.key, attempt=2, unsure=True))
    assert [read(one)["Message-ID"] for one in server.accepted] == [f"<{sent.key}@street.example>"] * 2


def test_a_farewell_that_fails_changes_nothing(channel, server, reader):
    server.manners = Manners(drop_after="QUIT")
    assert channel.send(envelope(reader))
    server.manners = Manners(answers={"QUIT": "500 what"})
    assert channel.send(envelope(reader))
    assert len(server.accepted) == 2


def test_a_server_that_dribbles_is_cut_off(channel, server, reader, monkeypatch):
    # Every byte comes before its timeout; only the whole has an end.
    monkeypatch.setattr(smtp, "TOTAL", 0.3)
    server.manners = Manners(slow=0.1)
    with pytest.raises((TryLater, Unsure)):
        channel.send(envelope(reader))
    assert server.accepted == []


def test_a_code_is_mailed_at_once(channel, server, settings):
    direct.send_code(ADDRESS, "135790", "en", minutes=30)
    letter = read(server.accepted[0])
    assert letter["To"] == ADDRESS
    plain = letter.get_body(["plain"]).get_content()
    assert re.search(r"135790.*30 minutes", plain)
    assert letter["List-Unsubscribe"] is letter["List-Unsubscribe-Post"] is None
    assert plain.rstrip().endswith("please do not reply.")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"RCPT": "550 5.1.1 unknown"}, direct.AddressRefused),
        ({"RCPT": "450 4.2.1 busy"}, direct.MailNotSent),
        ({"RCPT": "554 5.7.1 no relaying"}, direct.MailNotSent),
    ],
)
def test_a_code_that_is_refused_is_told(channel, server, answers, kind):
    server.manners = Manners(answers=answers)
    with pytest.raises(kind) as refusal:
        direct.send_code(ADDRESS, "135790", "zh-hans", minutes=30)
    assert ADDRESS not in str(refusal.value)
    assert server.accepted == []


def test_a_code_of_unknown_fate_counts_as_sent(channel, server):
    server.manners = Manners(drop_after="BODY")
    direct.send_code(ADDRESS, "135790", "zh-hans", minutes=30)
    assert len(server.accepted) == 1


def test_without_a_mail_server_no_code_is_mailed(settings):
    settings.EMAIL_URL = ""
    with pytest.raises(direct.NoMailServer):
        direct.send_code(ADDRESS, "135790", "zh-hans", minutes=30)
    assert mail.outbox == []


def test_without_an_address_to_send_to_there_is_no_channel(settings):
    settings.EMAIL_URL = ""
    assert channel_module.from_settings() is None


@pytest.mark.parametrize("sender", ["", "nobody", "Linli <a@b.example>\nBcc: c@d.example"])
def test_a_sender_that_is_none_is_named(settings, sender):
    settings.EMAIL_URL, settings.DEFAULT_FROM_EMAIL = "smtp://mail.example", sender
    with pytest.raises(ImproperlyConfigured, match="DEFAULT_FROM_EMAIL"):
        channel_module.from_settings()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp+tls://u%40x:p%2Fw@mail.example:587", ("mail.example", 587, "u@x", "p/w", True, False)),
        ("smtp+ssl://mail.example", ("mail.example", None, "", "", False, True)),
        ("smtp://mail.example:25", ("mail.example", 25, "", "", False, False)),
    ],
)
def test_the_address_of_a_mail_server_is_read(url, options):
    read = mailers(url)["default"]["OPTIONS"]
    assert tuple(read[name] for name in ("host", "port", "username", "password", "use_tls", "use_ssl")) == options
    assert read["timeout"] > 0


def test_without_an_address_there_is_no_mailer():
    assert mailers("") == {}


def test_the_address_of_a_directory_is_read():
    assert mailers("filemail:////var/mails")["default"]["OPTIONS"] == {"file_path": "/var/mails"}


@pytest.mark.parametrize("url", ["mail.example:25", "http://mail.example", "smtp://u:hidden@mail.example:x", "smtp://"])
def test_an_address_that_is_none_is_named_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refusal:
        mailers(url)
    assert "hidden" not in str(refusal.value)


def test_a_mail_is_headed_by_what_it_is_about(channel, server, reader):
    channel.send(envelope(reader, content=CONTENT | {"subject": "您的诉求已受理 · 7K2MQ 学院路14号院 ·\n垃圾清运"}))
    letter = read(server.accepted[0])
    assert letter["Subject"] == "您的诉求已受理 · 7K2MQ 学院路14号院 · 垃圾清运"
    assert f"<title>{CONTENT['title']}" in letter.get_body(["html"]).get_content()

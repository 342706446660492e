"""Whoever reads Chinese reads Chinese everywhere, and whoever asks for English gets English; people's words and names are as they are."""

import ast
import html
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from io import StringIO
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.postgres.fields import ArrayField
from django.core.management import call_command
from django.db import models, transaction
from django.db.models import F
from django.urls import NoReverseMatch, reverse

from community import demo
from launcher.family import PROJECT
from tests.commands import outcome, printed
from tests.tickets.committed import behind_linlis_back
from tests.tickets.paths import Scene
from tickets import announce
from tickets.models import Photo, Ticket, TicketClock, TicketEvent, TicketSeal, TicketWords
from tickets.states import ClockName, State
from workflow.moves import moves

pytestmark = pytest.mark.django_db
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3001-\u3011]+")
LATIN = re.compile(r"[A-Za-z][A-Za-z'_-]{2,}")
LANGUAGES = {"zh-hans": LATIN, "en": CHINESE}
# What has no other name in Chinese: formats, protocols, products, fields and commands that are typed as they stand.
AS_IT_STANDS = frozenset(
    {
        *(
            "Webhook",
            "webhook-id",
            "WebP",
            "AppID",
            "ETag",
            "If-Match",
            "Idempotency-Key",
            "Standard",
            "Webhooks",
            "Linli",
        ),
        *("Control", "Command", "Mac", "English", "Accept-Language", "Ctrl-C", "accept", "reject", "true", "false"),
        *(
            "key",
            "code",
            "limit",
            "cursor",
            "party",
            "urgent",
            "make",
            "run",
            "LIGHT-I",
            "https",
            "sign",
            "arrive",
            "me",
            "none",
        ),
    }
)
# Options, settings, addresses, paths and codes, which are typed as they stand as well.
TYPED = re.compile(r"--[a-z-]+|`[^`]*`|[A-Za-z0-9_-]*[._/:=]+[A-Za-z0-9_./:=-]*|\b[A-Z][A-Z0-9_-]+\b")
# Words of Django's own pages that no catalogue can change: they are for screen readers, beside an icon.
OF_ICONS = frozenset({"True", "False", "None", "Search"})


def foreign(text: str, language: str) -> set[str]:
    """The words of the other language in a text."""
    if language == "en":
        return set(CHINESE.findall(text))
    return set(LATIN.findall(TYPED.sub(" ", text))) - AS_IT_STANDS


@pytest.fixture
def filled(scene: Scene, outlets):
    """The demo street with a ticket in every state, and what people were told of them."""
    for state in State:
        scene.reach(state)
    scene.do("desk_officer", scene.reach(State.REPLIED), "confirm", on_behalf="reporter", resolved=True, rating=5)
    scene.file(title="")
    announce.tell_outbox()
    return scene


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def written() -> list[str]:
    """Every line in the database: people's words, proper names and codes; the longest first."""
    found: set[str] = set()
    for model in apps.get_models():
        names = [
            one.attname
            for one in model._meta.concrete_fields
            if isinstance(one, models.JSONField | ArrayField)
            or (isinstance(one, models.CharField | models.TextField) and not one.choices)
        ]
        for row in model._base_manager.values_list(*names) if names else ():
            found.update(line.strip() for one in strings(list(row)) for line in one.splitlines() if line.strip())
    return sorted((one for one in found if CHINESE.search(one) or LATIN.search(one)), key=len, reverse=True)


def without(text: str, known: Iterable[str]) -> str:
    """A text without what is known to be people's own, masked names included."""
    text = re.sub(r"[\u3400-\u9fff]\*+", " ", text)
    for one in known:
        if one in text:
            text = text.replace(one, " ")
    return text


def shown(page: str) -> str:
    """What a page shows, without its markup and without what is marked as code."""
    page = re.sub(r"<(script|style|code).*?</\1>", " ", page, flags=re.DOTALL)
    titles = re.findall(r'(?:title|alt|placeholder|aria-label)="([^"]*)"', page)
    titles += re.findall(r'<input type="submit"[^>]*value="([^"]*)"', page)
    text = html.unescape(re.sub(r"<[^>]+>", " ", page) + "\n".join(["", *titles]))
    # What systems are told is called by a code, such as ticket.reply.
    return re.sub(r"\b[a-z]+\.[a-z_.]+\b", " ", text)


def pages() -> list[str]:
    """Every page of the admin, with two rows of every kind, the second without its history and deletion."""
    found = [reverse("admin:index"), reverse("admin:password_change")]
    for model, its in site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        found.append(reverse("admin:app_list", args=[model._meta.app_label]))
        for number, one in enumerate(model._default_manager.all()[:2]):
            for pattern in its.get_urls():
                if number and f"admin:{pattern.name}" in {f"{name}_history", f"{name}_delete"}:
                    continue
                try:
                    found.append(reverse(f"admin:{pattern.name}", args=[one.pk]))
                except NoReverseMatch:
                    continue
    return list(dict.fromkeys(found))


def test_every_page_of_the_admin_speaks_one_language(filled, administrator, monkeypatch):
    known, said, judged = written(), defaultdict(set), {"zh-hans": {"": set()}, "en": {"": set()}}
    # Every ticket is on one page, and more rows of the same kind say nothing new.
    for its in site._registry.values():
        monkeypatch.setattr(its, "list_per_page", 20)
    first, *others = pages()
    for page, language in product([first, *others], LANGUAGES):
        # The bar at the side is the same on every page.
        monkeypatch.setattr("community.office.Office.enable_nav_sidebar", page in others[:1])
        answer = administrator.get(page, headers={"Accept-Language": language})
        assert answer.status_code in {200, 302, 403, 405}, page
        if answer.status_code == 200:
            for line in shown(answer.content.decode()).splitlines():
                if line not in judged[language]:
                    suspect = foreign(line, language) and foreign(without(line, known), language)
                    judged[language][line] = suspect - OF_ICONS
                said[page, language] |= judged[language][line]
    assert {key: sorted(words) for key, words in said.items() if words} == {}


def test_the_door_speaks_both_languages(client):
    for language in LANGUAGES:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        for given in ({}, {"login": "1", "password": "x"}, {"login": "13800138000", "password": "x"}):
            answer = client.post("/console/signin/", given)
            # The switch names the other language.
            assert foreign(shown(answer.content.decode()), language) - OF_ICONS - {"中文", "English"} == set()


PATHS = [
    "me", "tickets?scope=mine", "tickets?scope=street", "tickets?scope=compound&compound={home}", "queue", "overdue",
    "at-risk", "categories", "contracts/timers", "organisations", "places", "notifications", "notifications/unread",
    "notifications/settings", "service-levels/preview?category=CL03&compound={home}", "nothing", "tickets?scope=x",
    "tickets?limit=x", "tickets?cursor=x", "duplicates?compound={home}&category=SV01&text=x",
]  # fmt: skip
WORDS = re.compile(r"(?:label|detail|title|reason|routed|todo|description|pause_reason|enum_labels)$|_label$")


def words_of(value: Any, name: str = "") -> Iterator[str]:
    """The texts of an answer that are Linli's own words, by the names of their fields."""
    if isinstance(value, str):
        if WORDS.search(name):
            yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from words_of(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from words_of(one, name)


def test_every_answer_of_the_api_speaks_one_language(filled, api):
    known, said = written(), {}
    tickets = list(Ticket.objects.values_list("pk", flat=True))
    people = ("resident", "dispatcher", "chair", "desk_officer", "street_lead", "outsider")
    for who, language in product(people, LANGUAGES):
        client, headers = api(who).client, {"Accept-Language": language}
        asked = [path.format(home=filled.home) for path in PATHS]
        asked += [f"tickets/{ticket}{part}" for ticket in tickets for part in ("", "/events", "/moves")]
        answers = [(path, client.get(f"/api/v1/{path}", headers=headers)) for path in asked]
        # Whoever sees the ticket is refused as the others are, before it matters who they are.
        for name in moves(Ticket) if who in {"desk_officer", "outsider"} else ():
            for body in ({}, {"nothing": 1}, {"reason": "x", "version": "x"}):
                path = f"/api/v1/tickets/{tickets[0]}/moves/{name}"
                answers.append((name, client.post(path, body, format="json", headers={**headers, "If-Match": '"999"'})))
        for path, answer in answers:
            assert answer.status_code < 500
            document = answer.json() if answer.content else {}
            texts = strings(document) if language == "en" else words_of(document)
            suspect = {text for text in texts if foreign(text, language)}
            if found := {word for text in suspect for word in foreign(without(text, known), language)}:
                said.setdefault((path, language), set()).update(found)
    assert not said, "\n".join(f"{page}: {sorted(words)}" for page, words in said.items())


def test_a_title_that_was_made_is_said_in_the_readers_language(filled, api):
    desk, resident = api("desk_officer"), api("resident")
    ticket = resident.file("CL03")
    own = resident.file("CL03", title="垃圾 · 桶满了")
    name = Ticket.objects.get(pk=ticket["id"]).category
    place = Ticket.objects.get(pk=ticket["id"]).place
    for caller in (desk, resident):
        for language, head in (("zh-hans", name.name_zh), ("en", name.name_en)):
            headers = {"Accept-Language": language}
            one = caller.client.get(f"/api/v1/tickets/{ticket['id']}", headers=headers).json()
            assert one["title"] == f"{head} · {place}"
            first = caller.client.get(f"/api/v1/tickets/{ticket['id']}/events", headers=headers).json()["results"][0]
            assert first["words"]["title"] == f"{head} · {place}"
            rows = caller.client.get("/api/v1/tickets?scope=mine", headers=headers).json()["results"]
            assert {f"{head} · {place}", own["title"]} <= {row["title"] for row in rows} or caller is desk
            assert caller.client.get(f"/api/v1/tickets/{own['id']}", headers=headers).json()["title"] == own["title"]


def test_the_description_of_the_api_is_english_where_english_is_asked_for(client):
    document = client.get("/api/schema/", headers={"Accept-Language": "en", "Accept": "application/json"}).json()
    said = {text for text in strings(document) if CHINESE.search(text)}
    assert {text for text in said if "Linli" not in text} == set()


def test_every_wording_of_a_message_speaks_its_language():
    for language in LANGUAGES:
        for path in PROJECT.glob("*/data/messages.toml"):
            for kind, words in tomllib.loads(path.read_text()).items():
                for text in (words[language].get("title", ""), words[language].get("body", "")):
                    said = re.sub(r"\$\{\w+\}|L\$", " ", text)
                    assert kind == "*" or foreign(said, language) == set(), (path.name, kind)


def spoken(node: ast.expr) -> str:
    """The text of a literal, with a gap where something is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return " ".join(spoken(part) for part in parts)
        case ast.BinOp(left=left, right=right):
            return spoken(left) + spoken(right)
    return ""


def test_every_word_in_the_code_stands_in_both_languages():
    told = 0
    for app in ("casework", "community", "config", "console", "notifications", "tickets", "web", "workflow"):
        for path in (PROJECT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id="bilingual" | "move"), args=[zh, en, *_]):
                        pass
                    case ast.Call(func=ast.Name(id="condition"), args=[_, zh, en]):
                        pass
                    case _:
                        continue
                told += 1
                assert foreign(spoken(zh), "zh-hans") == set(), (path, node.lineno)
                assert foreign(spoken(en), "en") == set(), (path, node.lineno)
    assert told > 1000


COMMANDS: dict[str, list[Any]] = {
    "demo_people": [],
    "coverage": [],
    "demo": ["--list"],
    "load_demo": [],
    "load_reference": [],
    "load_categories": [],
    "draw_states": [],
    "tick": [],
    "dead_letters": ["--replay", "--all"],
    "seal_audit": [],
    "verify_audit": [],
    "simulate": ["--days=2", "--tickets=18", "--until=2026-11-20T18:00+08:00", "--dry-run", "--lines=… "],
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_speaks_the_language_asked_for(scene, tmp_path, command, language):
    scene.file("CL03")
    arguments = [*COMMANDS[command], *(["--into", tmp_path] if command == "draw_states" else [])]
    said = printed(command, *arguments, language=language)
    assert said
    # Keys of the cast, names of stories and of files, and digests are typed as they stand.
    lines = [
        re.sub(r"^\s*[a-z_ -]+(?= \d)|^\s*[\w-]+|[\w-]+\.(yaml|md|svg|csv)|\b[0-9a-f]{64}\b", "", line)
        for line in said.splitlines()
    ]
    known = [*written(), demo.ADMINISTRATOR_PASSWORD]
    assert foreign(without("\n".join(lines), known), language) == set()


def refused(command: str, *arguments: Any, language: str) -> str:
    """What a command complains of."""
    _, complained, error = outcome(command, *arguments, language=language)
    assert error
    return f"{complained}{error}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("token", ["nobody"]),
        ("simulate", ["--days=1"]),
        ("simulate", ["--until=yesterday"]),
        ("verify_audit", ["--head=x"]),
        ("verify_audit", ["--head=elsewhere:1:00"]),
    ],
)
def test_every_refusal_of_a_command_speaks_the_language_asked_for(scene, command, arguments, language):
    said = refused(command, *arguments, language=language)
    keys = [row["key"] for row in demo.rows("people")]
    typed = [
        *keys,
        "nobody",
        "--until yesterday",
        "2026-11-20T18:00+08:00",
        "STREET:NUMBER:DIGEST",
        "`seal_audit`",
        "elsewhere",
    ]
    assert foreign(without(said, sorted([*written(), *typed], key=len, reverse=True)), language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_flaw_of_the_audit_speaks_the_language_asked_for(scene, language):
    """Each kind of row is changed behind Linli's back, and so is the chain of seals."""
    ticket = scene.follow(scene.file("CL03", photos=[scene.photo("resident")]), [("dispatcher", "sign", {})])
    call_command("seal_audit", stdout=StringIO())
    changes: list[tuple[Any, dict[str, Any]]] = [
        (Ticket.objects.filter(pk=ticket), {"title": "x"}),
        (Ticket.objects.filter(pk=ticket), {"event_count": 7}),
        (Ticket.objects.filter(pk=ticket), {"head": bytes(32)}),
        (TicketEvent.objects.filter(subject=ticket, seq=2), {"target": "closed"}),
        (TicketWords.objects.filter(event__subject=ticket), {"body": {"text": "x"}}),
        (TicketClock.objects.filter(subject=ticket), {"due_at": F("due_at") + timedelta(hours=1)}),
        (Photo.objects.filter(ticket=ticket), {"kind": "after"}),
        (TicketSeal.objects.all(), {"digest": bytes(32)}),
        (TicketSeal.objects.all(), {"number": 7}),
    ]
    for rows, change in changes:
        point = transaction.savepoint_create()
        with behind_linlis_back():
            rows.update(**change)
        said = refused("verify_audit", "--all", language=language)
        transaction.savepoint_rollback(point)
        code = Ticket.objects.values_list("code", flat=True).get(pk=ticket)
        known = [*written(), code, "closed", "in_progress", "dispatched", *ClockName.values]
        plain = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", said)
        assert foreign(without(plain, known), language) == set(), change

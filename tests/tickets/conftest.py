"""The demo street at work: each of its people as a caller of the API."""

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from community.models import Compound, Organisation, Person
from notifications.models import Endpoint, Preference, Robot
from notifications.topics import ROBOTS, ChannelName, Topic
from tests.conftest import client_of
from tests.tickets.story import assert_clocks_are_as_the_events_say
from tickets.api.photos import UploadLimit
from tickets.api.tickets import FilingLimit
from tickets.models import Ticket


@dataclass
class Caller:
    """A person with a live token of their own; every answer is checked for its status."""

    person: Any
    client: APIClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = client_of(self.person)

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """The JSON at `path` below /api/v1/."""
        response = self.client.get(f"/api/v1/{path}", query)
        assert response.status_code == status, response.content.decode()
        return response.json()

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        """The JSON that answers a POST."""
        response = self.client.post(f"/api/v1/{path}", body or {}, format="json", headers=headers)
        assert response.status_code == status, response.content.decode()
        return response.json()

    def file(self, category: str, status: int = 201, **report: Any) -> Any:
        """File a report; in the caller's own compound unless a place is given."""
        report.setdefault("text", "请尽快处理，谢谢。")
        if not {"compound", "street"} & set(report):
            home = self.person.residencies.filter(ends_on=None).first()
            report["compound"] = str(home.compound_id)
        return self.post("tickets", {"category": category, **report}, status)

    def move(self, ticket: Any, name: str, status: int = 200, **inputs: Any) -> Any:
        """Make a move at the ticket's present version; answers where the ticket stands, or the problem."""
        version = Ticket.objects.get(pk=ticket["id"]).version
        answer = self.post(f"tickets/{ticket['id']}/moves/{name}", inputs, status, **{"If-Match": f'"{version}"'})
        return answer["ticket"] if status == 200 else answer

    def moves(self, ticket: Any) -> list[str]:
        """The names of the moves offered now in one's own place."""
        offered = self.get(f"tickets/{ticket['id']}/moves")["moves"]
        return [one["name"] for one in offered if one["on_behalf_of"] is None]

    def photo(self, kind: str = "after") -> str:
        """Upload a small photo; its id."""
        content = BytesIO()
        Image.new("RGB", (64, 48), (secrets.randbelow(256), 120, 80)).save(content, "JPEG")
        content.seek(0)
        content.name = "photo.jpg"
        response = self.client.post("/api/v1/photos", {"file": content, "kind": kind}, format="multipart")
        assert response.status_code == 201, response.content.decode()
        return str(response.json()["id"])


@pytest.fixture(autouse=True)
def no_flood(monkeypatch):
    """A whole suite's reports, all by the same few people, are no flood."""
    monkeypatch.setattr(FilingLimit, "requests", 10_000)


@pytest.fixture
def api(cast, settings, tmp_path, monkeypatch):
    """`api("resident")` is that person with a live token; a whole suite's photos are no flood."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(UploadLimit, "requests", 10_000)
    return cache(lambda key: Caller(cast[key]))


@pytest.fixture
def organisation(db):
    """`organisation("天岳恒学院路14号院项目部")` is that organisation's id."""

    def find(name: str) -> str:
        return str(Organisation.objects.get(name=name).pk)

    return find


@pytest.fixture
def compound(db):
    """`compound("学院路14号院")` is that compound's id."""

    def find(name: str) -> uuid.UUID:
        return Compound.objects.get(name=name).pk

    return find


@pytest.fixture
def today(scene):
    """The scene within the last hours, so that what happens is news."""
    scene.now = timezone.now() - timedelta(hours=2)
    return scene


@pytest.fixture
def rows_and_events_agree(db) -> Iterator[None]:
    """After the test, each clock is as its ticket's events say."""
    yield
    for ticket in Ticket.objects.values_list("pk", flat=True):
        assert_clocks_are_as_the_events_say(ticket)


@pytest.fixture
def outlets(paper, street, settings) -> dict[uuid.UUID, uuid.UUID]:
    """Whatever is told goes everywhere: to people by every channel, and to a robot and a system of every organisation.

    The organisations, by the ids of their robots and systems.
    """
    settings.SMS_TEMPLATE, settings.WECHAT_TEMPLATE = "SMS_1", "wx-1"
    Preference.objects.bulk_create(
        Preference(person=person, topic=topic, channel=ChannelName.SMS, wanted=True)
        for person in Person.objects.all()
        for topic in Topic
    )
    parties = list(Organisation.objects.order_by("code").values_list("pk", flat=True))
    robots = Robot.objects.bulk_create(
        Robot(street_id=street.pk, organisation_id=one, name="群", token="t", vendor=ROBOTS[number % len(ROBOTS)])
        for number, one in enumerate(parties)
    )
    systems = Endpoint.objects.bulk_create(
        Endpoint(street_id=street.pk, organisation_id=one, name="系统", url="https://example.com", secrets="s")
        for one in parties
    )
    return {outlet.pk: outlet.organisation_id for outlet in (*robots, *systems)}


@pytest.fixture
def filed(api):
    """A resident's report of what is in their compound."""
    return api("resident").file("CL07", title="地下室蚊虫", text="地下室积水长蚊子。")


@pytest.fixture
def accusing(api):
    """A confidential complaint against the company."""
    return api("resident").file("SV01", type="complaint", secrecy="confidential", title="保安推人")

"""The demo street at work: each of its people as a caller of the API."""

import secrets
import uuid
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from rest_framework.test import APIClient

from community.authentication import token_hash
from community.models import Compound, Organisation, SignInToken
from tests.tickets.paths import Scene
from tickets.api.photos import UploadLimit
from tickets.api.tickets import FilingLimit
from tickets.models import Ticket


@dataclass
class Caller:
    """One of the cast with a token; every answer is checked for its status."""

    person: Any
    client: APIClient = field(default_factory=APIClient)

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
    known: dict[str, Caller] = {}

    def caller(key: str) -> Caller:
        if key not in known:
            token = secrets.token_urlsafe(32)
            SignInToken.objects.create(person=cast[key], token_hash=token_hash(token))
            known[key] = Caller(cast[key])
            known[key].client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return known[key]

    return caller


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
def scene(cast):
    """The demo street at work through the engine itself, at moments that the test decides."""
    return Scene(cast)

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from rest_framework.parsers import MultiPartParser
from rest_framework.test import APIClient

from tests.connections import closing_connection, together
from tests.web.views import Once, RefusedError
from web.models import IdempotencyKey

CALLER = uuid.uuid4()


@pytest.fixture
def effects(web, transactional_db):
    """Counts what the requests have done; a table of their own, committed, and gone afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE web_test_effect (id bigint GENERATED ALWAYS AS IDENTITY)")

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM web_test_effect")
            return cursor.fetchone()[0]

    yield count
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE web_test_effect")
    IdempotencyKey.objects.all().delete()


@pytest.fixture
def send(web, settings):
    """Posts as CALLER with a key of its own."""

    def post(body=None, *, key="k1", caller=CALLER, address="/api/once", **extra):
        client = APIClient(raise_request_exception=False)
        if caller:
            client.force_authenticate(SimpleNamespace(pk=caller, is_authenticated=True))
        headers = {"Idempotency-Key": key} if key is not None else {}
        return client.post(address, body or {}, headers=headers, **extra)

    return post


def test_the_same_request_twice_acts_once_and_is_answered_alike(effects, send):
    first, again = send({"a": 1}), send({"a": 1})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first["Location"] == again["Location"]
    assert first["Content-Type"] == again["Content-Type"] == "application/json"
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert effects() == 1


def test_the_same_key_with_another_body_is_422_and_does_nothing(effects, send):
    send({"a": 1})
    answer = send({"a": 2})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert effects() == 1


def test_a_key_belongs_to_its_caller(effects, send):
    send()
    assert "Idempotent-Replayed" not in send(caller=uuid.uuid4())
    assert effects() == 2


def test_without_a_key_every_request_acts(effects, send):
    send(key=None)
    assert send(key=None).json() == {"number": 2}
    assert effects() == 2
    assert not IdempotencyKey.objects.exists()


def test_a_stranger_never_gets_a_stored_answer(effects, send):
    send(caller=None)
    assert "Idempotent-Replayed" not in send(caller=None)
    assert not IdempotencyKey.objects.exists()


def test_a_refusal_is_not_stored_and_leaves_nothing(effects, send):
    assert send({"refuse": True}).status_code == 409
    assert effects() == 0
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_a_key_is_1_to_255_visible_ascii_characters(effects, send, key):
    answer = send(key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
    assert effects() == 0


def test_a_keyed_write_costs_two_statements_more(effects, send, django_assert_num_queries):
    with django_assert_num_queries(4 + 2):  # BEGIN, take, the two of the view, store, COMMIT
        send()


def test_twenty_racers_with_one_key_act_once(effects, send):
    answers = together(20, lambda _: send({"pause": 0.05}))
    assert effects() == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all(answer.json()["code"] == "in_progress" for answer in answers if answer.status_code == 409)
    assert send({"pause": 0.05})["Idempotent-Replayed"] == "true"


def test_a_request_that_is_being_worked_on_is_409_at_once(effects, send, monkeypatch):
    act, begun, go_on = Once.act, threading.Event(), threading.Event()

    def slow(self, request):
        begun.set()
        assert go_on.wait(10)
        return act(self, request)

    monkeypatch.setattr(Once, "act", slow)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(closing_connection(send))
        assert begun.wait(10)
        answer = send()
        go_on.set()
        assert working.result().status_code == 201
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (409, "in_progress", "1")
    assert effects() == 1


def test_a_request_overtaken_between_look_and_lock_is_undone_and_replays(effects, send, monkeypatch):
    """A faster twin commits after our statement has looked: the insert meets its row, and all of ours is undone."""
    send()
    (stored,) = IdempotencyKey.objects.all()
    IdempotencyKey.objects.all().delete()
    act, overtaken = Once.act, []

    def slow(self, request):
        response = act(self, request)
        if not overtaken:
            overtaken.append(True)
            together(1, lambda _: stored.save(force_insert=True))
        return response

    monkeypatch.setattr(Once, "act", slow)
    assert send()["Idempotent-Replayed"] == "true"
    assert overtaken
    assert effects() == 1


def test_a_request_that_its_own_twin_s_success_refuses_replays_it(effects, send, monkeypatch):
    """A faster twin commits after our statement has looked, and what it did makes our own attempt impossible."""
    done = send()
    (stored,) = IdempotencyKey.objects.all()
    IdempotencyKey.objects.all().delete()

    def refused(self, request):
        together(1, lambda _: stored.save(force_insert=True))
        raise RefusedError

    monkeypatch.setattr(Once, "act", refused)
    again = send()
    assert (again.status_code, again.content) == (201, done.content)
    assert again["Idempotent-Replayed"] == "true"
    assert effects() == 1


def test_forms_are_told_apart_by_their_files(effects, send, monkeypatch):
    monkeypatch.setattr(Once, "parser_classes", [MultiPartParser])

    def upload(content):
        file = SimpleUploadedFile("a.jpg", content)
        return send({"title": "x", "photo": file}, format="multipart")

    assert upload(b"one").status_code == 201
    assert upload(b"one")["Idempotent-Replayed"] == "true"
    assert upload(b"two").status_code == 422
    assert effects() == 1

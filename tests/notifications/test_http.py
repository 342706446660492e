"""The exchange with a server of somebody else's: what each of its answers means, and that it ends in time whatever it does."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from notifications.channels.channel import Refused, TryLater, Unsure
from notifications.channels.http import LONGEST_ANSWER, LONGEST_WAIT, BadStatus, HttpAnswer, HttpClient, Network
from tests.fakes.receiver import Reply

KEY = uuid.UUID("0192f0c0-0000-7000-8000-000000000001")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"


@pytest.fixture
def client(patience: dict[str, float]) -> Iterator[HttpClient]:
    with closing(HttpClient(**patience)) as client:
        yield client


def test_the_key_and_the_body_travel(client, receiver):
    answer = client.post_json(f"{receiver.url}/send?key=k", {"text": "电梯"}, headers={"X-Sign": "s"}, key=KEY)
    assert (answer.status, answer.json(), answer.accepted()) == (200, {}, answer)
    (request,) = receiver.seen
    assert (request.path, request.body.decode(), request.key) == ("/send?key=k", '{"text":"电梯"}', str(KEY))
    assert request.headers["x-sign"] == "s"
    assert request.headers["content-type"] == "application/json"


def test_a_connection_is_used_again(client, receiver):
    ports = set()
    receiver.finish_request = lambda request, address: (
        ports.add(address[1]),
        type(receiver).finish_request(receiver, request, address),
    )
    for _ in range(3):
        client.post(receiver.url, b"")
    assert len(receiver.seen) == 3
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Refused) for status in (301, 400, 403, 404, 410)),
        *((status, TryLater) for status in (408, 425, 429, 500, 503)),
        *((status, Unsure) for status in (502, 504)),
    ],
)
def test_each_status_is_an_outcome(client, receiver, status, outcome):
    receiver.reply = lambda request: Reply(status, b"no", {"Location": "/elsewhere"})
    answer = client.post(receiver.url, b"")
    with pytest.raises(outcome) as caught:
        answer.accepted()
    assert caught.value.reason == f"HTTP {status}"
    assert len(receiver.seen) == 1
    if outcome is Refused:
        assert isinstance(caught.value, BadStatus)
        assert caught.value.answer.body == b"no"


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("9" * 40, LONGEST_WAIT.total_seconds(), LONGEST_WAIT.total_seconds()),
        (timedelta(minutes=10), 500, 600),
        (timedelta(minutes=-10), 0, 0),
    ],
)
def test_it_waits_as_long_as_the_server_asks(client, receiver, said, low, high):
    words = said if isinstance(said, str) else format_datetime(datetime.now(UTC) + said)
    receiver.reply = lambda request: Reply(429, headers={"Retry-After": words})
    with pytest.raises(TryLater) as caught:
        client.post(receiver.url, b"").accepted()
    assert timedelta(seconds=low) <= caught.value.after <= timedelta(seconds=high)


@pytest.mark.parametrize("said", ["", "soon", "-3", "٣"])
def test_a_wait_that_nobody_understands_is_none(said):
    assert HttpAnswer(429, {"retry-after": said}).retry_after() is None


def test_without_a_connection_nothing_has_left(client):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(TryLater, match="No connection"):
            client.post(f"http://127.0.0.1:{taken.getsockname()[1]}/secret", b"")


def test_a_host_without_an_address_is_tried_later():
    class Lost(Network):
        def addresses(self, host, port):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with closing(HttpClient(network=Lost())) as client, pytest.raises(TryLater, match="No connection"):
        client.post("http://nowhere.example/secret", b"")


def test_the_next_address_is_tried_where_one_does_not_answer(receiver):
    class Two(Network):
        def addresses(self, host, port):
            return ["::1", "127.0.0.1"]

    with closing(HttpClient(network=Two())) as client:
        assert client.post(f"http://two.example:{receiver.server_port}/", b"").status == 200
    assert receiver.seen[0].headers["host"] == f"two.example:{receiver.server_port}"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(hang=True), marks=pytest.mark.silent),
        Reply(close=True),
        pytest.param(Reply(raw=b"HTTP/1.1 200 OK\r\nX-Long: ", drip=True), marks=pytest.mark.silent),
        Reply(raw=b"hello\r\n\r\n"),
    ],
    ids=["hangs", "hangs up", "drips headers", "speaks no HTTP"],
)
def test_sent_and_not_answered_is_unsure(client, receiver, reply):
    receiver.reply = lambda request: reply
    with pytest.raises(Unsure, match="No answer"):
        client.post(f"{receiver.url}/?token=secret", b"", key=KEY)
    assert receiver.keys == [str(KEY)]


@pytest.mark.parametrize(
    "reply",
    [pytest.param(Reply(raw=HEAD, drip=True), marks=pytest.mark.silent), Reply(raw=HEAD + b"{")],
    ids=["drips", "breaks off"],
)
def test_a_status_is_an_answer_even_where_the_rest_does_not_come(client, receiver, reply):
    receiver.reply = lambda request: reply
    answer = client.post(receiver.url, b"")
    assert answer.accepted().status == 200
    assert not answer.whole
    with pytest.raises(Unsure):
        answer.json()
    assert len(receiver.seen) == 1


def test_of_a_long_answer_the_beginning_is_read(client, receiver):
    receiver.reply = lambda request: Reply(body=b"x" * (LONGEST_ANSWER + 1))
    answer = client.post(receiver.url, b"")
    assert (answer.status, len(answer.body), answer.whole) == (200, LONGEST_ANSWER, False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"null"])
def test_an_answer_that_is_no_json_object_says_nothing(body):
    with pytest.raises(Unsure):
        HttpAnswer(200, body=body).json()


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://", "127.0.0.1", "http://127.0.0.1:99999/"])
def test_what_is_no_address_is_refused(client, url):
    with pytest.raises(Refused):
        client.post(url, b"")


@pytest.mark.silent
def test_a_handshake_that_drips_is_cut_off(client):
    with dripping(b"\x16\x03\x03\x3f\xff") as port, pytest.raises(TryLater, match="No connection"):
        client.post(f"https://127.0.0.1:{port}/", b"")


@pytest.mark.silent
def test_no_thread_is_left(client, receiver):
    before = threading.active_count()
    with dripping(b"") as port, suppress(TryLater):
        client.post(f"https://127.0.0.1:{port}/", b"")
    assert threading.active_count() == before


def test_a_name_may_be_chinese_and_an_address_ipv6(receiver):
    names = []

    class Here(Network):
        def addresses(self, host, port):
            names.append(host)
            return ["127.0.0.1"]

    with closing(HttpClient(network=Here())) as client:
        client.post(f"http://邻里.example:{receiver.server_port}/办?q=办", b"")
        client.post(f"http://[fd00::1]:{receiver.server_port}/", b"")
    assert names == ["xn--7e4a0u.example", "fd00::1"]
    assert receiver.seen[0].path == "/%E5%8A%9E?q=%E5%8A%9E"
    assert [one.headers["host"] for one in receiver.seen] == [
        f"{names[0]}:{receiver.server_port}",
        f"[fd00::1]:{receiver.server_port}",
    ]


def test_the_proxy_of_the_environment_is_not_used(client, receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert client.post(receiver.url, b"").status == 200


@contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """A port on which somebody takes what comes and says `first`, and then byte after byte for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connected, _ = listening.accept()
            with connected, suppress(OSError):
                connected.sendall(first)
                while not over.wait(0.02):
                    connected.sendall(b"\0")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()

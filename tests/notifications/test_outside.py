"""Where webhooks may go: no spelling of an address of our own, no redirect and no resolver leads a connection inside."""

import _socket
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from ipaddress import ip_address, ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.channel import Refused, TryLater, Undelivered
from notifications.channels.http import HttpClient
from notifications.channels.outside import NOT_PUBLIC, NOT_SAFE, NOT_WEB, Forbidden, Outside, networks, public, read
from notifications.channels.webhook import WebhookChannel, from_settings
from tests.fakes.receiver import Reply, receiving

LOOPBACK = (ip_network("127.0.0.1/32"),)


class Canary:
    """A socket of our own that nobody from outside may reach, on a port where web servers are; it counts who does."""

    def __init__(self) -> None:
        self.connections = 0
        self.listening = self._listen()
        self.port = self.listening[0].getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, args=(one,), daemon=True) for one in self.listening]
        for thread in self.threads:
            thread.start()

    def _listen(self) -> list[socket.socket]:
        # Where a port is refused for what it is, nothing would be known about the address.
        for port in range(8100, 8999):
            opened: list[socket.socket] = []
            try:
                opened.append(socket.create_server(("127.0.0.1", port)))
                with suppress(OSError):
                    opened.append(socket.create_server(("::1", port), family=socket.AF_INET6))
            except OSError:
                continue
            return opened
        raise AssertionError("No port is free.")

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self.connections += 1
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        for one in self.listening:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def listening() -> Iterator[Canary]:
    with closing(Canary()) as canary:
        yield canary


@pytest.fixture
def canary(listening) -> Canary:
    listening.connections = 0
    return listening


@pytest.fixture
def dialled(monkeypatch) -> list[tuple[object, ...]]:
    """Every address to which this process tries to connect, whether or not anybody is there; all of this machine can be tried."""
    tried: list[tuple[object, ...]] = []
    refusing = socket.socket.connect

    def watched(self: socket.socket, address: tuple[object, ...]) -> None:
        tried.append(address)
        here = ip_address(str(address[0]))
        ours = here.is_loopback or here.is_unspecified or getattr(here, "ipv4_mapped", None) is not None
        (_socket.socket.connect if ours else refusing)(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    return tried


def client(*allowed, **options) -> HttpClient:
    return HttpClient(network=Outside(allowed, **options))


def post(url: str, *allowed, **options) -> int:
    with closing(client(*allowed, **options)) as sender:
        return sender.post(url, b"{}").status


@pytest.fixture(scope="module", params=[True, False], ids=["safe", "plain"])
def sender(request) -> Iterator[HttpClient]:
    """One that may go nowhere inside, for https and for http."""
    with closing(client(wide=request.param)) as sender:
        yield sender


@pytest.fixture(scope="module")
def channel() -> Iterator[WebhookChannel]:
    """The channel of a server that has named no network."""
    with closing(WebhookChannel(Outside(), Outside())) as channel:
        yield channel


# Spellings of this machine that a resolver understands: whoever merely asks it, connects.
LOOPBACKS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0x7f.0x0.0x0.0x1", "017700000001", "0177.0.0.1",
    "0177.0.0.01", "00000177.0.0.1", "0177.0x0.1", "0.0.0.0", "0", "0x0", "localhost",
    "LOCALHOST", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "127。0。0。1", "127．0．0．1",
]  # fmt: skip
# Those that lead elsewhere inside, or that one program reads so and another otherwise.
INSIDE = [
    "127.0.0.2", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.254", "192.168.0.1", "192.168.255.255", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "100.64.0.1", "100.100.100.200", "100.127.255.254", "168.63.129.16", "0.1.2.3", "192.0.0.8", "192.0.2.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.7", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[::127.0.0.1]", "[::7f00:1]", "[::10.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::808:808]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001::1]", "[2001:0:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:db8::1]", "[3fff::1]", "[2001:20::1]", "[fc00::1]", "[fd00:ec2::254]",
    "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[100::1]", "[5f00::1]",
    "[2400:3200::5efe:7f00:1]", "[2400:3200::200:5efe:a00:1]", "[::ffff:8.8.8.8]", "[::ffff:0:127.0.0.1]",
]  # fmt: skip
ODD = [
    "①②⑦.⓪.⓪.①", "１２７.0.0.1", "localhost.", "127.0.0.1.", "127.0.0.1%00.example.com", "127.0.0.1%2f@example.com",
    "user:secret@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1\\@example.com", "example.com\\@127.0.0.1", "127.0.0.1#@example.com",
    "127.0.0.1?@example.com", "%6c%6f%63alhost", "%31%32%37.0.0.1", "ｌocalhost", "127.0.0.1\t", "127.0.0.1\n", "127.0.0.1 ",
    "[::1", "::1", "[::1]]", "[127.0.0.1]", "[v1.127.0.0.1]", "999.0.0.1", "256.0.0.1", "1.2.3.4.5", "0x7f.0.0.0x1.0",
]  # fmt: skip


def test_there_are_enough_of_them():
    assert len(set(LOOPBACKS) | set(INSIDE)) >= 40
    assert len(set(LOOPBACKS)) + len(set(INSIDE)) + len(set(ODD)) == len(LOOPBACKS + INSIDE + ODD)


@pytest.mark.parametrize("host", LOOPBACKS + INSIDE + ODD, ids=ascii)
def test_no_connection_is_made_inside(canary, dialled, sender, host):
    with pytest.raises(Undelivered):
        sender.post(f"http://{host}:{canary.port}/", b"{}")
    assert dialled == []
    assert canary.connections == 0


@pytest.mark.parametrize("host", LOOPBACKS, ids=ascii)
def test_who_does_not_look_does_connect(canary, dialled, host):
    # Else the test above could not fail.
    with socket.create_connection((host.strip("[]"), canary.port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert canary.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001"])
def test_a_network_that_is_named_is_reached(canary, host):
    assert post(f"http://{host}:{canary.port}/", *LOOPBACK) == 200
    assert canary.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1"])
def test_a_network_that_is_named_opens_no_other(canary, dialled, host):
    with pytest.raises(TryLater, match="none of the public"):
        post(f"http://{host}:{canary.port}/", *LOOPBACK)
    assert dialled == []


def test_the_environment_s_proxy_is_not_asked(canary, dialled, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    for url in ("http://10.0.0.1/", "https://10.0.0.1/"):
        with pytest.raises(TryLater, match="none of the public"):
            post(url)
    assert dialled == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(canary, status):
    target = f"http://127.0.0.1:{canary.port}/"
    with receiving(lambda request: Reply(status, headers={"Location": target})) as receiver:
        assert post(receiver.url, *LOOPBACK) == status
        assert len(receiver.seen) == 1
    assert canary.connections == 0


class Resolver:
    """One that answers otherwise each time it is asked."""

    def __init__(self, *answers: list[str]):
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_resolver_that_changes_its_answer_leads_nowhere_else(canary, dialled):
    # What it says first is allowed, what it would say to whoever asks again is the canary.
    resolver = Resolver(["127.0.0.3"], ["127.0.0.1"])
    with pytest.raises(TryLater, match="No connection"):
        post(f"http://rebinding.example:{canary.port}/", ip_network("127.0.0.3/32"), resolve=resolver)
    assert dialled == [("127.0.0.3", canary.port)]
    assert resolver.asked == 1
    with pytest.raises(TryLater, match="none of the public"):
        post(f"http://rebinding.example:{canary.port}/", ip_network("127.0.0.3/32"), resolve=resolver)
    assert canary.connections == 0


def test_every_address_of_a_name_must_be_allowed(canary, dialled):
    for answer in (
        ["127.0.0.3", "127.0.0.1"],
        ["127.0.0.1", "127.0.0.3"],
        ["127.0.0.3", "::ffff:7f00:1"],
        ["127.0.0.3", "fe80::1%lo"],
    ):
        with pytest.raises(TryLater, match="none of the public"):
            post(f"http://both.example:{canary.port}/", ip_network("127.0.0.3/32"), resolve=Resolver(answer))
    assert dialled == []


def test_a_name_without_an_address_is_no_connection(dialled):
    with pytest.raises(TryLater, match="No connection"):
        post("http://nobody.example/", resolve=Resolver([]))
    assert dialled == []


def test_the_host_that_was_named_is_told_to_the_receiver():
    with receiving() as receiver:
        port = receiver.server_port
        assert post(f"http://hooks.example:{port}/linli", *LOOPBACK, resolve=Resolver(["127.0.0.1"])) == 200
        assert receiver.seen[0].headers["host"] == f"hooks.example:{port}"


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00::1"],
)
def test_a_server_of_the_public_internet_is_reached(text):
    outside = Outside(resolve=Resolver([text]))
    assert public(ip_address(text))
    assert outside.addresses("hooks.example", 443) == [text]


NO_WEB_SERVERS = [0, 1, 22, 25, 53, 81, 445, 3306, 5432, 6379, 11211, 27017]


@pytest.mark.parametrize("port", [*NO_WEB_SERVERS, 7999, 9000, 65535])
def test_what_is_no_web_server_is_not_spoken_to(port):
    assert Outside().refusal(ip_address("8.8.8.8"), port) == NOT_WEB
    inside = Outside(networks(["8.8.8.0/24"], "X"))
    assert inside.refusal(ip_address("8.8.8.8"), port) == (NOT_WEB if port in NO_WEB_SERVERS else None)


@pytest.mark.parametrize("port", [*NO_WEB_SERVERS, 65536, 99999])
@pytest.mark.parametrize("host", ["hooks.example.com", "8.8.8.8"])
def test_the_office_is_told_of_such_a_port_before_anything_is_sent(channel, host, port):
    inside = WebhookChannel(Outside(networks(["10.0.0.0/8"], "X")), Outside(networks(["10.0.0.0/8"], "X")))
    for one in (channel, inside):
        with pytest.raises(Forbidden):
            one.check(f"https://{host}:{port}/hook")


@pytest.mark.parametrize("port", [443, 8443, 9000, 18080])
def test_a_named_network_may_use_ports_that_other_services_leave_free(port):
    Outside(networks(["10.0.0.0/8"], "X")).check(read(f"https://crm.internal:{port}/hook"))


def test_without_tls_only_named_networks_are_reached_in_production(settings, canary, dialled):
    settings.PRODUCTION, settings.WEBHOOK_ALLOWED_NETWORKS = True, ["10.1.2.0/24"]
    channel = from_settings()
    for url in ("http://hooks.example.com/", "https://hooks.example.com/", "http://10.1.2.3/"):
        channel.check(url)
    for url in ("http://8.8.8.8/", "http://10.1.3.1/", "https://10.1.3.1/"):
        with pytest.raises(Forbidden):
            channel.check(url)
    plain = Outside(networks(["10.1.2.0/24"], "X"), wide=False)
    assert plain.refusal(ip_address("8.8.8.8"), 80) == NOT_SAFE
    assert plain.refusal(ip_address("10.1.2.3"), 80) is None
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with pytest.raises(Forbidden, match="https"):
        from_settings().check("http://hooks.example.com/")


@pytest.mark.parametrize("host", INSIDE + ODD, ids=ascii)
def test_the_office_is_told_before_anything_is_sent(channel, host):
    with pytest.raises(Forbidden) as refusal:
        channel.check(f"https://{host}/hook")
    assert str(refusal.value.reason)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/a?b=c", "https://例子.中国/hook", "https://8.8.8.8:8443/", "HTTPS://A.example/"]
)
def test_an_ordinary_address_is_taken(channel, url):
    channel.check(url)
    assert read(url).safe


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com", "ftp://a.example/", "file:///etc/passwd", "https://", "javascript:1", "//a.example/"],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(Forbidden):
        read(url)
    with pytest.raises(Refused):
        post(url)


@pytest.mark.parametrize("text", ["10.1.2.3/24", "intranet", "10.0.0.0/33", "*"])
def test_a_network_that_is_none_stops_the_start(settings, text):
    settings.WEBHOOK_ALLOWED_NETWORKS = [text]
    with pytest.raises(ImproperlyConfigured, match="WEBHOOK_ALLOWED_NETWORKS"):
        from_settings()


def test_nothing_of_ours_counts_as_public():
    for text in (
        "127.0.0.1",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
        "64:ff9b::808:808",
        "fe80::1%1",
        "2400:3200::5efe:808:808",
    ):
        assert not public(ip_address(text)), text
    assert Outside().refusal(ip_address("::1"), 443) == NOT_PUBLIC

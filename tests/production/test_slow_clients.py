"""Clients that send their bodies slowly, or never, hold nothing that others need: through the nginx that docker-compose.yml starts."""

import contextlib
import datetime
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from launcher.family import PROJECT
from tests.processes import own_port, wait_until, with_us
from tests.production.conftest import HOST, Production

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
pytestmark = pytest.mark.skipif(
    NGINX is None and not os.environ.get("CI"), reason="nginx is not installed (apt-get install nginx)"
)


def certificate(directory: Path) -> None:
    """A certificate for HOST, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@dataclass
class Proxy:
    """A running nginx."""

    plain: int
    tls: int
    context: ssl.SSLContext

    def connect(self) -> ssl.SSLSocket:
        """A connection with TLS."""
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.tls), 10), server_hostname=HOST)

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and content of an answer."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)
        with contextlib.closing(
            http.client.HTTPSConnection(HOST, self.tls, timeout=30, context=self.context)
        ) as connection:
            connection.sock = self.connect()
            connection.request(method, path, content, {"Content-Type": "application/json", **given})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def proxy(production: Production, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx with the configuration that is shipped; only addresses and paths are this machine's."""
    directory = tmp_path_factory.mktemp("nginx")
    directory.chmod(0o755)
    certificate(directory)
    plain, tls = own_port(), own_port()
    text = (PROJECT / "nginx" / "nginx.conf").read_text()
    for there, here in {
        "/tmp/": f"{directory}/",  # noqa: S108
        "default web:8000": f"default 127.0.0.1:{production.port}",
        "listen 8080": f"listen 127.0.0.1:{plain}",
        "listen 8443": f"listen 127.0.0.1:{tls}",
        "/etc/nginx/certificates": str(directory),
    }.items():
        assert there in text
        text = text.replace(there, here)
    configuration = directory / "nginx.conf"
    configuration.write_text(text)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-c", configuration, "-g", "daemon off;" + ("user root;" if os.geteuid() == 0 else "")],
            stdout=log,
            stderr=log,
            preexec_fn=with_us(),
        )
    context = ssl.create_default_context(cafile=str(directory / "fullchain.pem"))
    server = Proxy(plain, tls, context)

    def answers() -> bool:
        assert process.poll() is None, (directory / "log").read_text()
        with contextlib.suppress(OSError):
            return server.ask("GET", "/healthz")[0] == 200
        return False

    try:
        wait_until(answers)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def half_sent(proxy: Proxy, head: bytes) -> ssl.SSLSocket:
    """A connection that has sent a head and a part of the body, and sends no more."""
    connection = proxy.connect()
    connection.sendall(head)
    return connection


def longest(proxy: Proxy, seconds: float) -> float:
    """The longest wait for a good answer of /healthz within so many seconds; whoever is refused asks again, and has waited."""
    worst, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        status, _, content = proxy.ask("GET", "/healthz")
        while status != 200:
            assert time.monotonic() < end, content
            status, _, content = proxy.ask("GET", "/healthz")
        worst = max(worst, time.monotonic() - began)
        # Asking without a break would keep both cores busy.
        time.sleep(0.05)
    return worst


HEADS = {
    "a body that stops": b"POST /api/v1/auth/codes HTTP/1.1\r\nHost: linli.example\r\nContent-Type: application/json\r\n"
    b'Content-Length: 4000\r\n\r\n{"phone": "199',
    "a photo that stops": b"POST /api/v1/photos HTTP/1.1\r\nHost: linli.example\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n--x\r\n",
    "a head that stops": b"GET /healthz HTTP/1.1\r\nHost: linli.example\r\nX-Long: ",
    "a body in pieces": b"POST /api/v1/tickets HTTP/1.1\r\nHost: linli.example\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
}


@pytest.mark.parametrize("what", HEADS)
def test_sixty_four_slow_sockets_leave_the_others_their_server(healthy, proxy, what):
    slow = [half_sent(proxy, HEADS[what]) for _ in range(64)]
    try:
        assert longest(proxy, 4) < 1
    finally:
        for connection in slow:
            connection.close()


def test_clients_that_read_slowly_leave_the_others_their_server(healthy, proxy):
    # A megabyte that web has at hand.
    file = next(
        part.split('"')[0] for part in healthy.ask("/api/docs/")[2].decode().split('"/static/') if "bundle" in part
    )
    head = f"GET /static/{file} HTTP/1.1\r\nHost: linli.example\r\n\r\n".encode()
    slow = [half_sent(proxy, head) for _ in range(64)]
    try:
        time.sleep(3)
        assert longest(proxy, 4) < 1
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_stalls_is_cut_off(healthy, proxy):
    connection = half_sent(proxy, HEADS["a body that stops"])
    connection.settimeout(14)
    began = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    assert 5 < time.monotonic() - began < 13
    connection.close()


def test_without_tls_one_is_sent_to_where_it_is(healthy, proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=10)
    connection.request("GET", "/console/signin/?next=/", headers={"Host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/console/signin/?next=/")
    connection.close()


def test_the_callers_own_word_of_where_it_comes_from_is_not_passed_on(healthy, proxy):
    status, _, _ = proxy.ask("GET", "/console/signin/", X_Forwarded_Proto="http")
    assert status == 200


def test_a_ticket_is_filed_read_compressed_and_moved_through_the_proxy(healthy, proxy):
    signed_in = healthy.signed_in()
    report = {"category": "CL03", "compound": healthy.compound, "text": "东门外垃圾桶满溢。"}
    status, _, content = proxy.ask("POST", "/api/v1/tickets", report, **signed_in)
    assert status == 201, content
    ticket = json.loads(content)["id"]
    status, headers, content = proxy.ask("GET", f"/api/v1/tickets/{ticket}", Accept_Encoding="gzip", **signed_in)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["ETag"].startswith('W/"')
    status, _, content = proxy.ask(
        "POST",
        f"/api/v1/tickets/{ticket}/moves/withdraw",
        {"reason": "已清运。"},
        If_Match=headers["ETag"],
        **signed_in,
    )
    assert status == 200, content


def test_the_figures_are_not_for_the_public(healthy, proxy):
    assert proxy.ask("GET", "/metrics")[0] == 404


def test_what_is_too_large_is_refused_before_web_hears_of_it(healthy, proxy):
    connection = half_sent(
        proxy, b"POST /api/v1/photos HTTP/1.1\r\nHost: linli.example\r\nContent-Length: 99000000\r\n\r\n"
    )
    assert b" 413 " in connection.recv(100)
    connection.close()

"""Without a proxy in front, a body that stops arriving gives its thread back within ten seconds."""

import contextlib
import http.client
import os
import socket
import subprocess
import threading
import time

import pytest

from launcher.family import PROJECT
from launcher.run import web_command
from tests.processes import database_url, own_port, wait_until, with_us

HEAD = b"POST /api/v1/auth/codes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"


@pytest.fixture(scope="module")
def port(django_db_setup, django_db_blocker):
    """A web server as `make run` starts it."""
    with django_db_blocker.unblock():
        url = database_url()
    number = own_port()
    environment = {**os.environ, "DATABASE_URL": url, "LINLI_ENV": "test"}
    process = subprocess.Popen(
        web_command(number), cwd=PROJECT, env=environment, start_new_session=True, preexec_fn=with_us()
    )

    def serves():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ask(number)[0] == 200
        return False

    try:
        wait_until(serves)
        yield number
    finally:
        process.terminate()
        process.wait(20)


def ask(port, body=None, patience=30):
    """Status of an answer, and the seconds that it took."""
    began = time.monotonic()
    method, path = ("GET", "/healthz") if body is None else ("POST", "/api/v1/auth/codes")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience)) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json", "Host": "localhost"})
        return connection.getresponse().status, time.monotonic() - began


def half_sent(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(HEAD)
    return connection


def ends(connection, within):
    """Whether the server ends the connection in time."""
    connection.settimeout(within)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("drips", [False, True])
def test_a_body_that_stalls_or_drips_gives_its_thread_back(port, drips):
    stalled = [half_sent(port) for _ in range(8)]
    stop = threading.Event()

    def drip():
        while not stop.wait(2):
            for connection in stalled:
                with contextlib.suppress(OSError):
                    connection.sendall(b" ")

    dripping = threading.Thread(target=drip)
    if drips:
        dripping.start()
    try:
        began = time.monotonic()
        assert ends(stalled[0], 10)
        assert time.monotonic() - began < 10
    finally:
        stop.set()
        if drips:
            dripping.join()
        for connection in stalled:
            connection.close()
    assert ask(port, patience=10)[0] == 200


def test_who_waits_behind_stalled_bodies_is_served_when_they_are_cut_off(port):
    stalled = [half_sent(port) for _ in range(4)]
    time.sleep(1)
    try:
        # Two rounds where one process got all of them. On a busy machine every connection of this address may be ended with
        # them (LAST_WORD); then a client asks again.
        began, status = time.monotonic(), 0
        while not status and time.monotonic() - began < 20:
            with contextlib.suppress(http.client.RemoteDisconnected):
                status, _ = ask(port)
        assert (status, time.monotonic() - began < 20) == (200, True)
    finally:
        for connection in stalled:
            connection.close()


def test_a_body_in_many_pieces_is_read_to_its_end(port):
    body = b'{"phone": "no phone"' + b" " * 40_000 + b"}"
    head = f"POST /api/v1/auth/codes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
        for start in range(0, len(body), 4096):
            time.sleep(0.1)
            connection.sendall(body[start : start + 4096])
        connection.settimeout(10)
        assert b" 400 " in connection.recv(100)


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(port):
    for _ in range(6):
        half_sent(port).close()
    time.sleep(0.5)
    status, seconds = ask(port)
    assert (status, seconds < 2) == (200, True)

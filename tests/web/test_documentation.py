import re
from contextlib import closing

import pytest
from django.test import Client


@pytest.fixture
def page():
    """The API's documentation."""
    return Client().get("/api/docs/")


def test_the_documentation_runs_nothing_foreign_and_nothing_inline(page):
    html = page.content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 3
    assert all(re.search(r'src="/[^/]', attributes) and not body.strip() for attributes, body in scripts)
    assert "://" not in html
    policy = page["Content-Security-Policy"]
    assert "script-src 'self';" in policy


@pytest.mark.django_db
def test_every_file_of_the_documentation_is_served_by_us(page):
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.content.decode()):
        with closing(Client().get(address)) as answer:
            assert answer.status_code == 200, address


@pytest.mark.parametrize(
    ("address", "kind", "begins"),
    [("/favicon.ico", "image/svg+xml", "<svg "), ("/robots.txt", "text/plain; charset=utf-8", "User-agent: *")],
)
def test_what_browsers_and_robots_ask_for_by_themselves_is_there(address, kind, begins):
    answer = Client().get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert answer.content.decode().startswith(begins)
    assert "max-age" in answer["Cache-Control"]

import re
from dataclasses import replace
from datetime import timedelta

from console import presence
from tickets.models import Ticket
from web import quick_redis


def looking(browser, ticket) -> str:
    answer = browser.get(f"/console/t/{Ticket.objects.get(pk=ticket).code}/looking", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return re.sub(r"<svg.*?</svg>", "", answer.content.decode()).strip()


def test_colleagues_see_who_else_is_looking_and_nobody_else_does(console, scene, cast):
    ticket = scene.file("CL03")
    assert looking(console("dispatcher"), ticket) == ""
    assert looking(console("manager"), ticket) == f"{cast['dispatcher'].name}也在看"
    assert looking(console("dispatcher"), ticket) == f"{cast['manager'].name}也在看"
    # The street looks on unseen, and sees nobody of the company.
    assert looking(console("street_lead"), ticket) == ""
    assert cast["street_lead"].name not in looking(console("manager"), ticket)
    # Another ticket has others.
    assert looking(console("worker"), scene.file("CL03")) == ""
    assert (
        console("other_dispatcher").get(f"/console/t/{Ticket.objects.get(pk=ticket).code}/looking").status_code == 404
    )


def test_a_look_is_forgotten_within_a_minute(scene, cast):
    ticket = scene.file("CL03")
    dispatcher, manager = scene.actor("dispatcher"), scene.actor("manager")
    presence.look(ticket, dispatcher)
    later = manager.at + timedelta(seconds=presence.LIFE)
    assert presence.look(ticket, replace(manager, at=later - timedelta(seconds=1))) == [cast["dispatcher"].name]
    assert presence.look(ticket, replace(manager, at=later + timedelta(seconds=1))) == []
    (name,) = quick_redis.client().keys(f"linli:looking:{ticket}:*")
    assert 0 < quick_redis.client().ttl(name) <= presence.LIFE


def test_nobody_is_seen_where_redis_is_away(scene, settings):
    ticket = scene.file("CL03")
    presence.look(ticket, scene.actor("dispatcher"))
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    quick_redis.client.cache_clear()
    try:
        assert presence.look(ticket, scene.actor("manager")) == []
    finally:
        quick_redis.client.cache_clear()

"""The console's small parts: icon, chip, countdown, moments."""

from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.icons import NAMES
from console.spans import clock_words, level, moment, span
from console.turns import ICONS, WhoseTurn
from tickets.models.photo import PhotoKind
from tickets.reading.counts import shown
from web.words import say

register = template.Library()

_LEVELS = {"late": "alert-triangle", "soon": "hourglass-low", "calm": "clock"}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; hidden from screen readers where no `label` is given."""
    if label:
        return format_html('<svg class="i" role="img" aria-label="{}"><use href="{}"/></svg>', label, _address(name))
    return _unnamed(name)


@cache
def _address(name: str) -> str:
    if name not in NAMES:
        raise template.TemplateSyntaxError(f"There is no icon {name!r} in console/icons.py.")
    return f"{static('console/icons.svg')}#{name}"


@cache
def _unnamed(name: str) -> SafeString:
    return format_html('<svg class="i" aria-hidden="true"><use href="{}"/></svg>', _address(name))


@register.simple_tag
def chip(state: str, label: str, turn: WhoseTurn) -> SafeString:
    """The chip of a state: its shape and word, filled by whose turn it is."""
    return format_html('<span class="chip {}">{}{}</span>', turn.value, icon(ICONS[state]), label)


@register.simple_tag
def countdown(due_at: datetime | None, since: datetime | None, now: datetime, paused: str = "") -> SafeString:
    """How much time is left until `due_at`, counted on by the browser; `since` is when that time began. `paused` says what it waits for."""
    if paused:
        return format_html(
            '<span class="clock none">{}{} · {}</span>', icon("clock-pause"), say("暂停", "Paused"), paused
        )
    if due_at is None:
        return format_html('<span class="clock none">{}{}</span>', icon("minus"), say("无时限", "No limit"))
    left, whole = (due_at - now).total_seconds(), (due_at - (since or now)).total_seconds()
    how = level(left, whole)
    return format_html(
        '<span class="clock {}">{}<time datetime="{}" data-whole="{}" title="{}">{}</time></span>',
        how,
        icon(_LEVELS[how]),
        due_at.isoformat(),
        round(whole),
        moment(due_at, now),
        clock_words(left),
    )


@register.simple_tag(takes_context=True)
def ago(context: dict[str, Any], at: datetime) -> SafeString:
    """How long ago something was, with the exact moment."""
    now: datetime = context["now"]
    return format_html(
        '<time datetime="{}" title="{}">{}{}</time>',
        at.isoformat(),
        moment(at, now),
        span((now - at).total_seconds()),
        say("前", " ago"),
    )


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], at: datetime) -> str:
    """A moment in words: today 18:00, 11月30日 18:00."""
    return moment(at, context["now"])


@register.filter
def capped(count: int) -> str:
    """A count that goes no further than a thousand: 999+ beyond."""
    return str(shown(count)["shown"])


@register.simple_tag
def photo_kind(kind: str) -> str:
    """What a photo shows, in words."""
    return str(PhotoKind(kind).label)


@register.simple_tag
def fresh(at: datetime) -> SafeString:
    """How old what is shown is; the browser counts on from the last answer."""
    return format_html('<time data-fresh datetime="{}">{}</time>', at.isoformat(), say("刚刚", "just now"))


@register.simple_tag
def lasts(seconds: float) -> str:
    """A span of time in words."""
    return span(seconds)

"""Titles of tickets: those that people gave are their own words, the others are made of category and place."""

from tickets import catalogue
from tickets.catalogue import Leaf
from web.words import in_english

_BETWEEN = " · "
LENGTH = 60


def made_of(leaf: Leaf, place: str) -> str:
    """The title of a report that came without one, as it is kept: in Chinese."""
    return f"{leaf.name_zh}{_BETWEEN}{place}"[:LENGTH]


def spoken(title: str) -> str:
    """A title in the active language; what people wrote stays as it is."""
    matter, between, place = title.partition(_BETWEEN)
    name = catalogue.english_name(matter) if between and in_english() else None
    return f"{name}{_BETWEEN}{place}" if name else title

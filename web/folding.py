"""Texts as they are compared in a search: width, case and spaces do not matter."""

import unicodedata

from django.db.models import Func, TextField


class Folded(Func):
    """A column's text, folded by PostgreSQL."""

    template = "replace(lower(normalize(%(expressions)s, NFKC)), ' ', '')"
    output_field = TextField()


def folded(text: str) -> str:
    """`text`, folded as `Folded` does."""
    return unicodedata.normalize("NFKC", text).lower().replace(" ", "")

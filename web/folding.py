"""Texts as a search compares them: width, case and spaces do not matter."""

import unicodedata

from django.db.models import Func, TextField


class Folded(Func):
    """A column's text as PostgreSQL folds it."""

    template = "replace(lower(normalize(%(expressions)s, NFKC)), ' ', '')"
    output_field = TextField()


def folded(text: str) -> str:
    """`text`, folded as `Folded` does."""
    return unicodedata.normalize("NFKC", text).lower().replace(" ", "")

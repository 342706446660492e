"""Finding tickets by words: what is compared is folded alike on both sides, and common words are found without the index of grams.

Width, case and spaces do not matter. A word is looked for in a ticket's title, text and code; readers who see it whole find it by the
12345 number and the spot as well. A ticket's number is found in whatever words it stands.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import BooleanField, F, Func, IntegerField, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThan

from tickets.codes import read_code
from tickets.face import face_text, face_title
from tickets.models.search_document import PUBLIC_ENDS, SUMMARY_ENDS, SearchDocument
from web.folding import folded

MOST_FACES = 500
"""How many of those that hold the words are compared with what neighbours read of them, the newest first."""
NEAR = 24
"""How many rows of a list are looked at in its order for each that is wanted, before the index of grams is asked: of a common word, fewer
are enough.
"""

# What the fold takes out besides spaces.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
_LIKE_A_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z](?:[- ]?[0-9A-Za-z]){8}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody searches for: words that must all be there, and the ticket numbers that they may spell."""

    words: tuple[str, ...]
    codes: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.words)

    @property
    def is_a_number(self) -> bool:
        """Whether a word holds three digits in a row, as phones, plates and identity numbers do, which neighbours see masked."""
        return any(re.search(r"\d{3}", one) for one in self.words)

    @classmethod
    def read(cls, text: str) -> "Wanted":
        """What `text` asks for; words of nothing but invisible characters ask for nothing."""
        plain = unicodedata.normalize("NFKC", text)
        shown = plain.translate(_UNSEEN)
        codes = (read_code(one) for one in _LIKE_A_CODE.findall(shown))
        return cls(tuple(shown.split()), tuple(dict.fromkeys(one for one in codes if one)))


class _Folded(Func):
    # Once a statement: beside a column, PostgreSQL may fold the word anew for each row.
    template = "(SELECT zh_fold(%(expressions)s))"
    output_field = TextField()


class _Before(Func):
    """What stands in a text before a character."""

    template = "split_part(%(expressions)s, 1)"
    output_field = TextField()


class _Position(Func):
    function = "strpos"
    output_field = IntegerField()


class _HasGrams(Func):
    template = "zh_grams_3(%(expressions)s)"
    arg_joiner = ") @> zh_query_2("
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class Search:
    """A search in rows that are tickets, or lead to theirs by `prefix`: in their search documents `until` a character, or whole."""

    wanted: Wanted
    until: str
    prefix: str = ""

    @classmethod
    def whole(cls, wanted: Wanted, prefix: str = "") -> "Search":
        """In everything, for readers who see the whole ticket."""
        return cls(wanted, "", prefix)

    @classmethod
    def public(cls, wanted: Wanted, prefix: str = "") -> "Search":
        """In what neighbours see."""
        return cls(wanted, PUBLIC_ENDS, prefix)

    @classmethod
    def summary(cls, wanted: Wanted, prefix: str = "") -> "Search":
        """In title and number, for readers who read the text no more."""
        return cls(wanted, SUMMARY_ENDS, prefix)

    def holds(self) -> Q:
        """Whether a row holds every word, looked up in no index."""
        return self._holds(F(f"{self.prefix}search_document__folded"))

    def indexed(self) -> Q:
        """Whether a row holds every word; the grams find it by index, and the comparison makes it exact.

        What is found is gathered first, as an array of ids. PostgreSQL cannot tell how rare a word is; asked for both at once, it may walk
        through the whole of a long list in its order to find the few rows that hold it.
        """
        folded = F("folded")
        grams = Q(*(_HasGrams(folded, Value(word)) for word in self.wanted.words))
        found = SearchDocument.objects.filter(grams & self._holds(folded)).values("ticket_id")
        return Q(**{f"{self.prefix}pk__any_of": ArraySubquery(found)})

    def _holds(self, document: F) -> Q:
        compared: F | _Before = _Before(document, Value(self.until)) if self.until else document
        return Q(*(GreaterThan(_Position(compared, _Folded(Value(word))), 0) for word in self.wanted.words))

    def __bool__(self) -> bool:
        return bool(self.wanted)

    def matching[M: models.Model](self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of `rows` that have the number which is spelled; where none has, those that hold every word."""
        named = self.named_in(rows)
        return rows.filter(self.indexed()) if named is None else named

    def in_faces[M: models.Model](self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of `rows`, which are tickets, whose public face holds every word: what neighbours do not read, they do not find.

        Else a phone could be guessed digit by digit.
        """
        names = ("id", "code", "title", "text", "words_hidden", "public_title", "public_text")
        found: Any = rows.filter(self.indexed()).order_by("-id").only(*names)[:MOST_FACES]
        wanted = [folded(word) for word in self.wanted.words]
        faces = {
            one.pk: folded("\n".join([one.code, *filter(None, (face_title(one), face_text(one)))])) for one in found
        }
        return rows.filter(pk__in=[pk for pk, face in faces.items() if all(word in face for word in wanted)])

    def named_in[M: models.Model](self, rows: QuerySet[M]) -> QuerySet[M] | None:
        """Those of `rows` whose number stands among the words; None where no row has it. Costs a statement where a number is there."""
        if not self.wanted.codes:
            return None
        named = rows.filter(**{f"{self.prefix}code__in": self.wanted.codes})
        return named if named.exists() else None

    def first[M: models.Model](self, rows: QuerySet[M], keys: Sequence[str], count: int) -> QuerySet[M]:
        """The first `count` of `rows`, in the order of `keys`, that hold the words.

        The first rows are read in their order, which fills the page where the words are common. The index of grams, which
        has to gather every match before the first can be told, is asked where they are not.
        """
        names = [key.removeprefix("-") for key in keys]
        near = rows.annotate(holds=self.holds()).order_by(*keys).values_list("pk", "holds", *names)[: NEAR * count]
        far = rows.filter(self.indexed()).order_by(*keys).values_list("pk")[:count]
        try:
            (near_sql, near_values), (far_sql, far_values) = (one.query.sql_with_params() for one in (near, far))
        except EmptyResultSet:
            return rows.none()
        columns = [f"k{number}" for number in range(len(keys))]
        order = ", ".join(f"{one} DESC" if key.startswith("-") else one for one, key in zip(columns, keys, strict=True))
        sql = f"""
WITH near AS MATERIALIZED (
  SELECT pk FROM ({near_sql}) AS first (pk, holds, {", ".join(columns)}) WHERE holds ORDER BY {order} LIMIT {count}
)
SELECT pk FROM near WHERE (SELECT count(*) FROM near) = {count}
UNION ALL
SELECT pk FROM ({far_sql}) AS far (pk) WHERE (SELECT count(*) FROM near) < {count}
"""  # noqa: S608 - Django's own words, and parameters are bound
        return rows.filter(pk__in=RawSQL(sql, (*near_values, *far_values)))  # noqa: S611

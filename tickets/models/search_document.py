"""What tickets are found by."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, TextField

from tickets.models.ticket import Ticket
from web.words import bilingual

SUMMARY_ENDS, PUBLIC_ENDS = "\x1d", "\x1e"
"""Characters in a search document, which no word that is searched for has: after what a summary shows, and after what neighbours read."""


class Grams(Func):
    """Each character of a folded text, and each pair of neighbours."""

    function = "zh_grams_3"
    output_field = ArrayField(TextField())


class SearchDocument(models.Model):
    """A ticket's words, folded as a search compares them. PostgreSQL writes it whenever a ticket's words are written.

    It stands beside the ticket so that a move, which changes no words, need not index them again. `folded` has number and title, then
    SUMMARY_ENDS, the text, PUBLIC_ENDS, and the 12345 number and the spot.
    """

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, db_constraint=False, related_name="search_document"
    )
    folded = models.TextField(editable=False)

    class Meta:
        verbose_name = verbose_name_plural = bilingual("检索内容", "search document")
        indexes = [GinIndex(Grams("folded"), name="ticket_grams_3")]

    def __str__(self) -> str:
        return f"search document of {self.ticket_id}"

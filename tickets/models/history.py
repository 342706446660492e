"""What happened to tickets, in whose words, and what has still to be told."""

from django.db import models
from django.db.models import F, Q

from community.models.places import street_reference
from web.words import bilingual
from workflow.models import Event, EventWords, Outbox, Seal
from workflow.moves import moves


class TicketEvent(Event):
    """One thing that happened to a ticket."""

    street = street_reference()
    subject = models.ForeignKey(
        "tickets.Ticket",
        models.PROTECT,
        related_name="events",
        db_index=False,
        verbose_name=bilingual("工单", "ticket"),
    )

    class Meta:
        verbose_name = bilingual("工单事件", "ticket event")
        verbose_name_plural = bilingual("工单事件", "ticket events")
        constraints = [models.UniqueConstraint(F("subject"), F("seq"), F("street"), name="ticketevent_seq")]
        indexes = [
            models.Index(F("subject"), F("actor"), F("at"), condition=Q(verb="urge"), name="ticketevent_urges"),
            models.Index(F("subject"), F("actor"), F("at"), condition=Q(verb="comment"), name="ticketevent_comments"),
        ]

    def __str__(self) -> str:
        known = moves(self._meta.get_field("subject").related_model).get(self.verb)
        return f"{self.seq} {known.label}" if known else str(self.seq)


class TicketWords(EventWords):
    """People's own words of one ticket event."""

    street = street_reference()
    event = models.OneToOneField(TicketEvent, models.PROTECT, related_name="words", db_constraint=False)

    def __str__(self) -> str:
        return f"words of {self.event_id}"


class TicketOutbox(Outbox):
    """A ticket event that has still to be told."""

    street = street_reference()
    event = models.ForeignKey(TicketEvent, models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta(Outbox.Meta):
        pass

    def __str__(self) -> str:
        return f"outbox of {self.event_id}"


class TicketSeal(Seal):
    """The heads of a street's tickets that changed in an hour."""

    street = street_reference()

    class Meta:
        verbose_name = bilingual("工单封印", "ticket seal")
        verbose_name_plural = bilingual("工单封印", "ticket seals")
        constraints = [models.UniqueConstraint(fields=["street", "number"], name="ticketseal_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.at:%Y-%m-%d %H:%M}"

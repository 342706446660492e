"""Photos: of the problem, of the work, of what was done, of what is still wrong."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from community.models import Street
from web.constraints import KnownValues
from web.models import Identified
from web.words import bilingual


class PhotoKind(models.TextChoices):
    """What a photo shows."""

    REPORT = "report", bilingual("上报照片", "Of the problem")
    PROGRESS = "progress", bilingual("进展照片", "Of the work")
    AFTER = "after", bilingual("整改后照片", "Of the result")
    DISPUTE = "dispute", bilingual("不满意照片", "Of what is still wrong")


PICTURE = ("kind", "full", "thumb", "width", "height", "bytes", "sha256")
"""What a photo is, whatever ticket it belongs to."""


def random_name() -> str:
    """A name in the storage that nobody can guess, spread over 256 folders."""
    name = secrets.token_hex(20)
    return f"photos/{name[:2]}/{name[2:]}.jpg"


def of_report(reporter: uuid.UUID | None) -> Q:
    """The condition for photos of the report and photos that its reporter added later; photos in others' comments are left out."""
    return Q(kind=PhotoKind.REPORT) & (Q(event_seq=1) | Q(uploader=reporter))


class Photo(Identified):
    """A picture of our own making (tickets/imaging.py), in two sizes; its uploader's alone until a move attaches it and says what it shows.

    `full` and `thumb` are names in the default storage. `sha256` and `bytes` are those of `full`.
    """

    street = models.ForeignKey(Street, models.PROTECT, null=True, related_name="+", db_index=False)
    ticket = models.ForeignKey("tickets.Ticket", models.PROTECT, null=True, related_name="photos", db_index=False)
    event_seq = models.PositiveIntegerField(null=True)
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=PhotoKind)
    full = models.CharField(max_length=60, default=random_name)
    thumb = models.CharField(max_length=60, default=random_name)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    seal = models.BinaryField(max_length=32, default=b"", db_default=b"", editable=False)

    class Meta:
        verbose_name = bilingual("照片", "photo")
        verbose_name_plural = bilingual("照片", "photos")
        constraints = [
            KnownValues(condition=Q(kind__in=PhotoKind.values), name="photo_kind"),
            models.CheckConstraint(
                condition=Q(ticket__isnull=True, street__isnull=True, event_seq__isnull=True)
                | Q(ticket__isnull=False, street__isnull=False, event_seq__isnull=False),
                name="photo_attached_whole",
            ),
        ]
        indexes = [
            models.Index(F("ticket"), F("event_seq"), name="photo_ticket", condition=Q(ticket__isnull=False)),
            models.Index(F("created_at"), name="photo_unattached", condition=Q(ticket__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.width}×{self.height}"

"""How an organisation gives out its work: in turn or by hand, up to how much for each, and who is off duty."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from community.models.organisations import Organisation
from community.models.people import Person
from web.models import Identified, optional_reference
from web.words import bilingual


class Rota(models.Model):
    """An organisation's own settings; without a row it gives out its work by hand.

    Apart from the organisation, whose every change makes all processes read anew who serves where. `last_seat` had the last turn.
    """

    organisation = models.OneToOneField(
        Organisation,
        models.CASCADE,
        primary_key=True,
        related_name="rota",
        verbose_name=bilingual("单位", "organisation"),
    )
    in_turn = models.BooleanField(bilingual("轮流指派", "in turn"), default=False)
    most_open = models.PositiveSmallIntegerField(
        bilingual("每人在办上限", "most open tickets of one person"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
    )
    last_seat = models.UUIDField(null=True, editable=False)
    changed_by = optional_reference(Person, bilingual("修改人", "changed by"))
    changed_at = models.DateTimeField(bilingual("修改时间", "changed at"), null=True)

    class Meta:
        verbose_name = bilingual("指派设置", "rota")
        verbose_name_plural = bilingual("指派设置", "rotas")
        constraints = [
            models.CheckConstraint(condition=Q(most_open=None) | Q(most_open__gte=1), name="rota_most_open_is_some")
        ]

    def __str__(self) -> str:
        return str(self.organisation_id)


class OffDuty(Identified):
    """A member of an organisation who is off duty there, and gets no turn."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", db_index=False, verbose_name=bilingual("单位", "organisation")
    )
    person = models.ForeignKey(
        Person, models.CASCADE, related_name="+", db_index=False, verbose_name=bilingual("人员", "person")
    )
    noted_by = optional_reference(Person, bilingual("登记人", "noted by"))
    since = models.DateTimeField(bilingual("起始时间", "since"))

    class Meta:
        verbose_name = bilingual("休息", "off duty")
        verbose_name_plural = bilingual("休息", "off duty")
        constraints = [models.UniqueConstraint(fields=["organisation", "person"], name="off_duty_once")]
        indexes = [models.Index(fields=["person"], name="off_duty_of_person")]

    def __str__(self) -> str:
        return str(self.person_id)

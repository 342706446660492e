"""Who works on a ticket, in what role and in which order."""

from django.db import models
from django.db.models import F, Q

from community.models import Organisation, Person
from community.models.places import street_reference
from tickets.states import AssignmentRole, Outcome
from web.models import Identified, optional_key, reference
from web.words import bilingual


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Queries of assignments."""

    def open(self) -> "AssignmentQuerySet":
        """Assignments on which somebody has to work now."""
        return self.filter(open=True)


class Assignment(Identified):
    """An organisation's part in a ticket. A queue is read from the open ones.

    A lead of a later `step` waits, closed and without an outcome, until the step before it is done.
    """

    street = street_reference()
    ticket = models.ForeignKey(
        "tickets.Ticket",
        models.CASCADE,
        db_constraint=False,
        related_name="assignment_rows",
        db_index=False,
        verbose_name=bilingual("工单", "ticket"),
    )
    organisation = reference(Organisation, bilingual("单位", "organisation"))
    role = models.CharField(bilingual("角色", "role"), max_length=10, choices=AssignmentRole)
    step = models.PositiveSmallIntegerField(bilingual("步骤", "step"), default=1)
    worker = optional_key(Person, bilingual("经办人", "worker"))
    open = models.BooleanField(bilingual("在办", "open"), default=True)
    outcome = models.CharField(
        max_length=12, choices=Outcome, blank=True, default=Outcome.PENDING, verbose_name=bilingual("结果", "outcome")
    )
    next_due_at = models.DateTimeField(null=True, verbose_name=bilingual("下一步期限", "next due at"))
    opened_at = models.DateTimeField(null=True, verbose_name=bilingual("派单时间", "opened at"))
    signed_at = models.DateTimeField(null=True, verbose_name=bilingual("签收时间", "signed at"))
    contacted_at = models.DateTimeField(null=True, verbose_name=bilingual("先行联系时间", "contacted at"))
    arrived_at = models.DateTimeField(null=True, verbose_name=bilingual("到场时间", "arrived at"))
    closed_at = models.DateTimeField(null=True, verbose_name=bilingual("结束时间", "closed at"))
    return_asked = models.BooleanField(default=False, verbose_name=bilingual("已申请退回", "return asked"))
    designated = models.BooleanField(default=False, verbose_name=bilingual("指定承办", "designated"))
    contact_attempts = models.PositiveSmallIntegerField(
        default=0, db_default=0, verbose_name=bilingual("联系未果次数", "calls in vain")
    )
    extensions = models.PositiveSmallIntegerField(
        default=0, db_default=0, verbose_name=bilingual("延期次数", "extensions")
    )
    extended = models.PositiveSmallIntegerField(
        default=0, db_default=0, verbose_name=bilingual("累计延期天数", "days of extension")
    )

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = bilingual("承办", "assignment")
        verbose_name_plural = bilingual("承办", "assignments")
        constraints = [
            models.CheckConstraint(
                condition=Q(open=True, next_due_at__isnull=False, opened_at__isnull=False) | Q(open=False),
                name="assignment_open_is_due",
            ),
            models.UniqueConstraint(
                fields=["street", "ticket"], condition=Q(open=True, role="lead"), name="assignment_one_lead"
            ),
            models.UniqueConstraint(
                fields=["street", "ticket", "organisation", "role"], condition=Q(open=True), name="assignment_once"
            ),
        ]
        indexes = [
            models.Index(
                F("organisation"), F("next_due_at"), F("ticket"), condition=Q(open=True), name="assignment_queue"
            ),
            models.Index(F("ticket"), name="assignment_of_ticket"),
            models.Index(
                F("worker"),
                F("next_due_at"),
                F("ticket"),
                condition=Q(open=True, worker__isnull=False),
                name="assignment_worker",
            ),
            models.Index(
                F("organisation"), F("closed_at").desc(), F("ticket"), condition=Q(open=False), name="assignment_past"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {self.organisation}"

    @property
    def waiting(self) -> bool:
        """Whether this is a later step whose turn has not come."""
        return not self.open and self.outcome == Outcome.PENDING

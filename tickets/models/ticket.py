"""The ticket: its states, its moves and what must always be true of it."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any, Protocol, Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise
from django_fsm import RETURN_VALUE, FSMField, transition

from community.models import Area, Community, Compound, Organisation, Street
from community.receivers import local_day, receives
from community.serving import Service
from community.zones import zone_of
from tickets import inputs
from tickets.access import OF_RESIDENTS, STREET_KINDS, Relation, any_of
from tickets.clocks import HELPERS, LEADS, clock_plan
from tickets.models import demands
from tickets.models import service_level as service_levels
from tickets.models.assignment import Assignment
from tickets.models.category import COMPLEX, Category, disposal_keys
from tickets.models.clock import TicketClock, TicketFiring
from tickets.models.follower import Follower
from tickets.models.history import TicketEvent, TicketOutbox, TicketSeal, TicketWords
from tickets.models.witness import witnesses
from tickets.redaction import redacted
from tickets.service_level import Limits, total
from tickets.states import (
    ENDED,
    HIGHEST_AUTOMATIC,
    OPEN,
    AssignmentRole,
    Channel,
    ClockName,
    HiddenBy,
    Outcome,
    Secrecy,
    State,
    TicketType,
)
from tickets.windows import TWO_HOURS, Window
from web.words import bilingual
from workflow import calendars
from workflow.actor import Actor
from workflow.audit import UNKNOWN, sum_of_rows
from workflow.calendar import Budget
from workflow.clocks import Rules, Start, Terms, own_days
from workflow.errors import IllegalMove, InvalidInput
from workflow.instances import fresh
from workflow.models import Clock, Subject, Witness
from workflow.moves import Visibility, move, moves
from workflow.prepared import Prepared

R = Relation
S = State
C = ClockName
# What the next step of a ticket may be; the others run beside it.
NEXT = frozenset(C) - {C.CALLBACK, C.REPORT, C.ASSIST, C.SUCCESSION}
FACETS = (
    *("state", "type", "channel", "level", "urgent", "supervised", "question_open"),
    *("desk", "holder", "coordinator", "category", "compound", "community"),
)
"""The columns by which the open tickets of a street are counted, and narrowed."""
WITHDRAWABLE = (S.SUBMITTED, S.COORDINATING, S.DISPATCHED)
LATEST_PLAN = timedelta(days=5 * 366)


def _by_key(rows: Iterable[Any], name: str) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


_KEYS = [uuid.UUID(int=1)]


def _assignments(day: date, **tickets: Any) -> models.QuerySet[Assignment]:
    found: models.QuerySet[Assignment] = (
        Assignment.objects.filter(**tickets)
        .annotate(
            staffed=receives("organisation", day),
            kind=F("organisation__kind"),
            head_office=F("organisation__parent"),
            worker_name=F("worker__name"),
        )
        .order_by("id")
    )
    return found


# Of one ticket by its id: with an array of them PostgreSQL plans anew each time, which takes it longer than to read the rows.
_ASSIGNMENTS: Prepared[Any] = Prepared(
    lambda ticket, day: _assignments(day, ticket=ticket), ticket=uuid.UUID(int=1), day=date(1, 1, 1)
)
_ASSIGNMENTS_OF_SEVERAL: Prepared[Any] = Prepared(
    lambda tickets, day: _assignments(day, ticket__id__any_of=tickets), tickets=_KEYS, day=date(1, 1, 1)
)
_CLOCKS: Prepared[Any] = Prepared(
    lambda ticket: TicketClock.objects.live().filter(subject=ticket).order_by("epoch", "id"), ticket=uuid.UUID(int=1)
)
_CLOCKS_OF_SEVERAL: Prepared[Any] = Prepared(
    lambda tickets: TicketClock.objects.live().filter(subject__id__any_of=tickets).order_by("epoch", "id"),
    tickets=_KEYS,
)
_CLOCKS_TO_READ: Prepared[Any] = Prepared(
    lambda ticket: TicketClock.objects.live_or_late().filter(subject=ticket).order_by("epoch", "id"),
    ticket=uuid.UUID(int=1),
)
_CLOCKS_OF_ENDED: Prepared[Any] = Prepared(
    lambda ticket: TicketClock.objects.filter(subject=ticket).order_by("epoch", "id"), ticket=uuid.UUID(int=1)
)


@cache
def _rules(zone: str) -> Rules:
    return Rules(
        calendar=lambda number: calendars.calendar(number, zone),
        ladder=lambda policy, clock: service_levels.level(policy).ladder(clock),
    )


class HasTime(Protocol):
    """What of a clock says how much time there is."""

    @property
    def started_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def paused(self) -> timedelta: ...


def risk_begins(clock: HasTime) -> datetime:
    """The moment at which four fifths of the clock's time are gone."""
    return max(clock.started_at, clock.due_at - max(clock.due_at - clock.started_at - clock.paused, timedelta(0)) / 5)


_ABSORBED = """
WITH RECURSIVE absorbed AS (
  SELECT id FROM tickets_ticket WHERE merged_into_id = %s
  UNION SELECT t.id FROM absorbed JOIN tickets_ticket t ON t.merged_into_id = absorbed.id
) SELECT id FROM absorbed
"""
_ABSORBING = """
WITH RECURSIVE absorbing AS (
  SELECT merged_into_id AS id FROM tickets_ticket WHERE id = %s AND merged_into_id IS NOT NULL
  UNION SELECT t.merged_into_id FROM absorbing JOIN tickets_ticket t ON t.id = absorbing.id
  WHERE t.merged_into_id IS NOT NULL
) SELECT id FROM absorbing
"""


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Tickets, narrowed."""

    def open(self) -> "TicketQuerySet":
        """Those that somebody still has to act upon."""
        return self.filter(next_due_at__isnull=False)

    def overdue(self, at: datetime) -> "TicketQuerySet":
        """Open ones of which something was due by `at`."""
        return self.filter(next_due_at__lte=at)

    def at_risk(self, at: datetime) -> "TicketQuerySet":
        """Open ones of which nothing is overdue at `at`, and of whose time on something four fifths are gone."""
        return self.filter(next_due_at__gt=at, at_risk_at__lte=at)

    def rated(self) -> "TicketQuerySet":
        """Those that their reporters rated themselves."""
        return self.filter(rating__isnull=False, rated_on_behalf=False)

    def ratings(self) -> "models.QuerySet[Any, tuple[uuid.UUID, int | None]]":
        """The ticket and the rating of each resident who rated it themselves, once each: these alone tell of satisfaction.

        Beside its reporter these are those whose own reports were merged into it.
        """
        merged = Follower.objects.filter(ticket__in=self.order_by().values("pk"), rating__isnull=False)
        own = self.rated().order_by().values_list("pk", "rating")
        return own.union(merged.order_by().values_list("ticket", "rating"), all=True)

    def absorbed_by(self, ticket_id: uuid.UUID) -> "TicketQuerySet":
        """Those that were merged into the ticket, and into those in turn."""
        return self.filter(pk__in=RawSQL(_ABSORBED, [ticket_id]))  # noqa: S611 - parameters are bound

    def absorbing(self, ticket_id: uuid.UUID) -> "TicketQuerySet":
        """The one that the ticket was merged into, and the one that took that in turn."""
        return self.filter(pk__in=RawSQL(_ABSORBING, [ticket_id]))  # noqa: S611 - parameters are bound


class Ticket(Subject):
    """A resident's problem, from the first report to the last signature."""

    street = models.ForeignKey(
        Street, models.PROTECT, related_name="+", db_index=False, verbose_name=bilingual("街道", "street")
    )
    code = models.CharField(bilingual("工单号", "code"), max_length=9, editable=False)
    state = FSMField(bilingual("状态", "state"), max_length=16, choices=State, protected=True)
    type = models.CharField(bilingual("类型", "type"), max_length=10, choices=TicketType)
    secrecy = models.CharField(bilingual("保密", "secrecy"), max_length=12, choices=Secrecy, default=Secrecy.OPEN)
    channel = models.CharField(bilingual("渠道", "channel"), max_length=12, choices=Channel)
    hotline_number = models.CharField(bilingual("12345工单编号", "12345 number"), max_length=40, blank=True, default="")

    category = models.ForeignKey(
        Category, models.PROTECT, related_name="+", db_index=False, verbose_name=bilingual("事项分类", "category")
    )
    disposal_class = models.CharField(max_length=8, verbose_name=bilingual("办结时限类别", "disposal class"))
    response_class = models.CharField(max_length=8, verbose_name=bilingual("响应时限类别", "response class"))
    urgent = models.BooleanField(default=False, verbose_name=bilingual("紧急", "urgent"))
    after_photo = models.BooleanField(
        default=False,
        help_text=bilingual("办结反馈须附照片。", "The reply needs a photo of the result."),
        verbose_name=bilingual("须办结照片", "needs an after-photo"),
    )

    compound = models.ForeignKey(
        Compound,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("小区", "compound"),
    )
    area = models.ForeignKey(
        Area,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("物业管理区域", "area"),
    )
    community = models.ForeignKey(
        Community,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("社区", "community"),
    )
    place = models.CharField(
        bilingual("地点", "place"),
        max_length=60,
        help_text=bilingual("小区或街道名称。", "The compound's name, or the street's."),
    )
    spot = models.CharField(bilingual("具体位置", "spot"), max_length=200, blank=True, default="")
    title = models.CharField(bilingual("标题", "title"), max_length=60)
    text = models.TextField(bilingual("内容", "text"), max_length=2000)

    words_hidden = models.CharField(
        bilingual("内容不公开", "words hidden by"),
        max_length=8,
        choices=HiddenBy.choices,
        blank=True,
        default=HiddenBy.NOBODY,
        db_default=HiddenBy.NOBODY,
    )
    public_title = models.CharField(
        bilingual("公开标题", "public title"),
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text=bilingual("街道脱敏后的标题。", "What the street put in the title's place."),
    )
    public_text = models.TextField(
        bilingual("公开内容", "public text"),
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        help_text=bilingual("街道脱敏后的内容。", "What the street put in the text's place."),
    )
    redacted_events = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        db_default=[],
        blank=True,
        verbose_name=bilingual("不公开的记录", "entries without public words"),
    )

    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("诉求人", "reporter"),
    )
    inherited = models.BooleanField(
        default=False,
        db_default=False,
        help_text=bilingual("诉求人接续自已退出的他人。", "The reporter took it on from another, who left."),
        verbose_name=bilingual("接续诉求", "inherited"),
    )
    successor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=bilingual("正被询问是否接续的附议人或并单居民。", "The follower who is asked to take it on."),
        verbose_name=bilingual("拟接续人", "successor"),
    )
    inspector = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=bilingual(
            "巡查、自查、网格发现问题的单位。", "Which organisation found it, where no resident reported it."
        ),
        verbose_name=bilingual("巡查单位", "inspector"),
    )
    contact_name = models.CharField(max_length=40, blank=True, default="", verbose_name=bilingual("联系人", "contact"))
    contact_phone = models.CharField(
        max_length=20, blank=True, default="", verbose_name=bilingual("联系电话", "contact phone")
    )
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("受理人", "taken by"),
    )
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=bilingual("街道内对该工单负责的人员。", "Who of the street answers for the ticket."),
        verbose_name=bilingual("责任人", "officer"),
    )
    accused = ArrayField(
        models.UUIDField(),
        default=list,
        blank=True,
        help_text=bilingual(
            "被反映单位及其总部、项目部。", "The accused organisation with its head office and offices."
        ),
        verbose_name=bilingual("被反映单位", "accused"),
    )

    committee = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("物管会/业委会", "committee"),
    )
    residents_committee = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("居委会", "residents' committee"),
    )
    desk = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=bilingual("街道内负责的科室。", "The street's section that answers for it."),
        verbose_name=bilingual("街道责任科室", "desk"),
    )
    coordinator = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("协调单位", "coordinator"),
    )
    holder = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("承办单位", "holder"),
    )

    submitted_at = models.DateTimeField(verbose_name=bilingual("上报时间", "submitted at"))
    state_since = models.DateTimeField(verbose_name=bilingual("进入当前状态时间", "in this state since"))
    due_at = models.DateTimeField(
        null=True,
        help_text=bilingual("首次派单时确定。", "When the matter is to be disposed of; set by the first dispatch."),
        verbose_name=bilingual("办结期限", "due at"),
    )
    next_due_at = models.DateTimeField(null=True, verbose_name=bilingual("下一步期限", "next due at"))
    at_risk_at = models.DateTimeField(
        null=True,
        help_text=bilingual("时限用去八成的时间。", "When four fifths of the time are gone."),
        verbose_name=bilingual("临期时间", "at risk at"),
    )
    policy = models.PositiveIntegerField(default=1, verbose_name=bilingual("时限标准版本", "service level version"))
    standard = models.PositiveSmallIntegerField(
        default=0,
        help_text=bilingual("合同约定的服务等级。", "The service level of the contract."),
        verbose_name=bilingual("服务等级", "service level"),
    )
    contract_terms = models.CharField(
        max_length=400,
        default="",
        help_text=bilingual("合同约定的时限。", "The contract's own limits."),
        verbose_name=bilingual("合同时限", "contract terms"),
    )
    closed_at = models.DateTimeField(null=True, verbose_name=bilingual("结束时间", "closed at"))

    level = models.PositiveSmallIntegerField(bilingual("层级", "level"), default=0)
    supervised = models.CharField(
        max_length=10,
        choices=inputs.SupervisionKind,
        blank=True,
        default="",
        verbose_name=bilingual("督办", "supervised"),
    )
    question_open = models.BooleanField(default=False, verbose_name=bilingual("待补充", "question open"))
    questions = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("请补充次数", "questions"))
    extension_days = models.PositiveSmallIntegerField(
        null=True,
        help_text=bilingual("已申请、尚未审核。", "Asked for, and not yet answered."),
        verbose_name=bilingual("申请延期天数", "extension asked, days"),
    )
    disputes = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("不满意次数", "disputes"))
    reopenings = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("重新办理次数", "reopenings"))
    urges = models.PositiveSmallIntegerField(default=0, verbose_name=bilingual("催单次数", "urges"))
    last_urged_at = models.DateTimeField(null=True, verbose_name=bilingual("最近催单时间", "last urged at"))
    cosigns = models.PositiveIntegerField(default=0, verbose_name=bilingual("附议人数", "cosigns"))
    called_back_at = models.DateTimeField(null=True, verbose_name=bilingual("回访时间", "called back at"))
    account_kind = models.CharField(
        max_length=16,
        choices=inputs.AccountKind,
        blank=True,
        default="",
        verbose_name=bilingual("挂账原因", "account kind"),
    )
    account_owner = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=bilingual("挂账责任单位", "account owner"),
    )
    account_plan_on = models.DateField(null=True, verbose_name=bilingual("计划销账日期", "account plan date"))
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="merged",
        db_index=False,
        verbose_name=bilingual("并入工单", "merged into"),
    )
    filed_out_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=bilingual("一单多诉时，该工单由其另立。", "The ticket of which this is a second matter."),
        verbose_name=bilingual("原工单", "filed out of"),
    )
    filed_others = ArrayField(
        models.UUIDField(),
        default=list,
        db_default=[],
        blank=True,
        help_text=bilingual("由该工单另立的工单。", "The tickets that were filed out of it."),
        verbose_name=bilingual("另立工单", "filed others"),
    )
    resolved = models.BooleanField(
        null=True,
        help_text=bilingual("以诉求人确认为准。", "The resident's word at confirmation."),
        verbose_name=bilingual("是否解决", "resolved"),
    )
    rating = models.PositiveSmallIntegerField(
        null=True, choices=inputs.Satisfaction, verbose_name=bilingual("满意度", "rating")
    )
    rated_on_behalf = models.BooleanField(
        default=False,
        db_default=False,
        help_text=bilingual(
            "街道代诉求人评价，不计入满意度。", "By the street in the resident's place: no satisfaction."
        ),
        verbose_name=bilingual("代办评价", "rated on behalf"),
    )

    # Over the rows of its followers; see `workflow.audit.sum_of_rows`.
    followers_seal = models.BinaryField(max_length=32, default=bytes, db_default=UNKNOWN, editable=False)

    objects = TicketQuerySet.as_manager()

    VERSIONED = ("state", "holder_id", "coordinator_id", "due_at")
    EVENTS = TicketEvent
    WORDS = TicketWords
    OUTBOX = TicketOutbox
    CLOCKS = TicketClock
    FIRINGS = TicketFiring
    SEALS = TicketSeal

    assignments: list[Assignment]
    moment: datetime
    asker: Actor
    kinds: dict[uuid.UUID, str]
    late: list[Clock]
    spare_id: uuid.UUID
    own_urges: list[datetime]
    own_comments: Sequence[datetime]
    committee_now: uuid.UUID | None
    committee_until: date | None
    residents_committee_now: uuid.UUID | None
    category_has_face: bool

    class Meta:
        verbose_name = bilingual("工单", "ticket")
        verbose_name_plural = bilingual("工单", "tickets")
        constraints = [
            models.UniqueConstraint(fields=["street", "code"], name="ticket_code"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="ticket_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, next_due_at__isnull=False, closed_at__isnull=True)
                | Q(state__in=ENDED, next_due_at__isnull=True, closed_at__isnull=False),
                name="ticket_open_is_due",
            ),
            models.CheckConstraint(
                condition=Q(state=S.MERGED, merged_into__isnull=False)
                | (~Q(state=S.MERGED) & Q(merged_into__isnull=True)),
                name="ticket_merged_has_master",
            ),
            models.CheckConstraint(condition=Q(level__lte=5), name="ticket_level_known"),
            models.CheckConstraint(condition=Q(rating=None) | Q(rating__range=(1, 5)), name="ticket_rating_known"),
        ]
        indexes = [
            models.Index(
                F("street"),
                F("next_due_at"),
                F("id"),
                condition=Q(next_due_at__isnull=False),
                name="ticket_street_open",
            ),
            models.Index(
                F("area"), F("next_due_at"), F("id"), condition=Q(next_due_at__isnull=False), name="ticket_area_open"
            ),
            models.Index(
                F("street"),
                F("closed_at").desc(),
                F("id").desc(),
                condition=Q(closed_at__isnull=False),
                name="ticket_street_ended",
            ),
            models.Index(
                F("area"),
                F("closed_at").desc(),
                F("id").desc(),
                condition=Q(closed_at__isnull=False),
                name="ticket_area_ended",
            ),
            models.Index(F("reporter"), F("id").desc(), name="ticket_reporter"),
            models.Index(F("inspector"), F("id").desc(), condition=Q(inspector__isnull=False), name="ticket_inspector"),
            models.Index(F("compound"), F("id").desc(), name="ticket_compound"),
            models.Index(
                F("street"), F("hotline_number"), condition=~Q(hotline_number=""), name="ticket_hotline_number"
            ),
            models.Index(F("merged_into"), condition=Q(merged_into__isnull=False), name="ticket_merged"),
            # What is open by what it is, for filters on rare values and for counts.
            *(
                models.Index(
                    F("street"),
                    F(name),
                    F("next_due_at"),
                    condition=Q(next_due_at__isnull=False),
                    name=f"ticket_open_{name}",
                )
                for name in FACETS
            ),
            models.Index(
                F("street"), F("next_due_at"), condition=Q(extension_days__isnull=False), name="ticket_open_extension"
            ),
            models.Index(F("officer"), F("next_due_at"), condition=Q(officer__isnull=False), name="ticket_officer"),
            # A caller's tickets; nobody is found by what they said in secret.
            models.Index(
                F("contact_phone"),
                F("id").desc(),
                condition=~Q(contact_phone="") & ~Q(secrecy=Secrecy.ANONYMOUS),
                name="ticket_phone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    # What the engine asks.

    @classmethod
    def for_move(cls, person_id: uuid.UUID | None) -> models.QuerySet[Self]:
        """Tickets with what their permissions read: what the actor is to them, and today's committees of the place."""
        mine = Follower.objects.filter(ticket=OuterRef("pk"), person=person_id)
        spoken = mine.filter(disputed_at__isnull=False)
        urged = TicketEvent.objects.filter(subject=OuterRef("pk"), verb__constant="urge", actor=person_id)
        commented = TicketEvent.objects.filter(subject=OuterRef("pk"), verb="comment", actor=person_id)
        area = Area.objects.filter(pk=OuterRef("area"), committee__active=True)
        community = Community.objects.filter(pk=OuterRef("community"))
        category = Category.objects.filter(pk=OuterRef("category"))
        rows: Any = super().for_move(person_id)
        found: models.QuerySet[Self] = rows.annotate(
            follows=Subquery(mine.values("kind")[:1]),
            spoke=Exists(spoken),
            has_rated=Exists(mine.filter(rated_at__isnull=False)),
            own_urges=ArraySubquery(urged.order_by("at").values("at")),
            own_comments=ArraySubquery(commented.values("at")),
            committee_now=Subquery(area.values("committee")),
            committee_until=Subquery(area.values("committee__dissolved_on")),
            residents_committee_now=Subquery(community.values("residents_committee")),
            category_has_face=Subquery(category.values("public_face")),
        )
        return found

    @classmethod
    def gather(cls, subjects: Sequence[Self], by: Actor) -> None:
        """Fetch the live clocks, and the assignments in the order in which they were made, with whether their organisations have
        somebody today.
        """
        keys, day = [one.pk for one in subjects], local_day(by.at)
        if len(keys) == 1:
            parts, running = _ASSIGNMENTS.rows(ticket=keys[0], day=day), _CLOCKS.rows(ticket=keys[0])
        else:
            parts, running = _ASSIGNMENTS_OF_SEVERAL.rows(tickets=keys, day=day), _CLOCKS_OF_SEVERAL.rows(tickets=keys)
        assignments, clocks = _by_key(parts, "ticket_id"), _by_key(running, "subject_id")
        for one in subjects:
            one.assignments, one.clocks = assignments.get(one.pk, []), clocks.get(one.pk, [])
            one._begin(by)

    def gather_to_read(self, by: Actor) -> None:
        """Fetch what `gather` does, and the clocks that were stopped late besides; of a ticket that has ended, all of them."""
        self.assignments = _ASSIGNMENTS.rows(ticket=self.pk, day=local_day(by.at))
        clocks = (_CLOCKS_OF_ENDED if self.state in ENDED else _CLOCKS_TO_READ).rows(ticket=self.pk)
        self.clocks = [one for one in clocks if one.stopped_at is None]
        self.late = [one for one in clocks if one.stopped_at is not None]
        self._begin(by)

    def gather_parts(self, by: Actor) -> None:
        """Fetch the assignments, for an actor who may have one of them."""
        self.assignments = _ASSIGNMENTS.rows(ticket=self.pk, day=local_day(by.at)) if by.seats else []
        self._begin(by)

    @staticmethod
    def gather_nothing(absent: uuid.UUID, by: Actor) -> None:
        """Ask of a ticket that is not there what is asked of any: how long it takes does not tell which are there."""
        _ASSIGNMENTS.rows(ticket=absent, day=local_day(by.at))
        _CLOCKS.rows(ticket=absent)

    def _begin(self, by: Actor) -> None:
        self.moment, self.asker = max(by.at, self.last_event_at), by
        self.kinds = {part.organisation_id: getattr(part, "kind", "") for part in self.assignments}

    def shared_columns(self) -> dict[str, Any]:
        """Every row of a ticket belongs to its street."""
        return {"street_id": self.street_id}

    def sealed_rows(self) -> Sequence[models.Model]:
        """The parts that organisations have in it."""
        return self.assignments

    @classmethod
    def unsealed(cls) -> Q:
        """Those whose row, or whose followers, were never sealed."""
        return super().unsealed() | Q(followers_seal=UNKNOWN)

    @classmethod
    def seal_parts(cls, subjects: Sequence[Self]) -> tuple[str, ...]:
        """Seal the followers as they are."""
        followers = _by_key(Follower.objects.filter(ticket__in=[one.pk for one in subjects]), "ticket_id")
        for one in subjects:
            one.followers_seal = sum_of_rows(b"", added=followers.get(one.pk, []))
        return ("followers_seal",)

    @classmethod
    def gather_sealed(cls, subjects: Sequence[Self]) -> None:
        """Fetch their assignments."""
        rows = Assignment.objects.filter(ticket__in=[one.pk for one in subjects]).order_by("id")
        found = _by_key(rows, "ticket_id")
        for one in subjects:
            one.assignments = found.get(one.pk, [])

    @classmethod
    def witnesses(cls, subjects: Sequence[Self]) -> Witness:
        """What proves the columns that follow from the events alone."""
        return witnesses(subjects)

    clock_plan = staticmethod(clock_plan)

    def shift(self, clock: Any, by: timedelta) -> None:
        """The promise to the resident moves with the clock of whoever works on it, until it has a clock of its own."""
        if clock.name == C.HANDLE and self.due_at is not None:
            self.due_at += by

    def rules(self) -> Rules:
        """Ladders by the service level's number; calendars in the street's time zone."""
        return _rules(zone_of(self.street_id))

    def terms(self, starts: Sequence[Start]) -> Terms:
        """The budgets that the service level, or the contract, gives the clocks about to start."""
        found = {one.name: self._budget(one.name) for one in starts if one.follows is None}
        return Terms(
            self.policy,
            calendars.newest(self.street_id),
            {name: str(budget) for name, budget in found.items() if budget is not None},
        )

    def _budget(self, clock: str) -> str | None:
        known = service_levels.level(self.policy, self.last_event_at)
        urgent = ("urgent",) if self.urgent or self.disposal_class in TWO_HOURS else ()
        disposal = disposal_keys(self.disposal_class)
        match clock:
            case C.OVERALL:
                coordination = known.budget(C.COORDINATE, *urgent) or "0d"
                handling = self._budget(C.HANDLE) or "0d"
                return str(total(Budget.parse(coordination), Budget.parse(handling)))
            case C.PLAN:
                assert self.account_plan_on is not None
                return f"{(self.account_plan_on - local_day(self.last_event_at)).days}d,no_roll"
            case C.HANDLE | C.CALLBACK | C.PROMISE:
                name, keys = C.HANDLE, disposal
            case C.SIGN | C.CONTACT | C.ARRIVE:
                name, keys = C(clock), (self.response_class,)
            case C.ASSIST if self.disposal_class in TWO_HOURS and not known.measures(clock, *disposal):
                # A version from before helpers were measured by class: they have no longer than whoever leads.
                return self._budget(C.HANDLE)
            case C.ASSIST:
                name, keys = C.ASSIST, (*disposal, *urgent)
            case _:
                name, keys = C(clock), urgent
        return known.budget(name, *keys, standard=self.standard, terms=self._contract_terms())

    def _raise_for_rework(self) -> None:
        """Bring a higher level in where the work has to be done again as often as the service level says; L3 at most."""
        often = service_levels.level(self.policy, self.last_event_at).rework
        if often and self.disputes + self.reopenings >= often and self.level < HIGHEST_AUTOMATIC:
            self.level += 1
            self.note(level=self.level)

    def window_ends(self, window: Window, since: datetime) -> datetime:
        """Until when something may still be done that could be done `since` then, under the service level of the time."""
        budget = service_levels.level(self.policy, since).window(window, self.disposal_class)
        return self.rules().calendar(calendars.newest(self.street_id)).due(since, budget)

    def _contract_terms(self) -> Mapping[str, str]:
        return dict(one.split("=", 1) for one in self.contract_terms.split())

    def reckon(self, at: datetime) -> None:
        """Bring holder, due moments and the end up to date with state, assignments and clocks."""
        ended = self.state in ENDED
        if ended:
            self.question_open, self.extension_days, self.successor_id = False, None, None
            self._close_assignments(at, Outcome.DONE if self.state == S.CLOSED else Outcome.ENDED)
        self.holder_id = self.lead.organisation_id if self.lead else None
        self.closed_at = (self.closed_at or at) if ended else None
        running = [] if ended else [one for one in self.clocks if one.running_since is not None and one.name in NEXT]
        self.next_due_at = min((one.due_at for one in running), default=None)
        self.at_risk_at = min((risk_begins(one) for one in running), default=None)
        promises = {one.name: one.due_at for one in self.clocks if one.name in (C.HANDLE, C.PROMISE)}
        if C.PROMISE in promises:
            self.due_at = promises[C.PROMISE]
        elif self.due_at is None:
            self.due_at = promises.get(C.HANDLE)
        for assignment in self.assignments:
            if assignment.open:
                due = self._due_of(assignment)
                if assignment.next_due_at != due:
                    assignment.next_due_at = due
                    self.stage(assignment)

    def _due_of(self, assignment: Assignment) -> datetime | None:
        """When the next thing is due of the organisation that has this part."""
        names = LEADS if assignment.role == AssignmentRole.LEAD else HELPERS
        own = [
            one.due_at
            for one in self.clocks
            if one.name in names and one.holder_id == assignment.organisation_id and one.running_since is not None
        ]
        return min(own, default=self.next_due_at)

    def audience(self) -> Iterable[uuid.UUID]:
        """The organisations on the ticket, without the accused."""
        concerned = {
            self.desk_id,
            self.coordinator_today,
            self.inspector_id,
            *(one.organisation_id for one in self.assignments if one.open),
        }
        return sorted(one for one in concerned if one is not None and one not in self.accused)

    def telling(self) -> dict[str, Any]:
        """What the ticket is, where, and who has which part in it; nobody's words."""
        lead = self.lead
        dues: dict[str, datetime] = {}
        for one in self.clocks:
            dues[one.name] = min(one.due_at, dues.get(one.name, one.due_at))
        return {
            "code": self.code,
            "channel": self.channel,
            "category": self.category_id,
            "place": self.place,
            "state": str(self.state),
            "level": self.level,
            "urgent": self.urgent or self.disposal_class in TWO_HOURS,
            "confined": self.confined,
            "dues": dues,
            "due": self.due_at,
            "reporter": self.reporter_id,
            "inherited": self.inherited,
            "successor": self.successor_id,
            "inspector": self.inspector_id,
            "accused": list(self.accused),
            "desk": self.desk_id,
            "officer": self.officer_id,
            "coordinator": self.coordinator_today,
            "committee": self.committee_today,
            "residents_committee": self.residents_committee_today,
            "handler": lead.organisation_id if lead else None,
            "worker": lead.worker_id if lead else None,
            "helper": sorted(
                one.organisation_id for one in self.assignments if one.open and one.role in demands.HELPERS
            ),
            "owner": self.account_owner_id,
            "plan": self.account_plan_on,
        }

    def acts_for(self, by: Actor, verb: str) -> uuid.UUID | None:
        """The actor's organisation that has a part in the ticket; a resident acts for themselves, wherever they sit."""
        # Whoever found it answers for their organisation what a reporter answers for themselves.
        for_themselves = verb in OF_RESIDENTS and not (verb == "answer" and self.inspector_id)
        if not by.on_behalf and (by.person_id == self.reporter_id or for_themselves):
            return None
        concerned = {self.coordinator_today, self.committee_today, self.residents_committee_today, self.inspector_id}
        concerned |= {one.organisation_id for one in self.assignments}
        theirs = [seat for seat in by.seats if seat.organisation_id in concerned]
        streets = [seat for seat in by.seats if seat.kind in STREET_KINDS and seat.street_id == self.street_id]
        return next((seat.organisation_id for seat in theirs + streets), None)

    # What follows from its columns.

    @property
    def has_public_face(self) -> bool:
        """Whether neighbours may read of it and cosign it."""
        return self.secrecy == Secrecy.OPEN and not self.confined and self.__dict__.get("category_has_face", True)

    @property
    def confined(self) -> bool:
        """Whether it stays between its reporter and the street: it accuses somebody, or reports a wrongdoing."""
        return bool(self.accused) or self.type == TicketType.REPORT

    @property
    def face(self) -> tuple[str, str | None]:
        """Title and text as neighbours read them; the title is empty and the text None where the words are hidden."""
        if self.words_hidden:
            return "", None
        return redacted(self.public_title or self.title), redacted(self.public_text or self.text)

    @property
    def covered(self) -> bool:
        """Whether others than the parties read anything but the reporter's own words: what the street wrote in their place, or nothing."""
        return bool(self.words_hidden or self.public_title or self.public_text)

    @property
    def committee_today(self) -> uuid.UUID | None:
        """The committee of the area as it is today, which need not be the one of the day of filing; None once dissolved."""
        if "committee_now" not in self.__dict__:
            return self.committee_id
        until = self.committee_until
        return self.committee_now if until is None or local_day(self.moment) < until else None

    @property
    def residents_committee_today(self) -> uuid.UUID | None:
        """The residents' committee of the community as it is today."""
        return self.__dict__.get("residents_committee_now", self.residents_committee_id)

    @property
    def coordinator_today(self) -> uuid.UUID | None:
        """Who coordinates: the street's section, or today's committee in the place of the one that was asked."""
        if self.coordinator_id in (None, self.desk_id):
            return self.coordinator_id
        return self._committee_or_desk()

    @property
    def leads(self) -> list[Assignment]:
        """Those who lead it now or in a later step."""
        return [one for one in self.assignments if one.role == AssignmentRole.LEAD and (one.open or one.waiting)]

    @property
    def lead(self) -> Assignment | None:
        """The assignment whose organisation holds the ticket now."""
        return next((one for one in self.assignments if one.open and one.role == AssignmentRole.LEAD), None)

    @property
    def leader(self) -> uuid.UUID | None:
        """The organisation that holds the ticket now."""
        return self.lead.organisation_id if self.lead else None

    @property
    def last_lead(self) -> Assignment | None:
        """The assignment whose organisation holds the ticket, or held it last."""
        led = [one for one in self.assignments if one.role == AssignmentRole.LEAD and one.opened_at is not None]
        # Of two that opened at the same moment, the one made later.
        return self.lead or max(reversed(led), key=attrgetter("opened_at"), default=None)

    @property
    def extensions_of_lead(self) -> tuple[int, int]:
        """How often, and by how many days together, whoever leads was given more time here."""
        lead = self.lead
        theirs = [one for one in self.assignments if lead and one.organisation_id == lead.organisation_id]
        return sum(one.extensions for one in theirs), sum(one.extended for one in theirs)

    @property
    def days_to_extend(self) -> int:
        """By how many days whoever leads can still be given more time: the class's own, less what they have had."""
        own = next((own_days(one) for one in self.clocks if one.name == C.HANDLE), 0)
        return max(0, own - self.extensions_of_lead[1])

    @property
    def limits(self) -> Limits:
        """How often something may be done with it, by its service level."""
        return service_levels.level(self.policy).limits

    @property
    def promise(self) -> dict[str, datetime] | None:
        """When its resident was promised the matter for, and since when, as another ticket may take it on."""
        if self.due_at is None:
            return None
        begun = [one.started_at for one in self.clocks if one.name in (C.PROMISE, C.HANDLE)]
        return {"since": min([*begun, self.due_at], default=self.due_at), "due_at": self.due_at}

    @property
    def step_given_at(self) -> datetime | None:
        """When those who lead one after the other were named: with the dispatch to the first of them."""
        first = [one.opened_at for one in self.assignments if one.role == AssignmentRole.LEAD and one.step == 1]
        return max((at for at in first if at is not None), default=None)

    @property
    def next_step(self) -> Assignment | None:
        """The lead whose turn comes when the present one is done."""
        later = [one for one in self.assignments if one.role == AssignmentRole.LEAD and one.waiting]
        return min(later, key=lambda one: one.step, default=None)

    # What moves have in common.

    def _enter(self, at: datetime) -> None:
        self.state_since = at
        # Whoever asked has had their turn.
        self.question_open = False

    def assign(
        self, organisation: uuid.UUID, role: AssignmentRole, at: datetime, *, step: int = 1, waiting: bool = False
    ) -> Assignment:
        """Put an organisation on the ticket; a waiting lead's turn comes later."""
        one = fresh(
            Assignment,
            street_id=self.street_id,
            ticket_id=self.pk,
            organisation_id=organisation,
            role=role,
            step=step,
            open=not waiting,
            opened_at=None if waiting else at,
        )
        self.assignments.append(one)
        self.stage(one)
        return one

    def _close(self, one: Assignment, at: datetime, outcome: Outcome) -> None:
        one.open, one.outcome, one.closed_at, one.next_due_at = False, outcome, at, None
        self.stage(one)

    def _release(self, helpers: Sequence[Assignment], at: datetime, outcome: Outcome) -> None:
        """End the part of helpers; the event says whose."""
        for one in helpers:
            self._close(one, at, outcome)
        if helpers:
            self.note(released=[one.organisation_id for one in helpers])

    def _close_assignments(self, at: datetime, outcome: Outcome) -> None:
        for one in self.assignments:
            if one.open or one.waiting:
                self._close(one, at, outcome)

    def _close_lead(self, at: datetime, outcome: Outcome, keep: Collection[uuid.UUID] = ()) -> None:
        """End the lead, what it has asked for, the steps that would have followed it, and its co-handlers but for `keep`.

        Whoever was whistled was called by the street, and stays.
        """
        self.question_open, self.extension_days = False, None
        for one in self.leads:
            self._close(one, at, outcome)
        helpers = [one for one in self._open_in(AssignmentRole.CO_HANDLER) if one.organisation_id not in keep]
        self._release(helpers, at, outcome)

    def _open_in(self, role: AssignmentRole) -> list[Assignment]:
        return [one for one in self.assignments if one.open and one.role == role]

    def hand_to(
        self,
        holder: uuid.UUID,
        co_handlers: Sequence[uuid.UUID],
        next_steps: Sequence[uuid.UUID],
        at: datetime,
        contract: Service | None = None,
    ) -> None:
        """Give the ticket to a holder, with its co-handlers and those who lead after it. Sets the due moment once.

        The holder's time is measured by the service level in effect, and by its `contract` here where it has one.
        """
        self._enter(at)
        self.assign(holder, AssignmentRole.LEAD, at)
        for step, organisation in enumerate(next_steps, start=2):
            self.assign(organisation, AssignmentRole.LEAD, at, step=step, waiting=True)
        self._ask_to_help([one for one in co_handlers if one != holder], at)
        self.policy = service_levels.in_effect(at, self.street_id).number
        self._measure_by(contract)
        self._promise()
        self._note_whether_to_contact()

    def _promise(self) -> None:
        """Promise the resident, where there is one, a call when it is due, once in the ticket's life."""
        if self.inspector_id is not None:
            return
        called = any(one.name == C.CALLBACK for one in self.__dict__.get("clocks", ()))
        if not called and not self.reopenings and self.called_back_at is None:
            self.note(promised=True)

    def _note_whether_to_contact(self) -> None:
        """Say in the event that there is no resident for a new lead to contact first."""
        if self.inspector_id is not None:
            self.note(no_contact=True)

    def _promise_whole(self) -> None:
        """Promise what nobody was given, solved in coordination or answered at once, for when the whole is due."""
        if self.due_at is None:
            self.due_at = next((one.due_at for one in self.clocks if one.name == C.OVERALL), None)
            self._promise()

    def _ask_to_help(self, organisations: Sequence[uuid.UUID], at: datetime) -> None:
        """Make co-handlers of those of `organisations` that are none; the event says whom."""
        helping = {one.organisation_id for one in self._open_in(AssignmentRole.CO_HANDLER)}
        asked = [one for one in dict.fromkeys(organisations) if one not in helping]
        for organisation in asked:
            self.assign(organisation, AssignmentRole.CO_HANDLER, at)
        if asked:
            self.note(helping=asked)

    def _measure_by(self, contract: Service | None) -> None:
        self.standard, self.contract_terms = (contract.standard, contract.terms) if contract else (0, "")

    def _committee_or_desk(self) -> uuid.UUID:
        """Who coordinates it: the committee of the place, unless it has none or the ticket is the street's alone."""
        committee = self.committee_today
        return committee if committee and not self.confined else self.desk_id

    def _coordinate_at(self, coordinator: uuid.UUID, at: datetime) -> None:
        self._enter(at)
        self.coordinator_id = coordinator

    def _reassign(self, organisation: uuid.UUID, at: datetime) -> Assignment:
        """Give the ticket back to the organisation that led it, as a new assignment that is signed already."""
        one = self.assign(organisation, AssignmentRole.LEAD, at)
        one.signed_at = at
        self.note(lead=organisation)
        return one

    def _helper(self, by: Actor, organisation: uuid.UUID | None) -> Assignment:
        """The open co-handling or whistled assignment of the actor's own, or of `organisation` where the street stands in.

        Raises InvalidInput when it must be named, or has no such part.
        """
        if by.on_behalf:
            helping = self._open_in(AssignmentRole(by.on_behalf))
        else:
            seats = {seat.organisation_id for seat in by.seats}
            helping = [one for one in self.assignments if one.open and one.role in demands.HELPERS]
            helping = [one for one in helping if one.organisation_id in seats]
        named = [one for one in helping if organisation in (None, one.organisation_id)]
        if not named:
            raise InvalidInput("organisation", "no_part", bilingual("该单位没有协办任务。", "It has no part in this."))
        if by.on_behalf and len(named) > 1:
            raise InvalidInput("organisation", "required", bilingual("请注明单位。", "Name the organisation."))
        return named[0]

    # Triage.

    @transition(
        field=state,
        source=S.SUBMITTED,
        target=S.REPLIED,
        permission=any_of(R.STREET, R.COMMUNITY),
        custom=move("即时答复", "Answer at once", inputs.AnswerNow),
    )
    def answer_now(self, *, at: datetime, by: Actor, answer: str) -> None:
        """Answer a question that needs no work; the resident is called back as about any other."""
        self._promise_whole()
        self._enter(at)

    @transition(
        field=state,
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        target=None,
        permission=any_of(R.STREET),
        custom=move("更正", "Correct", inputs.Correct, visibility=Visibility.PARTIES),
    )
    def correct(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        leaf: Any = None,
        place: Any = None,
        place_name: str = "",
        desk: uuid.UUID | None = None,
        spot: str | None = None,
        accused: Sequence[uuid.UUID] | None = None,
        complex_fault: bool | None = None,
    ) -> None:
        """Set right what the ticket is about, where, or whom it is against; the accused have no part in it any more.

        `leaf` and `place` are as the catalogue and the street know them; `desk` is the section that answers for it then.
        `complex_fault` says that a fault has the longer time of a complex one, or has it no more.
        """
        by_street = self.coordinator_id == self.desk_id
        classes = self.disposal_class, self.response_class, self.urgent
        if leaf is not None:
            self.file_under(leaf)
            self.note(leaf=leaf.code)
        if complex_fault is not None:
            self._be_complex(complex_fault)
        if (self.disposal_class, self.response_class, self.urgent) != classes:
            self.note(reclassed=True)
            if self.lead and self.lead.arrived_at is None:
                self.note(arriving=self.lead.organisation_id)
        if place is not None:
            self.locate(place, place_name)
            self.note(place=place.compound_id or place.street_id)
        if accused is not None:
            self.accused = list(accused)
            for one in self.assignments:
                if one.open and one.organisation_id in accused:
                    self._close(one, at, Outcome.ENDED)
        if desk is not None:
            self.desk_id = desk
        if self.coordinator_id is not None:
            self.coordinator_id = self.desk_id if by_street else self._committee_or_desk()
        if spot is not None:
            self.spot = spot

    @transition(
        field=state,
        source=[*OPEN, S.CLOSED],
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.residents_own, demands.not_anonymous, demands.not_left],
        custom=move("更正联系方式", "Correct the contact", inputs.CorrectContact, visibility=Visibility.INTERNAL),
    )
    def correct_contact(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        name: str = "",
        phone: str = "",
        reporter: Any = ...,
        cosigned: bool = False,
    ) -> None:
        """Set right the reporter's name or phone; with another phone a report that staff took down may be somebody else's.

        `reporter` is whom the phone is known as (`...`: as before), and `cosigned` says that they had cosigned it.
        """
        changed = {"name": name != self.contact_name, "phone": phone != self.contact_phone}
        self.note(contact=[part for part, differs in changed.items() if differs])
        self.contact_name, self.contact_phone = name, phone
        if reporter is not ...:
            self.reporter = reporter
        if cosigned:
            self.cosigns -= 1

    def _be_complex(self, wanted: bool) -> None:
        ordinary = {harder: plain for plain, harder in COMPLEX.items()}
        classes: Mapping[Any, Any] = COMPLEX if wanted else ordinary
        if self.disposal_class in classes:
            self.disposal_class = str(classes[self.disposal_class])
        elif self.disposal_class not in {*COMPLEX, *ordinary}:
            raise InvalidInput(
                "complex_fault",
                "no_complex_class",
                bilingual(
                    "该类事项没有复杂故障的时限。", "Matters of this class have no longer time for complex faults."
                ),
            )
        self.note(disposal_class=self.disposal_class)

    def file_under(self, leaf: Any) -> None:
        """Take category and classes from a leaf of the catalogue."""
        self.category_id = leaf.id
        self.disposal_class = leaf.disposal_class
        self.response_class = leaf.response_class
        self.urgent = leaf.urgent
        self.after_photo = leaf.after_photo
        self.category_has_face = leaf.public_face

    def locate(self, place: Any, name: str) -> None:
        """Take the place, which is called `name`, and the committees that answer for it from what the street knows of it."""
        self.compound_id, self.area_id, self.community_id = place.compound_id, place.area_id, place.community_id
        self.place = name
        self.committee_id = place.committee.id if place.committee else None
        self.residents_committee_id = place.residents_committee.id if place.residents_committee else None
        self.committee_now, self.committee_until = self.committee_id, None
        self.residents_committee_now = self.residents_committee_id

    @transition(
        field=state,
        source=[S.SUBMITTED, S.DISPATCHED, S.IN_PROGRESS],
        target=S.COORDINATING,
        permission=any_of(R.STREET, R.HOLDER),
        conditions=[demands.unless_street(one) for one in demands.RETURNABLE],
        custom=move("提交协调", "Ask for coordination", inputs.Reason, visibility=Visibility.PARTIES),
    )
    def coordinate(self, *, at: datetime, by: Actor, reason: str) -> None:
        """Have the committee bring the parties together; from a holder this counts as its return."""
        self._close_lead(at, Outcome.RETURNED)
        self._coordinate_at(self._committee_or_desk(), at)

    @transition(
        field=state,
        source=S.COORDINATING,
        target=None,
        permission=any_of(R.COORDINATOR, R.STREET),
        custom=move("协调记录", "Record of coordination", inputs.Record, visibility=Visibility.PARTIES),
    )
    def record(
        self,
        *,
        at: datetime,
        by: Actor,
        met_with: str,
        agreed: str,
        minutes: str = "",
        photos: Sequence[uuid.UUID] = (),
    ) -> None:
        """Write down who met and what was agreed, with the minutes and photos of the meeting."""

    @transition(
        field=state,
        source=S.COORDINATING,
        target=None,
        permission=any_of(R.STREET, R.CLOCK),
        conditions=[demands.held_by_committee],
        custom=move("接管协调", "Take over coordination", inputs.OptionalReason, visibility=Visibility.PARTIES),
    )
    def take_over(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Let the street coordinate in the committee's place."""
        self._coordinate_at(self.desk_id, at)

    # Dispatch.

    @transition(
        field=state,
        source=S.SUBMITTED,
        target=S.DISPATCHED,
        permission=any_of(R.STREET),
        custom=move("派单", "Dispatch", inputs.Dispatch),
    )
    @transition(
        field=state,
        source=S.COORDINATING,
        target=S.DISPATCHED,
        permission=any_of(R.COORDINATOR, R.STREET),
        custom=move("派单", "Dispatch", inputs.Dispatch),
    )
    def dispatch(
        self,
        *,
        at: datetime,
        by: Actor,
        holder: uuid.UUID,
        co_handlers: Sequence[uuid.UUID] = (),
        next_steps: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
        note: str = "",
    ) -> None:
        """Send the ticket to the organisation that is to work on it, under its `contract` here."""
        self.hand_to(holder, co_handlers, next_steps, at, contract)

    @transition(
        field=state,
        source=S.DISPATCHED,
        target=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        custom=move("签收", "Sign for", inputs.Sign),
    )
    def sign(self, *, at: datetime, by: Actor, worker: uuid.UUID | None = None) -> None:
        """Take the ticket on; who works on it may be named."""
        self._enter(at)
        if self.lead:
            self.lead.signed_at, self.lead.worker_id = at, worker or self.lead.worker_id
            self.stage(self.lead)

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER),
        custom=move("转给同事", "Assign", inputs.Assign, visibility=Visibility.PARTIES),
    )
    def assign_(self, *, at: datetime, by: Actor, worker: uuid.UUID, note: str = "") -> None:
        """Pass the ticket to a colleague, who works on it from now on."""
        if self.lead:
            if self.lead.worker_id == worker:
                raise InvalidInput("worker", "works_on_it", bilingual("已由该人员经办。", "They work on it already."))
            self.lead.worker_id = worker
            self.stage(self.lead)

    @transition(
        field=state,
        source=[S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        target=S.DISPATCHED,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move("改派", "Dispatch anew", inputs.Redispatch),
    )
    def redispatch(
        self,
        *,
        at: datetime,
        by: Actor,
        holder: uuid.UUID,
        reason: str = "",
        co_handlers: Sequence[uuid.UUID] = (),
        next_steps: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
    ) -> None:
        """Take the ticket from its holder and send it to another, under its `contract` here. The due moment stays.

        The clock has no words for it: the event says which contract ended.
        """
        self._close_lead(at, Outcome.REDISPATCHED, keep={*co_handlers} - {holder})
        self.hand_to(holder, co_handlers, next_steps, at, contract)

    @transition(
        field=state,
        source=[S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        target=None,
        permission=any_of(R.CLOCK),
        custom=move("更换协办", "Replace helpers", inputs.Nothing, visibility=Visibility.PARTIES, guarded=False),
    )
    def relieve(
        self, *, at: datetime, by: Actor, leaving: Collection[uuid.UUID] = (), co_handlers: Sequence[uuid.UUID] = ()
    ) -> None:
        """Let co-handlers go whose contract here has ended, and ask those who serve the place now."""
        helpers = [one for one in self._open_in(AssignmentRole.CO_HANDLER) if one.organisation_id in leaving]
        self._release(helpers, at, Outcome.REDISPATCHED)
        self._ask_to_help(co_handlers, at)

    @transition(
        field=state,
        source=[S.DISPATCHED, S.RETURNING],
        target=S.SUBMITTED,
        permission=any_of(R.CLOCK),
        conditions=[demands.may_bounce],
        custom=move("退回街道", "Bounce to the street", inputs.Nothing, visibility=Visibility.PARTIES),
    )
    def bounce(self, *, at: datetime, by: Actor) -> None:
        """Give a ticket that nobody signed for back to the street."""
        self._close_lead(at, Outcome.BOUNCED)
        self._enter(at)

    @transition(
        field=state,
        source=S.DISPATCHED,
        target=S.IN_PROGRESS,
        permission=any_of(R.CLOCK),
        conditions=[demands.stays],
        custom=move("街道接办", "Step in", inputs.Nothing),
    )
    def step_in(self, *, at: datetime, by: Actor, organisation: uuid.UUID, worker: uuid.UUID) -> None:
        """Give a two-hour ticket that nobody signed for to a person of the street by name."""
        self._close_lead(at, Outcome.BOUNCED)
        self._enter(at)
        self._reassign(organisation, at).worker_id = worker
        self.note(worker=worker)
        self._note_whether_to_contact()

    @transition(
        field=state,
        source=[S.DISPATCHED, S.IN_PROGRESS],
        target=S.RETURNING,
        permission=any_of(R.HOLDER),
        conditions=demands.RETURNABLE,
        custom=move("申请退回", "Ask to return", inputs.Reason, visibility=Visibility.INTERNAL),
    )
    def return_(self, *, at: datetime, by: Actor, reason: str) -> None:
        """Say that this is not ours to do; the street decides."""
        self._enter(at)
        if self.lead:
            self.lead.return_asked = True
            self.stage(self.lead)

    @transition(
        field=state,
        source=S.RETURNING,
        target=RETURN_VALUE(S.SUBMITTED, S.COORDINATING),
        permission=any_of(R.STREET),
        custom=move("同意退回", "Uphold the return", inputs.OptionalReason, visibility=Visibility.INTERNAL),
    )
    def uphold(self, *, at: datetime, by: Actor, reason: str = "") -> State:
        """Agree with the holder; the ticket goes back to whoever coordinated it, else to triage."""
        self._close_lead(at, Outcome.RETURNED)
        self._enter(at)
        self.coordinator_id = self.coordinator_today
        return S.COORDINATING if self.coordinator_id else S.SUBMITTED

    @transition(
        field=state,
        source=S.RETURNING,
        target=S.DISPATCHED,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move("指定承办", "Designate", inputs.OptionalReason, visibility=Visibility.PARTIES),
    )
    def designate(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Overrule the return: the holder is designated and may not return it again."""
        self._enter(at)
        if self.lead:
            self.lead.designated = True
            self.stage(self.lead)
            self.note(lead=self.lead.organisation_id)

    # Work.

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER),
        conditions=[demands.residents_own],
        custom=move("先行联系", "First contact", inputs.FirstContact),
    )
    def contact(self, *, at: datetime, by: Actor, result: str, words: str = "") -> None:
        """Record that the resident was contacted before the work (先行联系).

        A call in vain is on record; after as many as the service level says, the first contact counts as made.
        """
        counts = True
        if self.lead and result == inputs.ContactResult.NO_ANSWER:
            self.lead.contact_attempts += 1
            counts = self.lead.contact_attempts >= self.limits.contact_attempts
            self.note(counts=counts, attempt=self.lead.contact_attempts)
            self.stage(self.lead)
        if counts and self.lead and self.lead.contacted_at is None:
            self.lead.contacted_at = at
            self.stage(self.lead)

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER),
        custom=move("到场", "Arrive", inputs.Nothing),
    )
    def arrive(self, *, at: datetime, by: Actor) -> None:
        """Record that the crew is on site."""
        if self.lead and self.lead.arrived_at is None:
            self.lead.arrived_at = at
            self.stage(self.lead)

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.WHISTLED, R.STREET),
        custom=move("进展", "Report progress", inputs.Progress),
    )
    @transition(
        field=state,
        source=S.ON_ACCOUNT,
        target=None,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.WHISTLED, R.OWNER, R.STREET),
        custom=move("进展", "Report progress", inputs.Progress),
    )
    @transition(
        field=state,
        source=S.COORDINATING,
        target=None,
        permission=any_of(R.COORDINATOR, R.WHISTLED, R.STREET),
        custom=move("进展", "Report progress", inputs.Progress),
    )
    def progress(self, *, at: datetime, by: Actor, text: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Tell how far the work is; on account, this is the periodic report, and the next one is due 30 days on."""
        if self.state == S.ON_ACCOUNT:
            self._enter(at)

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=S.DISPATCHED,
        permission=any_of(R.HOLDER),
        conditions=[demands.contacted, demands.has_next_step],
        custom=move("本步完成", "Complete the step", inputs.Reply),
    )
    def complete_step(
        self,
        *,
        at: datetime,
        by: Actor,
        result: str,
        photos: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
        instead: uuid.UUID | None = None,
    ) -> None:
        """Finish one's own step; the organisation of the next step is to sign for it, under its `contract` here, or another `instead`."""
        following, leading = self.next_step, self.lead
        if following is None or leading is None:
            raise IllegalMove(*demands.has_next_step.refusal)  # type: ignore[attr-defined]
        self.question_open, self.extension_days = False, None
        self._close(leading, at, Outcome.STEP_DONE)
        if instead is not None:
            self.note(instead_of=following.organisation_id)
            following.organisation_id = instead
        following.open, following.opened_at = True, at
        self.stage(following)
        self._measure_by(contract)
        self.note(lead=following.organisation_id)
        self._note_whether_to_contact()
        self._enter(at)

    @transition(
        field=state,
        source=S.COORDINATING,
        target=None,
        permission=any_of(R.COORDINATOR, R.STREET),
        conditions=[demands.somebody_to_ask, demands.no_open_question, demands.questions_left],
        custom=move("请补充", "Ask the resident", inputs.Ask),
    )
    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER),
        conditions=[demands.somebody_to_ask, demands.no_open_question, demands.questions_left],
        custom=move("请补充", "Ask the resident", inputs.Ask),
    )
    def ask(self, *, at: datetime, by: Actor, question: str) -> None:
        """Ask the reporter for what is missing, as often as the service level says."""
        self.question_open = True
        self.questions += 1

    @transition(
        field=state,
        source=[S.COORDINATING, S.IN_PROGRESS],
        target=None,
        permission=any_of(R.REPORTER, R.INSPECTOR),
        conditions=[demands.has_open_question],
        custom=move("补充", "Answer", inputs.Answer),
    )
    def answer(self, *, at: datetime, by: Actor, answer: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Answer the question of whoever works on it, as its reporter, or for the organisation that found it."""
        self.question_open = False

    @transition(
        field=state,
        source=[S.COORDINATING, S.IN_PROGRESS],
        target=None,
        permission=any_of(R.CLOCK),
        conditions=[demands.has_open_question],
        custom=move("补充逾期", "Let the question lapse", inputs.Nothing),
    )
    def lapse(self, *, at: datetime, by: Actor) -> None:
        """Go on without an answer: a question holds time for 72 hours at most."""
        self.question_open = False

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.HOLDER),
        conditions=[demands.extensible, demands.no_extension_pending, demands.extensions_left],
        custom=move("申请延期", "Ask for an extension", inputs.RequestExtension, visibility=Visibility.PARTIES),
    )
    def request_extension(self, *, at: datetime, by: Actor, days: int, reason: str) -> None:
        """Ask the street for more days. Two- and 24-hour classes get none, nobody more than the class itself has."""
        left = self.days_to_extend
        if days > left:
            raise InvalidInput(
                "days",
                "too_many_days",
                bilingual(f"最多还可延期{left}天。", f"It can be extended by {left} more days at most."),
            )
        self.extension_days = days

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.has_extension_pending, demands.extension_fits],
        custom=move("同意延期", "Grant the extension", inputs.OptionalReason),
    )
    def grant_extension(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Give the days that were asked for; the event keeps the old due moment, and the resident is told."""
        self.note(days=self.extension_days, due_before=self.due_at)
        if self.lead:
            self.lead.extensions += 1
            self.lead.extended += self.extension_days or 0
            self.stage(self.lead)
        self.extension_days = None

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=None,
        permission=any_of(R.STREET, R.CLOCK),
        conditions=[demands.has_extension_pending],
        custom=move("不同意延期", "Refuse the extension", inputs.OptionalReason, visibility=Visibility.PARTIES),
    )
    def refuse_extension(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Leave the due moment as it is."""
        self.extension_days = None

    # Other departments.

    @transition(
        field=state,
        source=[S.COORDINATING, S.IN_PROGRESS],
        target=None,
        permission=any_of(R.STREET),
        custom=move("吹哨", "Whistle", inputs.Whistle),
    )
    def whistle(self, *, at: datetime, by: Actor, departments: Sequence[uuid.UUID], reason: str) -> None:
        """Summon departments (ordinance on street offices, articles 5 and 11)."""
        present = {one.organisation_id for one in self._open_in(AssignmentRole.WHISTLED)}
        for organisation in departments:
            if organisation in present:
                raise InvalidInput(
                    "departments",
                    "already_whistled",
                    bilingual("该部门已被吹哨。", "That department was whistled already."),
                )
            self.assign(organisation, AssignmentRole.WHISTLED, at)
        self.note(whistled=departments)

    @transition(
        field=state,
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        target=None,
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[demands.helpers_open],
        custom=move("报到", "Report in", inputs.ReportIn, visibility=Visibility.PARTIES),
    )
    def report_in(self, *, at: datetime, by: Actor, organisation: uuid.UUID | None = None, reason: str = "") -> None:
        """Answer the whistle: we are here."""
        one = self._helper(by, organisation)
        one.signed_at = one.signed_at or at
        self.stage(one)
        self.note(reporting=one.organisation_id)

    @transition(
        field=state,
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        target=None,
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[demands.helpers_open],
        custom=move("拒绝协办", "Decline", inputs.Decline, visibility=Visibility.INTERNAL),
    )
    def decline(self, *, at: datetime, by: Actor, reason: str, organisation: uuid.UUID | None = None) -> None:
        """Refuse to help; the street may report it to the district (ordinance on street offices, article 44)."""
        self._release([self._helper(by, organisation)], at, Outcome.DECLINED)

    @transition(
        field=state,
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS, S.ON_ACCOUNT],
        target=None,
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[demands.helpers_open],
        custom=move("协办完成", "Assistance done", inputs.AssistDone),
    )
    def assist_done(self, *, at: datetime, by: Actor, words: str, organisation: uuid.UUID | None = None) -> None:
        """Say that one's own part is done."""
        self._release([self._helper(by, organisation)], at, Outcome.DONE)

    @transition(
        field=state,
        source=[S.SUBMITTED, S.COORDINATING, S.IN_PROGRESS],
        target=S.ON_ACCOUNT,
        permission=any_of(R.STREET),
        custom=move("挂账", "Put on account", inputs.PutOnAccount),
    )
    def put_on_account(
        self, *, at: datetime, by: Actor, kind: str, owner: uuid.UUID, plan_date: date, reason: str
    ) -> None:
        """Keep what cannot be solved soon on a list, with an owner and a plan date; the old due moment is kept."""
        if not local_day(at) < plan_date <= local_day(at) + LATEST_PLAN:
            raise InvalidInput(
                "plan_date",
                "out_of_range",
                bilingual("日期须在明天至五年之内。", "The date must lie between tomorrow and five years from now."),
            )
        self._enter(at)
        self.question_open, self.extension_days = False, None
        self.account_kind, self.account_owner_id, self.account_plan_on = kind, owner, plan_date

    @transition(
        field=state,
        source=S.ON_ACCOUNT,
        target=RETURN_VALUE(S.COORDINATING, S.IN_PROGRESS),
        permission=any_of(R.STREET, R.CLOCK),
        custom=move("销账", "Take off account", inputs.OptionalReason),
    )
    def resume(self, *, at: datetime, by: Actor, holder_live: bool, reason: str = "") -> State:
        """Go on with it: by its holder where that is live, else under coordination."""
        self._enter(at)
        self.account_kind, self.account_owner_id, self.account_plan_on = "", None, None
        if self.lead and self.lead.signed_at and holder_live:
            self.note(lead=self.lead.organisation_id)
            return S.IN_PROGRESS
        self._close_lead(at, Outcome.ENDED)
        self.coordinator_id = self.coordinator_today or self.desk_id
        return S.COORDINATING

    # The answer, and what the resident makes of it.

    @transition(
        field=state,
        source=S.IN_PROGRESS,
        target=S.REPLIED,
        permission=any_of(R.HOLDER, R.STREET),
        conditions=[demands.contacted, demands.steps_done],
        custom=move("办结反馈", "Report done", inputs.Reply),
    )
    @transition(
        field=state,
        source=S.COORDINATING,
        target=S.REPLIED,
        permission=any_of(R.COORDINATOR, R.STREET),
        custom=move("办结反馈", "Report done", inputs.Reply),
    )
    @transition(
        field=state,
        source=S.SUBMITTED,
        target=S.REPLIED,
        permission=any_of(R.STREET),
        custom=move("办结反馈", "Report done", inputs.Reply),
    )
    def reply(self, *, at: datetime, by: Actor, result: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Say what was done, and hand the ticket back to its resident."""
        if self.after_photo and self.lead is not None and not photos:
            raise InvalidInput(
                "photos",
                "after_photo_required",
                bilingual("该事项须上传办结照片。", "This matter needs a photo of the result."),
            )
        self.question_open, self.extension_days = False, None
        self._promise_whole()
        self._enter(at)

    @transition(
        field=state,
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.REPORTER),
        conditions=[demands.somebody_reported, demands.not_own_work],
        custom=move("确认", "Confirm", inputs.Confirm),
    )
    def confirm(self, *, at: datetime, by: Actor, resolved: bool, rating: int, words: str = "") -> None:
        """Accept the reply and rate it; the ticket closes. What the street rates in the resident's place counts as no satisfaction."""
        if not resolved:
            raise InvalidInput(
                "resolved",
                "dispute_instead",
                bilingual("未解决的，请选择“不满意”。", "What is not resolved is not confirmed: dispute it."),
            )
        self._enter(at)
        self.resolved, self.rating, self.rated_on_behalf = resolved, rating, bool(by.on_behalf)

    @transition(
        field=state,
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.INSPECTOR, R.STREET),
        conditions=[demands.found_on_patrol, demands.checked_by_another],
        custom=move("核查办结", "Close after a check", inputs.Check),
    )
    def close(self, *, at: datetime, by: Actor, words: str = "") -> None:
        """Close what was found on patrol once it has been checked: no resident confirms it, and nobody rates it."""
        self._enter(at)

    @transition(
        field=state,
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.CLOCK),
        custom=move("逾期关闭", "Close in silence", inputs.Nothing),
    )
    def close_silent(self, *, at: datetime, by: Actor) -> None:
        """Close a ticket whose resident said nothing: unrated, and never counted as satisfied."""
        self._enter(at)

    @transition(
        field=state,
        source=S.REPLIED,
        target=RETURN_VALUE(S.IN_PROGRESS, S.COORDINATING),
        permission=any_of(R.REPORTER, R.FOLLOWER, R.INSPECTOR, R.STREET),
        conditions=[demands.voice_left],
        custom=move("不满意", "Dispute", inputs.Dispute),
    )
    def dispute(
        self, *, at: datetime, by: Actor, reason: str, holder_live: bool, photos: Sequence[uuid.UUID] = ()
    ) -> State:
        """Say that it is not solved: back to a live holder, the second time to the street."""
        self.disputes += 1
        self._enter(at)
        self._raise_for_rework()
        if self.disputes == 1 and self.lead and holder_live:
            self.note(lead=self.lead.organisation_id)
            return S.IN_PROGRESS
        self._close_lead(at, Outcome.DISPUTED)
        self._coordinate_at(self.desk_id, at)
        return S.COORDINATING

    @transition(
        field=state,
        source=[S.IN_PROGRESS, S.REPLIED, S.CLOSED],
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.residents_own, demands.not_called_back],
        custom=move("回访", "Call back", inputs.Callback, visibility=Visibility.INTERNAL),
    )
    def callback(
        self, *, at: datetime, by: Actor, valid: bool, contacted: bool, resolved: bool, satisfied: int, words: str = ""
    ) -> None:
        """Record what the resident said when called back, once a ticket (ordinance on swift response, article 23)."""
        self.called_back_at = at

    @transition(
        field=state,
        source=S.CLOSED,
        target=RETURN_VALUE(S.IN_PROGRESS, S.SUBMITTED),
        permission=any_of(R.REPORTER, R.INSPECTOR, R.STREET),
        conditions=[demands.within_reopening_window],
        custom=move("重新办理", "Reopen", inputs.Reason),
    )
    def reopen(self, *, at: datetime, by: Actor, reason: str, holder_live: bool) -> State:
        """Take a closed ticket up again: by its last holder where that is live, else from triage."""
        self._enter(at)
        self.reopenings += 1
        self._raise_for_rework()
        self.resolved = self.rating = self.due_at = None
        self.rated_on_behalf = False
        led = self.last_lead
        if led and holder_live:
            self._reassign(led.organisation_id, at)
            return S.IN_PROGRESS
        self.coordinator_id = None
        return S.SUBMITTED

    # Ends that are no answer.

    @transition(
        field=state,
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.RETURNING],
        target=S.REJECTED,
        permission=any_of(R.STREET),
        custom=move("不予受理", "Do not take up", inputs.Reject),
    )
    def reject(self, *, at: datetime, by: Actor, branch: str, guidance: str) -> None:
        """Refuse the request on one of the ordinance's six grounds, and say where to go instead."""
        self._enter(at)

    @transition(
        field=state,
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        target=S.MERGED,
        permission=any_of(R.STREET, R.COORDINATOR),
        custom=move("并单", "Merge", inputs.Merge),
    )
    def merge(self, *, at: datetime, by: Actor, into: "Ticket") -> None:
        """Let this ticket go on as part of the open ticket `into`, whose end will be its own."""
        if into.pk == self.pk or into.state in ENDED or into.street_id != self.street_id:
            raise InvalidInput(
                "into",
                "not_open",
                bilingual(
                    "只能并入同一街道的在办工单。", "It can only be merged into another open ticket of the street."
                ),
            )
        if (into.accused or self.accused) and set(into.accused) != set(self.accused):
            raise InvalidInput(
                "into",
                "accuses",
                bilingual("涉及被投诉单位的工单不能并入。", "Tickets that accuse a party merge only with their like."),
            )
        # Whose ticket is merged follows the other, and reads all of it.
        same = self.reporter_id is not None and self.reporter_id == into.reporter_id
        if not into.has_public_face and not same:
            raise InvalidInput(
                "into",
                "no_public_face",
                bilingual(
                    "他人的工单不能并入不公开的工单。",
                    "Somebody else's ticket does not merge into one without a public face.",
                ),
            )
        self._enter(at)
        self.merged_into = into

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.CLOCK),
        custom=move("并入", "Take in", inputs.Nothing, guarded=False),
    )
    def absorb(self, *, at: datetime, by: Actor) -> None:
        """Note that another ticket was merged into this one; happens by itself with the merger."""

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET),
        custom=move("另立工单", "File another matter", inputs.FileAnother, visibility=Visibility.PARTIES),
    )
    def file_another(self, *, at: datetime, by: Actor, another: uuid.UUID, category: str) -> None:
        """Let a second matter that the report holds (一单多诉) be a ticket of its own; this one goes on as it is."""
        self.filed_others = [*self.filed_others, another]
        self.note(another=another)

    @transition(
        field=state,
        source=S.MERGED,
        target=S.SUBMITTED,
        permission=any_of(R.STREET),
        custom=move("拆单", "Split", inputs.OptionalReason),
    )
    def split(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Take a merged ticket out again; it starts from triage, and what its resident was promised stays."""
        self._enter(at)
        self.merged_into = None
        self.coordinator_id = None

    @transition(
        field=state,
        source=[S.IN_PROGRESS, S.RETURNING, S.REPLIED, S.ON_ACCOUNT],
        target=None,
        permission=any_of(R.REPORTER),
        custom=move("撤回", "Withdraw", inputs.OptionalReason),
    )
    @transition(
        field=state,
        source=S.DISPATCHED,
        target=RETURN_VALUE(S.WITHDRAWN, S.DISPATCHED),
        permission=any_of(R.REPORTER),
        custom=move("撤回", "Withdraw", inputs.OptionalReason),
    )
    @transition(
        field=state,
        source=S.COORDINATING,
        target=RETURN_VALUE(S.WITHDRAWN, S.COORDINATING),
        permission=any_of(R.REPORTER),
        custom=move("撤回", "Withdraw", inputs.OptionalReason),
    )
    @transition(
        field=state,
        source=S.SUBMITTED,
        target=RETURN_VALUE(S.WITHDRAWN, S.SUBMITTED),
        permission=any_of(R.REPORTER),
        custom=move("撤回", "Withdraw", inputs.OptionalReason),
    )
    def withdraw(
        self,
        *,
        at: datetime,
        by: Actor,
        successor: uuid.UUID | None = None,
        shared: bool = False,
        reason: str = "",
    ) -> State:
        """Take the report back. Once work has begun, or where it is urgent or shared, only the reporter leaves.

        `successor` is asked to take the reporter's place; `shared` says that the report is that of others too, cosigned by them or
        with theirs merged into it.
        """
        if self.state in WITHDRAWABLE and not self.urgent and not shared:
            self._enter(at)
            return S.WITHDRAWN
        self.reporter, self.inherited, self.question_open = None, False, False
        self.contact_name, self.contact_phone = "", ""
        self._ask_to_succeed(successor)
        return S(self.state)

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.SUCCESSOR),
        custom=move("接续诉求", "Succeed the reporter", inputs.Nothing, guarded=False),
    )
    def succeed(self, *, at: datetime, by: Actor, person: Any, cosigned: bool) -> None:
        """Take the place of the reporter who left, with one's own name and phone. A cosigner is counted as such no longer."""
        self.reporter, self.inherited, self.successor_id = person, True, None
        self.contact_name, self.contact_phone = person.name, person.phone
        self.cosigns -= cosigned

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.SUCCESSOR),
        custom=move("不接续", "Decline to succeed", inputs.Nothing, visibility=Visibility.PARTIES, guarded=False),
    )
    def decline_succession(self, *, at: datetime, by: Actor, successor: uuid.UUID | None = None) -> None:
        """Stay a follower and no more; `successor` is asked next, and without one the street keeps the ticket."""
        self._ask_to_succeed(successor)

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.CLOCK),
        conditions=[demands.successor_asked],
        custom=move("街道接续", "Let the street keep it", inputs.Nothing, visibility=Visibility.PARTIES, guarded=False),
    )
    def keep(self, *, at: datetime, by: Actor) -> None:
        """Ask nobody any more who might succeed the reporter: the street goes on with the ticket by itself."""
        self.successor_id = None

    def _ask_to_succeed(self, successor: uuid.UUID | None) -> None:
        """Ask a follower to take the place of the reporter who left; the event says whether, and not whom."""
        self.successor_id = successor
        self.note(asked=successor is not None)

    @transition(
        field=state,
        source=list(OPEN),
        target=S.TERMINATED,
        permission=any_of(R.STREET_LEAD),
        custom=move("终止", "Terminate", inputs.Reason),
    )
    def terminate(self, *, at: datetime, by: Actor, reason: str) -> None:
        """End it without a result, by written decision of the street's head."""
        self._enter(at)

    # What anyone may add without taking the ticket further.

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[demands.urge_left],
        custom=move("催单", "Urge", inputs.OptionalReason, guarded=False),
    )
    def urge(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Ask that it go faster, as soon again and as often as the service level says, each for themselves."""
        self.urges += 1
        self.last_urged_at = at

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[demands.nothing_asked_of_them, demands.comments_left],
        custom=move("留言", "Comment", inputs.Comment, visibility=Visibility.PARTIES, guarded=False),
    )
    def comment(self, *, at: datetime, by: Actor, text: str = "", photos: Sequence[uuid.UUID] = ()) -> None:
        """Add words or photos of one's own; whoever works on it is told, and no clock moves."""

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.NEIGHBOUR),
        conditions=[demands.public, demands.not_own, demands.not_following],
        custom=move("附议", "Cosign", inputs.Nothing, guarded=False),
    )
    def cosign(self, *, at: datetime, by: Actor) -> None:
        """Say that one has the same trouble."""
        self.cosigns += 1

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.FOLLOWER),
        conditions=[demands.cosigned, demands.not_spoken],
        custom=move("撤回附议", "Take the cosign back", inputs.Nothing, guarded=False),
    )
    def uncosign(self, *, at: datetime, by: Actor, successor: uuid.UUID | None = None) -> None:
        """Stand behind it no longer. Whoever was asked to succeed the reporter has thereby declined, and `successor` is asked."""
        self.cosigns -= 1
        if by.person_id == self.successor_id:
            self._ask_to_succeed(successor)

    @transition(
        field=state,
        source=[S.REPLIED, S.CLOSED],
        target=None,
        permission=any_of(R.FOLLOWER),
        conditions=[demands.reported_or_merged, demands.not_own_work, demands.not_rated],
        custom=move("评价", "Rate", inputs.Rate, visibility=Visibility.PARTIES, guarded=False),
    )
    def rate(self, *, at: datetime, by: Actor, rating: int, words: str = "") -> None:
        """Rate what was done about one's own report that was merged into this one; each for themselves, and the ticket stays."""

    @transition(
        field=state,
        source=[S.REPLIED, S.CLOSED],
        target=None,
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[demands.reported_or_merged, demands.not_own_work],
        custom=move("致谢", "Thank", inputs.Thank, guarded=False),
    )
    def thank(self, *, at: datetime, by: Actor, words: str, consent: bool) -> None:
        """Thank those who did it (锦旗); shown in public only with consent."""

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move("督办", "Supervise", inputs.Supervise, visibility=Visibility.PARTIES, guarded=False),
    )
    def supervise(self, *, at: datetime, by: Actor, kind: str, reason: str = "") -> None:
        """Put the ticket under the street's supervision."""
        self.supervised = kind

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move("提级", "Raise the level", inputs.RaiseLevel, visibility=Visibility.PARTIES, guarded=False),
    )
    def raise_level(self, *, at: datetime, by: Actor, level: int, reason: str = "") -> None:
        """Bring a higher level in; L4 (district) and L5 (city) are recorded by the street."""
        if level <= self.level:
            raise InvalidInput("level", "not_higher", bilingual("层级只能提高。", "The level can only be raised."))
        self.level = level

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.supervised],
        custom=move("解除督办", "Lift the supervision", inputs.Reason, visibility=Visibility.PARTIES, guarded=False),
    )
    def lift_supervision(self, *, at: datetime, by: Actor, reason: str) -> None:
        """End the street's supervision, and say why."""
        self.note(kind=self.supervised)
        self.supervised = ""

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.raised],
        custom=move("降级", "Lower the level", inputs.LowerLevel, visibility=Visibility.PARTIES, guarded=False),
    )
    def lower_level(self, *, at: datetime, by: Actor, level: int, reason: str) -> None:
        """Bring the ticket back to a lower level, and say why; the ladders may raise it again."""
        if level >= self.level:
            raise InvalidInput(
                "level", "not_lower", bilingual("层级须低于当前层级。", "It must be below the present one.")
            )
        self.note(before=self.level)
        self.level = level

    # The street's own book-keeping.

    @transition(
        field=state,
        source=list(OPEN),
        target=None,
        permission=any_of(R.STREET),
        custom=move("指定责任人", "Name the officer", inputs.Appoint, visibility=Visibility.OFFICE, guarded=False),
    )
    def appoint(self, *, at: datetime, by: Actor, officer: uuid.UUID | None, reason: str = "") -> None:
        """Say who of the street answers for the ticket; nobody where `officer` is None."""
        self.officer_id = officer

    @transition(
        field=state,
        source=list(State),
        target=None,
        permission=any_of(R.STREET),
        custom=move("内部备注", "Internal note", inputs.Remark, visibility=Visibility.OFFICE, guarded=False),
    )
    def remark(self, *, at: datetime, by: Actor, text: str) -> None:
        """Leave a note that the street alone reads."""

    @transition(
        field=state,
        source=[*OPEN, S.CLOSED],
        target=None,
        permission=any_of(R.CLOCK),
        custom=move("提醒", "Remind", inputs.Nothing, visibility=Visibility.INTERNAL, guarded=False),
    )
    def remind(self, *, at: datetime, by: Actor) -> None:
        """Tell those who are to act that their time is running out, or has run out."""

    @transition(
        field=state,
        source=[*OPEN, S.CLOSED, S.MERGED],
        target=None,
        permission=any_of(R.CLOCK),
        custom=move(
            "历法更新", "Measure by a new calendar", inputs.Nothing, visibility=Visibility.PARTIES, guarded=False
        ),
    )
    def recalendar(self, *, at: datetime, by: Actor) -> None:
        """Measure the clocks that are live by the newest calendar; what has been fired stays fired."""
        self.note(calendar=calendars.newest(self.street_id))

    @transition(
        field=state,
        source=list(State),
        target=None,
        permission=any_of(R.REPORTER),
        conditions=[demands.public, demands.not_hidden_by_street],
        custom=move(
            "内容公开设置", "Hide or show my words", inputs.HideWords, visibility=Visibility.PARTIES, guarded=False
        ),
    )
    def hide_words(self, *, at: datetime, by: Actor, hidden: bool) -> None:
        """Hide the reporter's words from neighbours, or show them again."""
        self.words_hidden = HiddenBy.REPORTER if hidden else HiddenBy.NOBODY

    @transition(
        field=state,
        source=list(State),
        target=None,
        permission=any_of(R.STREET),
        conditions=[demands.public],
        custom=move("脱敏", "Redact", inputs.Redact, visibility=Visibility.INTERNAL, guarded=False),
    )
    def redact(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        title: str | None = None,
        text: str | None = None,
        events: Sequence[int] = (),
        hidden: bool | None = None,
    ) -> None:
        """Say what neighbours read in the place of people's words; the words themselves stay for whoever works on it."""
        self.public_title = title or self.public_title
        self.public_text = text or self.public_text
        self.redacted_events = sorted({*self.redacted_events, *events})
        if hidden is not None:
            self.words_hidden = HiddenBy.STREET if hidden else HiddenBy.NOBODY

    @transition(
        field=state,
        source=S.COORDINATING,
        target=None,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.COORDINATOR, R.STREET),
        conditions=[demands.residents_own, demands.not_anonymous, demands.not_confidential_to_them],
        custom=move("查看联系方式", "Reveal the contact", inputs.Reason, visibility=Visibility.INTERNAL, guarded=False),
    )
    @transition(
        field=state,
        source=[one for one in OPEN if one != S.COORDINATING],
        target=None,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.STREET),
        conditions=[demands.residents_own, demands.not_anonymous, demands.not_confidential_to_them],
        custom=move("查看联系方式", "Reveal the contact", inputs.Reason, visibility=Visibility.INTERNAL, guarded=False),
    )
    def reveal(self, *, at: datetime, by: Actor, reason: str) -> None:
        """See the reporter's name and phone; who saw them, and why, is on record."""


# What is in a ticket's history and is no move: its birth, and that staff found it by its caller's number.
LOOKED_UP = "look_up"
REPORTED = bilingual("上报", "Reported")
OTHERS = {"submit": REPORTED, LOOKED_UP: bilingual("来电查询", "Looked up for a caller")}


def move_label(verb: str) -> Promise:
    """What an event of a ticket is called."""
    move = moves(Ticket).get(verb)
    return move.label if move else OTHERS.get(verb, REPORTED)

"""The columns of a ticket."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from community.models import Area, Community, Compound, Organisation, Person
from community.models.places import street_reference
from tickets.models.category import Category
from tickets.states import AccountKind, Channel, HiddenBy, Satisfaction, Secrecy, State, SupervisionKind, TicketType
from web.models import optional_key, optional_reference, reference
from web.words import bilingual
from workflow.audit import UNKNOWN
from workflow.models import Subject
from workflow.moves import StateField


class TicketColumns(Subject):
    """The columns of a ticket.

    They stand apart from `Ticket` so that each mixin of moves can derive from a class that has them: type checkers then know every
    attribute that a move reads and writes. The table is that of `Ticket`, which has the constraints and the indexes.
    """

    street = street_reference()
    code = models.CharField(bilingual("工单号", "code"), max_length=9, editable=False)
    state = StateField(bilingual("状态", "state"), max_length=16, choices=State, protected=True)
    type = models.CharField(bilingual("类型", "type"), max_length=10, choices=TicketType)
    secrecy = models.CharField(bilingual("保密", "secrecy"), max_length=12, choices=Secrecy, default=Secrecy.OPEN)
    channel = models.CharField(bilingual("渠道", "channel"), max_length=12, choices=Channel)
    hotline_number = models.CharField(bilingual("12345工单编号", "12345 number"), max_length=40, blank=True, default="")

    category = reference(Category, bilingual("事项分类", "category"))
    disposal_class = models.CharField(max_length=8, verbose_name=bilingual("办结时限类别", "disposal class"))
    response_class = models.CharField(max_length=8, verbose_name=bilingual("响应时限类别", "response class"))
    urgent = models.BooleanField(default=False, verbose_name=bilingual("紧急", "urgent"))
    after_photo = models.BooleanField(
        default=False,
        help_text=bilingual("办结反馈须附照片。", "The reply needs a photo of the result."),
        verbose_name=bilingual("须办结照片", "needs an after-photo"),
    )

    compound = optional_reference(Compound, bilingual("小区", "compound"))
    area = optional_reference(Area, bilingual("物业管理区域", "area"))
    community = optional_reference(Community, bilingual("社区", "community"))
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

    reporter = optional_key(Person, bilingual("诉求人", "reporter"))
    inherited = models.BooleanField(
        default=False,
        db_default=False,
        help_text=bilingual("诉求人接续自已退出的他人。", "The reporter took it on from another, who left."),
        verbose_name=bilingual("接续诉求", "inherited"),
    )
    successor = optional_key(
        Person,
        bilingual("拟接续人", "successor"),
        bilingual("正被询问是否接续的附议人或并单居民。", "The follower who is asked to take it on."),
    )
    inspector = optional_reference(
        Organisation,
        bilingual("巡查单位", "inspector"),
        bilingual("巡查、自查、网格发现问题的单位。", "Which organisation found it, where no resident reported it."),
    )
    contact_name = models.CharField(max_length=40, blank=True, default="", verbose_name=bilingual("联系人", "contact"))
    contact_phone = models.CharField(
        max_length=20, blank=True, default="", verbose_name=bilingual("联系电话", "contact phone")
    )
    taken_by = optional_key(Person, bilingual("受理人", "taken by"))
    officer = optional_key(
        Person,
        bilingual("责任人", "officer"),
        bilingual("街道内对该工单负责的人员。", "Who of the street answers for the ticket."),
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

    committee = optional_reference(Organisation, bilingual("物管会/业委会", "committee"))
    residents_committee = optional_reference(Organisation, bilingual("居委会", "residents' committee"))
    desk = reference(
        Organisation,
        bilingual("街道责任科室", "desk"),
        bilingual("街道内负责的科室。", "The street's section that answers for it."),
    )
    coordinator = optional_reference(Organisation, bilingual("协调单位", "coordinator"))
    holder = optional_reference(Organisation, bilingual("承办单位", "holder"))

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
        choices=SupervisionKind,
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
        choices=AccountKind,
        blank=True,
        default="",
        verbose_name=bilingual("挂账原因", "account kind"),
    )
    account_owner = optional_reference(Organisation, bilingual("挂账责任单位", "account owner"))
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
        null=True, choices=Satisfaction, verbose_name=bilingual("满意度", "rating")
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

    class Meta:
        abstract = True

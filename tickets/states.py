"""The states, types and other closed lists of a ticket, with their words."""

from django.db import models
from django.utils.functional import Promise

from web.words import bilingual


class State(models.TextChoices):
    """Where a ticket stands (docs/rules.md)."""

    SUBMITTED = "submitted", bilingual("待受理", "Awaiting triage")
    COORDINATING = "coordinating", bilingual("协调中", "Being coordinated")
    DISPATCHED = "dispatched", bilingual("已派单", "Dispatched")
    IN_PROGRESS = "in_progress", bilingual("办理中", "In progress")
    RETURNING = "returning", bilingual("退单审核中", "Return under review")
    REPLIED = "replied", bilingual("待居民确认", "Awaiting the resident")
    ON_ACCOUNT = "on_account", bilingual("挂账", "On account")
    CLOSED = "closed", bilingual("已办结", "Closed")
    REJECTED = "rejected", bilingual("不予受理", "Not taken up")
    MERGED = "merged", bilingual("并单", "Merged")
    WITHDRAWN = "withdrawn", bilingual("已撤回", "Withdrawn")
    TERMINATED = "terminated", bilingual("终止", "Terminated")


HIGHEST_AUTOMATIC = 3
HIGHEST_LEVEL = 5
"""L4 (district) and L5 (city) are recorded by the street; nothing raises a ticket by itself higher than L3."""

ENDED = (State.CLOSED, State.REJECTED, State.MERGED, State.WITHDRAWN, State.TERMINATED)
OPEN = tuple(state for state in State if state not in ENDED)


class TicketType(models.TextChoices):
    """What the resident wants (ordinance on swift response, article 2)."""

    CONSULT = "consult", bilingual("咨询", "Question")
    HELP = "help", bilingual("求助", "Request for help")
    COMPLAINT = "complaint", bilingual("投诉", "Complaint")
    REPORT = "report", bilingual("举报", "Report of wrongdoing")
    SUGGESTION = "suggestion", bilingual("建议", "Suggestion")


class Secrecy(models.TextChoices):
    """Who may learn of the ticket and of its reporter."""

    OPEN = "open", bilingual("公开", "Open")
    CONFIDENTIAL = "confidential", bilingual("保密", "Confidential")
    ANONYMOUS = "anonymous", bilingual("匿名", "Anonymous")


class HiddenBy(models.TextChoices):
    """Who hid the reporter's words from neighbours."""

    NOBODY = "", bilingual("未隐藏", "Nobody")
    REPORTER = "reporter", bilingual("诉求人", "The reporter")
    STREET = "street", bilingual("街道", "The street")


class Channel(models.TextChoices):
    """How the report reached the street."""

    APP = "app", bilingual("小程序", "Mini-app")
    PHONE = "phone", bilingual("电话", "Phone")
    COUNTER = "counter", bilingual("窗口", "Counter")
    HOTLINE = "hotline", bilingual("12345热线", "12345 hotline")
    PATROL = "patrol", bilingual("巡查", "Patrol")
    SELF_CHECK = "self_check", bilingual("自查", "Self-inspection")
    GRID = "grid", bilingual("网格", "Grid")


PROACTIVE = frozenset({Channel.PATROL, Channel.SELF_CHECK, Channel.GRID})
"""What an organisation found by itself, before anybody complained (未诉先办)."""


class Source(models.TextChoices):
    """Whose matter it is: a resident's, or one that an organisation found by itself. The two are counted apart."""

    RESIDENTS = "residents", bilingual("居民诉求", "Residents' requests")
    PROACTIVE = "proactive", bilingual("未诉先办", "Found before anybody complained")

    @classmethod
    def of(cls, channel: str) -> "Source":
        """The source that a channel belongs to."""
        return cls.PROACTIVE if channel in PROACTIVE else cls.RESIDENTS


_TO_BE_CHECKED = bilingual("待核查", "Awaiting the check")


def state_label(state: str, channel: str) -> Promise:
    """The label of a state. A ticket that an organisation found waits for a check, not for a resident."""
    return _TO_BE_CHECKED if state == State.REPLIED and channel in PROACTIVE else State(state).label


class AssignmentRole(models.TextChoices):
    """What an organisation is to a ticket (docs/rules.md)."""

    LEAD = "lead", bilingual("主办", "Lead")
    CO_HANDLER = "co_handler", bilingual("协办", "Co-handler")
    WHISTLED = "whistled", bilingual("吹哨", "Whistled")
    COPY = "copy", bilingual("抄送", "Copied")


HELPING = frozenset({AssignmentRole.CO_HANDLER, AssignmentRole.WHISTLED})
"""The roles of the organisations that help the holder."""


class Outcome(models.TextChoices):
    """How an assignment ended; empty while it has not."""

    PENDING = "", bilingual("办理中", "Pending")
    DONE = "done", bilingual("已办结", "Done")
    STEP_DONE = "step_done", bilingual("本步完成", "Step done")
    RETURNED = "returned", bilingual("已退回", "Returned")
    REDISPATCHED = "redispatched", bilingual("已改派", "Re-dispatched")
    BOUNCED = "bounced", bilingual("逾期退回", "Bounced")
    DECLINED = "declined", bilingual("已拒绝", "Declined")
    DISPUTED = "disputed", bilingual("居民不满意", "Disputed")
    ENDED = "ended", bilingual("工单终结", "Ticket ended")


class ClockName(models.TextChoices):
    """The clocks of a ticket: what somebody has to do, each in its own time."""

    TRIAGE = "triage", bilingual("受理", "Triage")
    COORDINATE = "coordinate", bilingual("协调", "Coordination")
    SIGN = "sign", bilingual("签收", "Signing")
    CONTACT = "contact", bilingual("先行联系", "First contact")
    ARRIVE = "arrive", bilingual("到场", "Arrival")
    HANDLE = "handle", bilingual("办结", "Disposal")
    OVERALL = "overall", bilingual("全程", "Overall")
    PROMISE = "promise", bilingual("承诺办结", "Promise")
    QUESTION = "question", bilingual("待补充", "Question")
    EXTENSION = "extension", bilingual("延期审核", "Extension review")
    REVIEW = "review", bilingual("退单审核", "Return review")
    CONFIRM = "confirm", bilingual("居民确认", "Confirmation")
    ACCOUNT = "account", bilingual("挂账报告", "Account report")
    PLAN = "plan", bilingual("计划销账", "Account plan")
    CALLBACK = "callback", bilingual("回访", "Call-back")
    REPORT = "report", bilingual("报到", "Reporting in")
    ASSIST = "assist", bilingual("协办", "Assistance")
    SUCCESSION = "succession", bilingual("接续征询", "Succession")


_CHECK = bilingual("核查", "Check")


def clock_label(name: str, channel: str) -> Promise:
    """The label of a clock on a ticket that came by this channel."""
    return _CHECK if name == ClockName.CONFIRM and channel in PROACTIVE else ClockName(name).label


class Satisfaction(models.IntegerChoices):
    """The five levels of DB11/T 751-2025."""

    VERY_DISSATISFIED = 1, bilingual("很不满意", "Very dissatisfied")
    DISSATISFIED = 2, bilingual("不满意", "Dissatisfied")
    FAIRLY_SATISFIED = 3, bilingual("基本满意", "Fairly satisfied")
    SATISFIED = 4, bilingual("满意", "Satisfied")
    VERY_SATISFIED = 5, bilingual("很满意", "Very satisfied")


class AccountKind(models.TextChoices):
    """Why a ticket cannot be solved soon (挂账)."""

    LEGACY = "legacy", bilingual("历史遗留", "A legacy problem")
    PLANNING = "planning", bilingual("待规划建设", "Waits for planning or building")
    FUNDING = "funding", bilingual("待资金落实", "Waits for money")
    JOINT_DECISION = "joint_decision", bilingual("待业主共同决定", "Waits for the owners' joint decision")
    OTHER = "other", bilingual("其他", "Other")


class SupervisionKind(models.TextChoices):
    """How sharply the street supervises (督办)."""

    ROUTINE = "routine", bilingual("日常督办", "Routine")
    LISTED = "listed", bilingual("挂牌督办", "Listed")
    INTERVIEW = "interview", bilingual("约谈督办", "By interview")

"""The states, types and other closed lists of a ticket, with their words."""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class ClockDuty:
    """What a clock asks for, after "须" and "must"; `to_reporter` where the resident reads it of themselves."""

    zh: str
    en: str
    to_reporter: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ClockInfo:
    """What a clock measures, in one line, and the `duty` that it watches: the street's (`of_street`) or the party's that it names.

    `residents` watch the clocks that tell what they are owed or asked.
    """

    measures: str
    duty: ClockDuty | None = None
    of_street: bool = False
    residents: bool = False


_N, _D = ClockName, ClockDuty
CLOCKS: Mapping[str, ClockInfo] = {
    _N.TRIAGE: ClockInfo("the street takes it up", _D("受理", "take it up"), of_street=True, residents=True),
    _N.COORDINATE: ClockInfo(
        "the committee, or the street in its place, agrees on what is to be done",
        _D("协调", "coordinate it"),
        residents=True,
    ),
    _N.SIGN: ClockInfo("the organisation that it was sent to signs for it", _D("签收", "sign for it"), residents=True),
    _N.CONTACT: ClockInfo(
        "that organisation speaks to the resident; from the dispatch on",
        _D("联系诉求人", "contact the resident", ("联系您", "contact you")),
        residents=True,
    ),
    _N.ARRIVE: ClockInfo(
        "it is on site, where minutes count; from the dispatch on", _D("到场", "be on site"), residents=True
    ),
    _N.HANDLE: ClockInfo(
        "it disposes of the matter; a row of its own for each organisation that leads",
        _D("办结", "settle it"),
        residents=True,
    ),
    _N.OVERALL: ClockInfo(
        "all of it, from the report on: coordination and disposal together",
        _D("完成协调和办理", "see it coordinated and settled"),
        of_street=True,
    ),
    _N.PROMISE: ClockInfo(
        "what the resident was promised, once the organisation that it was promised for no longer leads, or has replied",
        _D("按承诺办结", "see it settled as promised"),
        of_street=True,
    ),
    _N.QUESTION: ClockInfo(
        "the resident answers; meanwhile what still has time of disposal, promise and overall stands still",
        residents=True,
    ),
    _N.EXTENSION: ClockInfo(
        "the street answers a request for more days", _D("审核延期申请", "decide on the extension"), of_street=True
    ),
    _N.REVIEW: ClockInfo("the street decides on a return", _D("审核退单", "decide on the return"), of_street=True),
    _N.CONFIRM: ClockInfo("the resident confirms or disputes", residents=True),
    _N.ACCOUNT: ClockInfo(
        "the owner reports; begins anew with each report",
        _D("报告挂账进展", "report on the account"),
        residents=True,
    ),
    _N.PLAN: ClockInfo("the day on which it is to be taken up again has ended", residents=True),
    _N.CALLBACK: ClockInfo(
        "the street calls the resident back: when the first disposal was due, else the whole; once, later by time on account",
        _D("回访", "call the resident back"),
        of_street=True,
    ),
    _N.REPORT: ClockInfo("a whistled department reports in", _D("报到", "report in")),
    _N.SUCCESSION: ClockInfo("a follower says whether they take the place of the reporter who left", residents=True),
    _N.ASSIST: ClockInfo(
        "a helper has done its part; stands still while the resident is asked, or it is on account",
        _D("完成协办", "finish its part"),
    ),
}
"""Clocks without a duty wait for the resident, or for a date."""


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

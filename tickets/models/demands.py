"""What a move demands beyond the state and the person: each demand with the refusal that its failure means."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from community.receivers import local_day
from tickets import windows
from tickets.access import Relation, relations
from tickets.models.follower import FollowerKind
from tickets.states import AssignmentRole, Channel, HiddenBy, Secrecy
from tickets.windows import Window
from workflow.moves import condition

if TYPE_CHECKING:
    from tickets.models import Ticket

R = Relation
HELPERS = frozenset({AssignmentRole.CO_HANDLER, AssignmentRole.WHISTLED})


def unless_street(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The condition `check` for everybody but the street, which may take a ticket back at any time."""

    def checked(ticket: "Ticket") -> bool:
        return R.STREET in relations(ticket, ticket.asker) or check(ticket)

    checked.refusal = check.refusal  # type: ignore[attr-defined]
    return checked


@condition("already_designated", "已指定承办，不得再次退回。", "It was designated to you and cannot be returned.")
def not_designated(ticket: "Ticket") -> bool:
    """A designated unit may not return again (潍坊 hotline ordinance, article 22)."""
    return ticket.lead is not None and not ticket.lead.designated


@condition("already_returned", "本次派单已申请过退回。", "This assignment has already been asked to be returned once.")
def not_returned_before(ticket: "Ticket") -> bool:
    return ticket.lead is not None and not ticket.lead.return_asked


@condition("return_window_over", "已超过退回时限。", "The time to ask for a return is over.")
def within_return_window(ticket: "Ticket") -> bool:
    return (
        ticket.lead is not None
        and ticket.lead.opened_at is not None
        and ticket.moment <= ticket.window_ends(Window.RETURN, ticket.lead.opened_at)
    )


# What a holder must meet to give a ticket back, by a return or by asking for coordination, which counts as one.
RETURNABLE = [not_designated, not_returned_before, within_return_window]


@condition("hidden_by_street", "街道已设为不公开，请联系街道。", "The street has hidden the words; ask the street.")
def not_hidden_by_street(ticket: "Ticket") -> bool:
    """What the street hid, the street shows again."""
    return ticket.words_hidden != HiddenBy.STREET


@condition("reporter_left", "诉求人已撤回，无人可作评价。", "Its reporter has left, and nobody is there to rate it.")
def somebody_reported(ticket: "Ticket") -> bool:
    """A rating is somebody's: of the reporter's own account, or of whoever the street may reach."""
    return _has_reporter(ticket)


def _has_reporter(ticket: "Ticket") -> bool:
    return ticket.reporter_id is not None or bool(ticket.contact_name or ticket.contact_phone)


@condition("not_supervised", "该工单未被督办。", "It is not under supervision.")
def supervised(ticket: "Ticket") -> bool:
    return bool(ticket.supervised)


@condition("not_raised", "该工单未被提级。", "Its level has not been raised.")
def raised(ticket: "Ticket") -> bool:
    return ticket.level > 0


@condition(
    "reporter_left", "诉求人已撤回，没有可更正的联系方式。", "Its reporter has left; there is no contact to correct."
)
def not_left(ticket: "Ticket") -> bool:
    """Nobody becomes the reporter of what another left by being named as its contact."""
    return ticket.reporter_id is not None or (ticket.channel != Channel.APP and ticket.successor_id is None)


@condition("nobody_asked", "没有待答复的接续征询。", "Nobody is asked to succeed the reporter.")
def successor_asked(ticket: "Ticket") -> bool:
    return ticket.successor_id is not None


@condition("own_work", "不能评价本单位办理的工单。", "You cannot rate what your own organisation worked on.")
def not_own_work(ticket: "Ticket") -> bool:
    """Whoever works for an organisation that led or helped, or for its head office, is no judge of it, also as a resident."""
    if relations(ticket, ticket.asker).isdisjoint({R.REPORTER, R.FOLLOWER}):
        return True
    return _judged(ticket).isdisjoint(seat.organisation_id for seat in ticket.asker.seats)


def _judged(ticket: "Ticket") -> set[Any]:
    """The organisations whose work a judgement of the ticket is about, with their head offices."""
    worked = [one for one in ticket.assignments if one.opened_at is not None and one.role != AssignmentRole.COPY]
    judged = {one.organisation_id for one in worked} | {getattr(one, "head_office", None) for one in worked}
    if ticket.last_lead is None:
        judged |= {ticket.coordinator_today, ticket.desk_id}
    return judged


@condition(
    "found_on_patrol", "巡查、自查、网格发现的工单没有诉求人。", "An organisation found it; no resident reported it."
)
def residents_own(ticket: "Ticket") -> bool:
    """There is a resident to contact, to call back and to reach."""
    return ticket.inspector_id is None


@condition(
    "reported_by_resident", "居民反映的工单由居民确认。", "What a resident reported is for the resident to confirm."
)
def found_on_patrol(ticket: "Ticket") -> bool:
    return ticket.inspector_id is not None


@condition(
    "own_work", "本单位办理的工单由街道核查。", "What your own organisation worked on is for the street to check."
)
def checked_by_another(ticket: "Ticket") -> bool:
    """Whoever found it may close it, unless they did the work themselves."""
    return R.STREET in relations(ticket, ticket.asker) or _judged(ticket).isdisjoint(
        seat.organisation_id for seat in ticket.asker.seats
    )


@condition("not_contacted", "须先联系诉求人并登记。", "Contact the resident first, and record it.")
def contacted(ticket: "Ticket") -> bool:
    """First contact comes before the reply (ordinance on swift response, article 15)."""
    nobody = ticket.secrecy == Secrecy.ANONYMOUS or ticket.inspector_id is not None
    return nobody or ticket.lead is None or ticket.lead.contacted_at is not None


@condition("steps_remain", "还有后续步骤未完成。", "Later steps are still to be done.")
def steps_done(ticket: "Ticket") -> bool:
    return ticket.next_step is None


@condition("no_next_step", "没有后续步骤。", "There is no later step.")
def has_next_step(ticket: "Ticket") -> bool:
    return ticket.next_step is not None


@condition("question_open", "上一个问题尚未答复。", "The last question has not been answered yet.")
def no_open_question(ticket: "Ticket") -> bool:
    return not ticket.question_open


@condition("nobody_to_ask", "没有可以补充的诉求人。", "Nobody is there who could answer as its reporter.")
def somebody_to_ask(ticket: "Ticket") -> bool:
    """Time does not stand still for whoever has left, nor for whoever may yet succeed them. An organisation that found it answers."""
    return ticket.inspector_id is not None or _has_reporter(ticket)


@condition(
    "too_many_questions", "请诉求人补充的次数已用完。", "The resident has been asked as often as the street allows."
)
def questions_left(ticket: "Ticket") -> bool:
    return ticket.questions < ticket.limits.questions


@condition("no_open_question", "没有待补充的问题。", "No question is open.")
def has_open_question(ticket: "Ticket") -> bool:
    return ticket.question_open


@condition("limit_is_fixed", "该时限类别不得延期。", "This class of limit cannot be extended.")
def extensible(ticket: "Ticket") -> bool:
    """Whether the class allows for it, and what the contract says can be counted in days."""
    return ticket.disposal_class not in windows.SHORT and (
        ticket.days_to_extend > 0 or bool(ticket.extensions_of_lead[1])
    )


@condition(
    "extended_enough",
    "该承办单位的延期次数已用完。",
    "This organisation has had as many extensions as there are for one.",
)
def extensions_left(ticket: "Ticket") -> bool:
    times, days = ticket.extensions_of_lead
    return times < ticket.limits.extensions and (not days or ticket.days_to_extend > 0)


@condition(
    "extension_too_long",
    "申请的天数超过了该时限类别的上限，请不同意后重新申请。",
    "More days were asked for than the class allows; refuse them, and let them ask anew.",
)
def extension_fits(ticket: "Ticket") -> bool:
    """The class may have been corrected since the request."""
    return ticket.extension_days is None or ticket.extension_days <= ticket.days_to_extend


@condition("extension_pending", "延期申请正在审核。", "An extension has already been asked for.")
def no_extension_pending(ticket: "Ticket") -> bool:
    return ticket.extension_days is None


@condition("no_extension_pending", "没有待审核的延期申请。", "No extension has been asked for.")
def has_extension_pending(ticket: "Ticket") -> bool:
    return ticket.extension_days is not None


@condition("already_held_by_street", "已由街道协调。", "The street coordinates already.")
def held_by_committee(ticket: "Ticket") -> bool:
    return ticket.coordinator_id != ticket.desk_id


@condition("already_called_back", "每件工单只回访一次。", "A ticket is called back once.")
def not_called_back(ticket: "Ticket") -> bool:
    return ticket.called_back_at is None


@condition("reopening_window_over", "已超过重新办理期限，请重新上报。", "It is too late to reopen; please report anew.")
def within_reopening_window(ticket: "Ticket") -> bool:
    return ticket.closed_at is not None and ticket.moment <= ticket.window_ends(Window.REOPENING, ticket.closed_at)


@condition("urged_enough", "催单过于频繁，请稍后再试。", "You urged it a short while ago, or too often; try later.")
def urge_left(ticket: "Ticket") -> bool:
    """Each may urge once in a while, and as often in all as the street says; what others did takes nothing from them."""
    urged = getattr(ticket, "own_urges", [])
    if len(urged) >= ticket.limits.urges:
        return False
    return not urged or ticket.moment >= ticket.window_ends(Window.URGING, urged[-1])


@condition("answer_instead", "有待您补充的问题，请直接补充。", "A question waits for you: answer it.")
def nothing_asked_of_them(ticket: "Ticket") -> bool:
    """Whoever is asked answers: a comment would leave the question open."""
    return not ticket.question_open or R.REPORTER not in relations(ticket, ticket.asker)


@condition("commented_enough", "留言次数已用完，请稍后再试。", "You have commented as often as you may; try later.")
def comments_left(ticket: "Ticket") -> bool:
    """Each may comment a few times a day and some times in all; what others said takes nothing from them."""
    own = getattr(ticket, "own_comments", None) or ()
    today = local_day(ticket.moment)
    limits = ticket.limits
    return len(own) < limits.comments and sum(local_day(at) == today for at in own) < limits.comments_a_day


@condition("own_ticket", "不能附议自己的工单。", "One's own ticket cannot be cosigned.")
def not_own(ticket: "Ticket") -> bool:
    return ticket.asker.person_id != ticket.reporter_id


@condition("already_following", "您已附议过。", "You have already cosigned.")
def not_following(ticket: "Ticket") -> bool:
    return not getattr(ticket, "follows", False)


@condition(
    "nothing_merged",
    "只有诉求人和被并单的居民可以评价、致谢。",
    "It is for its reporter, and for those whose own was merged into it.",
)
def reported_or_merged(ticket: "Ticket") -> bool:
    """A cosigner asked for nothing that was answered."""
    merged = getattr(ticket, "follows", None) == FollowerKind.MERGED
    return merged or R.FOLLOWER not in relations(ticket, ticket.asker)


@condition("already_rated", "您已评价过。", "You have rated it already.")
def not_rated(ticket: "Ticket") -> bool:
    return not getattr(ticket, "has_rated", False)


@condition("not_cosigned", "您没有附议过。", "You have not cosigned it.")
def cosigned(ticket: "Ticket") -> bool:
    return getattr(ticket, "follows", None) == FollowerKind.COSIGNED


@condition(
    "spoke_as_cosigner", "您已以附议人身份提出异议，不能撤回附议。", "You disputed it as a cosigner, and stay one."
)
def not_spoken(ticket: "Ticket") -> bool:
    """Whoever could cosign again after a dispute would have a second voice."""
    return not getattr(ticket, "spoke", False)


@condition("already_disputed", "您已提出过一次异议。", "You have disputed it once already.")
def voice_left(ticket: "Ticket") -> bool:
    """Each follower may dispute once; `spoke` is set for the actor who asks. Reporter, inspector and street are not bound."""
    unbound = {R.REPORTER, R.INSPECTOR, R.STREET}
    return not getattr(ticket, "spoke", False) or not relations(ticket, ticket.asker).isdisjoint(unbound)


@condition("no_public_face", "该工单不向邻居公开。", "The ticket is not open to neighbours.")
def public(ticket: "Ticket") -> bool:
    return ticket.has_public_face


@condition(
    "reporter_is_anonymous", "匿名工单不提供联系方式。", "The reporter is anonymous; there is no contact to show."
)
def not_anonymous(ticket: "Ticket") -> bool:
    return ticket.secrecy != Secrecy.ANONYMOUS


@condition(
    "reporter_is_confidential",
    "保密工单，联系方式仅街道可见。",
    "The report is confidential; only the street may see who made it.",
)
def not_confidential_to_them(ticket: "Ticket") -> bool:
    return ticket.secrecy != Secrecy.CONFIDENTIAL or R.STREET in relations(ticket, ticket.asker)


@condition("nobody_whistled", "没有待处理的吹哨或协办。", "Nobody has been whistled or asked to help.")
def helpers_open(ticket: "Ticket") -> bool:
    return any(one.open and one.role in HELPERS for one in ticket.assignments)


@condition(
    "two_hour_class_stays", "两小时类工单不退回，由值班岗处置。", "A two-hour ticket stays; the duty desk is called."
)
def may_bounce(ticket: "Ticket") -> bool:
    return ticket.disposal_class not in windows.TWO_HOURS


@condition(
    "goes_back", "非两小时类工单逾期未签收退回街道。", "Only a two-hour ticket stays; others go back to the street."
)
def stays(ticket: "Ticket") -> bool:
    return not may_bounce(ticket)

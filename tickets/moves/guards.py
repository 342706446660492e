"""Guards that moves of several subjects share: what a move requires beyond state and person, each with its refusal."""

from tickets.access import Relation, relations
from tickets.models.parts import TicketParts
from tickets.states import AssignmentRole, Secrecy
from tickets.windows import Window
from workflow.moves import condition

R = Relation


@condition("already_designated", "已指定承办，不得再次退回。", "It was designated to you and cannot be returned.")
def not_designated(ticket: TicketParts) -> bool:
    """A designated unit may not return again (潍坊 hotline ordinance, article 22)."""
    return ticket.lead is not None and not ticket.lead.designated


@condition("already_returned", "本次派单已申请过退回。", "This assignment has already been asked to be returned once.")
def not_returned_before(ticket: TicketParts) -> bool:
    return ticket.lead is not None and not ticket.lead.return_asked


@condition("return_window_over", "已超过退回时限。", "The time to ask for a return is over.")
def within_return_window(ticket: TicketParts) -> bool:
    return (
        ticket.lead is not None
        and ticket.lead.opened_at is not None
        and ticket.moment <= ticket.window_ends(Window.RETURN, ticket.lead.opened_at)
    )


# What a holder must meet to give a ticket back, by a return or by asking for coordination, which counts as one.
RETURNABLE = [not_designated, not_returned_before, within_return_window]


def has_reporter(ticket: TicketParts) -> bool:
    """Whether somebody reported it who has not left: with an account, or reached by name or phone."""
    return ticket.reporter_id is not None or bool(ticket.contact_name or ticket.contact_phone)


@condition("own_work", "不能评价本单位办理的工单。", "You cannot rate what your own organisation worked on.")
def not_own_work(ticket: TicketParts) -> bool:
    """Members of an organisation that led or helped, or of its head office, do not judge the result, not as residents either."""
    if relations(ticket, ticket.asker).isdisjoint({R.REPORTER, R.FOLLOWER}):
        return True
    return judged(ticket).isdisjoint(seat.organisation_id for seat in ticket.asker.seats)


def judged(ticket: TicketParts) -> set[object]:
    """The organisations whose work a judgement of the ticket is about, with their head offices."""
    worked = [one for one in ticket.assignments if one.opened_at is not None and one.role != AssignmentRole.COPY]
    found = {one.organisation_id for one in worked} | {getattr(one, "head_office", None) for one in worked}
    if ticket.last_lead is None:
        found |= {ticket.coordinator_today, ticket.desk_id}
    return found


@condition(
    "found_on_patrol", "巡查、自查、网格发现的工单没有诉求人。", "An organisation found it; no resident reported it."
)
def residents_own(ticket: TicketParts) -> bool:
    """There is a resident to contact, to call back and to reach."""
    return ticket.inspector_id is None


@condition("not_contacted", "须先联系诉求人并登记。", "Contact the resident first, and record it.")
def contacted(ticket: TicketParts) -> bool:
    """First contact comes before the reply (ordinance on swift response, article 15)."""
    nobody = ticket.secrecy == Secrecy.ANONYMOUS or ticket.inspector_id is not None
    return nobody or ticket.lead is None or ticket.lead.contacted_at is not None


@condition("no_public_face", "该工单不向邻居公开。", "The ticket is not open to neighbours.")
def public(ticket: TicketParts) -> bool:
    return ticket.has_public_face


@condition(
    "reporter_is_anonymous", "匿名工单不提供联系方式。", "The reporter is anonymous; there is no contact to show."
)
def not_anonymous(ticket: TicketParts) -> bool:
    return ticket.secrecy != Secrecy.ANONYMOUS

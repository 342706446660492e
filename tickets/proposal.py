"""Which holder routing proposes for a ticket that somebody is about to dispatch, and why, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from community.models import ServiceKind, ServiceMode
from community.serving import Service, Serving, ServingParty
from tickets import catalogue, parties
from tickets.models import Ticket
from tickets.routing import NoDesk, Routing, contract_of, route, successor
from web.words import Words, bilingual, en, zh

_REACHES: Mapping[str, tuple[str, str]] = {
    "compound": ("本小区", "this compound"),
    "area": ("本物业管理区域", "this area"),
    "street": ("本街道", "this street"),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """The organisation that routing proposes to dispatch to, and the reason."""

    party: ServingParty
    reason: Words


def propose(ticket: Ticket, serving: Serving) -> Proposal | None:
    """The proposal for the ticket as its place is served at `serving.at`; None where nobody is there who could take it."""
    leaf = catalogue.leaf_by_id(ticket.category_id)
    try:
        routing = route(serving, leaf, ticket.type, ticket.accused)
        party = successor(routing, serving, leaf, ticket.accused)
    except NoDesk:
        return None
    contract = contract_of(serving, leaf, party.id, party.parent_id)
    return Proposal(party, _reason(ticket, leaf, routing, contract))


def _reason(ticket: Ticket, leaf: catalogue.Leaf, routing: Routing, contract: Service | None) -> Words:
    """The contract, else the rule by which routing names the holder, else that it is the street's as nobody else's."""
    if contract is not None:
        return _of_contract(contract, leaf)
    if routing.holder is not None:
        return routing.reason
    if ticket.accused:
        return bilingual(
            "被反映的单位不能承办，由街道承接。", "The organisation that it accuses cannot take it, so the street does."
        )
    if leaf.lead == parties.PROVIDER:
        return bilingual(
            f"这里没有服务“{leaf.name_zh}”的物业单位，由街道承接。",
            f"Nobody here serves {leaf.name_en}, so the street takes it.",
        )
    return bilingual(
        f"“{leaf.name_zh}”没有指定的承办单位，由街道承接。",
        f"No organisation is named for {leaf.name_en}, so the street takes it.",
    )


def _of_contract(contract: Service, leaf: catalogue.Leaf) -> Words:
    where_zh, where_en = _REACHES[contract.reach]
    kind, mode = ServiceKind(contract.kind).label, ServiceMode(contract.mode).label
    if contract.scope:
        scope_zh, scope_en = f"服务范围包含“{leaf.name_zh}”", f"its scope includes {leaf.name_en}"
    else:
        scope_zh, scope_en = "服务范围不限事项", "its scope is not limited"
    return bilingual(
        f"{where_zh}的{zh(kind)}由其承担（{zh(mode)}），{scope_zh}。",
        f"{en(kind)} for {where_en} is theirs ({en(mode)}); {scope_en}.",
    )

"""Which organisations can be chosen for a ticket: those that its moves accept, without the committees of other places."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from community.models.organisations import COMMITTEE_KINDS, STREET_KINDS
from community.receivers import Receiver, receivers_in
from community.serving import Serving
from tickets import catalogue
from tickets.actions import WHISTLED_KINDS, may_lead
from tickets.filing import COMPANIES
from tickets.models import Ticket
from tickets.states import AssignmentRole
from web.words import Words, bilingual, say
from workflow.actor import Actor

HERE = bilingual("服务本处", "Serve this place")
STREET = bilingual("街道", "The street")
DEPARTMENTS = bilingual("区级部门", "Departments")
SPECIALISED = bilingual("专业单位", "Specialised companies")
OTHERS = bilingual("其他单位", "Others")
_ORDER = (HERE, STREET, DEPARTMENTS, SPECIALISED, OTHERS)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An organisation that may be chosen, and in which group it stands."""

    id: uuid.UUID
    name: str
    kind: str
    group: Words

    @property
    def elsewhere(self) -> bool:
        """Whether it is a company without a contract here."""
        return self.group is OTHERS


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who can be chosen for one ticket, those who serve its place first."""

    ticket: Ticket
    found: Sequence[Candidate]

    @classmethod
    def read(cls, ticket: Ticket, serving: Serving, actor: Actor) -> "Candidates":
        """Everybody for whom somebody receives, but those whom the ticket accuses. One statement."""
        here = _here(serving)
        rows = [
            one
            for one in receivers_in(ticket.street_id, actor.at)
            if not {one.organisation_id, one.receiver_id} & set(ticket.accused)
        ]
        found = [
            Candidate(one.organisation_id, _name(one), one.kind, _group(one, here))
            for one in rows
            if one.organisation_id in here or one.kind not in {*COMMITTEE_KINDS, "residents_committee"}
        ]
        return cls(ticket, sorted(found, key=lambda one: (_ORDER.index(one.group), one.name)))

    def holders(self) -> list[Candidate]:
        """Who may lead."""
        leaf = catalogue.leaf_by_id(self.ticket.category_id)
        return [one for one in self.found if may_lead(one.kind, leaf)]

    def followers(self) -> list[Candidate]:
        """Who may lead a later step: those who may lead, without companies from elsewhere, who are too many for a list to tick."""
        return [one for one in self.holders() if not one.elsewhere]

    def helpers(self) -> list[Candidate]:
        """Who may help, without companies from elsewhere."""
        return [one for one in self.found if not one.elsewhere]

    def departments(self) -> list[Candidate]:
        """Who may be whistled, and has not been yet."""
        parts = self.ticket.assignments
        present = {one.organisation_id for one in parts if one.open and one.role == AssignmentRole.WHISTLED}
        return [one for one in self.found if one.kind in WHISTLED_KINDS and one.id not in present]


def _here(serving: Serving) -> set[uuid.UUID]:
    """Who coordinates or serves the place."""
    found = {one.provider.id for one in serving.services}
    return found | {one.id for one in (serving.committee, serving.residents_committee) if one}


def _group(one: Receiver, here: set[uuid.UUID]) -> Words:
    if one.organisation_id in here:
        return HERE
    if one.kind in STREET_KINDS:
        return STREET
    if one.kind in COMPANIES:
        return OTHERS
    return DEPARTMENTS if one.kind == "department" else SPECIALISED


def _name(one: Receiver) -> str:
    return say(one.name, one.name_en or one.name)

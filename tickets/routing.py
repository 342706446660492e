"""Where a report goes: category × place × who serves the place today.

The rules are data, read from the top: those of the street's version, or of everybody's, or of `data/routing.csv`. A rule that fits
but cannot be carried out, because the party it names is not there or has nobody, falls through with an alarm; what no rule takes
lands on the street's desk. docs/rules.md has the matrix.

Co-handlers are whom a rule names under `with`. A category's own co-parties are whom a dispatcher may call in, and are not called
in by themselves: else a department of the district would have its part in every overflowing bin.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path

from django.utils.functional import Promise

from community.models.organisations import CONTRACTORS
from community.serving import Service, Serving, ServingParty
from tickets import parties
from tickets.catalogue import Leaf
from tickets.models.routing import RoutingRule, versions
from tickets.states import State
from web.tables import read_table
from web.words import bilingual
from workflow.errors import NotReady, Refusal

FILE = Path(__file__).parent / "data" / "routing.csv"
DESK = "desk"
TASK_FORCE = "property"
# Who may hold a contract that limits their time; the street's own bodies and departments act by duty.


class NoDesk(NotReady, Refusal):
    """The street has no duty desk with a member, so that nothing can be taken in."""

    code = "no_desk"
    reason = bilingual(
        "街道尚未配置诉求处置中心，暂时无法受理。", "The street has no duty desk yet; nothing can be taken in."
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the routing table. Patterns are shell-style; several are alternatives; `*` fits all."""

    name: str
    types: tuple[str, ...]
    place: str
    lead: tuple[str, ...]
    route: str
    urgent: str
    mode: str
    action: str
    to: str
    assisting: str
    copy: str
    reason: Promise

    def fits(self, leaf: Leaf, type_: str, *, in_compound: bool, accuses: bool) -> bool:
        """Whether the rule speaks of such a report at such a place."""
        return (
            _any(self.types, type_)
            and self.place in ("*", "compound" if in_compound else "public")
            and _any(self.lead, leaf.lead)
            and self.route in ("*", leaf.route)
            and self.urgent in ("*", "yes" if leaf.urgent else "no")
            and (self.mode != "*") == accuses
        )


@dataclass(frozen=True, slots=True)
class Routing:
    """What becomes of a report: its first state, who coordinates or holds it, and by which rule of which version (None: the file)."""

    state: State
    rule: str
    reason: Promise
    desk: ServingParty
    coordinator: ServingParty | None = None
    holder: ServingParty | None = None
    co_handlers: tuple[ServingParty, ...] = ()
    copies: tuple[ServingParty, ...] = ()
    alarms: tuple[str, ...] = ()
    version: int | None = None


@dataclass(slots=True)
class Finder:
    """Turns party keys into the organisations that are live at a place; remembers what could not be found."""

    serving: Serving
    code: str
    barred: Collection[uuid.UUID] = ()
    alarms: list[str] = field(default_factory=list)

    def find(self, key: str) -> ServingParty | None:
        """The organisation that plays `key` here, its head office if it has nobody itself; None with an alarm."""
        party = self._named(key)
        if party is None:
            self.alarms.append(f"missing:{key}")
            return None
        if party.id in self.barred:
            self.alarms.append(f"accused:{key}")
            return None
        if party.staffed:
            return party
        self.alarms.append(f"unstaffed:{key}:{party.id}")
        head = self.serving.parents.get(party.parent_id) if party.parent_id else None
        return head if head and head.staffed and head.id not in self.barred else None

    def _named(self, key: str) -> ServingParty | None:
        kind, function = parties.split(key)
        match kind:
            case parties.COMMITTEE:
                return self.serving.committee
            case parties.RESIDENTS_COMMITTEE:
                return self.serving.residents_committee
            case parties.PROVIDER:
                return self._serving("property")
            case parties.TITLE_HOLDER:
                return self._serving("title")
            case parties.EMERGENCY_PROVIDER:
                return self._serving("property", mode="emergency")
            case "utility":
                return self._serving("utility", function=function)
            case "maintainer":
                return self._serving(function)
        return self.serving.parties.get(function)

    def _serving(self, kind: str, *, mode: str = "", function: str = "") -> ServingParty | None:
        for service in self.serving.services:
            if (
                service.kind == kind
                and covers(service, self.code)
                and mode in ("", service.mode)
                and function in ("", service.provider.function)
            ):
                return service.provider
        return None


def covers(service: Service, code: str) -> bool:
    """Whether a service's scope takes in the category."""
    return in_scope(service.scope, code)


def in_scope(scope: Collection[str], code: str) -> bool:
    """Whether a scope includes the category; an empty scope includes every category of its kind."""
    return not scope or any(fnmatchcase(code, pattern) for pattern in scope)


def renders(service: Service, organisation: uuid.UUID, parent: uuid.UUID | None) -> bool:
    """Whether the organisation, under the head office `parent`, renders the service.

    It does so itself, as the head office of the provider, or as an office of it.
    """
    provider = service.provider
    return organisation in (provider.id, provider.parent_id) or (parent is not None and parent == provider.id)


def contract_of(serving: Serving, leaf: Leaf, holder: uuid.UUID, parent: uuid.UUID | None) -> Service | None:
    """The contract under which `holder` does work on `leaf` here: the nearest of the kind that its lead works by, else of any.

    None for a provider without a contract here.
    """
    kind, function = parties.split(leaf.lead)
    kinds = {parties.PROVIDER: "property", parties.TITLE_HOLDER: "title", "utility": "utility", "maintainer": function}
    found = [
        one
        for one in serving.services
        if one.provider.kind in CONTRACTORS and covers(one, leaf.code) and renders(one, holder, parent)
    ]
    return next((one for one in found if one.kind == kinds.get(kind)), found[0] if found else None)


def _any(patterns: tuple[str, ...], value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


@cache
def rules(number: int | None = None) -> tuple[Rule, ...]:
    """The routing table of a published version, or the file's, in the order in which it is read."""
    if number is not None:
        return tuple(_rule(row) for row in RoutingRule.objects.filter(version__number=number).order_by("position"))
    return tuple(_rule(row) for row in written())


def _rule(row: RoutingRule) -> Rule:
    return Rule(
        name=row.name,
        types=tuple(row.types.split()),
        place=row.place,
        lead=tuple(row.lead.split()),
        route=row.route,
        urgent=row.urgent,
        mode=row.mode,
        action=row.action,
        to=row.to,
        assisting=row.assisting,
        copy=row.copy,
        reason=bilingual(row.reason_zh, row.reason_en),
    )


def forget() -> None:
    """Forget everything remembered: for the process that has just published, and between tests."""
    versions.forget()
    rules.cache_clear()


_RENAMED = {"with": "assisting", "zh": "reason_zh", "en": "reason_en"}


def written() -> list[RoutingRule]:
    """The rules of the file, as unsaved rows without a version."""
    return [
        RoutingRule(position=position, **{_RENAMED.get(name, name): said for name, said in row.items()})
        for position, (_, row) in enumerate(read_table(FILE), start=1)
    ]


def duty_desk(serving: Serving, barred: Collection[uuid.UUID] = ()) -> ServingParty:
    """The section that answers for what has no other place: the desk, else the task force, else the street office itself.

    Organisations that are `barred`, because the report accuses them, do not answer for it. Raises NoDesk.
    """
    office = [party for party in serving.parties.values() if party.kind == "street_office"]
    for party in (serving.parties.get(DESK), serving.parties.get(TASK_FORCE), *office):
        if party and party.staffed and party.id not in barred:
            return party
    raise NoDesk()


def answering_section(serving: Serving, barred: Collection[uuid.UUID] = ()) -> ServingParty:
    """The section that answers for a ticket at this place: in a compound the property task force, elsewhere the desk.

    A barred task force, which the report accuses, leaves it to the desk. Raises NoDesk.
    """
    force = serving.parties.get(TASK_FORCE)
    if serving.compound_id and force and force.staffed and force.id not in barred:
        return force
    return duty_desk(serving, barred)


def route(serving: Serving, leaf: Leaf, type_: str, accused: Collection[uuid.UUID] = ()) -> Routing:
    """Decide what becomes of a report on `leaf` at the place that `serving` describes. Raises NoDesk."""
    section = answering_section(serving, accused)
    desk = duty_desk(serving, accused)
    finder = Finder(serving, leaf.code, accused)
    number = versions.number(serving.at, serving.street_id)
    for rule in rules(number):
        if not rule.fits(leaf, type_, in_compound=serving.compound_id is not None, accuses=bool(accused)):
            continue
        routed = partial(Routing, rule=rule.name, reason=rule.reason, version=number)
        if rule.action == "desk":
            return routed(State.SUBMITTED, desk=desk, alarms=tuple(finder.alarms))
        party = finder.find(leaf.lead if rule.to == "lead" else rule.to)
        if party is None:
            continue
        if rule.action == "coordinate":
            answering = party if party.kind == "section" else section
            return routed(State.COORDINATING, desk=answering, coordinator=party, alarms=tuple(finder.alarms))
        quiet = Finder(serving, leaf.code, accused)
        helpers = tuple(one for key in rule.assisting.split() if (one := quiet.find(key)) and one.id != party.id)
        told = {party.id, *(one.id for one in helpers)}
        copies = tuple(one for key in rule.copy.split() if (one := quiet.find(key)) and one.id not in told)
        return routed(
            State.DISPATCHED,
            desk=section,
            holder=party,
            co_handlers=helpers,
            copies=copies,
            alarms=tuple(finder.alarms),
        )
    return Routing(
        State.SUBMITTED,
        "last_resort",
        bilingual("由街道诉求处置中心受理", "Taken in by the street's desk"),
        desk,
        alarms=tuple(finder.alarms),
        version=number,
    )


def successor(routing: Routing, serving: Serving, leaf: Leaf, accused: Collection[uuid.UUID]) -> ServingParty:
    """The holder that routing names today; after coordination the present provider, else the section that answers for it."""
    if routing.holder is not None:
        return routing.holder
    served = (
        Finder(serving, leaf.code, accused).find(leaf.lead) if leaf.lead == parties.PROVIDER and not accused else None
    )
    return served or answering_section(serving, accused)

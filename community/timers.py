"""Reminders of service contracts: what to do before a contract ends, when it ends and after, each told once.

Nothing is stored ahead. The day of a reminder follows from the contract's present dates, and `ContractFiring` records
what was told for which day. A contract that gets another end date gets its reminders again. Days begin at midnight in
the street, and are natural days: a holiday puts no reminder off.
"""

import uuid
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils.functional import Promise

from community.addressees import in_roles, members
from community.models import ContractFiring, Organisation, Role, ServiceContract
from community.receivers import local_day, receivers, receives
from notifications.post import Addressee, Letter, post
from notifications.topics import Topic
from notifications.wordings.facts import MessageFact, Phrase
from notifications.wordings.writer import Catalogue
from web.words import Words, bilingual
from workflow import moment
from workflow.sweep import note_sweep

BATCH = 250
SWEEP = "community.contracts"
DAY = timedelta(days=1)
AHEAD = timedelta(days=190)
"""The longest time before a contract's end at which a rung fires."""
ANSWERING = frozenset({Role.STREET_LEAD, Role.OFFICER, Role.CHAIR, Role.MANAGER})
"""The roles that get reminders for an organisation. Its other members get them only where it has none of these."""
LATE = timedelta(days=31)
"""Time after which the end of a contract is no longer announced."""
CATALOGUE = Catalogue(Path(__file__).parent / "data" / "messages.toml")
KIND = "contract."
"""How the kinds of messages about contracts begin; a rung's code follows."""
FACTS: Mapping[str, Promise] = {
    "code": bilingual("合同编号", "the contract's number"),
    "place": bilingual("物业区域或小区", "the area or compound"),
    "provider": bilingual("服务单位", "the provider"),
    "last_day": bilingual("最后服务日", "the last day of service"),
    "todo": bilingual("待办事项", "what has to be done"),
    "shortfall": bilingual("“通知期少…日”；足够时为空", "“The notice is … days too short”, or nothing"),
}
"""What a message about a contract can say."""
HANDED_ON = "handed_on"
"""The firing that records that all open tickets of an ended contract were dispatched again. The process that does it writes it."""
# Where the regulation asks for a handover, and for a decision on renewal.
_PROVIDERS, _ORDINARY = frozenset({"contracted", "emergency"}), frozenset({"contracted"})


@dataclass(frozen=True, slots=True)
class ContractRung:
    """One reminder: a number of months and days after the contract's last day or the notice; before it where negative.

    It applies to contracts in these `modes` (empty: all), and where `of_property` only to property service.
    `until_end` reminders are pointless once the contract has ended. `every` repeats it after so many days; missed
    repetitions are told once.
    """

    code: str
    ladder: str
    todo: Promise
    article: str = ""
    months: int = 0
    days: int = 0
    every: int = 0
    modes: frozenset[str] = frozenset()
    of_property: bool = True
    until_end: bool = True


def _exit(code: str, days: int) -> ContractRung:
    return ContractRung(
        code,
        "exit",
        bilingual(
            "服务单位将退出：确认交接清单，选定新的服务单位，没有的由街道安排应急物业。",
            "The provider leaves: agree on what is handed over and choose a new one; without one the street arranges emergency service.",
        ),
        "R 75, 76; C 946",
        days=days,
    )


def _emergency(code: str, days: int) -> ContractRung:
    return ContractRung(
        code,
        "emergency",
        bilingual(
            "应急物业即将到期：组织业主投票选聘新的服务单位。",
            "The emergency service ends soon: have the owners vote for a new provider.",
        ),
        "R 77",
        days=days,
        modes=frozenset({"emergency"}),
    )


RUNGS = (
    ContractRung(
        "renewal",
        "renewal",
        bilingual(
            "合同六个月后到期：组织业主决定续聘或另聘。",
            "The contract ends in six months: have the owners decide on renewal, or on another provider.",
        ),
        "R 63",
        months=-6,
        modes=_ORDINARY,
    ),
    ContractRung(
        "exit_notice",
        "notice",
        bilingual(
            "已收到退出通知：核对通知期限，告知业主，准备交接。",
            "Notice was given: check its term, tell the owners, prepare the handover.",
        ),
        "R 75; C 946",
    ),
    _exit("exit_60", -60),
    _exit("exit_30", -30),
    _exit("exit_7", -7),
    _emergency("emergency_60", -60),
    _emergency("emergency_30", -30),
    ContractRung(
        "emergency_end",
        "end",
        bilingual(
            "应急物业已到期：没有新的服务单位时由街道托底。",
            "The emergency service has ended: without a new provider the street answers itself.",
        ),
        "R 77; E 22",
        days=1,
        modes=frozenset({"emergency"}),
        until_end=False,
    ),
    ContractRung(
        "end",
        "end",
        bilingual(
            "合同已结束：未结工单改派现服务单位，督促三十日内完成交接。",
            "The contract has ended: its open tickets pass to the provider that serves now; the handover is due within 30 days.",
        ),
        "R 76",
        days=1,
        modes=frozenset({"contracted", "quasi", "backstop"}),
        of_property=False,
        until_end=False,
    ),
    ContractRung(
        "handover_overdue",
        "handover",
        bilingual(
            "逾期未完成交接：督促移交，必要时报区住房部门处理。",
            "The handover is overdue: press for it, and report to the district's housing department where needed.",
        ),
        "R 76, 97",
        days=31,
        every=7,
        modes=_PROVIDERS,
        until_end=False,
    ),
)
TODO: Mapping[str, Promise] = {
    **{one.code: one.todo for one in RUNGS},
    HANDED_ON: bilingual(
        "该合同的未结工单已全部改派。", "The open tickets of the contract have all been dispatched anew."
    ),
}
LADDER: Mapping[str, ContractRung] = {one.code: one for one in RUNGS}
ARTICLES: Mapping[str, str] = {one.code: one.article for one in RUNGS}


def local_today(contract: ServiceContract, at: datetime) -> date:
    """The date of `at` in the contract's street."""
    return at.astimezone(ZoneInfo(contract.street.timezone)).date()


def end_of(contract: ServiceContract) -> datetime:
    """The moment when a contract with a last day is over: midnight in the street after that day."""
    assert contract.ends_on is not None
    zone = ZoneInfo(contract.street.timezone)
    return datetime.combine(contract.ends_on + DAY, datetime.min.time(), zone)


def due(contract: ServiceContract, today: date, *, renewed: bool = False) -> Iterator[tuple[ContractRung, date]]:
    """The contract's reminders that are due by `today`, each with its day.

    `renewed` says that its provider serves the place afterwards, too, so that there is no handover.
    """
    for rung in RUNGS:
        day = _day(rung, contract, renewed=renewed)
        if day is None or day > today:
            continue
        if rung.until_end and contract.ends_on is not None and today > contract.ends_on:
            continue
        if rung.every:
            day += timedelta(days=(today - day).days // rung.every * rung.every)
        yield rung, day


def _day(rung: ContractRung, contract: ServiceContract, *, renewed: bool) -> date | None:
    if (rung.of_property and contract.kind != "property") or (rung.modes and contract.mode not in rung.modes):
        return None
    end, notice = contract.ends_on, contract.notice_on
    if rung.ladder == "notice":
        return notice
    if end is None:
        return None
    day = _months_later(end, rung.months) + timedelta(days=rung.days)
    if rung.until_end:
        day = max(day, contract.starts_on)
    match rung.ladder:
        # The day of the notice has a rung of its own.
        case "exit" if notice is None or day <= notice:
            return None
        case "renewal" if notice is not None and notice <= day:
            return None
        case "handover" if renewed or contract.handed_over_on is not None:
            return None
    return day


def _months_later(day: date, months: int) -> date:
    """The same day of another month, otherwise the last day of that month (Civil Code 202)."""
    if not months:
        return day
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def fire_due() -> int:
    """Fire the reminders that are due and were not fired yet. Returns how many. Any number of callers may run at once.

    A contract that is locked is left for the next call.
    """
    at, fired = moment.now(), 0
    keys = [one.pk for one in _watched(at) if _unfired(one, at)]
    for some in batched(keys, BATCH):
        with transaction.atomic():
            free = _watched(at).filter(pk__in=some)
            fired += _fire(list(free.select_for_update(no_key=True, skip_locked=True, of=("self",))), at)
    note_sweep(SWEEP)
    return fired


def _watched(at: datetime) -> QuerySet[Model]:
    """The contracts that may have a reminder due, with whether their providers go on, and what was fired."""
    # The zones of the earth lie within a day of each other.
    near = at.date() + DAY
    after = ServiceContract.objects.filter(
        Q(compound=OuterRef("compound")) | Q(area=OuterRef("area")) | Q(area=OuterRef("compound__area")),
        Q(ends_on=None) | Q(ends_on__gt=OuterRef("ends_on")),
        provider=OuterRef("provider"),
        kind=OuterRef("kind"),
        starts_on__lte=OuterRef("ends_on") + DAY,
    )
    told = ContractFiring.objects.filter(
        contract=OuterRef("pk"), rung__in=["end", "emergency_end"], due_on=OuterRef("ends_on") + DAY
    )
    pending = Q(kind="property", mode__in=_PROVIDERS, handed_over_on=None, renewed=False)
    return (
        ServiceContract.objects.annotate(renewed=Exists(after))
        .filter(Q(notice_on__lte=near) | Q(ends_on__lte=near + AHEAD))
        .filter(Q(ends_on=None) | Q(ends_on__gte=near - 2 * DAY) | pending | ~Exists(told))
        .select_related("street", "area", "compound__area", "provider")
        .prefetch_related("firings")
        .order_by("pk")
    )


def _unfired(contract: Any, at: datetime) -> list[tuple[ContractRung, date]]:
    known = {(one.rung, one.due_on) for one in contract.firings.all()}
    found = due(contract, local_today(contract, at), renewed=contract.renewed)
    return [(rung, day) for rung, day in found if (rung.code, day) not in known]


def _fire(contracts: Sequence[Any], at: datetime) -> int:
    waiting = [(contract, rung, day) for contract in contracts for rung, day in _unfired(contract, at)]
    told = concerned({contract for contract, _, _ in waiting}, at)
    rows = [firing(contract, rung.code, day, at, told[contract.pk]) for contract, rung, day in waiting]
    tell(rows)
    return len(rows)


def tell(firings: Sequence[ContractFiring]) -> None:
    """Record these firings and tell people in the same transaction. A firing that was recorded before is not told again.

    A reminder that is long past, as for a contract that was entered years after its end, is recorded only.
    """
    if not firings:
        return
    with transaction.atomic():
        ContractFiring.objects.bulk_create(firings, ignore_conflicts=True)
        news = [one for one in firings if not _stale(one)]
        people = _people(news, moment.now())
        post([letter(one, people) for one in news], [], CATALOGUE)


def _stale(one: ContractFiring) -> bool:
    rung = LADDER.get(one.rung)
    # A reminder of something still to come is useful however late it is.
    return not (rung and rung.until_end) and one.due_on < local_day(one.fired_at) - LATE


def letter(one: ContractFiring, people: Mapping[uuid.UUID, Sequence[Addressee]]) -> Letter:
    """The letter of a firing, for those of `people` (by organisation) whom it concerns and for their organisations' robots."""
    contract, rung = one.contract, LADDER.get(one.rung)
    addressees = {person.person_id: person for body in one.concerned for person in people.get(body, ())}
    return Letter(
        # Every process that fires it makes the same key, like its row.
        key=uuid.uuid5(contract.pk, f"{one.rung} {one.due_on}"),
        street_id=one.street_id,
        kind=f"{KIND}{one.rung}",
        topic=Topic.REMINDER if rung is not None and rung.until_end else Topic.OVERSIGHT,
        at=one.fired_at,
        facts=facts(contract, one.rung),
        about=_name_of(contract.provider),
        people=list(addressees.values()),
        organisations=one.concerned,
    )


def facts(contract: ServiceContract, rung: str) -> Mapping[str, MessageFact]:
    """The facts that the wordings of contracts can use; see `FACTS`."""
    return {
        "code": contract.code,
        "place": str(contract.area or contract.compound or contract.street),
        "provider": _name_of(contract.provider),
        "last_day": contract.ends_on or bilingual("待定", "not set yet"),
        "todo": TODO.get(rung, ""),
        "shortfall": _shortfall(contract.notice_shortfall),
    }


def _name_of(provider: Organisation) -> Words:
    return bilingual(provider.name, provider.name_en or provider.name)


_SHORTFALL = bilingual("通知期不足，少{}日。", "The notice is {} days too short.")


def _shortfall(days: int) -> MessageFact:
    return Phrase(_SHORTFALL, days) if days else ""


def _people(firings: Sequence[ContractFiring], at: datetime) -> Mapping[uuid.UUID, Sequence[Addressee]]:
    """The people who answer for each organisation at `at`; where nobody does, all its members. One statement."""
    seats = members({body for one in firings for body in one.concerned}, at)
    return {
        body: [Addressee(one.person_id, one.language) for one in in_roles(its, ANSWERING)]
        for body, its in seats.items()
    }


def firing(contract: ServiceContract, rung: str, due_on: date, at: datetime, told: list[uuid.UUID]) -> ContractFiring:
    """The row that records a firing."""
    return ContractFiring(
        street_id=contract.street_id, contract=contract, rung=rung, due_on=due_on, fired_at=at, concerned=told
    )


def concerned(contracts: Iterable[ServiceContract], at: datetime) -> Mapping[uuid.UUID, list[uuid.UUID]]:
    """The organisations that each contract concerns at `at`: the street's property task force, the area's committee, the provider.

    Each is replaced by the organisation that receives for it; where there is none, by the street's own body.
    """
    contracts = list(contracts)
    desks = _desks({one.street_id for one in contracts}, at)
    parties = {one.pk: [party for party in (_committee(one), one.provider_id) if party] for one in contracts}
    found = receivers({party for ids in parties.values() for party in ids}, at)
    told = {}
    for one in contracts:
        takers = [desks.get(one.street_id), *(found[party].receiver_id for party in parties[one.pk] if party in found)]
        told[one.pk] = [taker for taker in dict.fromkeys(takers) if taker]
    return told


def _committee(contract: ServiceContract) -> uuid.UUID | None:
    area = contract.area or (contract.compound.area if contract.compound else None)
    return area.committee_id if area else None


def _desks(streets: Iterable[uuid.UUID], at: datetime) -> Mapping[uuid.UUID, uuid.UUID]:
    """Each street's property task force, otherwise its desk, otherwise its office."""
    order = ["property", "desk"]
    bodies = Organisation.objects.filter(
        Q(kind="section", function__in=order) | Q(kind="street_office"), receives("pk", at), street__in=streets
    )
    found: dict[uuid.UUID, uuid.UUID] = {}
    rows = list(bodies.values_list("street", "function", "pk"))
    rows.sort(key=lambda row: order.index(row[1]) if row[1] in order else len(order))
    for street, _, body in rows:
        if street is not None:
            found.setdefault(street, body)
    return found


def latest(streets: Iterable[uuid.UUID]) -> QuerySet[ContractFiring]:
    """The firings in these streets."""
    return ContractFiring.objects.filter(street__in=streets).select_related(
        "contract__provider", "contract__area", "contract__compound"
    )

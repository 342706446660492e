"""A month of tickets on the demo street: invented reports, each lived through with the real moves at moments that have passed."""

import csv
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from community.models import Compound, Person, Street
from tickets import catalogue
from tickets.actions import Report, act, hold, submit
from tickets.catalogue import Leaf
from tickets.demo.crowd import FIRST_PHONE, LAST_PHONE, Crowd, settle
from tickets.demo.pictures import picture
from tickets.imaging import Pictures, normalise
from tickets.models import Photo, Ticket
from tickets.models.photo import PhotoKind
from tickets.routing import covers, route
from tickets.states import Channel, Secrecy, State, TicketType
from tickets.windows import SHORT
from workflow.actor import Actor

S = State
FILE = Path(__file__).parents[1] / "data" / "demo_reports.csv"
DAYS = 30
COLOURS = {"report": "#7a5c3e", "progress": "#6e6a3e", "after": "#3e7a4f", "dispute": "#2e2e3e"}

# How many of a hundred tickets are in each state at the end of the month; each state has one in any case.
SHARES = {
    S.CLOSED: 49,
    S.IN_PROGRESS: 13,
    S.REPLIED: 8,
    S.DISPATCHED: 6,
    S.COORDINATING: 6,
    S.SUBMITTED: 4,
    S.MERGED: 3,
    S.ON_ACCOUNT: 4,
    S.RETURNING: 2,
    S.REJECTED: 2,
    S.WITHDRAWN: 2,
    S.TERMINATED: 1,
}
# How many hours ago a ticket that is in this state now was filed; the ended ones are spread over the month.
AGES = {
    S.SUBMITTED: (0.3, 2.5),
    S.COORDINATING: (3, 90),
    S.DISPATCHED: (0.2, 6),
    S.RETURNING: (3, 20),
    S.REPLIED: (20, 170),
    S.ON_ACCOUNT: (240, 700),
}
# Hours of work by class; others take those of D15.
WORK = {"IMM": (0.2, 1), "H2": (0.3, 1.5), "H24": (3, 18), "LIGHT-I": (2, 9), "LIGHT-O": (2, 9), "D7": (20, 120)}
LONG_WORK = (60.0, 200.0)

PROGRESS = (
    "已到现场查看，正在备料。",
    "维修人员已进场，预计明天完成。",
    "已与相关住户沟通，处理过半。",
    "配件到货，今天安装。",
)
CONTACTED = ("已电话联系，约好上门时间。", "已联系，说明了处理安排。", "已当面了解情况。")
RETURNS = (
    "经现场核实，不在我单位服务合同范围内。",
    "该设施由产权单位管理，非我单位职责。",
    "涉及专业管线，应由专业单位处置。",
)
MET = ("居民代表、物业项目部", "居民代表、居委会", "物业项目部、相关住户")
AGREED = ("由物业一周内完成整改，物管会验收。", "先清理现场，再商定长效办法。", "费用按合同承担，派单办理。")
DISPUTES = ("只弄了一半，后面还是老样子。", "当天好了，第二天又一样。", "照片拍的不是我们单元。")
THANKS = ("来得快、修得好，谢谢师傅！", "多年的问题解决了，谢谢街道和物管会。", "电话回得及时，很放心。")
GUIDANCE = {
    "legal_procedure": "该纠纷正在诉讼中，请通过法定途径解决。",
    "out_of_scope": "该事项不属于街道职责，请联系开户营业厅办理。",
    "repeated": "该事项此前已办结答复，如有新情况请补充后再报。",
}
TERMINATED = "多次联系诉求人均不配合提供入户条件，经研究决定终止办理并书面告知。"
ON_ACCOUNT = {
    "legacy": "产权关系待厘清。",
    "planning": "待纳入年度改造计划。",
    "funding": "待专项资金落实。",
    "joint_decision": "待业主共同决定。",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A report that somebody might make, and what is said when it is done; `{b}`, `{u}`, `{f}` are building, unit, floor."""

    category: str
    type: str
    title: str
    text: str
    spot: str
    result: str


@cache
def samples() -> tuple[Sample, ...]:
    """The reports of the data file, in its order."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Sample(**row) for row in csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Plot:
    """What will become of a report: filed at `at`, it ends the month in the state `fate`; with a twin that is merged into it."""

    fate: State
    sample: Sample
    leaf: Leaf
    compound: Compound
    reporter: Person
    secrecy: str
    channel: str
    at: datetime
    twin: bool


def loaded() -> bool:
    """Whether the month has been loaded: its residents come with it."""
    return Person.objects.filter(phone__range=(FIRST_PHONE, LAST_PHONE)).exists()


def load(street: Street, *, count: int, seed: int, now: datetime, report: Callable[[int], None]) -> None:
    """Bring `count` tickets of the 30 days before `now` into being, in one transaction; `report` is told how many there are.

    The same seed brings the same reports to the same ends, on a street with the same people; ids and codes are random.
    Raises ValueError for a count that has no room for every state.
    """
    if count < len(SHARES):
        raise ValueError(f"There are {len(SHARES)} states, so it takes {len(SHARES)} tickets at least.")
    chance = random.Random(seed)  # noqa: S311
    with transaction.atomic():
        settle(street)
        month = Month(Crowd.gather(street, now), chance)
        done = 0
        for plot in sorted(month.plots(count), key=lambda one: one.at):
            done += month.live(plot)
            report(done)
        transaction.on_commit(month.store_pictures)


def fates(count: int, chance: random.Random) -> list[State]:
    """A final state for each of `count` tickets, every state among them."""
    states = list(SHARES)
    return states + chance.choices(states, list(SHARES.values()), k=count - len(states))


@dataclass(slots=True)
class Month:
    """Makes plots and lets tickets live through them."""

    crowd: Crowd
    chance: random.Random
    _files: list[tuple[str, bytes]] = field(default_factory=list)
    _pictures: dict[str, Pictures] = field(default_factory=dict)

    def plots(self, count: int) -> list[Plot]:
        """Plots for `count` tickets. A merged ticket belongs to the plot of the one that it is merged into."""
        drawn = fates(count, self.chance)
        merged = drawn.count(S.MERGED)
        alone = [fate for fate in drawn if fate != S.MERGED]
        masters = [place for place, fate in enumerate(alone) if fate in (S.CLOSED, S.IN_PROGRESS)][:merged]
        plots = [self._plot(fate, twin=place in masters) for place, fate in enumerate(alone)]
        # Where there are too few masters, what is left over is closed.
        return plots + [self._plot(S.CLOSED, twin=False) for _ in range(merged - len(masters))]

    def _plot(self, fate: State, *, twin: bool) -> Plot:
        """Draw reports until one can come to this end."""
        crowded = [len(self.crowd.residents[one.pk]) for one in self.crowd.compounds]
        while True:
            compound = self.chance.choices(self.crowd.compounds, crowded)[0]
            sample = self.chance.choice(samples())
            leaf = catalogue.current(self.crowd.now).leaf(sample.category)
            secrecy = self._secrecy(sample)
            if not self._suits(fate, sample, leaf, compound, secrecy) or (
                twin and not self._has_twin(sample, secrecy, compound)
            ):
                continue
            return Plot(
                fate=fate,
                sample=sample,
                leaf=leaf,
                compound=compound,
                reporter=self.chance.choice(self.crowd.residents[compound.pk]),
                secrecy=secrecy,
                channel=Channel.APP if twin else self.chance.choices(list(Channel), [74, 12, 4, 10])[0],
                at=self._filed_at(fate, leaf),
                twin=twin,
            )

    def _secrecy(self, sample: Sample) -> str:
        if sample.type not in (TicketType.COMPLAINT, TicketType.REPORT):
            return Secrecy.OPEN
        return self.chance.choices(list(Secrecy), [80, 15, 5])[0]

    def _has_twin(self, sample: Sample, secrecy: str, compound: Compound) -> bool:
        return (
            secrecy == Secrecy.OPEN
            and sample.type in (TicketType.HELP, TicketType.COMPLAINT)
            and len(self.crowd.residents[compound.pk]) > 1
        )

    def _suits(self, fate: State, sample: Sample, leaf: Leaf, compound: Compound, secrecy: str) -> bool:
        """Whether such a report can come to this end, going by where it is routed today."""
        serving = self.crowd.serving(compound)
        accused = leaf.group == "SV" and sample.type == TicketType.COMPLAINT and secrecy != Secrecy.OPEN
        barred = [one.provider.id for one in serving.services if one.kind == "property"][:1] if accused else []
        born = route(serving, leaf, sample.type, barred)
        served = any(one.kind == "property" and covers(one, leaf.code) for one in serving.services)
        committee = born.coordinator is not None and born.coordinator.kind != "section"
        match fate:
            case S.SUBMITTED:
                return born.state == S.SUBMITTED
            case S.COORDINATING:
                return born.state == S.COORDINATING
            case S.DISPATCHED | S.RETURNING:
                return born.state == S.DISPATCHED
            case S.IN_PROGRESS:
                return born.state == S.DISPATCHED or committee
            case S.ON_ACCOUNT:
                return born.state != S.SUBMITTED and leaf.disposal_class in ("LT", "VOTE", "D15")
            case S.WITHDRAWN | S.REJECTED:
                return not leaf.urgent
        # Most of what is solved is solved by those who are there for it.
        return served or self.chance.random() < 0.5

    def _filed_at(self, fate: State, leaf: Leaf) -> datetime:
        low, high = AGES.get(fate, (20, DAYS * 24 - 12))
        if fate == S.IN_PROGRESS:
            low, high = 2.0, 1.8 * WORK.get(leaf.disposal_class, LONG_WORK)[1]
        at = self.crowd.now - timedelta(hours=self.chance.uniform(low, high))
        local = timezone.localtime(at)
        if local.hour < 7 and not leaf.urgent and self.crowd.now - at > timedelta(hours=12):
            at += timedelta(hours=8)
        return at

    def live(self, plot: Plot) -> int:
        """Bring a plot's tickets into being and through their lives; how many they were."""
        return Life(self, plot).live()

    def photo(self, kind: PhotoKind, uploader: uuid.UUID) -> uuid.UUID:
        """A photo that its uploader has just taken; its files are written once everything has been committed."""
        if kind not in self._pictures:
            self._pictures[kind] = normalise(BytesIO(picture(kind, COLOURS[kind])))
        drawn = self._pictures[kind]
        photo = Photo.objects.create(
            uploader_id=uploader,
            kind=kind,
            width=drawn.width,
            height=drawn.height,
            bytes=len(drawn.full),
            sha256=drawn.sha256,
        )
        self._files += [(photo.full, drawn.full), (photo.thumb, drawn.thumb)]
        return photo.pk

    def store_pictures(self) -> None:
        """Write the files of the photos."""
        for name, content in self._files:
            default_storage.save(name, ContentFile(content))


class Life:
    """One ticket's life, move by move. Between two moves some hours pass, fewer when the present draws near."""

    def __init__(self, month: Month, plot: Plot):
        self.month, self.crowd, self.chance, self.plot = month, month.crowd, month.chance, plot
        self.at = plot.at
        self.until = month.crowd.now - timedelta(minutes=1)
        self.places = {
            "b": self.chance.randint(1, 12),
            "u": self.chance.randint(1, 4),
            "f": self.chance.randint(2, 6),
        }
        self.ticket: Ticket = self._file(plot.reporter, plot.channel)

    def live(self) -> int:
        """Go through the moves that lead to the plot's end; how many tickets it took."""
        twins = self._merge_twin() if self.plot.twin else 0
        if self.ticket.has_public_face and self.plot.fate != S.WITHDRAWN and self.happens(0.3):
            self._cosign()
        self._to_the_end()
        assert self.ticket.state == self.plot.fate, f"{self.plot} ended as {self.ticket.state}"
        return 1 + twins

    def _to_the_end(self) -> None:
        match self.plot.fate:
            case S.SUBMITTED | S.DISPATCHED:
                pass
            case S.COORDINATING:
                self._coordinate()
            case S.RETURNING:
                self.holder("return", 0.3, 2, reason=self.one_of(RETURNS))
            case S.IN_PROGRESS:
                self._work()
                self._press()
            case S.ON_ACCOUNT:
                self._put_on_account()
            case S.REPLIED:
                self._solve()
            case S.CLOSED:
                self._solve()
                self._close()
            case S.REJECTED:
                branch = self.one_of(tuple(GUIDANCE))
                self.street("reject", 0.5, 5, branch=branch, guidance=GUIDANCE[branch])
            case S.WITHDRAWN:
                self.reporter("withdraw", 0.2, 3, reason="已经自行解决了。")
            case S.TERMINATED:
                self._coordinate()
                lead = self.crowd.member(self.crowd.functions["street_office:office"], "lead")
                self.move("terminate", lead, 48, 120, reason=TERMINATED)

    # Chance, time and the people at hand.

    def happens(self, chance: float) -> bool:
        """Whether something happens this time."""
        return self.chance.random() < chance

    def one_of[T](self, choices: Sequence[T]) -> T:
        """Any of these."""
        return self.chance.choice(choices)

    def move(
        self, name: str, who: uuid.UUID | None, low: float, high: float, *, behalf: str = "", **inputs: Any
    ) -> None:
        """Let `low` to `high` hours pass, and then `who` makes a move; nobody is the clock."""
        self.at += min(timedelta(hours=self.chance.uniform(low, high)), (self.until - self.at) * 0.4)
        by = Actor.the_clock(self.at) if who is None else self.crowd.actor(who, self.at)
        if behalf:
            by = replace(by, on_behalf=behalf)
        ticket, given = hold(name, self.ticket.pk, inputs, by=by)
        self.ticket = act(name, ticket, by=by, version=None, inputs=given).subject

    def holder(self, name: str, low: float, high: float, *roles: str, **inputs: Any) -> None:
        """A move of the organisation that holds the ticket."""
        assert self.ticket.holder_id is not None
        self.move(name, self.crowd.member(self.ticket.holder_id, *roles), low, high, **inputs)

    def street(self, name: str, low: float, high: float, **inputs: Any) -> None:
        """A move of the section that answers for the ticket."""
        self.move(name, self.crowd.member(self.ticket.desk_id), low, high, **inputs)

    def coordinator(self, name: str, low: float, high: float, **inputs: Any) -> None:
        """A move of whoever coordinates."""
        assert self.ticket.coordinator_id is not None
        self.move(name, self.crowd.member(self.ticket.coordinator_id, "chair"), low, high, **inputs)

    def reporter(self, name: str, low: float, high: float, **inputs: Any) -> None:
        """A move of the reporter; where Linli does not know them, the street makes it for them (代办)."""
        if self.ticket.reporter_id:
            self.move(name, self.ticket.reporter_id, low, high, **inputs)
        else:
            self.move(name, self.crowd.member(self.ticket.desk_id), low, high, behalf="reporter", **inputs)

    # The chapters of a life.

    def _file(self, reporter: Person, channel: str) -> Ticket:
        sample, plot = self.plot.sample, self.plot
        by = reporter.pk if channel == Channel.APP else self.crowd.member(self.crowd.functions["section:desk"])
        photos = [self.month.photo(PhotoKind.REPORT, by)] if channel == Channel.APP and self.happens(0.2) else []
        unknown = channel != Channel.APP and self.happens(0.4)
        report = Report(
            type=sample.type,
            category=sample.category,
            title=sample.title,
            text=sample.text.format(**self.places),
            compound_id=plot.compound.pk,
            spot=sample.spot.format(**self.places),
            secrecy=plot.secrecy,
            photos=photos,
            channel=channel,
            contact_name="" if channel == Channel.APP else "来电居民" if unknown else reporter.name,
            contact_phone="" if channel == Channel.APP else "010-55509999" if unknown else reporter.phone,
            hotline_number=f"DEMO{self.chance.randrange(10**8):08}" if channel == Channel.HOTLINE else "",
        )
        ticket, _ = submit(report, by=self.crowd.actor(by, self.at), person=self.crowd.people[by])
        return ticket

    def _neighbours(self) -> list[Person]:
        return [one for one in self.crowd.residents[self.plot.compound.pk] if one.pk != self.ticket.reporter_id]

    def _merge_twin(self) -> int:
        """A neighbour reports the same; the street merges it into this one."""
        master = self.ticket
        self.at += timedelta(minutes=self.chance.uniform(5, 40))
        self.ticket = self._file(self.one_of(self._neighbours()), Channel.APP)
        self.street("merge", 0.2, 1, into=master.pk)
        self.ticket = master
        return 1

    def _cosign(self) -> None:
        """Up to three neighbours stand behind it."""
        following = set(self.ticket.followers.values_list("person_id", flat=True))
        there = [one for one in self._neighbours() if one.pk not in following]
        for one in there[: self.chance.randint(1, 3)]:
            self.move("cosign", one.pk, 0.05, 0.6)

    def _coordinate(self) -> None:
        """Something happens while it is coordinated."""
        if self.ticket.state != S.COORDINATING:
            return
        if self.plot.leaf.lead.startswith("department:") and not self.ticket.accused:
            self._whistle()
        elif self.happens(0.6):
            self.coordinator("record", 4, 30, met_with=self.one_of(MET), agreed=self.one_of(AGREED))
        elif self.ticket.coordinator_id != self.ticket.desk_id and self.happens(0.3):
            self.move("take_over", None, 72, 73)

    def _whistle(self) -> None:
        """The street whistles the department whose duty it is, and somebody of it reports in."""
        department = self.crowd.functions[self.plot.leaf.lead]
        self.street("whistle", 1, 8, departments=[department], reason="请到场研究处置。")
        self.move("report_in", self.crowd.member(department), 1, 20)

    def _work(self) -> None:
        """Somebody works on it."""
        if self.ticket.state == S.COORDINATING:
            self._coordinate()
            self.coordinator(
                "dispatch", 1, 24, holder=self.crowd.provider(self.plot.compound), note="请按协调意见办理。"
            )
        assert self.ticket.next_due_at is not None
        response = (self.ticket.next_due_at - self.ticket.state_since).total_seconds() / 3600
        assert self.ticket.holder_id is not None
        worker = self.crowd.member(self.ticket.holder_id, "worker", "manager")
        self.holder("sign", 0.1 * response, 0.9 * response, "dispatcher", worker=worker)
        self.holder("contact", 0.1, 1, "worker", result="reached", words=self.one_of(CONTACTED))
        if self.plot.leaf.response_class in ("R15M", "R30M"):
            self.holder("arrive", 0.05, 0.3, "worker")
        if self.happens(0.5):
            self.holder("progress", 0.2, 4, "worker", text=self.one_of(PROGRESS))

    def _press(self) -> None:
        """What happens to work that takes its time."""
        if self.plot.leaf.disposal_class not in SHORT and self.happens(0.3):
            self.holder("request_extension", 2, 20, "manager", days=5, reason="配件定制周期较长。")
            if self.happens(0.6):
                self.street("grant_extension", 1, 10)
        elif self.ticket.secrecy != Secrecy.ANONYMOUS and self.happens(0.3):
            self.holder("ask", 1, 10, "worker", question="请问哪个时段方便入户查看？")
            if self.happens(0.5):
                self.reporter("answer", 0.5, 10, answer="工作日晚上七点以后都在家。")
        if self.ticket.due_at and self.ticket.due_at < self.until:
            self.at = max(self.at, min(self.ticket.due_at, self.until))
            self.move("raise_level", None, 0, 0, level=self.ticket.level + 1, reason="超过办理时限。")
            self.street("supervise", 0.2, 5, kind="routine", reason="已超期，请说明原因并尽快办理。")
            if self.happens(0.5):
                self.reporter("urge", 0.2, 10, reason="请尽快处理。")

    def _put_on_account(self) -> None:
        if self.ticket.state == S.COORDINATING:
            self._coordinate()
        elif self.ticket.state == S.DISPATCHED:
            self._work()
        kind = self.one_of(tuple(ON_ACCOUNT))
        self.street(
            "put_on_account",
            10,
            60,
            kind=kind,
            owner=self.ticket.holder_id or self.ticket.desk_id,
            plan_date=self.crowd.now.date() + timedelta(days=self.chance.randint(20, 200)),
            reason=ON_ACCOUNT[kind],
        )
        if self.happens(0.6):
            self.street("progress", 80, 300, text="已完成现场勘察和方案比选，按计划推进。")

    def _solve(self) -> None:
        """Bring it to a reply."""
        if self.ticket.state == S.SUBMITTED:
            self.street("answer_now", 0.1, 1.5, answer=self.plot.sample.result)
            return
        by_street = self.ticket.state == S.COORDINATING and (
            bool(self.ticket.accused) or self.ticket.coordinator_id == self.ticket.desk_id
        )
        if by_street:
            self._coordinate()
            self.street("reply", 5, 60, result=self.plot.sample.result)
            return
        self._work()
        self._reply(*WORK.get(self.plot.leaf.disposal_class, LONG_WORK))

    def _reply(self, low: float, high: float) -> None:
        assert self.ticket.holder_id is not None
        by = self.crowd.member(self.ticket.holder_id, "worker")
        photos = [self.month.photo(PhotoKind.AFTER, by)] if self.ticket.after_photo else []
        self.move("reply", by, low, high, result=self.plot.sample.result, photos=photos)

    def _close(self) -> None:
        """The resident has the last word, or none; then the street may call back."""
        if self.ticket.disputes == 0 and self.happens(0.15):
            self._dispute()
        if self.until - self.at > timedelta(days=8) and self.happens(0.3):
            self.at += timedelta(days=7)
            self.move("close_silent", None, 0, 0.02)
        else:
            rating = self.chance.choices([1, 2, 3, 4, 5], [2, 3, 10, 35, 50])[0]
            words = {"words": self.one_of(THANKS)} if rating > 3 and self.happens(0.3) else {}
            self.reporter("confirm", 0.5, 40, resolved=rating > 2, rating=rating, **words)
            if rating == 5 and self.happens(0.15):
                self.reporter("thank", 1, 20, words=self.one_of(THANKS), consent=True)
        if self.happens(0.3):
            satisfied = self.chance.choices([1, 2, 3, 4, 5], [2, 4, 14, 40, 40])[0]
            self.street("callback", 1, 20, valid=True, contacted=True, resolved=satisfied > 2, satisfied=satisfied)

    def _dispute(self) -> None:
        """It is not solved; whoever it goes back to does better."""
        photos = [self.month.photo(PhotoKind.DISPUTE, self.ticket.reporter_id)] if self.ticket.reporter_id else []
        self.reporter("dispute", 1, 20, reason=self.one_of(DISPUTES), photos=photos)
        if self.ticket.state == S.IN_PROGRESS:
            self._reply(3, 30)
        else:
            self.street("reply", 3, 30, result="街道已到现场核实，督促整改到位。")

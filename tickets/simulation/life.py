"""The life of one simulated ticket: the people concerned act upon what happened to it after a while, or do not.

Every chance and every delay is drawn by its own name from the seed, the ticket's number and how often it was drawn before. What one
ticket meets changes nothing for another, and a decision falls the same way under another service level.
"""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from casework.acting import make_move
from community.models import Person
from community.receivers import local_day
from tickets.filing import Report, submit
from tickets.kind import TICKETS
from tickets.models import Ticket
from tickets.models.photo import PhotoKind
from tickets.moves.dispatch import may_bounce
from tickets.simulation import behaviour, words
from tickets.simulation.behaviour import (
    COMMITTEE,
    DECISIONS,
    DEPARTMENT,
    FAST,
    OFFICE,
    RESIDENTS,
    STREET,
    Delay,
    Resident,
    Worker,
)
from tickets.simulation.crowd import Crowd
from tickets.simulation.filings import Filing, Span
from tickets.simulation.hours import Hours
from tickets.states import OPEN, Channel, ClockName, Secrecy, State, TicketType
from tickets.windows import SHORT
from workflow.errors import Refusal
from workflow.models import Event


class World(Protocol):
    """What a ticket's life asks of the run that it is a part of."""

    crowd: Crowd
    span: Span
    hours: Hours
    now: datetime
    leads: Mapping[str, str]
    refused: Counter[str]

    def at(self, when: datetime, action: Callable[[], None]) -> None: ...
    def master(self, filing: int) -> "Life | None": ...
    def happened(self, ticket: Ticket, *events: Event) -> None: ...
    def photo(self, kind: PhotoKind, uploader: uuid.UUID) -> uuid.UUID: ...


S = State
PRESSED_BY = frozenset({ClockName.HANDLE, ClockName.CONTACT, ClockName.OVERALL})
"""Clocks whose holder feels it when the level is raised."""


class Life:
    """One ticket. `chapter` counts the situations it came into: what was planned for an earlier one does not happen any more."""

    ticket: Ticket

    def __init__(self, run: World, filing: Filing, number: int):
        self.run, self.crowd, self.filing, self.number = run, run.crowd, filing, number
        self.chapter = 0
        self.drawn: Counter[str] = Counter()
        self.tried: list[uuid.UUID] = []
        self.first: Worker | None = None
        self.content = True
        kinds, shares = RESIDENTS, [one.share for one in RESIDENTS]
        self.resident: Resident = kinds[0] if filing.fate else self.dice("resident").choices(kinds, shares)[0]

    # Chance, time and the people at hand.

    def dice(self, what: str) -> random.Random:
        """What decides `what` this time."""
        self.drawn[what] += 1
        return random.Random(f"{self.run.span.seed}/{self.filing.number}/{what}/{self.drawn[what]}")  # noqa: S311

    def happens(self, what: str, chance: float) -> bool:
        """Whether it happens this time; where an end was wished for, what leads to it and nothing else does."""
        if self.filing.fate is not None:
            return what in DECISIONS.get(self.filing.fate, ())
        return self.dice(what).random() < chance

    def one_of[T](self, choices: Sequence[T], what: str = "words") -> T:
        """Any of these."""
        return self.dice(what).choice(choices)

    @property
    def rests(self) -> bool:
        """Whether it has come to the end that was wished for."""
        return self.ticket.state == self.filing.fate

    @property
    def fires_at(self) -> datetime | None:
        """The moment of the ticket's next rung."""
        return min((one.fire_at for one in self.ticket.clocks if one.fire_at is not None), default=None)

    @property
    def worker(self) -> Worker:
        """Of which kind the holder is; who has a wish to fulfil is quick about it."""
        if self.filing.fate is not None:
            return FAST
        return self.crowd.kinds[self.ticket.holder_id] if self.ticket.holder_id else STREET

    def later(self, what: str, delay: Delay, action: Callable[[], object], *, whatever: bool = False) -> None:
        """Let `action` happen after a while, unless the ticket has come into another situation by then (`whatever`: in any case)."""
        dice = self.dice(f"{what} after")
        waiting = timedelta(seconds=round(dice.uniform(delay.low, delay.high) * 3600))
        if self.filing.fate is None:
            at = self.run.hours.fit(self.run.now + waiting, delay.when, dice)
        else:
            at = self.run.now + min(waiting, (self.run.span.until - self.run.now) * 0.4)
        chapter = self.chapter

        def happen() -> None:
            if not self.rests and (whatever or self.chapter == chapter):
                action()

        self.run.at(at, happen)

    def move(self, name: str, who: uuid.UUID, *, behalf: str = "", **inputs: object) -> bool:
        """Let `who` make a move; whether it was possible."""
        by = self.crowd.actor(who, self.run.now)
        if behalf:
            by = replace(by, on_behalf=behalf)
        try:
            made = make_move(TICKETS, name, self.ticket.pk, by=by, version=None, inputs=inputs)
        except Refusal as refusal:
            self.run.refused[f"{name}: {refusal.code}"] += 1
            return False
        except Ticket.DoesNotExist:
            # They may no longer see it.
            self.run.refused[f"{name}: not_found"] += 1
            return False
        if isinstance(master := made.inputs.get("into"), Ticket):
            self.run.happened(master)
        self.run.happened(made.subject, made.event)
        return True

    def holder(self, name: str, *roles: str, **inputs: Any) -> bool:
        """A move of the organisation that holds the ticket."""
        assert self.ticket.holder_id is not None
        return self.move(name, self.crowd.member(self.ticket.holder_id, *roles), **inputs)

    def street(self, name: str, **inputs: Any) -> bool:
        """A move of the section that answers for the ticket."""
        return self.move(name, self.crowd.member(self.ticket.desk_id), **inputs)

    def reporter(self, name: str, **inputs: Any) -> bool:
        """A move of the reporter; where Linli does not know them, the street makes it for them (代办)."""
        if self.ticket.reporter_id:
            return self.move(name, self.ticket.reporter_id, **inputs)
        return self.move(name, self.crowd.member(self.ticket.desk_id), behalf="reporter", **inputs)

    # The report.

    def file(self) -> Ticket:
        """Make the report."""
        filing, dice = self.filing, self.dice("report")
        sample, app = filing.sample, filing.channel == Channel.APP
        places = {"b": dice.randint(1, 12), "u": dice.randint(1, 4), "f": dice.randint(2, 6)}
        by = filing.reporter.pk if app else self.crowd.member(self.crowd.functions["section:desk"])
        unknown = not app and dice.random() < behaviour.UNKNOWN_CALLER
        pictured = app and dice.random() < behaviour.WITH_PHOTO
        # With its moment: a run on a street that has been simulated before files no number twice.
        number = dice.randrange(10**4) if filing.channel == Channel.HOTLINE else 0
        report = Report(
            type=sample.type,
            category=sample.category,
            title=sample.title,
            text=sample.text.format(**places),
            compound_id=filing.compound.pk if filing.compound else None,
            street_id=None if filing.compound else self.crowd.street.pk,
            spot=sample.spot.format(**places),
            secrecy=filing.secrecy,
            photos=[self.run.photo(PhotoKind.REPORT, by)] if pictured else [],
            channel=filing.channel,
            contact_name="" if app else "来电居民" if unknown else filing.reporter.name,
            contact_phone="" if app else "010-55509999" if unknown else filing.reporter.phone,
            hotline_number=f"DEMO{self.run.now:%y%m%d%H%M%S}{number:04}" if filing.channel == Channel.HOTLINE else "",
        )
        actor = self.crowd.actor(by, self.run.now)
        self.ticket, _ = submit(report, by=actor, person=self.crowd.people[by])
        return self.ticket

    def begin(self) -> None:
        """Let those who hear of a new report react."""
        self.enter()
        if self.filing.twin_of is not None:
            self.later("merge", OFFICE.merges, self.merge, whatever=True)
        if self.ticket.has_public_face and self.ticket.compound_id and self.happens("cosigns", behaviour.COSIGNED):
            neighbours = [
                one for one in self.crowd.residents[self.ticket.compound_id] if one.pk != self.ticket.reporter_id
            ]
            for one in neighbours[: self.dice("cosigners").randint(1, behaviour.COSIGNERS)]:
                self.later("cosign", behaviour.COSIGN, partial(self.cosign, one), whatever=True)
        if self.happens("withdraws", behaviour.WITHDRAWN):
            self.later("withdraw", behaviour.WITHDRAW, self.withdraw, whatever=True)
        if self.happens("urges", self.resident.urges):
            self.later("urge", behaviour.URGE, self.urge, whatever=True)

    def merge(self) -> None:
        """Merge it into the earlier report on the same, while both are open."""
        assert self.filing.twin_of is not None
        master = self.run.master(self.filing.twin_of)
        open_ = self.ticket.state in (S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS)
        if open_ and master is not None and master.ticket.state in OPEN and master.ticket.has_public_face:
            self.street("merge", into=master.ticket.pk)

    def cosign(self, neighbour: Person) -> None:
        """Stand behind it as long as it is open."""
        if self.ticket.state in OPEN and self.ticket.has_public_face:
            self.move("cosign", neighbour.pk)

    def withdraw(self) -> None:
        """Take the report back before anybody works on it."""
        if self.ticket.state in (S.SUBMITTED, S.COORDINATING, S.DISPATCHED):
            self.reporter("withdraw", reason="已经自行解决了。")

    def urge(self) -> None:
        """Ask that it go faster, and perhaps once more."""
        if self.ticket.reporter_id and self.ticket.state in (S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS):
            self.reporter("urge", reason=self.one_of(words.URGES))
            if self.happens("urges again", behaviour.URGED_AGAIN):
                self.later("urge", behaviour.URGE_AGAIN, self.urge, whatever=True)

    # What is heard of the ticket.

    def heard(self, event: Event) -> None:
        """React to what has just happened."""
        if event.source != event.target or event.verb in ("redispatch", "take_over"):
            self.enter()
            return
        match event.verb:
            case "whistle":
                for department in event.data["departments"]:
                    self.whistled(uuid.UUID(department))
            case "ask":
                if self.resident.answers is not None:
                    self.later("answer", self.resident.answers, self.answer)
            case "answer" | "lapse":
                self.finish()
            case "request_extension":
                self.later("extension", OFFICE.decides_extension, self.decide_extension)
            case "raise_level" | "supervise" | "remind" if "fired" in event.data:
                self.fired(event.verb, event.data["fired"]["clock"])

    def fired(self, verb: str, clock: str) -> None:
        """React to a rung of a ladder."""
        match clock:
            case ClockName.CALLBACK if self.happens("calls back", OFFICE.calls_back):
                self.later("callback", OFFICE.call_back, self.call_back, whatever=True)
            case ClockName.SIGN if self.ticket.level and not may_bounce(self.ticket):
                if self.happens("rescues", OFFICE.rescues):
                    self.later("rescue", OFFICE.rescue, self.rescue)
            case _ if clock in PRESSED_BY and verb != "remind" and self.ticket.state == S.IN_PROGRESS:
                if self.happens("is spurred", self.worker.spurred):
                    self.later("hurry", behaviour.HURRIED, self.reply)

    def enter(self) -> None:
        """Begin a new chapter: the party that has to act now plans what to do."""
        self.chapter += 1
        if self.rests:
            return
        match self.ticket.state:
            case S.SUBMITTED:
                self.later("triage", OFFICE.triages_urgent if self.ticket.urgent else OFFICE.triages, self.triage)
            case S.COORDINATING:
                self.coordinate()
            case S.DISPATCHED:
                self.dispatched()
            case S.IN_PROGRESS:
                self.later("contact", self.worker.contacts, self.work)
            case S.RETURNING:
                self.later("review", OFFICE.reviews, self.review)
            case S.REPLIED:
                self.replied()
            case S.ON_ACCOUNT:
                self.later("report", OFFICE.reports, self.report_on_account)
            case S.CLOSED:
                self.closed()

    # The street's desk and those who coordinate.

    def triage(self) -> None:
        """Answer, refuse, coordinate or dispatch what lies on the desk."""
        if not self.tried and self.happens("corrects", OFFICE.corrects):
            self.street("correct", spot="门岗东侧", reason="位置有误，已电话核实。")
        question = self.ticket.type in (TicketType.CONSULT, TicketType.SUGGESTION)
        if not self.tried and not self.ticket.urgent and self.happens("rejects", OFFICE.rejects):
            branch = self.one_of(tuple(words.GUIDANCE))
            self.street("reject", branch=branch, guidance=words.GUIDANCE[branch])
        elif question and not self.happens("hands on", OFFICE.hands_on):
            self.judge(STREET)
            self.street("answer_now", answer=self.filing.sample.result)
        elif not self.tried and self.happens("hands on", OFFICE.hands_on):
            self.street("coordinate", reason="需要相关各方协调。")
        else:
            self.dispatch(self.crowd.member(self.ticket.desk_id))

    def taker(self) -> uuid.UUID:
        """Whom to give it to: the first that may have it and has not had it, and in the end the street's own."""
        code = self.filing.sample.category
        takers = self.crowd.takers(self.ticket.compound_id, code, self.run.now)
        fit = [one for one in takers if one not in self.tried and one not in self.ticket.accused]
        return fit[0] if fit else takers[-1]

    def dispatch(self, who: uuid.UUID) -> None:
        """Give it to somebody."""
        self.move("dispatch", who, holder=self.taker(), note="请按协调意见办理。")

    def coordinate(self) -> None:
        """Let the coordinator plan what to do: a committee meets of an evening, the street's sections work by day."""
        if self.ticket.coordinator_today == self.ticket.desk_id:
            delay = OFFICE.coordinates_urgent if self.ticket.urgent else OFFICE.coordinates
            self.later("coordinate", delay, self.coordinate_by_street)
        elif self.filing.fate is not None or not self.happens("neglects", COMMITTEE.neglects):
            self.later("meeting", COMMITTEE.meets, self.meet)

    def meet(self) -> None:
        """The committee meets, and then gives the work to somebody, or the street puts it on account."""
        assert self.ticket.coordinator_today is not None
        chair = self.crowd.member(self.ticket.coordinator_today, "chair")
        self.move("record", chair, met_with=self.one_of(words.MET), agreed=self.one_of(words.AGREED))
        if not self.account():
            self.later("dispatch", COMMITTEE.dispatches, partial(self.dispatch, chair))

    def coordinate_by_street(self) -> None:
        """Whistle whose duty it is, write down what was agreed, and then account, dispatch or see to it oneself."""
        lead = self.department()
        if lead is not None and not any(one.organisation_id == lead for one in self.ticket.assignments):
            self.street("whistle", departments=[lead], reason="请到场研究处置。")
        elif self.happens("records", OFFICE.records):
            self.street("record", met_with=self.one_of(words.MET), agreed=self.one_of(words.AGREED))
        if self.account():
            return
        if lead is None and not self.ticket.confined and self.happens("dispatches", OFFICE.dispatches):
            self.dispatch(self.crowd.member(self.ticket.desk_id))
        else:
            delay = OFFICE.replies_urgent if self.ticket.urgent else OFFICE.replies
            self.later("reply", delay, self.reply_by_street)

    def department(self) -> uuid.UUID | None:
        """The department of the district whose duty it is; None where it is somebody else's, or accuses anybody."""
        function = self.run.leads[self.filing.sample.category]
        return (
            self.crowd.functions.get(function)
            if function.startswith("department:") and not self.ticket.confined
            else None
        )

    def reply_by_street(self) -> None:
        """The street itself has seen to it."""
        self.judge(STREET)
        self.street("reply", result=self.filing.sample.result)

    def account(self) -> bool:
        """Whether the street puts it on account after a while."""
        if not self.happens("accounts", OFFICE.accounts.get(self.ticket.disposal_class, 0)):
            return False
        self.later("account", OFFICE.puts_on_account, self.put_on_account)
        return True

    def put_on_account(self) -> None:
        """Put it on account, with a plan date."""
        kind = self.one_of(tuple(words.ON_ACCOUNT))
        self.street(
            "put_on_account",
            kind=kind,
            owner=self.ticket.holder_id or self.ticket.desk_id,
            plan_date=local_day(self.run.now) + timedelta(days=self.dice("plan").randint(*OFFICE.plans_days)),
            reason=words.ON_ACCOUNT[kind],
        )

    def report_on_account(self) -> None:
        """Report how it stands, and plan the next report; or forget it."""
        if self.happens("reports on account", OFFICE.reports_on_account):
            self.street("progress", text="已完成现场勘察和方案比选，按计划推进。")
        self.later("report", OFFICE.reports, self.report_on_account)

    def whistled(self, department: uuid.UUID) -> None:
        """A department that was whistled comes, declines, or is never seen."""
        who = self.crowd.member(department)

        def answer() -> None:
            if not self.helps(department):
                return
            if self.happens("declines", DEPARTMENT.declines):
                self.move("decline", who, organisation=department, reason="经核实不在本部门职责内。")
            else:
                self.move("report_in", who, organisation=department)
                self.later("assistance", DEPARTMENT.finishes, finish, whatever=True)

        def finish() -> None:
            if self.helps(department):
                self.move("assist_done", who, organisation=department, words="已现场处置完毕。")

        if self.happens("comes", DEPARTMENT.comes):
            self.later("reporting in", DEPARTMENT.reports_in, answer, whatever=True)

    def helps(self, department: uuid.UUID) -> bool:
        """Whether the department still has its part."""
        there = any(one.open and one.organisation_id == department for one in self.ticket.assignments)
        return there and self.ticket.state in (S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS)

    def rescue(self) -> None:
        """Take what nobody signs for, and may not bounce, into the street's own hands."""
        backstop = self.crowd.functions["section:property"]
        if self.ticket.state == S.DISPATCHED and self.ticket.holder_id != backstop:
            self.street("redispatch", holder=backstop, reason="承办单位未签收，街道直接处置。")

    def review(self) -> None:
        """Agree with the return, overrule it, or let it lie."""
        dice = self.dice("review").random()
        if dice < OFFICE.upholds:
            self.street("uphold", reason="经核实，同意退回。")
        elif dice < OFFICE.upholds + OFFICE.designates:
            self.street("designate", reason="经核实，属合同约定服务范围。")

    def decide_extension(self) -> None:
        """Grant it, refuse it, or let it lie."""
        if self.ticket.extension_days is None:
            return
        dice = self.dice("extension").random()
        if dice < OFFICE.grants:
            self.street("grant_extension", reason="情况属实。")
        elif dice < OFFICE.grants + OFFICE.refuses:
            self.street("refuse_extension", reason="请在原时限内办结。")

    def call_back(self) -> None:
        """Ask the resident once how it went."""
        if self.ticket.state in (S.IN_PROGRESS, S.REPLIED, S.CLOSED) and self.ticket.called_back_at is None:
            content = (
                self.ticket.state != S.IN_PROGRESS and self.dice("called back").random() < behaviour.CALLED_BACK_CONTENT
            )
            satisfied = self.rating(content=content)
            self.street("callback", valid=True, contacted=True, resolved=satisfied > 2, satisfied=satisfied)

    # The holder and its worker.

    def dispatched(self) -> None:
        """The holder signs for it, gives it back, or is not there."""
        worker, lead = self.worker, self.ticket.lead
        assert lead is not None
        if self.first is None:
            self.first = self.crowd.kinds[lead.organisation_id]
        self.tried.append(lead.organisation_id)
        signs = worker.signs_urgent if self.ticket.urgent else worker.signs
        if signs is None:
            return
        may_return = not (lead.designated or lead.return_asked) and not self.ticket.urgent
        if may_return and self.happens("returns", worker.returns):
            self.later("return", behaviour.RETURN, partial(self.holder, "return", reason=self.one_of(words.RETURNS)))
        else:
            self.later("sign", signs, self.sign)

    def sign(self) -> None:
        """Sign for it, with somebody who does the work."""
        assert self.ticket.holder_id is not None
        worker = self.crowd.member(self.ticket.holder_id, "worker", "manager")
        self.holder("sign", "dispatcher", worker=worker)

    def work(self) -> None:
        """Contact the resident, come, tell how it goes, ask, want more time: as the case may be, and then finish."""
        worker, ticket = self.worker, self.ticket
        self.contact()
        if any(one.name == ClockName.ARRIVE for one in ticket.clocks):
            self.later("arrive", behaviour.BEFORE_ARRIVAL, partial(self.holder, "arrive", "worker"))
        if self.happens("terminates", OFFICE.terminates):
            self.later("termination", OFFICE.termination, self.terminate)
            return
        if self.account():
            return
        short = ticket.disposal_class in SHORT
        if not short and self.happens("reports", worker.reports):
            text = self.one_of(words.PROGRESS)
            self.later("progress", behaviour.BEFORE_PROGRESS, partial(self.holder, "progress", "worker", text=text))
        if not short and self.happens("extends", worker.extends):
            self.later("ask for time", behaviour.BEFORE_EXTENSION, self.request_extension)
        may_ask = not short and ticket.secrecy != Secrecy.ANONYMOUS and ticket.questions < 1
        if may_ask and self.happens("asks", worker.asks):
            self.later("ask", behaviour.BEFORE_QUESTION, self.ask)
        else:
            self.finish()

    def contact(self) -> None:
        """Contact the resident before the work, as often as it is given anew."""
        lead = self.ticket.lead
        if lead is not None and lead.contacted_at is None:
            self.holder("contact", "worker", result="reached", words=self.one_of(words.CONTACTED))

    def ask(self) -> None:
        """Ask the resident."""
        self.holder("ask", "worker", question="请问哪个时段方便入户查看？")

    def answer(self) -> None:
        """Answer the question, if it is still open."""
        if self.ticket.question_open and self.ticket.reporter_id:
            self.reporter("answer", answer="工作日晚上七点以后都在家。")

    def request_extension(self) -> None:
        """Ask for five days more."""
        if self.ticket.extension_days is None:
            self.holder("request_extension", "manager", days=5, reason="配件定制周期较长。")

    def terminate(self) -> None:
        """The street's head ends it."""
        lead = self.crowd.member(self.crowd.functions["street_office:office"], "lead")
        self.move("terminate", lead, reason=words.TERMINATED)

    def finish(self) -> None:
        """Plan the reply, after the work that the matter takes."""
        low, high = behaviour.WORK.get(self.ticket.disposal_class, behaviour.LONG_WORK)
        effort = self.worker.effort * (behaviour.AGAIN if self.ticket.disputes or self.ticket.reopenings else 1)
        hours = behaviour.When.ANY if self.ticket.disposal_class in SHORT else self.worker.hours
        self.later("work", Delay(low * effort, high * effort, hours), self.reply)

    def reply(self) -> None:
        """Say that it is done, with a photo where the matter demands one."""
        if self.ticket.question_open:
            return
        self.contact()
        assert self.ticket.holder_id is not None
        by = self.crowd.member(self.ticket.holder_id, "worker")
        photos = [self.run.photo(PhotoKind.AFTER, by)] if self.ticket.after_photo else []
        self.judge(self.worker)
        self.move("reply", by, result=self.filing.sample.result, photos=photos)

    def judge(self, worker: Worker) -> None:
        """Decide whether the resident will be content with this reply."""
        self.content = self.happens("content", worker.convinces)

    # What the resident makes of it.

    def replied(self) -> None:
        """The resident confirms, disputes, or says nothing."""
        confirms = self.resident.confirms
        if self.ticket.reporter_id is None:
            # A caller whom Linli does not know has no app: the street asks by phone, or does not.
            if self.happens("stands in", OFFICE.stands_in):
                self.later("confirm", OFFICE.stand_in, self.confirm)
        elif not self.content and self.ticket.disputes < 2:
            self.later("dispute", behaviour.BEFORE_DISPUTE, self.dispute)
        elif confirms is not None:
            self.later("confirm", confirms, self.confirm)

    def confirm(self) -> None:
        """Have the last word."""
        rating = self.rating(content=self.content)
        said = {"words": self.one_of(words.THANKS)} if rating > 4 and self.happens("says", 0.3) else {}
        self.reporter("confirm", resolved=True, rating=rating, **said)

    def rating(self, *, content: bool) -> int:
        """One to five."""
        weights = behaviour.RATINGS_CONTENT if content else behaviour.RATINGS_NOT
        return self.dice("rating").choices((1, 2, 3, 4, 5), weights)[0]

    def dispute(self) -> None:
        """Say that it is not solved, with a photo of it."""
        reporter = self.ticket.reporter_id
        photos = [self.run.photo(PhotoKind.DISPUTE, reporter)] if reporter else []
        self.reporter("dispute", reason=self.one_of(words.DISPUTES), photos=photos)

    def closed(self) -> None:
        """Thank, or find out that it is not solved after all."""
        if self.ticket.reporter_id is None or self.ticket.rating is None:
            return
        chance = behaviour.REOPENED if self.ticket.rating > 2 else behaviour.REOPENED_UNSOLVED
        if self.ticket.reopenings == 0 and self.happens("reopens", chance):
            self.later(
                "reopen", behaviour.REOPEN, partial(self.reporter, "reopen", reason=self.one_of(words.REOPENINGS))
            )
        elif self.ticket.rating > 4 and self.happens("thanks", self.resident.thanks):
            said = self.one_of(words.THANKS)
            self.later("thank", behaviour.BEFORE_THANKS, partial(self.reporter, "thank", words=said, consent=True))

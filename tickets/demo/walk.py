"""A story being told: each step is made through the API, and printed as it happens."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise

from community.management.table import padded
from community.models import Role
from tickets.demo.server import DemoFailed, MoveRefused, Server, Someone
from tickets.states import State
from web.words import Words, bilingual
from workflow.moves import Visibility


@dataclass(frozen=True, slots=True)
class Filed:
    """A ticket of the story: its id, its public code, and who reported it."""

    id: str
    code: str
    reporter: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A move that the server offers: its label, the version to name (None where it needs none), the inputs that are words."""

    label: str
    version: int | None
    said: Sequence[str]

    def words(self, inputs: Mapping[str, Any]) -> list[str]:
        """What is said in `inputs`, in people's own words."""
        return [inputs[name] for name in self.said if name in inputs]


@dataclass(slots=True)
class Pen:
    """Writes the story down: `line` prints one, the others give it its colour."""

    line: Callable[[str], None]
    title: Callable[[str], str] = str
    strong: Callable[[str], str] = str
    faint: Callable[[str], str] = str


@dataclass(slots=True)
class Walk:
    """Makes the moves of one story on `server` and writes each down. A refusal that was not expected raises MoveRefused."""

    server: Server
    pen: Pen
    steps: int = 0
    _places: dict[str, dict[str, Any]] = field(default_factory=dict)

    def begin(self, title: Words) -> None:
        """Write the title."""
        self.pen.line("")
        self.pen.line(self.pen.title(f"━━ {title} ━━"))

    def file(
        self, key: str, category: str, text: Words, *, compound: str, public: bool = False, **report: object
    ) -> Filed:
        """File a report in a compound, or on the public ground of its street."""
        by, place = self.server.person(key), self._place(key, compound)
        where = {"street": place["street"]["id"]} if public else {"compound": place["id"]}
        body = {"category": category, "text": str(text), **where, **_plain(report)}
        ticket = self.server.post(by, "tickets", body)
        self._step(bilingual("上报", "Report"), by, [body["text"]], body.get("photos"))
        self._result(f"{ticket['code']} · {ticket['routed']}")
        self._stand(by, ticket["id"])
        return Filed(ticket["id"], ticket["code"], key)

    def move(self, key: str, ticket: Filed, name: str, **inputs: Any) -> None:
        """Make a move that the server offers to this person now."""
        by, inputs = self.server.person(key), _plain(inputs)
        offer = self._offer(by, ticket, name)
        self.server.post(by, f"tickets/{ticket.id}/moves/{name}", inputs, offer.version)
        self._step(offer.label, by, offer.words(inputs), inputs.get("photos"))
        self._stand(by, ticket.id)

    def refused(self, key: str, ticket: Filed, name: str, why: Words, **inputs: object) -> None:
        """Try a move that the server must refuse for what is wrong with its inputs."""
        by, inputs = self.server.person(key), _plain(inputs)
        offer = self._offer(by, ticket, name)
        try:
            self.server.post(by, f"tickets/{ticket.id}/moves/{name}", inputs, offer.version)
        except MoveRefused as refusal:
            if refusal.status != 400:
                raise
            self._step(offer.label, by, offer.words(inputs))
            self._result(f"✗ {refusal.reasons}", why)
            return
        raise DemoFailed(f"{ticket.code}: {name} should have been refused.")

    def hidden(self, key: str, ticket: Filed, why: Words) -> None:
        """Look for a ticket that must not exist for this person."""
        by = self.server.person(key)
        try:
            self.server.get(by, f"tickets/{ticket.id}")
        except MoveRefused as refusal:
            if refusal.status != 404:
                raise
            self._step(bilingual("查看", "Look"), by)
            self._result(f"✗ 404 {refusal.reasons}", why)
            return
        raise DemoFailed(f"{ticket.code} should be hidden from {key}.")

    def organisation(self, key: str) -> str:
        """The id of the organisation that somebody sits in."""
        return self.server.person(key).organisation_id

    def member(self, key: str) -> str:
        """Somebody's own id."""
        return self.server.person(key).id

    def photo(self, key: str, kind: str, colour: str) -> str:
        """The id of a photo that somebody has just taken."""
        return self.server.photo(self.server.person(key), kind, colour)

    def timelines(self, ticket: Filed, street: str = "street_lead") -> None:
        """Print the ticket's timeline as its reporter reads it, and then what the street sees besides."""
        reporter, officer = self.server.person(ticket.reporter), self.server.person(street)
        read = self._events(reporter, ticket)
        more = [one for one in self._events(officer, ticket) if one["seq"] not in {each["seq"] for each in read}]
        self.pen.line("")
        self.pen.line(
            self.pen.strong(f"{bilingual('居民看到的时间线', 'The timeline as the resident reads it')} · {ticket.code}")
        )
        self._timeline(read)
        self.pen.line(self.pen.strong(str(bilingual("街道另外看到的", "What the street sees besides"))))
        self._timeline(more)
        if not more:
            self.pen.line(f"     {bilingual('（没有更多事件）', '(no further events)')}")
        self._shown(self.server.get(officer, f"tickets/{ticket.id}"))

    def _events(self, by: Someone, ticket: Filed) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.server.get(by, f"tickets/{ticket.id}/events", limit="100")["results"]
        return rows

    def _timeline(self, events: Iterable[Mapping[str, Any]]) -> None:
        for one in events:
            who = one["organisation"]["name"] if one["organisation"] else bilingual("居民", "Resident")
            hidden = "" if one["visibility"] == Visibility.PUBLIC else f" [{Visibility(one['visibility']).label}]"
            line = f"  {one['seq']:>2} {clock(one['at'])}  {padded(one['label'], 14)} {padded(str(who), 30)}"
            self.pen.line(f"{line} {one['target_label']}{self.pen.faint(hidden)}")
            said = " / ".join(text for name, text in one["words"].items() if name not in {"title", "spot"})
            if said:
                self.pen.line(self.pen.faint(f"       “{said}”"))

    def _shown(self, seen: Mapping[str, Any]) -> None:
        """How the street sees the reporter, and who had a part."""
        contact = seen["contact"]
        shown = f"{contact['name']} {contact['phone']}" if contact else bilingual("不显示", "not shown")
        self.pen.line(f"     {bilingual('联系人', 'Contact')}: {shown}")
        for one in seen["assignments"] or ():
            outcome = one["outcome_label"]
            self.pen.line(f"     {padded(one['role_label'], 8)} {padded(one['organisation']['name'], 30)} {outcome}")

    def _offer(self, by: Someone, ticket: Filed, name: str) -> "Offer":
        """What the server says of a move now. Raises DemoFailed when it does not offer it."""
        document = self.server.get(by, f"tickets/{ticket.id}/moves")
        for one in document["moves"]:
            if one["name"] == name:
                said = [field for field, about in one["input"]["properties"].items() if about.get("multiline")]
                return Offer(one["label"], document["version"] if one["guarded"] else None, said)
        offered = ", ".join(one["name"] for one in document["moves"])
        raise DemoFailed(
            bilingual(
                f"{by.name} 此刻不能对 {ticket.code}（{document['state']}）执行 {name}；可执行：{offered}",
                f"{by.name} is not offered {name} on {ticket.code} ({document['state']}), only: {offered}",
            )
        )

    def _place(self, key: str, compound: str) -> dict[str, Any]:
        if compound not in self._places:
            found = self.server.get(self.server.person(key), "places", q=compound)["results"]
            self._places |= {one["name"]: one for one in found}
        if compound not in self._places:
            raise DemoFailed(
                bilingual(
                    "演示街道尚未载入，请运行 manage.py load_demo 和 load_reference。",
                    "The demo street is not loaded; run `manage.py load_demo` and `load_reference`.",
                )
            )
        return self._places[compound]

    def _step(self, label: Words, by: Someone, said: Iterable[str] = (), photos: Sequence[str] | None = None) -> None:
        self.steps += 1
        self.pen.line("")
        self.pen.line(f"{self.steps:>3}. {self.pen.strong(padded(str(label), 14))} {by.name} · {seat(by)}")
        for words in said:
            self.pen.line(f"     “{words}”")
        if photos:
            self.pen.line(f"     {bilingual('照片', 'Photos')} × {len(photos)}")

    def _result(self, outcome: str, why: Words = "") -> None:
        self.pen.line(f"     {outcome}{self.pen.faint(f'  ({why})') if why else ''}")

    def _stand(self, by: Someone, ticket_id: str) -> None:
        """Where the ticket stands now, who has it, and by when the next step is expected."""
        now = self.server.get(by, f"tickets/{ticket_id}")
        has = now["holder_name"] or (now["coordinator_name"] if now["state"] == State.COORDINATING else "")
        due = f" · {bilingual('下一步最迟', 'next step by')} {clock(now['next_due_at'])}" if now["next_due_at"] else ""
        where = f"  {has}" if has else ""
        self.pen.line(f"     → {self.pen.strong(now['state_label'])}{where}{self.pen.faint(due)}")


def seat(by: Someone) -> str:
    """What somebody is: their organisation and role, or where they live."""
    if by.role:
        return f"{by.organisation} {Role(by.role).label}"
    return (
        f"{by.home} {bilingual('居民', 'resident')}" if by.home else str(bilingual("辖区外人员", "not of this street"))
    )


def clock(moment: str) -> str:
    """An ISO moment in local time, to the second."""
    at = parse_datetime(moment)
    assert at is not None
    return timezone.localtime(at).strftime("%m-%d %H:%M:%S")


def _plain(inputs: Mapping[str, object]) -> dict[str, Any]:
    """Inputs as JSON can say them: words in the language of the moment."""
    return {name: str(value) if isinstance(value, Promise) else value for name, value in inputs.items()}

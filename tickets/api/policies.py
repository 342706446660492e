"""What a street sets for itself: service level, working calendar and routing, each in versions that are drafted and published."""

import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.inputs import validated
from casework.inputs import Identifier
from community.models import Person, Role
from community.models.organisations import STREET_KINDS
from tickets import policies
from tickets.api.tickets import actor_of
from tickets.models.routing import Action
from tickets.models.service_level import ServiceLevelVersion
from tickets.policies import POLICIES, Policy
from tickets.service_level import BOUNDS
from tickets.states import ClockName
from tickets.windows import Window
from web.bodies import Body
from web.documents import document
from web.fields import LineField, TextField
from web.idempotency import write_once
from web.problems import Fault, Problem, invalid, not_found
from web.schema import IDEMPOTENCY_KEY
from web.words import bilingual, en
from workflow import calendars
from workflow.actor import Actor
from workflow.notice import UnreadableNotice, read_notice, year_of
from workflow.versions import LocalVersion

MOST_ROWS, MOST_CHANGES = 1000, 500
_STAFF_ONLY = bilingual("仅供街道工作人员查询。", "Only staff of the street may look them up.")
_LEAD_ONLY = bilingual("仅街道负责人可以起草和发布。", "Only the street's lead may draft and publish.")
_WHICH_STREET = bilingual("请注明街道。", "Say for which street.")
_NO_YEAR = bilingual("请填写年份。", "Give the year.")
_TWICE = bilingual("同一条目出现了两次。", "It stands there twice.")
_CALENDAR_ONLY = bilingual("只有工作日历可以导入通知。", "A notice is imported into a calendar only.")


class DatedRow(Body):
    """A budget with its source and its days."""

    budget = LineField(max_length=32, help_text="Such as 30m, 24h, 4wh, 7d or 5wd.")
    source = LineField(max_length=200, allow_blank=True, default="")  # type: ignore[assignment]
    starts_on = serializers.DateField(allow_null=True, default=None)
    ends_on = serializers.DateField(allow_null=True, default=None)


class WindowRow(DatedRow):
    """Within which time something may still be done."""

    name = serializers.ChoiceField(choices=[one.value for one in Window])
    key = LineField(max_length=8, allow_blank=True, default="", help_text="A disposal class; empty for all.")


class TargetRow(DatedRow):
    """How long a clock runs."""

    clock = serializers.ChoiceField(choices=ClockName.choices)
    key = LineField(max_length=8, allow_blank=True, default="", help_text="A class, or urgent; empty for all.")
    standard = serializers.IntegerField(min_value=0, max_value=3, default=0)


class RungRow(Body):
    """A step of a clock's ladder, in the order in which they stand."""

    clock = serializers.ChoiceField(choices=ClockName.choices)
    code = LineField(max_length=12)
    share = serializers.IntegerField(min_value=1, max_value=100, allow_null=True, default=None)
    after = LineField(max_length=8, allow_blank=True, default="")
    every = LineField(max_length=8, allow_blank=True, default="")
    effects = LineField(max_length=80)
    audience = LineField(max_length=80, allow_blank=True, default="")


class YearRow(Body):
    """A year that the calendar covers."""

    year = serializers.IntegerField(min_value=1950, max_value=2200)
    estimated = serializers.BooleanField(default=False)
    source = LineField(max_length=200)  # type: ignore[assignment]


class DayRow(Body):
    """A day off, or a day made up."""

    day = serializers.DateField()
    works = serializers.BooleanField(default=False)
    name = LineField(max_length=60)


class RuleRow(Body):
    """A routing rule; the first that fits decides."""

    name = serializers.RegexField(r"^[a-z][a-z0-9_]*\Z", max_length=40)
    types = LineField(max_length=80, default="*")
    place = LineField(max_length=8, default="*")
    lead = LineField(max_length=120, default="*")
    route = LineField(max_length=12, default="*")
    urgent = LineField(max_length=3, default="*")
    mode = LineField(max_length=8, default="*")
    action = serializers.ChoiceField(choices=Action.choices)
    to = LineField(max_length=40, allow_blank=True, default="")
    assisting = LineField(max_length=120, allow_blank=True, default="")
    copy = LineField(max_length=120, allow_blank=True, default="")
    reason_zh = LineField(max_length=120)
    reason_en = LineField(max_length=200)


class PolicyBody(Body):
    """What every draft says besides its rows."""

    source = LineField(max_length=200, required=False)  # type: ignore[assignment]
    notes = TextField(max_length=2000, allow_blank=True, required=False)


def _limit(name: str) -> serializers.IntegerField:
    least, most = BOUNDS[name]
    counts = en(getattr(ServiceLevelVersion, name).field.help_text)
    help_text = f"{counts} Where it is left out, the draft keeps what it has."
    return serializers.IntegerField(min_value=least, max_value=most, required=False, help_text=help_text)


class ServiceLevelBody(PolicyBody):
    """A whole service level."""

    rework = serializers.IntegerField(
        min_value=0, max_value=9, help_text="From which rework on the level is raised; 0 for never."
    )
    extensions = _limit("extensions")
    contact_attempts = _limit("contact_attempts")
    questions = _limit("questions")
    urges = _limit("urges")
    comments = _limit("comments")
    comments_a_day = _limit("comments_a_day")
    windows: serializers.ListSerializer[object] = serializers.ListSerializer(child=WindowRow(), max_length=MOST_ROWS)
    targets: serializers.ListSerializer[object] = serializers.ListSerializer(child=TargetRow(), max_length=MOST_ROWS)
    rungs: serializers.ListSerializer[object] = serializers.ListSerializer(child=RungRow(), max_length=MOST_ROWS)


class CalendarBody(PolicyBody):
    """A whole working calendar."""

    hours = LineField(max_length=60, help_text="Such as 09:00-12:00 13:30-18:00.")
    years: serializers.ListSerializer[object] = serializers.ListSerializer(child=YearRow(), max_length=MOST_ROWS)
    days: serializers.ListSerializer[object] = serializers.ListSerializer(child=DayRow(), max_length=MOST_ROWS)


class RoutingBody(PolicyBody):
    """A whole routing table."""

    rules: serializers.ListSerializer[object] = serializers.ListSerializer(child=RuleRow(), max_length=MOST_ROWS)


BODIES: dict[str, type[PolicyBody]] = {
    "service-level": ServiceLevelBody,
    "calendar": CalendarBody,
    "routing": RoutingBody,
}


ANY_BODY = PolymorphicProxySerializer("WholePolicy", list(BODIES.values()), resource_type_field_name=None)


class NewDraft(Body):
    """From what a draft is begun; from what counts in the street now, unless another version is named."""

    copy_of = serializers.IntegerField(min_value=1, required=False)
    street = Identifier(required=False, help_text="Where the caller leads several.")


class Publishing(Body):
    """From when a draft is to count; at once without it. A calendar counts at once."""

    effective_from = serializers.DateTimeField(required=False)


class NoticeBody(Body):
    """A notice of the State Council on holidays, to be looked at first and saved then."""

    text = TextField(max_length=20_000)
    year = serializers.IntegerField(min_value=1950, max_value=2200, required=False)
    source = LineField(max_length=200, required=False)  # type: ignore[assignment]
    save = serializers.BooleanField(default=False)  # type: ignore[assignment]


class PersonOfVersion(serializers.Serializer[object]):
    """Who drafted or published a version."""

    id = serializers.UUIDField()
    name = LineField(allow_blank=True)


class VersionSerializer(serializers.Serializer[object]):
    """A version without its rows."""

    number = serializers.IntegerField()
    street = serializers.UUIDField(allow_null=True, help_text="None: wherever a street has no version of its own.")
    source = LineField()  # type: ignore[assignment]
    notes = LineField(allow_blank=True)
    effective_from = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    drafted_by = PersonOfVersion(allow_null=True)
    published_by = PersonOfVersion(allow_null=True)
    in_effect = serializers.BooleanField(help_text="Whether it counts in the caller's street now.")


class VersionsSerializer(serializers.Serializer[object]):
    """The newest versions, newest first."""

    results = VersionSerializer(many=True)


class WholeVersionSerializer(VersionSerializer):
    """A version with what it says, in the shape in which a draft is put."""

    content = serializers.DictField()


class ChangeSerializer(serializers.Serializer[object]):
    """A row that would change; or, as the part `settings`, those values beside the rows that would."""

    part = LineField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)


class OrderOfVersionSerializer(serializers.Serializer[object]):
    """The names of the rows in their order, now and then."""

    before = serializers.ListField(child=LineField())
    after = serializers.ListField(child=LineField())


class PartOfVersionSerializer(serializers.Serializer[object]):
    """The rows of one part."""

    part = LineField()
    rows = serializers.IntegerField(help_text="How many the version has in all.")
    unchanged = serializers.IntegerField(help_text="How many of them are as they are now.")
    order = OrderOfVersionSerializer(
        allow_null=True, help_text="Where rows that stay change places, whose order matters."
    )


class PreviewOfVersionSerializer(serializers.Serializer[object]):
    """Whether a version could be published, and what would change in the street."""

    problems = serializers.ListField(child=LineField())
    changes = ChangeSerializer(many=True)
    more = serializers.IntegerField(help_text="How many changes more than are listed.")
    parts = PartOfVersionSerializer(many=True)


class NoticeDaySerializer(serializers.Serializer[object]):
    """A day that a notice changes; without a value it is as any other."""

    day = serializers.DateField()
    name = LineField(allow_blank=True)
    was = serializers.BooleanField(allow_null=True)
    works = serializers.BooleanField(allow_null=True)


class NoticeSerializer(serializers.Serializer[object]):
    """What a notice says."""

    year = serializers.IntegerField()
    whole = serializers.BooleanField(help_text="Whether it arranges the whole year, and not only some of its holidays.")
    days = NoticeDaySerializer(many=True)
    passed = serializers.ListField(child=LineField(), help_text="Sentences with dates that arrange no day.")
    saved = serializers.BooleanField()


KIND = OpenApiParameter("kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=sorted(POLICIES))


class _Policies(APIView):
    """What all of them share: who may read, and who may write."""

    def policy(self, kind: str) -> Policy:
        """The policy of that name. Raises Problem."""
        if kind not in POLICIES:
            raise not_found()
        return POLICIES[kind]

    def reading(self, request: Request) -> tuple[Actor, list[uuid.UUID]]:
        """The caller and the streets that they work for. Raises Problem."""
        actor = actor_of(request)
        streets = sorted({one.street_id for one in actor.seats if one.kind in STREET_KINDS and one.street_id})
        if not streets:
            raise Problem("not_permitted", 403, detail=_STAFF_ONLY)
        return actor, streets

    def leading(self, request: Request) -> tuple[Actor, set[uuid.UUID]]:
        """The caller and the streets that they lead. Raises Problem."""
        actor, _ = self.reading(request)
        led = {one.street_id for one in actor.seats if one.kind == "street_office" and one.role == Role.STREET_LEAD}
        if not led:
            raise Problem("not_permitted", 403, detail=_LEAD_ONLY)
        return actor, {one for one in led if one}

    def found(self, policy: Policy, number: int, streets: Iterable[uuid.UUID]) -> LocalVersion:
        """The version of that number, if these streets may read it. Raises Problem."""
        version = policies.within(policy, streets).filter(number=number).first()
        if version is None:
            raise not_found()
        return version

    def own(self, policy: Policy, number: int, request: Request) -> tuple[Actor, Any]:
        """The caller, and the version of a street that they lead. Raises Problem."""
        actor, led = self.leading(request)
        version = self.found(policy, number, self.reading(request)[1])
        if version.street not in led:
            raise Problem("not_permitted", 403, detail=_LEAD_ONLY)
        return actor, version


class Versions(_Policies):
    """The versions of one policy."""

    problems = (403, 404)

    @extend_schema(operation_id="policies_versions", parameters=[KIND], responses=VersionsSerializer)
    def get(self, request: Request, kind: str) -> Response:
        """The newest hundred versions that count, counted or are drafted in the caller's street, newest first."""
        policy = self.policy(kind)
        actor, streets = self.reading(request)
        rows = list(policies.within(policy, streets)[:100])
        return Response({"results": _heads(policy, rows, streets[0], actor.at)})

    @extend_schema(
        operation_id="policies_draft",
        request=NewDraft,
        parameters=[KIND, IDEMPOTENCY_KEY],
        responses={201: WholeVersionSerializer},
    )
    def post(self, request: Request, kind: str) -> HttpResponse:
        """Begin a draft for the street that the caller leads."""
        policy = self.policy(kind)
        actor, led = self.leading(request)
        inputs = validated(NewDraft, request.data)
        street = inputs.get("street")
        if street is None and len(led) > 1:
            raise invalid(Fault("street", "required", _WHICH_STREET))
        street = street or next(iter(led))
        if street not in led:
            raise Problem("not_permitted", 403, detail=_LEAD_ONLY)

        def make() -> Response:
            assert actor.person_id is not None
            origin = self.found(policy, inputs["copy_of"], [street]) if "copy_of" in inputs else None
            version = policies.draft(policy, street, origin, by=actor.person_id, at=actor.at)
            return Response(_whole(policy, version, street, actor.at), status=201)

        return write_once(request, make)


class OneVersion(_Policies):
    """A version."""

    problems = (403, 404, 409)
    # The whole of a calendar of many years, with Chinese escaped.
    body_limit = 128 * 1024

    @extend_schema(operation_id="policies_read", parameters=[KIND], responses=WholeVersionSerializer)
    def get(self, request: Request, kind: str, number: int) -> Response:
        """The version with what it says."""
        policy = self.policy(kind)
        actor, streets = self.reading(request)
        return Response(_whole(policy, self.found(policy, number, streets), streets[0], actor.at))

    @extend_schema(operation_id="policies_put", parameters=[KIND], request=ANY_BODY, responses=WholeVersionSerializer)
    def put(self, request: Request, kind: str, number: int) -> Response:
        """Let a draft say this and nothing else: its rows are those in the body, of the kind that the address names."""
        policy = self.policy(kind)
        actor, version = self.own(policy, number, request)
        said = validated(BODIES[kind], request.data)
        for name, rows in policy.parts.items():
            keys = [tuple(one[column] for column in rows.key) for one in said[name]]
            if len(set(keys)) < len(keys):
                at = next(place for place, key in enumerate(keys) if key in keys[:place])
                raise invalid(Fault(f"{name}.{at}", "twice", _TWICE))
        try:
            policies.replace(policy, version, said)
        except ValidationError as refusal:
            raise _refused(refusal) from None
        return Response(_whole(policy, version, version.street, actor.at))

    @extend_schema(operation_id="policies_delete", parameters=[KIND], responses={204: None})
    def delete(self, request: Request, kind: str, number: int) -> Response:
        """Drop a draft."""
        policy = self.policy(kind)
        _, version = self.own(policy, number, request)
        try:
            version.delete()
        except ValidationError as refusal:
            raise _refused(refusal) from None
        return Response(status=204)


class PreviewOfVersion(_Policies):
    """What a version would change."""

    problems = (403, 404)

    @extend_schema(operation_id="policies_preview", parameters=[KIND], responses=PreviewOfVersionSerializer)
    def get(self, request: Request, kind: str, number: int) -> Response:
        """Whether it is complete, what it says otherwise than what counts in the street now, and how many rows it leaves as they are."""
        policy = self.policy(kind)
        actor, streets = self.reading(request)
        version = self.found(policy, number, streets)
        street = version.street or streets[0]
        said: list[str] = []
        try:
            if version.published_at is None:
                version.effective_from = version.effective_from or actor.at
                version.check_whole()
        except ValidationError as refusal:
            said = [str(one) for one in refusal.messages]
        found, compared = policies.compare(policy, version, policies.in_effect(policy, street, actor.at))
        shown = [asdict(one) for one in found[:MOST_CHANGES]]
        parts = [
            document(
                PartOfVersionSerializer,
                one,
                order=None if one.now is None else {"before": one.was, "after": one.now},
            )
            for one in compared
        ]
        return Response({"problems": said, "changes": shown, "more": max(len(found) - MOST_CHANGES, 0), "parts": parts})


class PublishVersion(_Policies):
    """The publication of a draft."""

    problems = (403, 404, 409)

    @extend_schema(
        operation_id="policies_publish",
        request=Publishing,
        parameters=[KIND, IDEMPOTENCY_KEY],
        responses=VersionSerializer,
    )
    def post(self, request: Request, kind: str, number: int) -> HttpResponse:
        """Publish a draft; from then on it never changes. It keeps who did so."""
        policy = self.policy(kind)
        inputs = validated(Publishing, request.data)
        actor, version = self.own(policy, number, request)

        def publish() -> Response:
            effective = None if policy.model.AT_ONCE else inputs.get("effective_from")
            try:
                version.publish(at=actor.at, effective_from=effective, by=actor.person_id)
            except ValidationError as refusal:
                raise _refused(refusal) from None
            return Response(_heads(policy, [version], version.street, actor.at)[0])

        answer = write_once(request, publish)
        policy.forget()
        return answer


class NoticeOfVersion(_Policies):
    """A notice on holidays for a draft calendar."""

    problems = (403, 404, 409)

    @extend_schema(operation_id="policies_notice", parameters=[KIND], request=NoticeBody, responses=NoticeSerializer)
    def post(self, request: Request, kind: str, number: int) -> Response:
        """Read a notice, and tell each day that it changes in the draft; with `save`, let the draft say so."""
        policy = self.policy(kind)
        _, version = self.own(policy, number, request)
        inputs = validated(NoticeBody, request.data)
        if kind != "calendar":
            raise Problem("not_a_calendar", 409, detail=_CALENDAR_ONLY)
        year = inputs.get("year") or year_of(inputs["text"])
        if year is None:
            raise invalid(Fault("year", "required", _NO_YEAR))
        try:
            read = read_notice(year, inputs["text"])
            days = calendars.changes(version, year, read)
            if inputs["save"]:
                source = inputs.get("source") or str(bilingual("人工导入", "Imported by hand"))
                calendars.put_notice(version, year, read, source=source)
        except UnreadableNotice as problem:
            raise invalid(Fault("text", "unreadable_notice", str(problem))) from None
        except ValidationError as refusal:
            raise _refused(refusal) from None
        return Response(
            document(NoticeSerializer, read, year=year, days=[asdict(one) for one in days], saved=inputs["save"])
        )


def _refused(refusal: ValidationError) -> Problem:
    """A version's refusal: it is not possible now, and the words say why."""
    if hasattr(refusal, "error_dict"):
        faults = [
            Fault(field, error.code or "invalid", " ".join(map(str, error.messages)))
            for field, errors in refusal.error_dict.items()
            for error in errors
        ]
        return invalid(*faults)
    return Problem(refusal.code or "not_publishable", 409, detail=" ".join(map(str, refusal.messages)))


def _heads(
    policy: Policy, versions: Iterable[LocalVersion], street: uuid.UUID, at: datetime
) -> list[dict[str, object]]:
    rows = list(versions)
    counting = policies.in_effect(policy, street, at)
    people = {one for row in rows for one in (row.drafted_by, row.published_by) if one}
    names = dict(Person.objects.filter(pk__in=people).values_list("pk", "name")) if people else {}

    def who(person: uuid.UUID | None) -> dict[str, object] | None:
        return {"id": person, "name": names.get(person, "")} if person else None

    return [
        document(
            VersionSerializer,
            one,
            drafted_by=who(one.drafted_by),
            published_by=who(one.published_by),
            in_effect=counting is not None and counting.pk == one.pk,
        )
        for one in rows
    ]


def _whole(policy: Policy, version: LocalVersion, street: uuid.UUID, at: datetime) -> dict[str, object]:
    return {**_heads(policy, [version], street, at)[0], "content": policies.content(policy, version)}

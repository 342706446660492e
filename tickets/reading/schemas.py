"""The shapes of the answers about tickets: what the API describes, and the names that documents take from them."""

from typing import Any

from rest_framework import serializers

from tickets.models.photo import PhotoKind
from tickets.moves.inputs import Party
from tickets.reading.deadlines import ClockState
from tickets.states import (
    AccountKind,
    AssignmentRole,
    Channel,
    ClockName,
    Outcome,
    Satisfaction,
    Secrecy,
    Source,
    State,
    SupervisionKind,
    TicketType,
)
from workflow.moves import Visibility

Shape = serializers.Serializer[object]


def choice(choices: Any, **options: Any) -> serializers.ChoiceField:
    """A field that takes one of a closed list."""
    return serializers.ChoiceField(choices=choices.choices, **options)


class OrganisationNameSerializer(Shape):
    """An organisation by id and name."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)


class LeafNameSerializer(Shape):
    """A category by code and name."""

    code = serializers.CharField()
    name = serializers.CharField()


class CategoryOfTicketSerializer(LeafNameSerializer):
    """A ticket's category with its group."""

    group = serializers.CharField()
    group_name = serializers.CharField()


class RowClockSerializer(Shape):
    """A clock as a list shows it."""

    name = choice(ClockName)
    label = serializers.CharField()  # type: ignore[assignment]
    state = choice(ClockState)
    holder = serializers.UUIDField(allow_null=True)
    due_at = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(help_text="Negative when over.")
    words = serializers.CharField(help_text="One sentence for people, in their language and the street's local time.")


class WorkerSerializer(Shape):
    """Who works on a ticket."""

    id = serializers.UUIDField(allow_null=True, help_text="Null for residents, who read the name.")
    name = serializers.CharField()


class OfficerSerializer(Shape):
    """A member of the street's staff."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class StandSerializer(Shape):
    """Where a ticket stands, as everybody who sees it reads it."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    state = choice(State)
    state_label = serializers.CharField()
    version = serializers.IntegerField()
    holder = serializers.UUIDField(allow_null=True)
    coordinator = serializers.UUIDField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    next_due_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    level = serializers.IntegerField()


class MatterSerializer(StandSerializer):
    """What lists and the whole ticket show alike."""

    state_since = serializers.DateTimeField()
    type = choice(TicketType)
    channel = choice(Channel)
    source = choice(Source)  # type: ignore[assignment]
    compound = serializers.UUIDField(allow_null=True)
    place = serializers.CharField(allow_blank=True)
    spot = serializers.CharField(allow_null=True, allow_blank=True)
    title = serializers.CharField()
    urgent = serializers.BooleanField()
    cosigns = serializers.IntegerField()
    submitted_at = serializers.DateTimeField()
    holder_name = serializers.CharField(allow_blank=True, help_text="Empty where nobody holds it.")
    coordinator_name = serializers.CharField(allow_blank=True, help_text="Empty where nobody coordinates it.")
    question_open = serializers.BooleanField(allow_null=True)
    rating = choice(Satisfaction, allow_null=True)
    officer = OfficerSerializer(allow_null=True, help_text="Who of the street answers for it; for the street alone.")
    promised_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When it may be expected settled; while it is coordinated, when the whole time is over.",
    )


class TicketRowSerializer(MatterSerializer):
    """A ticket as lists show it; what the reader may not see is null."""

    category = LeafNameSerializer()
    supervised = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="When the matter is to be settled.")
    overdue = serializers.BooleanField(help_text="Something was due and has not been done.")
    first_words = serializers.CharField(allow_null=True, allow_blank=True, help_text="How the text begins.")
    thumb = serializers.CharField(allow_null=True, help_text="The address of the first picture, in small.")
    worker = WorkerSerializer(allow_null=True)
    extension_days = serializers.IntegerField(allow_null=True, help_text="Asked for, and not decided.")
    disputes = serializers.IntegerField(allow_null=True)
    urges = serializers.IntegerField(allow_null=True)
    plan_date = serializers.DateField(allow_null=True, help_text="On account until this day.")
    clock = RowClockSerializer(allow_null=True, help_text="Of what the reader may read, what is due next.")
    desk = OrganisationNameSerializer(allow_null=True, help_text="The section that answers for it; for staff.")
    called_back_at = serializers.DateTimeField(allow_null=True, help_text="For staff.")
    needs_me = serializers.BooleanField(
        allow_null=True, help_text="In `mine` and `followed`: whether it waits for the reader's answer or confirmation."
    )
    unread = serializers.IntegerField(allow_null=True, help_text="In `mine` and `followed`: news of it that is unread.")


class CountSerializer(Shape):
    """A number of rows."""

    count = serializers.IntegerField(help_text="999 at most.")
    shown = serializers.CharField(help_text="The number in words for people: `999+` where there are more.")


class ValueCountSerializer(CountSerializer):
    """How many rows have a value."""

    value = serializers.CharField(help_text="As the filter takes it.")
    label = serializers.CharField()  # type: ignore[assignment]


class CountsSerializer(Shape):
    """How many rows a list has, in all and by what was asked."""

    total = CountSerializer()
    facets = serializers.DictField(child=ValueCountSerializer(many=True), help_text="By each name in `by`.")


class PressingRowSerializer(TicketRowSerializer):
    """A ticket that is overdue or at risk, with the clocks that say so."""

    next_due_at = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(help_text="To the next due moment; negative when over.")
    overdue_seconds = serializers.IntegerField(help_text="Since the next due moment; 0 before it.")
    clocks = RowClockSerializer(many=True, help_text="Those that are overdue or at risk, the first due first.")


class QueueRowSerializer(Shape):
    """An assignment in an organisation's queue, with its ticket."""

    role = choice(AssignmentRole)
    role_label = serializers.CharField()
    organisation = serializers.UUIDField()
    step = serializers.IntegerField()
    next_due_at = serializers.DateTimeField(allow_null=True)
    overdue = serializers.BooleanField(help_text="Something was due of the organisation and has not been done.")
    opened_at = serializers.DateTimeField(allow_null=True)
    signed_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_blank=True)
    worker = serializers.UUIDField(allow_null=True)
    ticket = TicketRowSerializer()


class PauseSerializer(Shape):
    """A while in which a clock was held."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="Null while it lasts.")
    reason = serializers.CharField(
        allow_null=True, help_text="question, replied, on_account or merged; null where it was not kept."
    )
    reason_label = serializers.CharField(allow_null=True)


class ClockSerializer(Shape):
    """Time that runs on a ticket, as the reader may see it."""

    name = choice(ClockName)
    label = serializers.CharField()  # type: ignore[assignment]
    state = choice(ClockState)
    state_label = serializers.CharField()
    holder = serializers.UUIDField(allow_null=True, help_text="The organisation that it watches, where it watches one.")
    due_at = serializers.DateTimeField(help_text="Of a paused one, as it was before; it moves on by the pause.")
    remaining_seconds = serializers.IntegerField(
        allow_null=True, help_text="Negative when over, of a stopped one by how much it was; null while paused."
    )
    pause_reason = serializers.CharField(
        allow_null=True, help_text="question, replied, on_account or merged; null otherwise."
    )
    started_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    used_seconds = serializers.IntegerField(help_text="Without its pauses.")
    over_seconds = serializers.IntegerField(help_text="How far it is, or was, over; 0 in time.")
    pauses = PauseSerializer(many=True)
    estimated = serializers.BooleanField(help_text="It follows from a year whose holidays are not published yet.")
    words = serializers.CharField(help_text="One sentence for people, in their language and the street's local time.")


class ForecastClockSerializer(Shape):
    """A clock that would start."""

    name = choice(ClockName)
    label = serializers.CharField()  # type: ignore[assignment]
    due_at = serializers.DateTimeField()
    budget = serializers.CharField(
        help_text="Its time: an amount and m, h, wh (working hours), d or wd (working days)."
    )
    estimated = serializers.BooleanField(help_text="It follows from a year whose holidays are not published yet.")
    words = serializers.CharField(help_text="One sentence for people, in their language and the street's local time.")


class ForecastSerializer(Shape):
    """The deadlines that a report would get."""

    at = serializers.DateTimeField()
    state = choice(State)
    state_label = serializers.CharField()
    routed = serializers.CharField(help_text="Where it would go and why, in words.")
    urgent = serializers.BooleanField()
    service_level = serializers.IntegerField(help_text="The version of the service level.")
    calendar = serializers.IntegerField(help_text="The version of the working calendar.")
    clocks = ForecastClockSerializer(many=True, help_text="The first due first.")


class BriefSerializer(StandSerializer):
    """Where a ticket stands."""

    clocks = ClockSerializer(
        many=True,
        allow_null=True,
        help_text="What is live; of a single ticket, for staff, also what was stopped late. Null for readers who may not see it whole.",
    )


class FiledSerializer(BriefSerializer):
    """What a reporter reads after filing."""

    title = serializers.CharField()
    routed = serializers.CharField(help_text="Where it went and why, in words.")
    urgent = serializers.BooleanField()


class ReporterContactSerializer(Shape):
    """How to reach the reporter, masked unless revealed or one's own."""

    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)


class ActingPersonSerializer(Shape):
    """Which of an organisation's people acted."""

    name = serializers.CharField()


class AssignmentSerializer(Shape):
    """An organisation's part in a ticket."""

    organisation = OrganisationNameSerializer()
    role = choice(AssignmentRole)
    role_label = serializers.CharField()
    step = serializers.IntegerField()
    open = serializers.BooleanField()
    outcome = choice(Outcome, allow_blank=True)
    outcome_label = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    signed_at = serializers.DateTimeField(allow_null=True)
    contacted_at = serializers.DateTimeField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    designated = serializers.BooleanField()
    worker = WorkerSerializer(allow_null=True)


class TicketPhotoSerializer(Shape):
    """A photo by its addresses."""

    id = serializers.UUIDField()
    kind = choice(PhotoKind)
    url = serializers.CharField()
    thumb = serializers.CharField()


class OnAccountSerializer(Shape):
    """Why a ticket is on account, who answers for it, and until when."""

    kind = choice(AccountKind)
    owner = OrganisationNameSerializer(allow_null=True)
    plan_date = serializers.DateField(allow_null=True)


class FaceSerializer(Shape):
    """What neighbours read of a ticket: nothing in it identifies people."""

    title = serializers.CharField()
    text = serializers.CharField(allow_null=True, help_text="Null where it is hidden.")
    hidden = serializers.BooleanField()


class ForecastFaceSerializer(FaceSerializer):
    """What neighbours would read of a ticket."""

    public = serializers.BooleanField(help_text="Whether they would read of it at all.")


class LinkedSerializer(Shape):
    """A ticket that holds another matter of the same report."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    link = serializers.ChoiceField(
        choices=["another", "out_of"], help_text="Whether it was filed out of this one, or this one out of it."
    )
    state = choice(State)
    state_label = serializers.CharField()
    category = LeafNameSerializer()
    place = serializers.CharField(allow_blank=True)


class TicketSerializer(MatterSerializer, BriefSerializer):
    """A whole ticket; what the reader may not see is null."""

    secrecy = choice(Secrecy)
    inspector = OrganisationNameSerializer(
        allow_null=True, help_text="Which organisation found it, where no resident reported it."
    )
    category = CategoryOfTicketSerializer()
    street = serializers.UUIDField()
    supervised = choice(SupervisionKind, allow_blank=True)
    merged_into = serializers.UUIDField(allow_null=True)
    linked = LinkedSerializer(
        many=True,
        allow_null=True,
        help_text="The tickets that were filed out of it, and the one that it was filed out of, as far as the reader sees them whole.",
    )
    relations = serializers.ListField(child=serializers.CharField(), help_text="What the reader is to the ticket.")
    text = serializers.CharField(allow_null=True)
    contact = ReporterContactSerializer(allow_null=True)
    assignments = AssignmentSerializer(many=True, allow_null=True)
    photos = TicketPhotoSerializer(many=True)
    resolved = serializers.BooleanField(allow_null=True)
    rated_on_behalf = serializers.BooleanField(
        allow_null=True, help_text="Rated by the street in the resident's place: counts as no satisfaction."
    )
    extension_days = serializers.IntegerField(allow_null=True)
    on_account = OnAccountSerializer(allow_null=True)
    hotline_number = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="The number that 12345 knows it by; for staff, null for others."
    )
    face = FaceSerializer(allow_null=True, help_text="What neighbours read of it; for its reporter and for staff.")


class RefilingSerializer(Shape):
    """The body of a report that says again what an earlier one said."""

    type = choice(TicketType)
    category = serializers.CharField()
    compound = serializers.UUIDField(required=False)
    street = serializers.UUIDField(required=False, help_text="Where it was about a street's public ground.")
    spot = serializers.CharField(allow_blank=True)
    title = serializers.CharField()
    text = serializers.CharField()
    secrecy = choice(Secrecy)
    hidden = serializers.BooleanField(help_text="Whether neighbours do not read the words.")
    photos = serializers.ListField(
        child=serializers.UUIDField(), help_text="Those of the earlier report; the new ticket gets copies of its own."
    )


class EventSerializer(Shape):
    """One line of a ticket's timeline."""

    seq = serializers.IntegerField()
    verb = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    target = choice(State)
    target_label = serializers.CharField()
    at = serializers.DateTimeField()
    organisation = OrganisationNameSerializer(allow_null=True)
    person = ActingPersonSerializer(
        allow_null=True,
        help_text="For the street, for their own organisation, and where they are assigned to the work.",
    )
    on_behalf = serializers.CharField(allow_blank=True)
    visibility = choice(Visibility)
    data = serializers.DictField(help_text="Facts: ids, codes, dates.")  # type: ignore[assignment]
    words = serializers.DictField(child=serializers.CharField(), help_text="What was said; empty once erased.")


class OfferedMoveSerializer(Shape):
    """A move that the caller may make now, with what it asks for."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    url = serializers.CharField()
    guarded = serializers.BooleanField(help_text="Needs If-Match with the version read.")
    on_behalf_of = choice(Party, allow_null=True, help_text="In whose place the street may make it; null in one's own.")
    input = serializers.DictField(help_text="JSON Schema of the move's body.")


class MovesSerializer(Shape):
    """What the caller may do with a ticket now."""

    version = serializers.IntegerField()
    state = choice(State)
    moves = OfferedMoveSerializer(many=True)


class MovedSerializer(Shape):
    """A move that was made: its event's number, and where the ticket stands now."""

    seq = serializers.IntegerField()
    verb = serializers.CharField()
    at = serializers.DateTimeField()
    ticket = BriefSerializer()
    contact = ReporterContactSerializer(allow_null=True, help_text="Only after `reveal`.")
    another = serializers.UUIDField(allow_null=True, help_text="Only after `file_another`: the second ticket.")


class CategorySerializer(Shape):
    """A category of the catalogue."""

    code = serializers.CharField()
    name = serializers.CharField()
    urgent = serializers.BooleanField()
    disposal_class = serializers.CharField()
    response_class = serializers.CharField()
    after_photo = serializers.BooleanField(help_text="The reply needs a photo.")
    public_face = serializers.BooleanField(help_text="Neighbours may read of such tickets, unless they are not open.")


class CategoryGroupSerializer(Shape):
    """A group of categories."""

    code = serializers.CharField()
    name = serializers.CharField()
    categories = CategorySerializer(many=True)


class CatalogueSerializer(Shape):
    """The categories in force."""

    version = serializers.IntegerField()
    groups = CategoryGroupSerializer(many=True)


class DuplicateSerializer(Shape):
    """An open ticket that may be about the same thing."""

    likeness = serializers.IntegerField(help_text="0 to 100.")
    ticket = TicketRowSerializer()

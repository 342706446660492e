"""Service contracts, as the street watches them: which of their moments have come, and what is to be done."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from community import timers
from community.api.views import View
from community.authentication import caller_of
from community.models import ContractFiring, ServiceKind, ServiceMode
from community.models.organisations import STREET_KINDS
from web.documents import document
from web.paging import page
from web.problems import Problem
from web.schema import PAGING, paged
from web.words import bilingual

_STREET_ONLY = bilingual("仅供街道工作人员查询。", "Only staff of the street may look them up.")


class TimerContractSerializer(serializers.Serializer[object]):
    """The contract that a timer belongs to."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=ServiceKind.choices)
    mode = serializers.ChoiceField(choices=ServiceMode.choices)
    provider = serializers.CharField(help_text="Its name.")
    place = serializers.CharField(allow_blank=True, help_text="The area or compound; empty for the whole street.")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True, help_text="The last day, as it is now.")
    handed_over_on = serializers.DateField(allow_null=True)
    notice_on = serializers.DateField(allow_null=True)
    notice_shortfall = serializers.IntegerField(
        help_text="By how many days the notice is too short; 0 where it is not."
    )


class TimerSerializer(serializers.Serializer[object]):
    """A moment of a contract that has come."""

    id = serializers.UUIDField()
    contract = TimerContractSerializer()
    rung = serializers.ChoiceField(choices=list(timers.TODO))
    due_on = serializers.DateField(help_text="The day on which it came, by the street's clock.")
    fired_at = serializers.DateTimeField()
    todo = serializers.CharField(help_text="What is to be done, in words.")
    article = serializers.CharField(allow_blank=True, help_text="The rule's source, as docs/rules.md names it.")
    concerned = serializers.ListField(child=serializers.UUIDField(), help_text="The organisations that it concerned.")


class Timers(View):
    """The timers of contracts."""

    problems = (403,)

    @extend_schema(operation_id="list_contract_timers", parameters=PAGING, responses={200: paged(TimerSerializer)})
    def get(self, request: Request) -> Response:
        """The moments of the street's contracts that have come, the latest first."""
        seats = caller_of(request).actor.seats
        streets = {seat.street_id for seat in seats if seat.kind in STREET_KINDS and seat.street_id}
        if not streets:
            raise Problem("not_permitted", 403, detail=_STREET_ONLY)
        rows = page(request, timers.latest(streets), "-due_on", "-id")
        return Response(rows.envelope([_timer(one) for one in rows.rows]))


def _timer(one: ContractFiring) -> dict[str, object]:
    contract = one.contract
    place = contract.compound or contract.area
    return document(
        TimerSerializer,
        one,
        contract=document(
            TimerContractSerializer,
            contract,
            provider=contract.provider.name,
            place=place.name if place else "",
        ),
        todo=timers.TODO.get(one.rung, ""),
        article=timers.ARTICLES.get(one.rung, ""),
    )

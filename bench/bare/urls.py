"""Two endpoints: a report is filed with three plain inserts, and reports are listed by the page."""

from django.db import transaction
from django.http import JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.bare.models import BareEvent, BareOutbox, BareReport

PAGE = 25


class BareFiling(serializers.Serializer[BareReport]):
    """What somebody fills in."""

    category = serializers.CharField(max_length=8)
    compound = serializers.UUIDField()
    text = serializers.CharField(max_length=2000)


class BareReports(APIView):
    """File a report, or list the newest."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        """Insert the report, its event and its line in the outbox."""
        filing = BareFiling(data=request.data)
        filing.is_valid(raise_exception=True)
        with transaction.atomic():
            report = BareReport.objects.create(**filing.validated_data)
            BareEvent.objects.create(report=report, verb="file", data={"category": report.category})
            BareOutbox.objects.create(report=report, kind="filed", payload={"category": report.category})
        return Response({"id": report.pk, "state": report.state}, status=201)

    def get(self, request: Request) -> Response:
        """The newest, as they are stored."""
        return Response({"results": BareReport.objects.order_by("-created_at").values()[:PAGE]})


urlpatterns = [
    path("reports", BareReports.as_view()),
    path("healthz", lambda request: JsonResponse({"status": "ok"})),
]

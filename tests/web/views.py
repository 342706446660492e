"""Small views behind which the tests try what every HTTP face shares."""

import uuid

from django.db import OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from web.idempotency import write_once
from web.limits import Limit
from web.models import IdempotencyKey
from web.paging import page
from web.parsers import BODY_LIMIT
from web.preconditions import if_match
from web.problems import make_handler
from web.schema import PAGING


class Line(serializers.Serializer):
    caption = serializers.CharField(max_length=5)


class Form(serializers.Serializer):
    name = serializers.CharField()
    lines = Line(many=True, required=False)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)


class Open(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Echo(Open):
    def post(self, request: Request) -> Response:
        form = Form(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(form.data)


class Raw(Open):
    def post(self, request: Request) -> Response:
        return Response(request.data)


class Large(Raw):
    body_limit = 2 * BODY_LIMIT


class Closed(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


class RefusedError(Exception):
    code = "too_late"
    reason = "It is over."


class Failing(Open):
    def get_exception_handler(self):
        return make_handler({RefusedError: 409})

    def get(self, request: Request, how: str) -> Response:
        if how == "refused":
            raise RefusedError
        if how == "absent":
            raise Http404(f"No Thing {uuid.uuid4()}")
        if how == "bug":
            raise ZeroDivisionError
        if how == "timeout":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 10")
                cursor.execute("SELECT pg_sleep(1)")
        raise OperationalError("connection refused")


class Versioned(Open):
    def post(self, request: Request) -> Response:
        return Response({"version": if_match(request)})


class Once(APIView):
    """Writes one row and tells how many there are; the acting person comes from the test."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> HttpResponse:
        return write_once(request, lambda: self.act(request))

    def act(self, request: Request) -> Response:
        if request.data.get("refuse"):
            raise RefusedError
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [request.data.get("pause", 0)])
            cursor.execute("INSERT INTO web_test_effect DEFAULT VALUES RETURNING id")
            (number,) = cursor.fetchone()
        return Response({"number": number}, status=201, headers={"Location": f"/api/effects/{number}"})

    def get_exception_handler(self):
        return make_handler({RefusedError: 409})


class List(Open):
    @extend_schema(parameters=[OpenApiParameter("key", many=True), *PAGING])
    def get(self, request: Request) -> Response:
        found = page(request, IdempotencyKey.objects.all(), *request.query_params.getlist("key"))
        return Response(found.envelope([row.status for row in found.rows]))


class Two(Limit):
    scope = "two"
    requests = 2
    seconds = 3600


class Limited(Open):
    throttle_classes = (Two,)

    def get(self, request: Request) -> Response:
        return Response({})


def plain_bug(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def database_away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused")


handler400 = "web.pages.bad_request"
handler403 = "web.pages.permission_denied"
handler404 = "web.pages.page_not_found"
handler500 = "web.pages.server_error"
urlpatterns = [
    path("api/echo", Echo.as_view()),
    path("api/raw", Raw.as_view()),
    path("api/large", Large.as_view()),
    path("api/closed", Closed.as_view()),
    path("api/failing/<str:how>", Failing.as_view()),
    path("api/versioned", Versioned.as_view()),
    path("api/once", Once.as_view()),
    path("api/list", List.as_view()),
    path("api/limited", Limited.as_view()),
    path("api/plain-bug", plain_bug),
    path("api/database-away", database_away),
    path("page/bug", plain_bug),
]

"""The person's e-mail address, and its proof."""

from collections.abc import Callable, Mapping

from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import email_addresses
from notifications.api.person import person_of
from notifications.api.settings import SettingsSerializer, settings_of
from notifications.codes import WrongCode
from notifications.mail import AddressRefused, MailNotSent, NoMailServer
from notifications.models.wording import LANGUAGES
from web.bodies import Body, valid
from web.fields import OneTimeCodeField
from web.problems import Fault, invalid, make_handler

_handle = make_handler({email_addresses.TooManyMails: 429, WrongCode: 400, NoMailServer: 503, MailNotSent: 503})


class EmailSerializer(Body):
    """The address that a code is mailed to."""

    email = serializers.EmailField(max_length=254)


class EmailCodeSentSerializer(serializers.Serializer[object]):
    """A code is on its way."""

    expires_in = serializers.IntegerField(help_text="Seconds for which the code is good.")


class EmailCodeSerializer(Body):
    """The code that was mailed to me."""

    code = OneTimeCodeField(help_text="Six digits; spaces and hyphens may stand between them.")


class EmailAddressView(APIView):
    """A view that answers the refusals of addresses as problems."""

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, object]], Response | None]:
        """The handler that maps these refusals to problems."""
        return _handle


class EmailView(EmailAddressView):
    """The caller's address."""

    problems = (429,)

    @extend_schema(operation_id="send_email_code", request=EmailSerializer, responses={202: EmailCodeSentSerializer})
    def post(self, request: Request) -> Response:
        """Mail a code to an address of mine: 1 a minute, 5 an hour, 10 a day. Until it is confirmed, the old one stays."""
        asked = valid(EmailSerializer, request.data)
        active = get_language() or ""
        language = next((code for code, _ in LANGUAGES if active.startswith(code)), LANGUAGES[0][0])
        try:
            email_addresses.ask(person_of(request), asked["email"], language)
        except AddressRefused as refusal:
            raise invalid(Fault("email", refusal.code, refusal.reason)) from refusal
        return Response({"expires_in": int(email_addresses.CODE_LIFE.total_seconds())}, status=202)

    @extend_schema(operation_id="forget_email", responses={204: OpenApiResponse(description="I have no address.")})
    def delete(self, request: Request) -> Response:
        """Forget my address; nothing more is mailed to it."""
        email_addresses.forget(person_of(request))
        return Response(status=204)


class EmailConfirmationView(EmailAddressView):
    """The proof of an address."""

    @extend_schema(operation_id="confirm_email", request=EmailCodeSerializer, responses={200: SettingsSerializer})
    def post(self, request: Request) -> Response:
        """Confirm an address by the code that was mailed to it: mine from now on, in the place of the old one."""
        email_addresses.confirm(person_of(request), valid(EmailCodeSerializer, request.data)["code"])
        return Response(settings_of(person_of(request)))

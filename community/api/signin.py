"""Signing in and out, by phone and by WeChat."""

import uuid
from typing import Any

from django.contrib.auth import login, logout
from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from community import signin, wechat
from community.api.views import Braked, Doorstep, View
from community.authentication import caller_of
from community.cookies import keep_device_key, kept_device_key
from community.known import device_key
from community.models import SignInToken
from community.models.signin import CODE_LIFE, TOKEN_LIFE
from community.phones import MobileField
from community.signin import Issued
from web.addresses import client_address
from web.bodies import Body, valid
from web.documents import document
from web.fields import LineField, OneTimeCodeField
from web.paging import page
from web.problems import not_found
from web.schema import PAGING, paged


class PhoneSerializer(Body):
    """A mainland mobile number."""

    phone = MobileField(help_text="A mainland mobile number; +86, spaces and hyphens may stand in it.")


class AskingSerializer(PhoneSerializer):
    """The phone that shall get a code."""

    device_key = serializers.RegexField(
        r"^[!-~]{0,255}$", max_length=255, required=False, allow_blank=True, default="",
        help_text="What this device got when it signed in before; then what strangers ask for leaves it its share.",
    )  # fmt: skip


class SentSerializer(serializers.Serializer[object]):
    """A code is on its way; the same whether or not anybody is known by that number."""

    expires_in = serializers.IntegerField(help_text="Seconds for which the code is good.")
    request = serializers.CharField(help_text="Send it along with the code.")


class ProofSerializer(PhoneSerializer):
    """A phone, and the code that was sent to it."""

    code = OneTimeCodeField(help_text="Six digits; spaces and hyphens may stand between them.")
    request = serializers.RegexField(
        r"^[!-~]{0,255}$", max_length=255, required=False, allow_blank=True, default="",
        help_text="The `request` that asking for the code was answered with: then nobody else's wrong guesses count.",
    )  # fmt: skip


class DeviceProofSerializer(ProofSerializer):
    """The same, and the device to be signed in."""

    device = LineField(max_length=60, required=False, allow_blank=True, default="")


class WechatCodeSerializer(Body):
    """What `wx.login` gave to the mini-program."""

    code = serializers.RegexField(r"^[!-~]{1,256}$", max_length=256)
    device = LineField(max_length=60, required=False, allow_blank=True, default="")


class BindingSerializer(DeviceProofSerializer):
    """The ticket that `auth/wechat` gave, and the proof of a phone."""

    ticket = serializers.RegexField(r"^[!-~]{1,512}$", max_length=512)


class TokenSerializer(serializers.Serializer[object]):
    """A token, told this once."""

    id = serializers.UUIDField()
    token = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    unused_life = serializers.IntegerField(help_text="Seconds without use after which it dies.")
    person_id = serializers.UUIDField()
    device_key = serializers.CharField(
        help_text="Keep it, also beyond signing out, and send it when asking for a code. It signs nobody in."
    )


class WechatSerializer(serializers.Serializer[object]):
    """Signed in, with the token; or not bound yet, with the ticket to bind a phone."""

    bound = serializers.BooleanField()
    token = TokenSerializer(required=False)
    ticket = serializers.CharField(required=False)


class SessionSerializer(serializers.Serializer[object]):
    """Whose session it is."""

    person_id = serializers.UUIDField()


class DeviceSerializer(serializers.Serializer[object]):
    """A device that is signed in as me."""

    id = serializers.UUIDField()
    device = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(help_text="To the hour.")
    current = serializers.BooleanField(help_text="Whether it is the one that asks.")


def _told(issued: Issued) -> dict[str, object]:
    return {
        "id": issued.token.id,
        "token": issued.secret,
        "unused_life": int(TOKEN_LIFE.total_seconds()),
        "person_id": issued.token.person_id,
        "device_key": device_key(issued.token.person),
    }


class Codes(Doorstep):
    """Sign-in codes."""

    @extend_schema(operation_id="send_code", request=AskingSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Send a sign-in code to a phone: 1 a minute, 5 an hour, 10 a day."""
        asked = valid(AskingSerializer, request.data)
        key = asked["device_key"] or kept_device_key(request._request)
        sent = signin.send_code(asked["phone"], client_address(request._request), key)
        return Response({"expires_in": int(CODE_LIFE.total_seconds()), "request": sent}, status=202)


class TokensView(Braked):
    """The devices signed in as me, and the door for new ones."""

    problems = (403,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """None for signing in: an old token in the header must not stop a device from getting a new one."""
        signs_in = self.request is not None and self.request.method == "POST"
        return [] if signs_in else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        """Anyone may sign in."""
        return [] if self.request.method == "POST" else [*super().get_permissions()]

    def get_throttles(self) -> list[BaseThrottle]:
        """Signing in is braked as at every door."""
        return [throttle() for throttle in Doorstep.throttle_classes] if self.request.method == "POST" else []

    @extend_schema(operation_id="sign_in_device", request=DeviceProofSerializer, responses={201: TokenSerializer})
    def post(self, request: Request) -> Response:
        """Sign a device in by the code sent to a phone; a phone that is new here becomes a resident."""
        proof = valid(DeviceProofSerializer, request.data)
        issued = signin.sign_in_device(
            proof["phone"], proof["code"], client_address(request._request), proof["device"], proof["request"]
        )
        return Response(_told(issued), status=201)

    @extend_schema(operation_id="list_my_devices", parameters=PAGING, responses={200: paged(DeviceSerializer)})
    def get(self, request: Request) -> Response:
        """The devices that are signed in as me, newest first."""
        found = page(
            request, SignInToken.objects.live().filter(person_id=caller_of(request).person.id), "-created_at", "-id"
        )
        mine = caller_of(request).token_id
        return Response(found.envelope([document(DeviceSerializer, one, current=one.id == mine) for one in found.rows]))

    @extend_schema(operation_id="sign_out_everywhere", responses={204: OpenApiResponse(description="Signed out.")})
    def delete(self, request: Request) -> Response:
        """Sign me out everywhere: every device, browser and WeChat account of mine, the asking one included."""
        with transaction.atomic():
            signin.revoke(caller_of(request).person)
        return Response(status=204)


class TokenView(View):
    """One device of mine."""

    @extend_schema(operation_id="sign_out_device", responses={204: OpenApiResponse(description="Signed out.")})
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        """Sign one of my devices out."""
        deleted, _ = SignInToken.objects.filter(person_id=caller_of(request).person.id, id=id).delete()
        if not deleted:
            raise not_found()
        return Response(status=204)


class CurrentToken(View):
    """The device that asks; for a browser session there is none."""

    problems = (404,)

    @extend_schema(
        operation_id="sign_out",
        responses={
            204: OpenApiResponse(description="Signed out."),
        },
    )
    def delete(self, request: Request) -> Response:
        """Sign out the device that asks."""
        token_id = caller_of(request).token_id
        if token_id is None:
            raise not_found()
        SignInToken.objects.filter(id=token_id).delete()
        return Response(status=204)


class Sessions(Doorstep):
    """The door for browsers."""

    @extend_schema(operation_id="sign_in_browser", request=ProofSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Sign a browser in by the code sent to a phone; sets the session and CSRF cookies."""
        proof = valid(ProofSerializer, request.data)
        person = signin.sign_in_browser(
            proof["phone"], proof["code"], client_address(request._request), proof["request"]
        )
        login(request._request, person)
        response = Response({"person_id": person.id}, status=201)
        keep_device_key(response, person)
        return response


class CurrentSession(View):
    """The browser that asks."""

    @extend_schema(operation_id="sign_out_browser", responses={204: OpenApiResponse(description="Signed out.")})
    def delete(self, request: Request) -> Response:
        """Sign out the browser that asks."""
        logout(request._request)
        return Response(status=204)


class WechatView(Doorstep):
    """The door for the mini-program."""

    @extend_schema(operation_id="sign_in_wechat", request=WechatCodeSerializer, responses={200: WechatSerializer})
    def post(self, request: Request) -> Response:
        """Sign a mini-program in by what `wx.login` gave it; an unbound account gets a ticket to bind a phone with."""
        given = valid(WechatCodeSerializer, request.data)
        openid = wechat.openid_of(given["code"])
        issued = signin.sign_in_wechat(openid, given["device"])
        if issued is None:
            return Response({"bound": False, "ticket": signin.binding_ticket(openid)})
        return Response({"bound": True, "token": _told(issued)})


class WechatBinding(Doorstep):
    """Where a WeChat account meets a phone."""

    @extend_schema(operation_id="bind_wechat", request=BindingSerializer, responses={201: TokenSerializer})
    def post(self, request: Request) -> Response:
        """Bind a WeChat account to the person whose phone got the code, and sign in."""
        given = valid(BindingSerializer, request.data)
        issued = signin.bind_wechat(
            given["ticket"],
            given["phone"],
            given["code"],
            client_address(request._request),
            given["device"],
            given["request"],
        )
        return Response(_told(issued), status=201)

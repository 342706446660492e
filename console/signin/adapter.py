"""What allauth asks us: who has a phone, how a code is sent, who may come in. It makes no person and changes none."""

import base64
import secrets
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import InvalidToken
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from community import credentials
from community.actors import by_person
from community.models import Person
from community.phones import MobileInput
from community.staff import is_staff_member, staff_member_with
from notifications.codes import new_code
from notifications.encryption import decrypted, encrypted
from notifications.sms import CodeNotSent, NoGateway, require_gateway, send_code
from web.addresses import client_address
from web.words import bilingual

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - what callers are counted under whose address nobody knows


class StaffAdapter(DefaultAccountAdapter):
    """Signs in members of staff who exist; everybody else is unknown here."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: people are added by their organisation or under /admin/."""
        return False

    def get_user_by_phone(self, phone: str) -> Person | None:
        """The member of staff with this phone; None for residents, too."""
        return staff_member_with(phone)

    def get_phone(self, user: Any) -> tuple[str, bool]:
        """The person's number, which counts as verified."""
        return user.phone, True

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        """Never: a number is changed under /admin/."""
        raise NotImplementedError

    def set_phone_verified(self, user: Any, phone: str) -> None:
        """Nothing to keep: every number counts as verified."""

    def phone_form_field(self, **kwargs: Any) -> MobileInput:
        """A mobile number as people write it."""
        widget = forms.TextInput(attrs={"autocomplete": "username"})
        return MobileInput(**{"label": bilingual("手机号", "Mobile number"), "widget": widget, **kwargs})

    def generate_phone_verification_code(self, *, user: Any, phone: str) -> str:
        """A code as in all text messages of ours."""
        return new_code()

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **kwargs: Any) -> None:
        """Send the code, or go back to the page and say why it was not sent."""
        try:
            send_code(phone, code)
        except (NoGateway, CodeNotSent) as refusal:
            self._give_up(refusal)

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        """Send nothing. Where no code can be sent, it is said for every phone."""
        try:
            require_gateway()
        except NoGateway as refusal:
            self._give_up(refusal)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that all limits of ours count under."""
        return client_address(request) or UNKNOWN_ADDRESS

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Let in active members of staff alone, however they prove who they are."""
        if response := super().pre_login(request, user, **kwargs):
            return response
        return None if is_staff_member(user) else redirect("account_inactive")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Record a second factor with the session."""
        if any(record["method"] == "mfa" for record in get_authentication_records(request, user)):
            credentials.record_second_factor(request.session, user)
        return super().post_login(request, user, **kwargs)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The console for those with a seat; the admin for those who may only enter that."""
        caller = by_person(request.user.pk) if isinstance(request.user, Person) else None
        admin = caller is not None and caller.person.is_staff and not caller.actor.seats
        return reverse("admin:index" if admin else "console")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within some minutes of signing in; with a second factor there is, that has to be proved in the session."""
        request = context.request
        records = get_authentication_records(request, request.user)
        if records and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT:
            proved = credentials.has_second_factor(request.session) or not is_mfa_enabled(request.user)
            return not proved
        return super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor alone, for those who have one."""
        found = super().get_reauthentication_methods(user)
        second = [one for one in found if one["id"].startswith("mfa_")]
        return second or found

    def _get_login_attempts_cache_key(self, request: HttpRequest, **given: Any) -> str:
        """By phone. allauth's own key knows names and e-mails, so that all phones would share one limit."""
        return f"phone:{given.get('phone', '')}"

    def _give_up(self, refusal: NoGateway | CodeNotSent) -> None:
        messages.error(context.request, str(refusal.reason))
        raise ImmediateHttpResponse(redirect("account_login"))


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors encrypted."""

    def encrypt(self, text: str) -> str:
        """Under SECRET_KEY, as all secrets at rest."""
        return encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        """In plain text. Where the key is gone, something that nobody knows: no code fits it."""
        try:
            return decrypted(encrypted_text)
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(40)).decode()

    def get_totp_label(self, user: Any) -> str:
        """The masked phone: the label is read on a screen that others may see."""
        return f"{user.name} {user.masked_phone}"

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """The person as their passkey names them."""
        return {**super().get_public_key_credential_user_entity(user), "display_name": user.name, "name": user.name}

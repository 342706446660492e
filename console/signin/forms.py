"""Forms of allauth's that ask for something else here."""

from typing import Any

from allauth.account.forms import ConfirmLoginCodeForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms

from web.forms import OneTimeCodeFormField
from web.words import bilingual


class AddPasskeyForm(AddWebAuthnForm):
    """A passkey that signs in alone, unless that is unticked."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True


class ConfirmCodeForm(ConfirmLoginCodeForm):
    """The code sent by SMS, as people type it."""

    code = OneTimeCodeFormField(
        label=bilingual("短信验证码", "Code sent by SMS"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )

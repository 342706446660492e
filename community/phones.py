"""Phone numbers as people write them, converted to one form wherever they are entered.

A mainland mobile number becomes its eleven digits, a landline `010-55509999`, with an extension `010-55509999转801`.
Other mainland numbers (400-…) become their digits, and foreign numbers begin with `+`.
"""

import re
import unicodedata
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from web.fields import LineField
from web.forms import LineFormField
from web.texts import read_code, read_line
from web.words import bilingual

MOBILE = r"^1[3-9][0-9]{9}$"
NO_MOBILE = bilingual(
    "请填写11位大陆手机号，如 13800138000。", "Give a mainland mobile number of 11 digits, such as 13800138000."
)
NO_PHONE = bilingual(
    "请填写手机号，或带区号的固定电话，如 010-55509999，分机写作 010-55509999转801。",
    "Give a mobile number, or a landline with its area code, such as 010-55509999; an extension as 010-55509999 ext. 801.",
)

_MAINLAND, _COUNTRY = "CN", 86
_SHORT = r"^(?:1[0-9]{2,4}|9[0-9]{4,5})$"
LONGEST, KEPT = 40, 20  # as written, and as kept
_EXTENSION = re.compile(
    r"(?:[,;]|\s)*(?:转接?|轉|分机号?|内线|extension|ext\.?|x|#)\s*[:.]?\s*([0-9]{1,6})$", re.IGNORECASE
)
_HYPHENATED = re.compile(r"^(\(?0[0-9]{2,3}\)?[ -]?[0-9]{7,8})-([0-9]{1,6})$")
_WRITTEN = re.compile(r"^\+?[0-9 ()\-.]+$")
_HYPHENS = re.compile(r"[\u2010-\u2015\u2212\u30fc]")


def masked_phone(phone: str) -> str:
    """`138****8000`: the middle of a number is hidden; short ones almost wholly (docs/rules.md)."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****" + phone[-2:] if phone else ""


def read_phone(written: str) -> str:
    """The number in its one form. Raises ValueError where it is not a phone number, or a landline without its area code."""
    number, extension = _parse(written)
    digits = phonenumbers.national_significant_number(number)
    if number.country_code != _COUNTRY:
        if not phonenumbers.is_valid_number(number):
            raise ValueError(written)
        known = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    elif re.match(MOBILE, digits):
        # Operators are given new ranges before any list knows of them.
        known = digits
    elif not phonenumbers.is_valid_number(number):
        raise ValueError(written)
    elif area := phonenumbers.length_of_geographical_area_code(number):
        known = f"0{digits[:area]}-{digits[area:]}"
    elif phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
        raise ValueError(written)
    else:
        known = digits
    if extension:
        known = f"{known}转{extension}"
    if len(known) > KEPT:
        raise ValueError(written)
    return known


def read_mobile(written: str) -> str:
    """The eleven digits of a mobile number of the mainland. Raises ValueError."""
    number = read_phone(written)
    if not re.match(MOBILE, number):
        raise ValueError(written)
    return number


def read_duty_phone(written: str) -> str:
    """An organisation's number: a phone, or a short number such as 12345 or 95598. Raises ValueError."""
    short = read_code(written)
    return short if re.match(_SHORT, short) else read_phone(written)


def _parse(written: str) -> tuple[PhoneNumber, str]:
    """The number and its extension. Raises ValueError."""
    if len(written) > LONGEST:
        raise ValueError(written)
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", read_line(written)))
    found = _EXTENSION.search(plain) or _HYPHENATED.match(plain)
    extension = ""
    if found:
        extension = found.groups()[-1]
        plain = found[1] if found.re is _HYPHENATED else plain[: found.start()]
    if not _WRITTEN.match(plain):
        raise ValueError(written)
    try:
        return phonenumbers.parse(plain, _MAINLAND), extension
    except NumberParseException:
        raise ValueError(written) from None


class PhoneField(LineField):
    """A phone number of any kind, kept in its one form."""

    default_error_messages = {"invalid": NO_PHONE}
    read_number = staticmethod(read_phone)

    def __init__(self, **options: Any):
        super().__init__(**{"max_length": LONGEST, **options})

    def to_internal_value(self, data: str) -> str:
        """The number in its one form."""
        written = super().to_internal_value(data)
        try:
            return self.read_number(written)
        except ValueError:
            self.fail("invalid")


class MobileField(PhoneField):
    """A mobile number of the mainland, kept as its eleven digits."""

    default_error_messages = {"invalid": NO_MOBILE}
    read_number = staticmethod(read_mobile)


class PhoneInput(LineFormField):
    """A phone number of any kind, in a form of the admin."""

    refusal = NO_PHONE
    read_number = staticmethod(read_phone)

    def __init__(self, **options: Any):
        # The length limit is for the text as written, with its spaces.
        super().__init__(**{**options, "max_length": LONGEST})

    def to_python(self, value: object) -> str | None:
        """The number in its one form."""
        written = super().to_python(value)
        if not written:
            return written
        try:
            return self.read_number(written)
        except ValueError:
            raise ValidationError(self.refusal, code="invalid") from None

    def widget_attrs(self, widget: forms.Widget) -> dict[str, object]:
        """A keyboard of digits."""
        return {**super().widget_attrs(widget), "inputmode": "tel"}


class MobileInput(PhoneInput):
    """A mobile number of the mainland, in a form of the admin."""

    refusal = NO_MOBILE
    read_number = staticmethod(read_mobile)


class DutyPhoneInput(PhoneInput):
    """An organisation's number, in a form of the admin."""

    read_number = staticmethod(read_duty_phone)

"""Admin form fields for text that people write (`web.texts`)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db import models

from web.fields import CONTROL, NO_CODE
from web.texts import ControlCharacter, read_code, read_line, read_text


class TextFormField(forms.CharField):
    """A text of one or more lines; empty where no visible character is in it."""

    read: Callable[[str], str] = staticmethod(read_text)

    def to_python(self, value: object) -> str | None:
        """The cleaned text."""
        if value not in self.empty_values:
            try:
                value = self.read(str(value))
            except ControlCharacter:
                raise ValidationError(CONTROL, code="control_character") from None
        return super().to_python(value)


class LineFormField(TextFormField):
    """A text of one line."""

    read = staticmethod(read_line)


class OneTimeCodeFormField(LineFormField):
    """A six-digit code as people type it: with spaces, hyphens or full-width digits."""

    read = staticmethod(read_code)

    def validate(self, value: str) -> None:
        """Six digits, where there is anything."""
        super().validate(value)
        if value and (len(value) != 6 or not (value.isascii() and value.isdigit())):
            raise ValidationError(NO_CODE, code="invalid")


class LinesFormField(SimpleArrayField):
    """Several lines, separated by commas. Values that are not text are left to Django."""

    def __init__(self, base_field: forms.Field, **options: Any):
        if type(base_field) is forms.CharField:
            base_field = LineFormField(max_length=base_field.max_length)
        super().__init__(base_field, **options)


# For a ModelAdmin's `formfield_overrides`: every model's texts and lines are read alike.
WRITTEN: "dict[type[models.Field[Any, Any]], dict[str, object]]" = {
    models.TextField: {"form_class": TextFormField},
    models.CharField: {"form_class": LineFormField},
    ArrayField: {"form_class": LinesFormField},
}

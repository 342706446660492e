"""The fields of a move's form, made from the move's own input: which control each gets, and what is read from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from casework.api.inputs import STANDING_IN
from casework.inputs import Identifier
from community.phones import PhoneField
from web.fields import LineField
from web.words import Words, bilingual


class Control(StrEnum):
    """What a field is filled in with."""

    TEXT = "text"
    LINE = "line"
    PHONE = "phone"
    RADIO = "radio"
    SELECT = "select"
    SEVERAL = "several"
    CHECK = "check"
    NUMBER = "number"
    DATE = "date"
    PHOTOS = "photos"


@dataclass(frozen=True, slots=True)
class Option:
    """One that can be chosen. `proposed` is why it is proposed, where it is."""

    value: str
    label: Words
    note: Words = ""
    group: Words = ""
    proposed: Words = ""


type Selection = Sequence[Option]
type Pickers = Mapping[str, Callable[[], Selection]]
"""Who or what can be chosen, by the name of the field; asked for where a form has the field."""

YES_NO = (Option("true", bilingual("是", "Yes")), Option("false", bilingual("否", "No")))
FEW = 5
"""As many choices are shown side by side, more in a list."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as the page shows it."""

    name: str
    label: Words
    control: Control
    required: bool
    help: Words = ""
    most: int | None = None
    least: int | None = None
    choices: Selection = ()
    given: Sequence[str] = ()
    errors: Sequence[Words] = field(default=())

    @property
    def value(self) -> str:
        """What stands in it."""
        return self.given[0] if self.given else ""


def controls(input: serializers.Serializer[Any], pickers: Pickers) -> dict[str, tuple[Control, Selection]]:
    """The control of each field of a move's input, and what can be chosen there; a field that nothing can fill in is left out."""
    found = {}
    for name, one in input.fields.items():
        if name != STANDING_IN and (control := _control(name, one, pickers)) is not None:
            found[name] = control
    return found


def _control(
    name: str, one: serializers.Field[Any, Any, Any, Any], pickers: Pickers
) -> tuple[Control, Selection] | None:
    if name in pickers:
        choices = pickers[name]()
        several = Control.SEVERAL if isinstance(one, serializers.ListField) else Control.SELECT
        return (several, choices) if choices else None
    match one:
        case serializers.ListField():
            return (Control.PHOTOS, ()) if name == "photos" else None
        case Identifier():
            return None
        case serializers.BooleanField():
            return (Control.RADIO, YES_NO) if one.required else (Control.CHECK, ())
        case serializers.ChoiceField():
            choices = [Option(str(value), label) for value, label in one.choices.items()]
            return (Control.RADIO if len(choices) <= FEW else Control.SELECT), choices
        case serializers.IntegerField():
            return Control.NUMBER, ()
        case serializers.DateField():
            return Control.DATE, ()
        case PhoneField():
            return Control.PHONE, ()
        case LineField():
            return Control.LINE, ()
        case serializers.CharField():
            return Control.TEXT, ()
    raise TypeError(f"{type(one).__name__} has no control yet.")


def form_field(
    name: str,
    one: serializers.Field[Any, Any, Any, Any],
    control: tuple[Control, Selection],
    given: QueryDict | None,
    errors: Mapping[str, Sequence[Words]],
    help: Words = "",
) -> FormField:
    """The field with what was given and what is wrong with that."""
    return FormField(
        name,
        one.label or name,
        control[0],
        one.required,
        help or one.help_text or "",
        getattr(one, "max_value", None) if control[0] == Control.NUMBER else getattr(one, "max_length", None),
        getattr(one, "min_value", None),
        control[1],
        given.getlist(name) if given is not None else (),
        errors.get(name, ()),
    )


def read(input: serializers.Serializer[Any], sent: QueryDict) -> dict[str, object]:
    """What a form that was sent says, as the move's input takes it: empty fields are left out."""
    found: dict[str, object] = {}
    for name, one in input.fields.items():
        values = [value for value in sent.getlist(name) if value.strip()]
        if isinstance(one, serializers.ListField):
            if values:
                found[name] = values
        elif values:
            found[name] = values[0]
        elif isinstance(one, serializers.BooleanField) and not one.required and name in sent:
            found[name] = False
    return found

"""The rules for request bodies."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from web.words import Words, bilingual

_UNKNOWN = bilingual("没有这个字段。", "There is no such field.")
_EXPECTED = {
    "boolean": bilingual("应为布尔值。", "It must be true or false."),
    "integer": bilingual("应为整数。", "It must be a whole number."),
    "number": bilingual("应为数字。", "It must be a number."),
    "text": bilingual("应为文字。", "It must be a text."),
}


class JSONObject(dict[str, object]):
    """A body that was sent as JSON, so that its values have types. In forms and URLs all values are texts."""


class Dict(serializers.DictField):
    """A dictionary of at most `max_length` entries."""

    def __init__(self, *, max_length: int, **options: Any):
        self.max_length = max_length
        super().__init__(**options)


class Body(serializers.Serializer[object]):
    """A body, or a part of one. Unknown fields are refused, so that a misspelt field does not pass unnoticed.

    Every list has a `max_length`, which is checked before its items. No JSON value is converted to another type:
    `false` is not an id, `0` is not a name, and `"yes"` is not a boolean.
    """

    def to_internal_value(self, data: Mapping[str, object]) -> dict[str, object]:
        """The validated values; unknown fields are refused by name. It keeps no state, so threads may share it."""
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                dict.fromkeys(sorted(unknown), serializers.ErrorDetail(str(_UNKNOWN), code="unknown_field"))
            )
        if isinstance(data, Mapping):
            self._count(data)
        mistyped = _mistyped(self, data) if isinstance(data, JSONObject) else None
        if not mistyped:
            read: dict[str, object] = super().to_internal_value(data)
            return read
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as error:
            others = (
                error.detail if isinstance(error.detail, dict) else {api_settings.NON_FIELD_ERRORS_KEY: error.detail}
            )
            raise serializers.ValidationError({**others, **mistyped}) from None
        raise serializers.ValidationError(mistyped)

    def _count(self, data: Mapping[str, object]) -> None:
        """Refuse a list that is too long before its items are checked."""
        too_many = {}
        for name, field in self.fields.items():
            given, most = data.get(name), getattr(field, "max_length", None) if isinstance(field, _SEVERAL) else None
            if most is not None and isinstance(given, list | dict) and len(given) > most:
                reason = str(bilingual(f"最多 {most} 项。", f"At most {most} items."))
                too_many[name] = [serializers.ErrorDetail(reason, code="max_length")]
        if too_many:
            raise serializers.ValidationError(too_many)


def unfit(*names: str, code: str, reason: Words) -> serializers.ValidationError:
    """The refusal of a body for what these fields of it say together."""
    return serializers.ValidationError({name: [serializers.ErrorDetail(str(reason), code=code)] for name in names})


def valid(kind: type[serializers.Serializer[object]], data: object) -> dict[str, Any]:
    """What `data` says, as a serializer of this kind reads it. Raises DRF's ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


_SEVERAL = (serializers.ListField, serializers.ListSerializer, Dict)


_KINDS: tuple[tuple[type[object], str], ...] = (
    (serializers.Serializer, "object"),
    (serializers.ListField, "list"),
    (serializers.ListSerializer, "list"),
    (serializers.DictField, "map"),
    (serializers.BooleanField, "boolean"),
    (serializers.ChoiceField, "choice"),
    (serializers.IntegerField, "integer"),
    (serializers.FloatField, "number"),
    (serializers.DecimalField, "number"),
    (serializers.JSONField, "anything"),
)


@cache
def _kind(field: type[object]) -> str:
    """The JSON type that a field of this class needs. It is asked for every field of every body, so it is cached."""
    return next((kind for one, kind in _KINDS if issubclass(field, one)), "text")


def _mistyped(field: Any, value: object) -> Any:
    """The error where the value has another JSON type than the field, in DRF's form; empty where it is right.

    Null, lists and objects in the wrong place are refused by the fields themselves.
    """
    kind = _kind(type(field))  # type: ignore[arg-type]  # mypy takes a class for unhashable.
    match kind:
        case "object":
            if not isinstance(value, Mapping):
                return None
            fields = field.fields
            return _found((name, _mistyped(fields[name], inner)) for name, inner in value.items() if name in fields)
        case "list":
            # A body that is too long is refused as a whole.
            most = getattr(field, "max_length", None)
            if not isinstance(value, list) or (most is not None and len(value) > most):
                return None
            return _found((index, _mistyped(field.child, inner)) for index, inner in enumerate(value))
        case "map":
            if not isinstance(value, Mapping):
                return None
            return _found((name, _mistyped(field.child, inner)) for name, inner in value.items())
    if value is None or isinstance(value, list | dict) or _fits(kind, field, value):
        return None
    if kind == "choice":
        reason = str(field.error_messages["invalid_choice"]).format(input=value)
        return [serializers.ErrorDetail(reason, code="invalid_choice")]
    return [serializers.ErrorDetail(str(_EXPECTED[kind]), code="invalid")]


def _found(parts: Iterable[tuple[object, object]]) -> dict[object, object]:
    return {name: fault for name, fault in parts if fault}


def _fits(kind: str, field: Any, value: object) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _is_integer(value)
        case "number":
            return isinstance(value, float) or _is_integer(value)
        case "choice":
            integers = isinstance(next(iter(field.choices), ""), int)
            return _is_integer(value) if integers else isinstance(value, str)
        case "anything":
            return True
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

"""A move's input: checked when it comes in, and described so that a client can draw its form."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from rest_framework import serializers

from casework.inputs import Input
from web.fields import LineField, TextField
from web.parsers import NOT_AN_OBJECT

STANDING_IN = "on_behalf_of"


@cache
def _shared(input: type[Input]) -> Input:
    """One serializer for all requests: making one copies its every field, and validating leaves nothing in it."""
    return input()


def validated(input: Any, data: object) -> dict[str, Any]:
    """The validated inputs in `data`. Raises DRF's ValidationError, which names each field and its reason."""
    if not isinstance(data, Mapping):
        raise serializers.ValidationError(str(NOT_AN_OBJECT), code="not_an_object")
    return dict(_shared(input).run_validation(data))


def json_schema(input: Any, on_behalf_of: str = "") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a move's body, with labels in the reader's language.

    With `on_behalf_of` it is the street's body for the move in that party's place, else that of the move in one's own.
    """
    fields = _shared(input).fields
    properties = {name: _property(field) for name, field in fields.items() if name != STANDING_IN}
    required = [name for name, field in fields.items() if field.required]
    if on_behalf_of:
        standing_in = _property(fields[STANDING_IN])
        label = dict(zip(standing_in.pop("enum"), standing_in.pop("enum_labels"), strict=True))[on_behalf_of]
        properties = {STANDING_IN: {**standing_in, "const": on_behalf_of, "const_label": label}, **properties}
        required = [STANDING_IN, *required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _property(field: serializers.Field[Any, Any, Any, Any]) -> dict[str, Any]:
    match field:
        case serializers.BooleanField():
            described: dict[str, Any] = {"type": "boolean"}
        case serializers.IntegerField():
            described = {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
        case serializers.ChoiceField():
            values = list(field.choices)
            described = {
                "type": "integer" if isinstance(values[0], int) else "string",
                "enum": values,
                "enum_labels": [str(field.choices[value]) for value in values],
            }
        case serializers.UUIDField():
            described = {"type": "string", "format": "uuid"}
        case serializers.DecimalField():
            described = {"type": "string", "format": "decimal"}
        case serializers.DateField():
            described = {"type": "string", "format": "date"}
        case serializers.ListField():
            described = {"type": "array", "items": _property(field.child)}
            described |= {"minItems": field.min_length or 0, "maxItems": field.max_length}
        case serializers.CharField():
            described = {"type": "string", "minLength": 0 if field.allow_blank else 1, "maxLength": field.max_length}
            described["multiline"] = isinstance(field, TextField) and not isinstance(field, LineField)
        case _:
            raise TypeError(f"{type(field).__name__} has no JSON Schema yet.")
    if field.allow_null:
        described["type"] = [described["type"], "null"]
    if field.field_name:
        described["title"] = str(field.label)
    if field.help_text:
        described["description"] = str(field.help_text)
    return described

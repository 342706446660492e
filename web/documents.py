"""Answers of the API: what a row says, by the names that a serializer describes."""

from rest_framework import serializers


def document(kind: type[serializers.Serializer[object]], row: object, /, **others: object) -> dict[str, object]:
    """What `row` says under each name that `kind` has; what is not there by that name, or is said otherwise, is in `others`."""
    return {name: getattr(row, name) for name in kind._declared_fields if name not in others} | others

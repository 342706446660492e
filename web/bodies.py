"""What a request's body may hold."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from web.words import bilingual

_UNKNOWN = bilingual("没有这个字段。", "There is no such field.")


class Body(serializers.Serializer[Any]):
    """A body, or a part of one. Unknown fields are refused, so that a misspelt one is not lost in silence."""

    def to_internal_value(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields' own values; what no field takes is refused by name. Keeps nothing, so that threads may share it."""
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                {name: serializers.ErrorDetail(str(_UNKNOWN), code="unknown_field") for name in sorted(unknown)}
            )
        return super().to_internal_value(data)

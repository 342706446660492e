"""What the inputs of any subject's moves are made of. People's own words are marked, for the history keeps them apart."""

import uuid
from typing import Any

from rest_framework import serializers

from web.bodies import Body
from web.fields import LineField, TextField
from web.texts import read_line


class OwnWords(TextField):
    """A text in somebody's own words, 1 to 2,000 characters."""

    def __init__(self, **options: Any):
        options.setdefault("max_length", 2000)
        super().__init__(**options)


class OwnLine(OwnWords, LineField):
    """One line in somebody's own words."""

    read = staticmethod(read_line)


class Identifier(serializers.UUIDField):
    """An id as text; DRF would read a number as one, too."""

    def to_internal_value(self, data: object) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Input(Body):
    """The inputs of a move (`workflow.moves.MoveInput`)."""

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all inputs."""
        return frozenset(cls._declared_fields)

    @classmethod
    def own_words(cls) -> frozenset[str]:
        """The names of the inputs that are people's own words."""
        return frozenset(name for name, field in cls._declared_fields.items() if isinstance(field, OwnWords))

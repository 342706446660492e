"""Body and parameter fields for text that people write (`web.texts`)."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from web.texts import ControlCharacter, read_code, read_line, read_text
from web.words import bilingual

CONTROL = bilingual("不能包含控制字符。", "Control characters are not allowed.")
NO_CODE = bilingual("请填写6位数字验证码。", "Give the code of six digits.")


class TextField(serializers.CharField):
    """A text of one or more lines; refused as blank where no visible character is in it."""

    default_error_messages = {"control_character": CONTROL}
    read: Callable[[str], str] = staticmethod(read_text)

    def run_validation(self, data: object = empty) -> object:
        """Clean the text first, so that blanks and lengths are checked on what is stored."""
        if isinstance(data, str):
            try:
                data = self.read(data)
            except ControlCharacter:
                self.fail("control_character")
        elif data is not empty and data is not None:
            self.fail("invalid")
        return super().run_validation(data)


class LineField(TextField):
    """A text of one line."""

    read = staticmethod(read_line)


class OneTimeCodeField(LineField):
    """A six-digit code as people type it: with spaces, hyphens or full-width digits."""

    default_error_messages = {"invalid": NO_CODE}
    read = staticmethod(read_code)

    def __init__(self, **options: Any):
        super().__init__(**{"max_length": 40, **options})

    def to_internal_value(self, data: str) -> str:
        """The six digits."""
        code = super().to_internal_value(data)
        if len(code) != 6 or not (code.isascii() and code.isdigit()):
            self.fail("invalid")
        return code

"""Codes of six digits: who sends one back proves that the phone or the e-mail address is theirs."""

import secrets

from web.words import bilingual

WRONG_GUESSES = 5
"""The most wrong guesses at one code."""


class WrongCode(Exception):
    """The code is wrong, used, too old, or was guessed at too often."""

    code = "wrong_code"
    reason = bilingual("验证码不正确或已失效。", "The code is wrong or no longer valid.")


def new_code() -> str:
    """A code that nobody can guess."""
    return f"{secrets.randbelow(1_000_000):06d}"

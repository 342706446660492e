"""The short public code of a ticket: random, easy to read out on the phone, with a check character (ISO 7064, mod 33,32)."""

import secrets
import unicodedata

from stdnum.iso7064 import mod_37_36

# Digits and capitals without I, L, O and U, which are heard or read wrongly.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
_BITS = 5
_HEARD_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "-": None, " ": None})


def new_code() -> str:
    """A fresh code: eight random characters and the check character."""
    number = secrets.randbits(_BITS * LENGTH)
    code = "".join(ALPHABET[number >> _BITS * place & (1 << _BITS) - 1] for place in range(LENGTH))
    return code + mod_37_36.calc_check_digit(code, alphabet=ALPHABET)


def read_code(text: str) -> str | None:
    """The code that `text` spells, forgiving case, width, dashes and look-alikes; None when its check character is wrong."""
    code = unicodedata.normalize("NFKC", text).upper().translate(_HEARD_AS)
    if len(code) != LENGTH + 1 or not set(code) <= set(ALPHABET):
        return None
    return code if mod_37_36.is_valid(code, alphabet=ALPHABET) else None

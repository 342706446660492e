"""Names and phones as those see them who need not know them (docs/rules.md)."""


def masked_name(name: str) -> str:
    """`王**`: the first character, and a star for each of the others."""
    return name[:1] + "*" * max(1, len(name) - 1) if name else ""


def masked_phone(phone: str) -> str:
    """`138****8000`: the middle of a number is hidden; short ones almost wholly."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****" + phone[-2:] if phone else ""

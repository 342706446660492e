"""Names as those see them who need not know them (docs/rules.md)."""


def masked_name(name: str) -> str:
    """`王**`: the first character, and a star for each of the others."""
    return name[:1] + "*" * max(1, len(name) - 1) if name else ""

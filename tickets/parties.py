"""Who a category may name as its lead or co-handler: the vocabulary of party keys.

A key names a part that somebody plays at a place (`provider`, `committee`), or an organisation by kind and function
(`section:property`, `department:police`). Routing turns a key into an organisation that is live today.
"""

# The parts played at a place; who plays them is read from contracts and from the area.
PROVIDER = "provider"  # 物业企业
COMMITTEE = "committee"  # 物管会/业委会
RESIDENTS_COMMITTEE = "residents_committee"  # 居委会
TITLE_HOLDER = "title_holder"  # 产权单位
EMERGENCY_PROVIDER = "emergency_provider"  # 应急物业服务人

PLACE_PARTIES = frozenset({PROVIDER, COMMITTEE, RESIDENTS_COMMITTEE, TITLE_HOLDER, EMERGENCY_PROVIDER})

FUNCTIONS = {
    "section": ("desk", "property", "safety", "city", "enforcement", "welfare", "community", "party", "general"),
    "department": (
        "traffic_police",
        "police",
        "housing",
        "city_management",
        "planning",
        "water_authority",
        "fire",
        "health",
        "transport",
        "parks",
        "disabled_federation",
        "environment",
    ),
    "utility": ("water", "power", "gas", "heat", "telecom"),
    "maintainer": ("lift",),
    "hotline": ("emergency_119",),
}

PARTIES = PLACE_PARTIES | {f"{kind}:{function}" for kind, functions in FUNCTIONS.items() for function in functions}


def split(party: str) -> tuple[str, str]:
    """The kind and the function of a party key; the function is empty for a part played at a place."""
    kind, _, function = party.partition(":")
    return kind, function

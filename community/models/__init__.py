"""People and places: every table of the community."""

from community.models.contracts import (
    ContractFiring,
    NoticeBy,
    ServiceContract,
    ServiceKind,
    ServiceMode,
    Standard,
)
from community.models.organisations import Organisation, OrganisationKind, PartyCoverage
from community.models.people import (
    Confirmation,
    HomeMove,
    HouseholdCode,
    Language,
    Membership,
    Person,
    Residency,
    Role,
    Tenure,
)
from community.models.places import Area, Building, Community, Compound, Household, ResidentialType, Street
from community.models.rota import OffDuty, Rota
from community.models.serving import ServingVersion
from community.models.signin import (
    KnownAddress,
    SignInCode,
    SignInToken,
    Standing,
    WechatAccount,
)

__all__ = [
    "Area",
    "Building",
    "Community",
    "Compound",
    "Confirmation",
    "ContractFiring",
    "HomeMove",
    "Household",
    "HouseholdCode",
    "KnownAddress",
    "Language",
    "Membership",
    "NoticeBy",
    "OffDuty",
    "Organisation",
    "OrganisationKind",
    "PartyCoverage",
    "Person",
    "Residency",
    "ResidentialType",
    "Role",
    "Rota",
    "ServiceContract",
    "ServiceKind",
    "ServiceMode",
    "ServingVersion",
    "SignInCode",
    "SignInToken",
    "Standard",
    "Standing",
    "Street",
    "Tenure",
    "WechatAccount",
]

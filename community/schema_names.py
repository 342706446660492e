"""What the enums of this app are called in the API's description. Read before the apps are there: it imports nothing."""

ENUMS = {
    "Language": "community.models.Language",
    "OrganisationKind": "community.models.OrganisationKind",
    "Relation": "community.models.Tenure",
    "Role": "community.models.Role",
}

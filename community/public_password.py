"""The public password of the demo street's administrator, and who has it.

It imports no model, so that it can be imported before Django is set up.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, is_password_usable

# Worthless on purpose: the demo street is not loaded in production.
PUBLIC_PASSWORD = "linli-demo-only"  # noqa: S105


def holders() -> list[str]:
    """The masked phones of staff who have this password. Each person with any password costs one hash."""
    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    return [
        person.masked_phone
        for person in staff
        if is_password_usable(person.password) and check_password(PUBLIC_PASSWORD, person.password)
    ]

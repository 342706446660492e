"""The password of the demo street's administrator, which everybody knows, and who has it.

Names no model, so that it can be imported before Django is set up.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, is_password_usable

# Worthless on purpose: the demo street is not loaded in production.
PUBLIC_PASSWORD = "linli-demo-only"  # noqa: S105


def holders() -> list[str]:
    """The masked phones of the staff who have it; each of them with a password of any kind costs one hash."""
    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    return [
        person.masked_phone
        for person in staff
        if is_password_usable(person.password) and check_password(PUBLIC_PASSWORD, person.password)
    ]

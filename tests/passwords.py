"""Passwords that are quick to check: production hashes each a million times over, and every test that signs in would wait for it."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """What production checks as well, hashed once."""

    iterations = 1

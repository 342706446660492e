"""Signing in to the console and the admin: django-allauth's flows and limits with our people, words and pages."""

import pytest
from django.urls import clear_url_caches
from rest_framework.test import APIClient


@pytest.fixture
def web(settings):
    """A client of the small views in tests/web/views.py."""
    settings.ROOT_URLCONF = "tests.web.views"
    clear_url_caches()
    yield APIClient(raise_request_exception=False)
    clear_url_caches()

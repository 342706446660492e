"""Encrypted columns: what an earlier release has stored stays readable."""

from notifications.encryption import EncryptedField

KEY = "a secret of this test, and of nothing else"
STORED = (
    "gAAAAABqsTuAAAECAwQFBgcICQoLDA0ODyqlaZyJ8r7DQW6mZhDsR9pi_RiP4pt2Ppbp94ZTqD1HY98_nL7nw1kuzWMqlq1sFfWt"
    "QV36ltKcJkJs5NYvoLk="
)
"""A value that was encrypted under KEY when the module had another name."""


def test_what_an_earlier_release_has_encrypted_can_be_read(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = KEY, []
    assert EncryptedField().from_db_value(STORED) == "whsec_of_an_earlier_release"


def test_a_value_whose_key_is_gone_reads_as_empty(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret", []
    assert EncryptedField().from_db_value(STORED) == ""
    settings.SECRET_KEY_FALLBACKS = [KEY]
    assert EncryptedField().from_db_value(STORED) == "whsec_of_an_earlier_release"

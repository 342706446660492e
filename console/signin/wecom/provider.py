"""Signs in by WeCom's code to scan: who a member is, the corporation's own user id says."""

from typing import Any

from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider

from console.signin.wecom.views import WecomAdapter


class WecomAccount(ProviderAccount):
    """A member of the corporation."""


class WecomProvider(OAuth2Provider):
    """https://developer.work.weixin.qq.com/document/path/98152"""

    id = "wecom"
    name = "WeCom"
    account_class = WecomAccount
    oauth2_adapter_class = WecomAdapter

    def extract_uid(self, data: dict[str, Any]) -> str:
        """The user id, with the corporation that it belongs to."""
        return f"{self.app.client_id}:{data['userid']}"

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing: who somebody is stands with us."""
        return {}

    def get_default_scope(self) -> list[str]:
        """WeCom asks for none here."""
        return []


provider_classes = [WecomProvider]

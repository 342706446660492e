"""WeCom's two addresses: where a person is sent to scan, and where they come back with a code."""

from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import HttpRequest

AUTHORIZE = "https://login.work.weixin.qq.com/wwlogin/sso/login"
API = "https://qyapi.weixin.qq.com"


def _asked(path: str, **params: str) -> dict[str, Any]:
    """What WeCom answers at `path`. Raises OAuth2Error where it refuses, which it does with status 200."""
    with get_adapter().get_requests_session() as session:
        answer = session.get(f"{settings.WECOM_BASE_URL or API}{path}", params=params)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
    if told.get("errcode"):
        raise OAuth2Error(f"WeCom refused: {told['errcode']}")
    return told


class WecomClient(OAuth2Client):
    """Asks for the corporation's token: the person's code is spent when the person is asked for."""

    def get_redirect_url(self, authorization_url: str, scope: Any, extra_params: dict[str, str]) -> str:
        """Where the person scans."""
        asked = {
            "login_type": "CorpApp",
            "appid": self.consumer_key,
            "agentid": settings.WECOM["WECOM_AGENT_ID"],
            "redirect_uri": self.callback_url,
            **({"state": self.state} if self.state else {}),
        }
        return f"{authorization_url}?{urlencode(asked)}"

    def get_access_token(
        self, code: str, pkce_code_verifier: str | None = None, extra_data: Any = None
    ) -> dict[str, Any]:
        """The corporation's token."""
        told = _asked("/cgi-bin/gettoken", corpid=self.consumer_key, corpsecret=self.consumer_secret)
        return {"access_token": told["access_token"], "code": code}


class WecomAdapter(OAuth2Adapter):
    """The flow of OAuth 2, as WeCom has it."""

    provider_id = "wecom"
    authorize_url = AUTHORIZE
    access_token_url = f"{API}/cgi-bin/gettoken"
    client_class = WecomClient

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """The member who scanned. Raises OAuth2Error for somebody from outside the corporation."""
        told = _asked("/cgi-bin/auth/getuserinfo", access_token=token.token, code=kwargs["response"]["code"])
        if not told.get("userid"):
            raise OAuth2Error("Not a member of the corporation.")
        return self.get_provider().sociallogin_from_response(request, {"userid": told["userid"]})


oauth2_login = OAuth2LoginView.adapter_view(WecomAdapter)
oauth2_callback = OAuth2CallbackView.adapter_view(WecomAdapter)

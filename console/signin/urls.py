"""The addresses of signing in, under /console/signin/, by the names that allauth knows them by. What is not here does not exist."""

from allauth.account import views as account
from allauth.mfa.base.views import authenticate
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import deactivate_totp
from allauth.mfa.webauthn.views import edit_webauthn, list_webauthn, login_webauthn, remove_webauthn
from allauth.socialaccount.providers.dingtalk import views as dingtalk
from allauth.socialaccount.providers.feishu import views as feishu
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.urls import path

from console.signin import views
from console.signin.demo import sign_in_as
from console.signin.pages import for_staff, spoken
from console.signin.providers import ConnectedAccounts, failed, leading_on
from console.signin.sessions import SignedIn
from console.signin.wecom import views as wecom

urlpatterns = [
    path("", spoken(views.SignInPage.as_view()), name="signin"),
    path("", spoken(views.SignInPage.as_view()), name="account_login"),
    path("language/", spoken(views.keep_language), name="signin-language"),
    path("demo/", spoken(sign_in_as), name="signin-demo"),
    # By an account at an identity provider.
    path("with/wecom/", spoken(leading_on(wecom.oauth2_login)), name="wecom_login"),
    path("with/wecom/back/", spoken(leading_on(wecom.oauth2_callback)), name="wecom_callback"),
    path("with/dingtalk/", spoken(leading_on(dingtalk.oauth2_login)), name="dingtalk_login"),
    path("with/dingtalk/back/", spoken(leading_on(dingtalk.oauth2_callback)), name="dingtalk_callback"),
    path("with/feishu/", spoken(leading_on(feishu.oauth2_login)), name="feishu_login"),
    path("with/feishu/back/", spoken(leading_on(feishu.oauth2_callback)), name="feishu_callback"),
    path("with/<slug:provider_id>/", spoken(leading_on(openid_connect.login)), name="openid_connect_login"),
    path("with/<slug:provider_id>/back/", spoken(leading_on(openid_connect.callback)), name="openid_connect_callback"),
    path("with-failed/", spoken(failed), name="socialaccount_login_cancelled"),
    path("no-seat/", spoken(views.no_seat), name="account_inactive"),
    path("code/", spoken(account.request_login_code), name="account_request_login_code"),
    path("code/confirm/", spoken(account.confirm_login_code), name="account_confirm_login_code"),
    path("passkey/", spoken(login_webauthn), name="mfa_login_webauthn"),
    path("second-factor/", spoken(authenticate), name="mfa_authenticate"),
    # In a session that is open: to prove once more who one is.
    path("again/", spoken(account.reauthenticate), name="account_reauthenticate"),
    path("again/code/", spoken(account.request_reauthentication_code), name="account_request_reauthentication_code"),
    path(
        "again/code/confirm/",
        spoken(account.confirm_reauthentication_code),
        name="account_confirm_reauthentication_code",
    ),
    path("again/second-factor/", spoken(views.ProveByCode.as_view()), name="mfa_reauthenticate"),
    path("again/passkey/", spoken(views.ProveByPasskey.as_view()), name="mfa_reauthenticate_webauthn"),
    # What one signs in with.
    path("account/", for_staff(views.SecondFactors.as_view()), name="mfa_index"),
    path("account/app/add/", for_staff(views.AddAuthenticatorApp.as_view()), name="mfa_activate_totp"),
    path("account/app/remove/", for_staff(deactivate_totp), name="mfa_deactivate_totp"),
    path("account/passkeys/", for_staff(list_webauthn), name="mfa_list_webauthn"),
    path("account/passkeys/add/", for_staff(views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", for_staff(remove_webauthn), name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/edit/", for_staff(edit_webauthn), name="mfa_edit_webauthn"),
    path("account/recovery-codes/", for_staff(view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", for_staff(generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("account/sessions/", for_staff(SignedIn.as_view()), name="usersessions_list"),
    path("account/connections/", for_staff(ConnectedAccounts.as_view()), name="socialaccount_connections"),
    path("account/password/", for_staff(account.password_change), name="account_change_password"),
    path("account/password/set/", for_staff(account.password_set), name="account_set_password"),
]

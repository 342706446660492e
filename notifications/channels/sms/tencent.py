"""Tencent Cloud's SMS (sms 2021-01-11), signed by TC3-HMAC-SHA256.

The algorithm: https://cloud.tencent.com/document/api/382/52072
The errors: https://cloud.tencent.com/document/api/382/59177
"""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from notifications.channels.channel import HOUR, MINUTE, Refused, TryLater, Undelivered, Unsure, Unwanted
from notifications.channels.sms.gateway import (
    LOOK_AFTER_IT,
    Gateway,
    SmsAccount,
    SmsRecord,
    SmsText,
    client,
    doubted,
    fitted,
    said,
)

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE, VERSION, REGION = "sms", "2021-01-11", "ap-guangzhou"
DAY = timedelta(days=1)
LONGEST_LOOK = timedelta(days=7)
"""How long the vendor keeps the status of a text."""
_CONTENT_TYPE = "application/json; charset=utf-8"
_MAINLAND = "+86"
_LATER = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": MINUTE,
    "LimitExceeded.DeliveryFrequencyLimit": 10 * MINUTE,
    "LimitExceeded.PhoneNumberOneHourLimit": HOUR,
    "LimitExceeded.PhoneNumberDailyLimit": DAY,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": DAY,
    "LimitExceeded.AppDailyLimit": 6 * HOUR,
    "LimitExceeded.DailyLimit": 6 * HOUR,
}
_ACCOUNT = {
    "FailedOperation.InsufficientBalanceInSmsPackage", "InternalError.RequestTimeException", "InternalError.SigVerificationFail",
    "InternalError.SigFieldMissing", "AuthFailure", "UnauthorizedOperation", "IpInBlacklist", "IpNotInWhitelist",
}  # fmt: skip
_UNWANTED = {"FailedOperation.PhoneNumberInBlacklist", "FailedOperation.PhoneNumberOnBlacklist"}
_BUSY = {"RequestLimitExceeded"}
# Among them InternalError.Timeout, after which the text may have gone out.
_UNSURE = {"InternalError"}


class Tencent(Gateway):
    """SendSms, and PullSmsSendStatusByPhoneNumber for the operator's report. The delivery's key is sent as SessionContext."""

    address: ClassVar[str] = "https://sms.tencentcloudapi.com"

    def __init__(self, account: SmsAccount):
        self.account, self.client = account, client()

    def send(self, text: SmsText) -> str:
        """Send the text; the receipt is the vendor's SerialNo."""
        answer = self._call(
            "SendSms",
            {
                "PhoneNumberSet": [f"{_MAINLAND}{text.phone}"],
                "SmsSdkAppId": self.account.app_id,
                "SignName": self.account.sign_name,
                "TemplateId": text.template,
                "TemplateParamSet": [fitted(value) for value in text.fields.values()],
                "SessionContext": str(text.key),
            },
        )
        statuses: list[dict[str, Any]] = answer.get("SendStatusSet") or [{}]
        status = statuses[0]
        code = str(status.get("Code", ""))
        if code != "Ok":
            raise outcome(code)
        return str(status.get("SerialNo", ""))

    def find(self, key: uuid.UUID, phone: str, since: datetime) -> SmsRecord | None:
        """The operator's report of the text. There is none before it was delivered or given up."""
        now = datetime.now(UTC)
        answer = self._call(
            "PullSmsSendStatusByPhoneNumber",
            {
                "SmsSdkAppId": self.account.app_id,
                "PhoneNumber": f"{_MAINLAND}{phone}",
                "BeginTime": int(max(since, now - LONGEST_LOOK + HOUR).timestamp()),
                "EndTime": int(now.timestamp()),
                "Offset": 0,
                "Limit": 100,
            },
        )
        for status in answer.get("PullSmsSendStatusSet") or []:
            if status.get("SessionContext") == str(key):
                failed = status.get("ReportStatus") == "FAIL"
                return SmsRecord(str(status.get("SerialNo", "")), str(status.get("Description", "?")) if failed else "")
        return None

    def _call(self, action: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        payload = json.dumps(body, ensure_ascii=False).encode()
        headers = signed(self.account, SERVICE, payload, int(time.time()))
        headers |= {"X-TC-Action": action, "X-TC-Version": VERSION, "X-TC-Region": REGION}
        answer = self.client.post(f"{self.account.base_url}/", payload, headers=headers)
        words = said(answer).get("Response")
        if not isinstance(words, dict):
            raise Unsure("Tencent: no response")
        if error := words.get("Error"):
            raise doubted(outcome(str(error.get("Code", ""))), answer)
        return words


def signed(account: SmsAccount, service: str, payload: bytes, at: int) -> dict[str, str]:
    """The headers of a signed request with this body; `at` is in seconds since 1970."""
    names = "content-type;host"
    request = f"POST\n/\n\ncontent-type:{_CONTENT_TYPE}\nhost:{account.host}\n\n{names}\n{hashlib.sha256(payload).hexdigest()}"
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    words = f"{ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{account.key_secret}".encode()
    for part in (day, service, "tc3_request", words):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"Credential={account.key_id}/{scope}"
    return {
        "Authorization": f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={key.hex()}",
        "Content-Type": _CONTENT_TYPE,
        "X-TC-Timestamp": str(at),
    }


def outcome(code: str) -> Undelivered:
    """The outcome that an answer other than Ok means."""
    reason = f"Tencent: {code or 'no code'}"
    family = code.partition(".")[0]
    if code in _LATER:
        return TryLater(reason, after=_LATER[code])
    if code in _ACCOUNT or family in _ACCOUNT:
        return TryLater(reason, after=LOOK_AFTER_IT)
    if code in _UNWANTED:
        return Unwanted(reason)
    if not code or family in _UNSURE:
        return Unsure(reason)
    return TryLater(reason) if family in _BUSY else Refused(reason)

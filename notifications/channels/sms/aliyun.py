"""Aliyun's short message service (dysmsapi 2017-05-25), signed by ACS3-HMAC-SHA256.

The algorithm: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
The errors: https://help.aliyun.com/document_detail/101346.html
"""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from notifications.channels.channel import HOUR, MINUTE, Refused, TryLater, Undelivered, Unsure
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

ALGORITHM = "ACS3-HMAC-SHA256"
VERSION = "2017-05-25"
DAY = timedelta(days=1)
LONGEST_LOOK = 7
"""Days for which a receipt is looked for; the vendor keeps them for thirty."""
_BEIJING = ZoneInfo("Asia/Shanghai")
_PAGE, _MOST_PAGES = 50, 20
_LOOKING = 120.0
"""Seconds after which looking through what a phone was sent is given up: the lease of a delivery is longer."""
_FAILED = 2
_LIMIT = "isv.BUSINESS_LIMIT_CONTROL"
# By what its message says of the limit.
_PERIODS = {"分钟级": MINUTE, "小时级": HOUR, "天级": DAY}
_LATER = {_LIMIT: 10 * MINUTE, "isv.DAY_LIMIT_CONTROL": 6 * HOUR, "isv.MONTH_LIMIT_CONTROL": DAY}
_ACCOUNT = {
    "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE", "isv.ACCOUNT_ABNORMAL", "isv.ACCOUNT_NOT_EXISTS", "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.PRODUCT_UNSUBSCRIBE", "isv.DENY_IP_RANGE", "isp.RAM_PERMISSION_DENY", "SignatureDoesNotMatch", "IncompleteSignature",
    "InvalidAccessKeyId", "InvalidTimeStamp", "Forbidden", "NoPermission",
}  # fmt: skip
_BUSY = {"isp", "Throttling", "ServiceUnavailable"}
# The gateway broke, or has seen this very request before.
_UNSURE = {"InternalError", "SignatureNonceUsed"}


class Aliyun(Gateway):
    """SendSms, and QuerySendDetails for its outcome. The delivery's key is sent as OutId."""

    address: ClassVar[str] = "https://dysmsapi.aliyuncs.com"
    # Among them those that still wait for the operator (SendStatus 1).
    records_all: ClassVar[bool] = True

    def __init__(self, account: SmsAccount):
        self.account, self.client = account, client()

    def send(self, text: SmsText) -> str:
        """Send the text; the receipt is the vendor's BizId."""
        fields = {name: fitted(value) for name, value in text.fields.items()}
        answer = self._call(
            "SendSms",
            {
                "PhoneNumbers": text.phone,
                "SignName": self.account.sign_name,
                "TemplateCode": text.template,
                "TemplateParam": json.dumps(fields, ensure_ascii=False),
                "OutId": str(text.key),
            },
        )
        return str(answer.get("BizId", ""))

    def find(self, key: uuid.UUID, phone: str, since: datetime) -> SmsRecord | None:
        """The record of the text, from the list of what the phone was sent on each day."""
        for detail in self._details(phone, since):
            if detail.get("OutId") == str(key):
                failed = detail.get("SendStatus") == _FAILED
                return SmsRecord(str(detail.get("SendDate", "")), str(detail.get("ErrCode", "?")) if failed else "")
        return None

    def _details(self, phone: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        today, end = datetime.now(_BEIJING).date(), time.monotonic() + _LOOKING
        first = max(since.astimezone(_BEIJING).date(), today - timedelta(days=LONGEST_LOOK))
        for back in range((today - first).days + 1):
            day = today - timedelta(days=back)
            for page in range(1, _MOST_PAGES + 1):
                asked = {"PhoneNumber": phone, "SendDate": f"{day:%Y%m%d}", "PageSize": _PAGE, "CurrentPage": page}
                answer = self._call("QuerySendDetails", {name: str(value) for name, value in asked.items()})
                found = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
                yield from found
                if len(found) < _PAGE:
                    break
                if page == _MOST_PAGES or time.monotonic() > end:
                    raise TryLater("Outcome unknown: the phone had more texts in a day than are looked through")

    def _call(self, action: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        moment, nonce = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), uuid.uuid4().hex
        address, headers = signed(self.account, action, VERSION, query, moment, nonce)
        answer = self.client.post(f"{self.account.base_url}/?{address}", b"", headers=headers)
        words = said(answer)
        code = str(words.get("Code", ""))
        if code != "OK":
            raise doubted(outcome(code, str(words.get("Message", ""))), answer)
        return words


def signed(
    account: SmsAccount, action: str, version: str, query: Mapping[str, str], moment: str, nonce: str
) -> tuple[str, dict[str, str]]:
    """The query string and headers of a signed request without a body; `moment` is ISO 8601 in UTC, to the second."""
    empty = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": account.host,
        "x-acs-action": action,
        "x-acs-content-sha256": empty,
        "x-acs-date": moment,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n{asked}\n{lines}\n{names}\n{empty}"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.new(account.key_secret.encode(), f"{ALGORITHM}\n{hashed}".encode(), hashlib.sha256).hexdigest()
    del headers["host"]  # The client sends it.
    headers["Authorization"] = f"{ALGORITHM} Credential={account.key_id},SignedHeaders={names},Signature={signature}"
    return asked, headers


def outcome(code: str, message: str) -> Undelivered:
    """The outcome that an answer other than OK means."""
    # The message is not repeated: it may hold the phone.
    reason = f"Aliyun: {code or 'no code'}"
    family = code.partition(".")[0]
    if code in _LATER:
        after = next((period for part, period in _PERIODS.items() if part in message), _LATER[code])
        return TryLater(reason, after=after)
    if code in _ACCOUNT or family in _ACCOUNT:
        return TryLater(reason, after=LOOK_AFTER_IT)
    if not code or family in _UNSURE:
        return Unsure(reason)
    return TryLater(reason) if family in _BUSY else Refused(reason)

"""Aliyun's and Tencent's SMS services on the loopback: they check signatures, keep limits and receipts, and fail, as those do.

By itself: `python -m tests.fakes.sms --vendor aliyun --log FILE` (tests/fakes/standing.py).
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from tests.fakes.listening import LoopbackServer, Quiet, listening
from tests.fakes.standing import Fault, Log, Weather, options, stand, weather_of

KEY_ID = "key-id-of-the-tests"
KEY_SECRET = "a-key-secret-that-must-not-be-logged"
SIGN = "学院路街道"
APP_ID = "1400000001"
CODE_TEMPLATE, NEWS_TEMPLATE = "1001", "1002"
LONGEST_VARIABLE = 35
BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass
class Manners:
    """How the vendor behaves. `codes` are answered in turn in the place of what it would say.

    `lost`: it takes the request, and closes the connection without an answer; `gone`: it closes before it takes it. `status` is that
    of every answer, with `body` where there is one; `slow` in seconds. `limited` keeps the limits of codes. `late`: receipts are not
    to be had yet.
    `undelivered` is what the operator says of every text.
    """

    codes: list[str] = field(default_factory=list)
    message: str = ""
    lost: bool = False
    gone: bool = False
    status: int = 200
    body: bytes | None = None
    slow: float = 0.0
    limited: bool = False
    late: bool = False
    undelivered: str = ""


@dataclass(frozen=True)
class Taken:
    """A text that the vendor has taken."""

    key: str
    phone: str
    template: str
    fields: Any
    at: float
    receipt: str


class FakeSms(LoopbackServer):
    """A vendor; `taken` has the texts that it took, `asked` the name of each call with the key in it, `log` a line for each text."""

    def __init__(self, vendor: str, port: int = 0) -> None:
        super().__init__(port, {"aliyun": AliyunAnswer, "tencent": TencentAnswer}[vendor])
        self.manners = Manners()
        self.taken: list[Taken] = []
        self.asked: list[tuple[str, str]] = []
        self.nonces: set[str] = set()
        self.log, self.weather = Log(), Weather()
        self.lock = threading.Lock()

    def note(self, action: str, key: str, phone: str, said: str, *, taken: bool, answer: str) -> None:
        """Keep what was asked, and what was made of it."""
        self.asked.append((action, key))
        if action == "SendSms":
            self.log.note(key=key, to=phone, said=said, taken=taken, answer=answer)

    def limit(self, phone: str, template: str) -> str:
        """The limit that one more code to the phone would break: minute, hour, day, or none."""
        if not self.manners.limited or template != CODE_TEMPLATE:
            return ""
        ages = [time.time() - one.at for one in self.taken if (one.phone, one.template) == (phone, template)]
        for name, seconds, most in (("minute", 60, 1), ("hour", 3600, 5), ("day", 86400, 10)):
            if sum(age < seconds for age in ages) >= most:
                return name
        return ""

    def take(self, key: str, phone: str, template: str, fields: Any) -> Taken:
        """Take a text."""
        text = Taken(key, phone, template, fields, time.time(), f"{len(self.taken) + 1}{time.time_ns()}^0")
        self.taken.append(text)
        return text

    def repeats(self) -> Mapping[str, int]:
        """The keys of texts that were taken more than once."""
        counts: dict[str, int] = defaultdict(int)
        for one in self.taken:
            counts[one.key] += 1
        return {key: count for key, count in counts.items() if count > 1}


class Answer(Quiet, BaseHTTPRequestHandler):
    """What both vendors share: how they fail."""

    server: FakeSms
    busy: str
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one call."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        manners, fault = self.server.manners, self.server.weather.fault()
        time.sleep(self.server.weather.takes if fault == Fault.SLOW else manners.slow)
        if manners.gone:
            self.close_connection = True
            return
        if fault == Fault.FAILING:
            self.say(500, b"<html>")
            return
        with self.server.lock:
            if fault == Fault.BUSY:
                manners.codes.append(self.busy)
            said = self.answer(body)
        if manners.lost or fault == Fault.LOST:
            self.close_connection = True
            return
        payload = json.dumps(said, ensure_ascii=False).encode() if manners.body is None else manners.body
        self.say(manners.status, payload)

    def say(self, status: int, payload: bytes) -> None:
        """Send an answer."""
        # A caller that has lost patience is gone, and that is meant.
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    def answer(self, body: bytes) -> dict[str, Any]:
        """What the vendor says."""
        raise NotImplementedError


class AliyunAnswer(Answer):
    """dysmsapi 2017-05-25."""

    busy = "isp.SYSTEM_ERROR"

    def answer(self, body: bytes) -> dict[str, Any]:
        """Answer SendSms or QuerySendDetails, where the call is signed."""
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        action = self.headers.get("x-acs-action", "")
        said = self.refusal(body) or (self.send(query) if action == "SendSms" else self.details(query))
        phone, fields = query.get("PhoneNumbers", ""), query.get("TemplateParam", "")
        self.server.note(action, query.get("OutId", ""), phone, fields, taken=said["Code"] == "OK", answer=said["Code"])
        return {"RequestId": "7A5B0D32-0000-5000-8000-000000000000", "Message": "OK", **said}

    def refusal(self, body: bytes) -> dict[str, Any] | None:
        """Why the call is not even looked at."""
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if not found:
            return {"Code": "IncompleteSignature"}
        if found[1] != KEY_ID:
            return {"Code": "InvalidAccessKeyId.NotFound", "Message": "Specified access key is not found."}
        names = found[2].split(";")
        sent = {name.lower(): value.strip() for name, value in self.headers.items()}
        must = {"host", *(name for name in sent if name.startswith("x-acs-")), *({"content-type"} & set(sent))}
        if not must <= set(names) or names != sorted(names):
            return {"Code": "SignatureDoesNotMatch"}
        # Their own words again, in their own order: what was sent is not trusted to be in it.
        pairs = sorted(urlsplit(self.path).query.split("&"))
        request = "\n".join(
            [
                self.command,
                "/",
                "&".join(pairs),
                *(f"{name}:{sent[name]}" for name in names),
                "",
                found[2],
                hashlib.sha256(body).hexdigest(),
            ]
        )
        hashed = hashlib.new("sha256", request.encode()).hexdigest()
        right = hmac.digest(KEY_SECRET.encode(), b"ACS3-HMAC-SHA256\n" + hashed.encode(), "sha256").hex()
        if right != found[3] or sent["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
            return {"Code": "SignatureDoesNotMatch", "Message": "Specified signature is not matched."}
        moment = datetime.strptime(sent["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - moment) > timedelta(minutes=15):
            return {"Code": "InvalidTimeStamp.Expired"}
        if sent["x-acs-version"] != "2017-05-25":
            return {"Code": "InvalidVersion"}
        if sent["x-acs-signature-nonce"] in self.server.nonces:
            return {"Code": "SignatureNonceUsed"}
        self.server.nonces.add(sent["x-acs-signature-nonce"])
        return None

    def send(self, query: dict[str, str]) -> dict[str, Any]:
        """SendSms."""
        manners, phone = self.server.manners, query.get("PhoneNumbers", "")
        if manners.codes:
            code = manners.codes.pop(0)
            # As it really is: some messages repeat the phone.
            return {"Code": code, "Message": manners.message or f"{phone} {code}"}
        if not re.fullmatch(r"1[3-9]\d{9}", phone):
            return {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": f"{phone}invalid mobile number"}
        if query.get("SignName") != SIGN:
            return {"Code": "isv.SMS_SIGNATURE_ILLEGAL"}
        template = query.get("TemplateCode", "")
        if template not in {CODE_TEMPLATE, NEWS_TEMPLATE}:
            return {"Code": "isv.SMS_TEMPLATE_ILLEGAL"}
        fields = json.loads(query.get("TemplateParam", "{}"))
        if template == CODE_TEMPLATE and set(fields) != {"code"}:
            return {"Code": "isv.TEMPLATE_MISSING_PARAMETERS"}
        if any(not 0 < len(value) <= LONGEST_VARIABLE for value in fields.values()):
            return {"Code": "isv.PARAM_LENGTH_LIMIT"}
        if limit := self.server.limit(phone, template):
            words = {"minute": "分钟级流控Permits:1", "hour": "小时级流控Permits:5", "day": "天级流控Permits:10"}
            return {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": f"触发{words[limit]}"}
        text = self.server.take(query.get("OutId", ""), phone, template, fields)
        return {"Code": "OK", "BizId": text.receipt}

    def details(self, query: dict[str, str]) -> dict[str, Any]:
        """QuerySendDetails."""
        if self.server.manners.codes:
            return {"Code": self.server.manners.codes.pop(0)}
        failed = self.server.manners.undelivered
        found = [
            {
                "PhoneNum": one.phone,
                "OutId": one.key,
                "TemplateCode": one.template,
                "SendDate": f"{datetime.fromtimestamp(one.at, BEIJING):%Y-%m-%d %H:%M:%S}",
                "SendStatus": 2 if failed else 3,
                "ErrCode": failed or "DELIVERED",
                "Content": f"【{SIGN}】…",
            }
            for one in reversed(self.server.taken)
            if one.phone == query["PhoneNumber"]
            and f"{datetime.fromtimestamp(one.at, BEIJING):%Y%m%d}" == query["SendDate"]
            and not self.server.manners.late
        ]
        size, page = int(query["PageSize"]), int(query["CurrentPage"])
        shown = found[size * (page - 1) : size * page]
        return {"Code": "OK", "TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown}}


class TencentAnswer(Answer):
    """sms 2021-01-11."""

    busy = "RequestLimitExceeded"

    def answer(self, body: bytes) -> dict[str, Any]:
        """Answer SendSms or PullSmsSendStatusByPhoneNumber, where the call is signed."""
        action = self.headers.get("X-TC-Action", "")
        asked = json.loads(body)
        if error := self.refusal(body):
            said: dict[str, Any] = {"Error": {"Code": error, "Message": error}}
        elif action == "SendSms":
            said = self.send(asked)
        else:
            said = self.pull(asked)
        phone, fields = asked.get("PhoneNumberSet", [""])[0], json.dumps(asked.get("TemplateParamSet"))
        codes = [one["Code"] for one in said.get("SendStatusSet", [said.get("Error", {"Code": ""})])]
        key = asked.get("SessionContext", "")
        self.server.note(action, key, phone, fields, taken=codes == ["Ok"], answer=codes[0])
        return {"Response": {**said, "RequestId": "a0aabda6-cf91-4f3e-a81f-9198114a2279"}}

    def refusal(self, body: bytes) -> str:
        """Why the call is not even looked at."""
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/sms/tc3_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if not found:
            return "AuthFailure.InvalidAuthorization"
        if found[1] != KEY_ID:
            return "AuthFailure.SecretIdNotFound"
        at = self.headers["X-TC-Timestamp"]
        if abs(time.time() - int(at)) > 300:
            return "AuthFailure.SignatureExpire"
        lines = [f"{name}:{self.headers[name].strip()}" for name in found[3].split(";")]
        canonical = ["POST", self.path, "", *lines, "", found[3], hashlib.sha256(body).hexdigest()]
        day = time.strftime("%Y-%m-%d", time.gmtime(int(at)))
        words = [
            "TC3-HMAC-SHA256",
            at,
            f"{day}/sms/tc3_request",
            hashlib.sha256("\n".join(canonical).encode()).hexdigest(),
        ]
        secret = hmac.digest(("TC3" + KEY_SECRET).encode(), day.encode(), "sha256")
        secret = hmac.digest(hmac.digest(secret, b"sms", "sha256"), b"tc3_request", "sha256")
        if hmac.digest(secret, "\n".join(words).encode(), "sha256").hex() != found[4] or found[2] != day:
            return "AuthFailure.SignatureFailure"
        if self.headers.get("X-TC-Version") != "2021-01-11" or not self.headers.get("X-TC-Region"):
            return "NoSuchVersion"
        return ""

    def send(self, asked: dict[str, Any]) -> dict[str, Any]:
        """SendSms."""
        (phone,) = asked["PhoneNumberSet"]
        code, receipt = self.judge(asked, phone), ""
        if code.startswith("whole:"):
            return {"Error": {"Code": code.removeprefix("whole:"), "Message": phone}}
        if code == "Ok":
            receipt = self.server.take(
                asked.get("SessionContext", ""), phone, asked["TemplateId"], asked["TemplateParamSet"]
            ).receipt
        status = {"SerialNo": receipt, "PhoneNumber": phone, "Fee": int(code == "Ok"), "Code": code, "IsoCode": "CN"}
        return {"SendStatusSet": [{**status, "Message": f"{phone} {code}", "SessionContext": asked["SessionContext"]}]}

    def judge(self, asked: dict[str, Any], phone: str) -> str:
        """The code for one phone."""
        if self.server.manners.codes:
            return self.server.manners.codes.pop(0)
        if not re.fullmatch(r"\+861[3-9]\d{9}", phone):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if asked["SmsSdkAppId"] != APP_ID:
            return "whole:UnauthorizedOperation.SmsSdkAppIdVerifyFail"
        if asked["SignName"] != SIGN:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        if asked["TemplateId"] not in {CODE_TEMPLATE, NEWS_TEMPLATE}:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if asked["TemplateId"] == CODE_TEMPLATE and not re.fullmatch(r"\d{0,6}", *asked["TemplateParamSet"]):
            return "InvalidParameterValue.TemplateParameterFormatError"
        limits = {
            "minute": "LimitExceeded.PhoneNumberThirtySecondLimit",
            "hour": "LimitExceeded.PhoneNumberOneHourLimit",
            "day": "LimitExceeded.PhoneNumberDailyLimit",
        }
        return limits.get(self.server.limit(phone, asked["TemplateId"]), "Ok")

    def pull(self, asked: dict[str, Any]) -> dict[str, Any]:
        """PullSmsSendStatusByPhoneNumber."""
        if self.server.manners.codes:
            return {"Error": {"Code": self.server.manners.codes.pop(0), "Message": ""}}
        if asked["BeginTime"] < time.time() - 7 * 86400:
            return {"Error": {"Code": "InvalidParameterValue.BeginTimeVerifyFail", "Message": ""}}
        failed = self.server.manners.undelivered
        found = [
            {
                "PhoneNumber": one.phone,
                "SerialNo": one.receipt,
                "SessionContext": one.key,
                "ReportStatus": "FAIL" if failed else "SUCCESS",
                "Description": failed or "DELIVRD",
                "UserReceiveTime": int(one.at),
            }
            for one in self.server.taken
            if one.phone == asked["PhoneNumber"] and asked["BeginTime"] <= one.at <= asked["EndTime"] + 1
        ]
        return {"PullSmsSendStatusSet": [] if self.server.manners.late else found[: asked["Limit"]]}


@contextmanager
def serving(vendor: str) -> Iterator[FakeSms]:
    """A vendor that listens until the block ends."""
    with listening(FakeSms(vendor)) as server:
        yield server


def main() -> None:
    """Serve until killed."""
    parser = options("sms", __doc__)
    parser.add_argument("--vendor", choices=["aliyun", "tencent"], required=True)
    given = parser.parse_args()
    server = FakeSms(given.vendor, given.port)
    server.log, server.weather = Log(given.log), weather_of(given)
    stand(server, server.url)


if __name__ == "__main__":
    main()

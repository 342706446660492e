"""An authenticator app: the six digits of RFC 6238."""

import base64
import hashlib
import hmac
import struct
import time


def digits(secret: str, ahead: int = 0) -> str:
    """What the app shows now, or so many half minutes ahead."""
    step = struct.pack(">Q", int(time.time()) // 30 + ahead)
    mac = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    (number,) = struct.unpack(">I", mac[mac[-1] & 15 :][:4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"

"""A stranger's picture file becomes two plain JPEGs of our own; nothing else of the file survives.

`tickets.decoding` draws them, in a process of its own with limits of processor, memory and time: a file that breaks its decoder is
refused, and the web process goes on as before.
"""

import atexit
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from web.words import bilingual
from workflow.errors import Refusal

MAX_BYTES = 15 * 1024 * 1024
CPU_SECONDS = 15
"""Seconds of a processor that one picture may cost. Not in tickets.decoding, which loads every decoder."""
SECONDS = 2 * CPU_SECONDS
"""Seconds that one picture may take by the clock on the wall, on a busy machine."""
WAITING = 3
"""How many uploads of one process may be drawn or wait for it; each holds a thread of the web server."""


class PhotoRefused(Refusal):
    """A file that is not taken as a photo; `code` is too_large, not_a_picture, too_many_pixels, too_costly or broken."""

    @classmethod
    def too_large(cls) -> "PhotoRefused":
        """More bytes than MAX_BYTES."""
        return cls("too_large", bilingual("照片不能超过15 MB。", "A photo may have at most 15 MB."))

    @classmethod
    def not_a_picture(cls) -> "PhotoRefused":
        """None of the formats that are taken."""
        return cls(
            "not_a_picture", bilingual("只接受 JPEG、PNG、WebP 或 HEIC 照片。", "Photos are JPEG, PNG, WebP or HEIC.")
        )

    @classmethod
    def too_many_pixels(cls) -> "PhotoRefused":
        """More pixels than tickets.decoding allows for its format, or too long a side."""
        return cls(
            "too_many_pixels",
            bilingual("照片像素过多，请缩小后再传。", "The photo has too many pixels; make it smaller."),
        )

    @classmethod
    def too_costly(cls) -> "PhotoRefused":
        """Drawing it took more processor or time than a picture may."""
        return cls(
            "too_costly",
            bilingual(
                "照片处理超时，请重新拍摄后再传。",
                "The photo takes too long to read; take it again.",
            ),
        )

    @classmethod
    def broken(cls) -> "PhotoRefused":
        """It begins like a picture and cannot be read as one."""
        return cls("broken", bilingual("照片文件已损坏，无法读取。", "The photo is damaged and cannot be read."))


@dataclass(frozen=True, slots=True)
class Pictures:
    """The picture as it is kept: JPEG in sRGB without any metadata; width and height in pixels are those of `full`."""

    full: bytes
    thumb: bytes
    width: int
    height: int
    sha256: str


class Busy(Exception):
    """Too many photos are being drawn already."""


def normalise(file: IO[bytes]) -> Pictures:
    """Two JPEGs of a JPEG, PNG, WebP or HEIC: `full` of at most 2048 px and `thumb` of at most 320 px a side.

    Raises PhotoRefused, or Busy where too many wait already. One picture at a time is drawn for a process, so it may wait.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PhotoRefused.too_large()
    return _DARKROOM.draw(data)


class Darkroom:
    """The process that draws pictures, started when one comes and again after it has ended."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING)
        self._process: subprocess.Popen[bytes] | None = None

    def draw(self, data: bytes) -> Pictures:
        """The picture's two sizes. Raises PhotoRefused or Busy."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._one_at_a_time:
                return self._drawn(data)
        finally:
            self._places.release()

    def _drawn(self, data: bytes) -> Pictures:
        answer = self._asked(data)
        # It may have ended of old age between its last answer and this question.
        if answer is None and self._ended_by_itself():
            answer = self._asked(data)
        if answer is None:
            self.put_down()
            raise PhotoRefused.too_costly()
        if refused := answer[0].get("refused"):
            raise getattr(PhotoRefused, refused)()
        said, full, thumb = answer
        return Pictures(full, thumb, said["width"], said["height"], hashlib.sha256(full).hexdigest())

    def _asked(self, data: bytes) -> tuple[dict[str, Any], bytes, bytes] | None:
        """What the process answers; None where it ended, or had no answer in time."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(SECONDS, process.kill)
        late.start()
        try:
            process.stdin.write(b"%d\n" % len(data))
            process.stdin.write(data)
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            full, thumb = process.stdout.read(said["full"]), process.stdout.read(said["thumb"])
            return said, full, thumb
        except (OSError, ValueError):
            return None
        finally:
            late.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.put_down()
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", str(Path(__file__).with_name("decoding.py")), str(CPU_SECONDS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"PATH": os.defpath},
            )
        return self._process

    def _ended_by_itself(self) -> bool:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1) == 0
        return False

    def put_down(self) -> None:
        """End the process; the next picture starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                # What could not be written is lost with the process.
                with contextlib.suppress(OSError):
                    pipe.close()
            self._process = None


_DARKROOM = Darkroom()
atexit.register(_DARKROOM.put_down)

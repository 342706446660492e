"""Draws pictures anew, as a program of its own: what a hostile file does to its decoder ends with this process.

It reads pictures from standard input and writes answers to standard output, each as a line of JSON followed by as many bytes as the
line says, until the input ends or nobody asks for a while. It imports nothing of Linli, so that it starts quickly and knows no secret.
Its argument is how many seconds of a processor one picture may cost; then the process is killed.
"""

import io
import json
import re
import resource
import select
import signal
import sys
from collections.abc import Callable
from typing import IO

import pillow_heif
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from pillow_heif.as_plugin import HeifImageFile

MEMORY = 1536 * 1024 * 1024
"""Bytes of address space that the process may have."""
IDLE_SECONDS = 30
"""After so long without a picture the process ends."""
KEEP = 256 * 1024 * 1024
"""A process whose memory has once been larger ends after its answer: what a large picture took is not given back."""

# A phone's 50-megapixel camera writes 8192 x 6144, and a panorama of it 16382 x 3872. Both are JPEG or HEIC.
MAX_PIXELS = 100_000_000
MAX_PNG_PIXELS = 50_000_000
# The WebP decoder holds four copies of the picture at once; phones do not write WebP, and pages write it small.
MAX_WEBP_PIXELS = 25_000_000
MAX_SIDE = 32_768
FULL_SIDE = 2048
THUMB_SIDE = 320
# Each scan of a progressive JPEG passes over the whole picture: a camera writes ten, an attacker a hundred thousand.
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 1_000_000_000
# What is no segment of a JPEG is skipped byte by byte, by Python.
MAX_JUNK = 4_096
# The profiles of screens and phones are a few kilobytes.
MAX_PROFILE = 64 * 1024

# Pillow raises above twice this number, and with WebP it does so before it makes room for the picture.
Image.MAX_IMAGE_PIXELS = MAX_WEBP_PIXELS // 2
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False

HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WHITE = (255, 255, 255)
STRIP_PIXELS = 1_000_000


class PictureRefused(Exception):
    """A file that is not drawn; the message is the code: not_a_picture, too_many_pixels or broken."""


def decode(data: bytes) -> tuple[bytes, bytes, int, int]:
    """Two JPEGs of a JPEG, PNG, WebP or HEIC: of at most FULL_SIDE and THUMB_SIDE px a side; width and height of the first.

    The content alone says what the file is. The pixels are drawn anew, upright, on white, in sRGB; of several frames the first.
    Raises PictureRefused or MemoryError.
    """
    open_ = _opener(data)
    if open_ is None:
        raise PictureRefused("not_a_picture")
    try:
        full = _draw(open_, data)
    except (PictureRefused, MemoryError):
        raise
    except Image.DecompressionBombError as bomb:
        raise PictureRefused("too_many_pixels") from bomb
    # Decoders of hostile files raise whatever comes to hand: struct.error, KeyError, SyntaxError, zlib.error …
    except Exception as fault:
        raise PictureRefused("broken") from fault
    thumb = full.copy()
    thumb.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    return _jpeg(full, quality=85), _jpeg(thumb, quality=80), *full.size


Opener = Callable[[IO[bytes]], ImageFile.ImageFile]


def _opener(data: bytes) -> Opener | None:
    """What opens a file that begins like this; None for what is not taken."""
    # The classes and not Image.open, which would try further formats and go on to a JPEG's second picture (MPO).
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return HeifImageFile
    return None


def _draw(open_: Opener, data: bytes) -> Image.Image:
    """The picture on a fresh canvas of at most FULL_SIDE a side."""
    if open_ is JpegImagePlugin.JpegImageFile and _junk(data) > MAX_JUNK:
        raise PictureRefused("broken")
    with open_(io.BytesIO(data)) as image:
        _refuse_bomb(image)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            scans = _scans(data)
            if scans > MAX_SCANS or scans * image.width * image.height > MAX_SCANNED_PIXELS:
                raise PictureRefused("broken")
            # Decode no finer than needed: a quarter of the side is a sixteenth of the memory.
            image.draft(None, _fit(image.size))
        image.load()
        # The decoder has the last word on the size.
        _refuse_bomb(image)
        turn = TURNS.get(_orientation(image))
        profile = _profile(image)
        canvas = _reduced(image)
    canvas = canvas.resize(_fit(canvas.size), Image.Resampling.LANCZOS)
    if profile is not None:
        canvas = _in_srgb(canvas, profile)
    return canvas if turn is None else canvas.transpose(turn)


def _refuse_bomb(image: Image.Image) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureRefused("broken")
    limit = MAX_PNG_PIXELS if isinstance(image, PngImagePlugin.PngImageFile) else MAX_PIXELS
    if width * height > limit or max(width, height) > MAX_SIDE:
        raise PictureRefused("too_many_pixels")


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    """The size within FULL_SIDE that keeps the proportions; never larger than `size`."""
    scale = min(1.0, FULL_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reduced(image: Image.Image) -> Image.Image:
    """The picture in RGB on white, reduced to not less than twice the final size: strip by strip, to save memory."""
    width, height = image.size
    factor = max(1, max(width, height) // (2 * FULL_SIDE))
    canvas = Image.new("RGB", (-(-width // factor), -(-height // factor)), WHITE)
    rows = max(1, STRIP_PIXELS // (width * factor)) * factor
    for top in range(0, height, rows):
        strip = _on_white(image.crop((0, top, width, min(top + rows, height))))
        canvas.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return canvas


def _on_white(strip: Image.Image) -> Image.Image:
    if strip.mode.startswith("I"):
        # Pillow clips 16-bit grey where it should scale it.
        strip = strip.convert("I").point(lambda level: level / 256).convert("L")
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGB", strip.size, WHITE)
        paper.paste(strip, mask=strip.getchannel("A"))
        return paper
    return strip.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    # A picture with damaged EXIF is still a picture.
    except Exception:
        return 1


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The colour profile to convert from: of RGB pixels only, and only if it can be read."""
    icc = image.info.get("icc_profile")
    if not icc or len(icc) > MAX_PROFILE or image.mode not in {"RGB", "RGBA", "P"}:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return profile if profile.profile.xcolor_space == "RGB " else None
    except (OSError, TypeError, ValueError):
        return None


def _in_srgb(canvas: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(canvas, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return canvas
    assert converted is not None
    converted.info.clear()
    return converted


def _junk(data: bytes) -> int:
    """How many bytes before the first scan of a JPEG belong to no segment, counted to MAX_JUNK + 1."""
    found, at = 0, 2
    while found <= MAX_JUNK and at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            found, at = found + 1, at + 1
        elif data[at + 1] in (0xDA, 0xD9):
            break
        elif data[at + 1] == 0x01 or 0xD0 <= data[at + 1] <= 0xD8:
            found, at = found + 2, at + 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return found


def _scans(data: bytes) -> int:
    """How many scans the first picture of a JPEG file has, counted to MAX_SCANS + 1 and as far as it can be read."""
    found = 0
    at = 2
    while found <= MAX_SCANS:
        marker = _MARKER.search(data, at)
        if marker is None or marker[1] == b"\xd9":
            break
        found += marker[1] == b"\xda"
        # The segment's length counts its own two bytes; what follows a scan's header is skipped by the search.
        at = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2]))
    return found


# Inside a scan 0xFF is followed by 0x00, by a restart marker, or by another 0xFF as filling.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")


def _jpeg(image: Image.Image, *, quality: int) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()


def main() -> None:
    """Answer picture after picture."""
    # Its parent ends it, by closing its input. Ctrl-C in a terminal is not meant for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = int(sys.argv[1])
    while select.select([sys.stdin.buffer], [], [], IDLE_SECONDS)[0] and (line := sys.stdin.buffer.readline()):
        _allow(seconds)
        _answer(*_answered(sys.stdin.buffer.read(json.loads(line))))
        if _peak() > KEEP:
            break


def _peak() -> int:
    """The most memory in bytes that the process has had; where /proc does not tell it, none is known."""
    # Not getrusage, whose peak begins with that of the process that made this one.
    try:
        with open("/proc/self/status") as status:
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _allow(seconds: int) -> None:
    """Let the process have so many seconds of a processor from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answered(data: bytes) -> tuple[dict[str, object], bytes, bytes]:
    try:
        full, thumb, width, height = decode(data)
    except PictureRefused as refused:
        return {"refused": str(refused)}, b"", b""
    except MemoryError:
        return {"refused": "too_many_pixels"}, b"", b""
    return {"width": width, "height": height}, full, thumb


def _answer(said: dict[str, object], full: bytes, thumb: bytes) -> None:
    line = json.dumps({**said, "full": len(full), "thumb": len(thumb)}).encode()
    sys.stdout.buffer.write(line + b"\n" + full + thumb)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

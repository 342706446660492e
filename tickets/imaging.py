"""A stranger's picture file becomes two plain JPEGs of our own; nothing else of the file survives."""

import hashlib
import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import pillow_heif
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from pillow_heif.as_plugin import HeifImageFile

from web.words import bilingual
from workflow.errors import Refusal

MAX_BYTES = 15 * 1024 * 1024
MAX_PIXELS = 50_000_000
# The WebP decoder holds four copies of the picture at once; phones do not write WebP, and pages write it small.
MAX_WEBP_PIXELS = 25_000_000
MAX_SIDE = 32_768
FULL_SIDE = 2048
THUMB_SIDE = 320
# Each scan of a progressive JPEG passes over the whole picture: a camera writes ten, an attacker a hundred thousand.
MAX_SCANS = 100
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

# A decoded picture takes up to half a gigabyte: one at a time in each process.
_one_at_a_time = threading.Lock()


class PhotoRefused(Refusal):
    """A file that is not taken as a photo; `code` is too_large, not_a_picture, too_many_pixels or broken."""

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
        """More pixels than MAX_PIXELS (MAX_WEBP_PIXELS), or a side longer than MAX_SIDE."""
        return cls(
            "too_many_pixels",
            bilingual("照片像素过多，请缩小后再传。", "The photo has too many pixels; make it smaller."),
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


def normalise(file: IO[bytes]) -> Pictures:
    """Two JPEGs of a JPEG, PNG, WebP or HEIC: `full` of at most 2048 px and `thumb` of at most 320 px a side.

    The content alone says what the file is. The pixels are drawn anew, upright, on white, in sRGB; of several
    frames the first. Raises PhotoRefused. One picture at a time is decoded in a process, so it may wait.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PhotoRefused.too_large()
    open_ = _opener(data)
    if open_ is None:
        raise PhotoRefused.not_a_picture()
    with _one_at_a_time:
        try:
            full = _draw(open_, data)
        except (PhotoRefused, MemoryError):
            raise
        except Image.DecompressionBombError as bomb:
            raise PhotoRefused.too_many_pixels() from bomb
        # Decoders of hostile files raise whatever comes to hand: struct.error, KeyError, SyntaxError, zlib.error …
        except Exception as fault:
            raise PhotoRefused.broken() from fault
    thumb = full.copy()
    thumb.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    encoded = _jpeg(full, quality=85)
    return Pictures(encoded, _jpeg(thumb, quality=80), *full.size, hashlib.sha256(encoded).hexdigest())


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
    with open_(io.BytesIO(data)) as image:
        _refuse_bomb(image)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            if _scans(data) > MAX_SCANS:
                raise PhotoRefused.broken()
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
        raise PhotoRefused.broken()
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PhotoRefused.too_many_pixels()


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

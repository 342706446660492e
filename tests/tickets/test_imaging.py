"""Files as strangers send them: what is taken, what becomes of it, and what is refused."""

import hashlib
import io
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from tests.processes import wait_until
from tickets import imaging
from tickets.imaging import MAX_BYTES, Busy, PhotoRefused, normalise

# Pillow warns of odd metadata; a warning is no refusal.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SECRET = b"SECRET-OF-THE-SENDER"
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)


def picture(width=120, height=80):
    """White with a red upper left quarter, so that every turn of it looks different."""
    image = Image.new("RGB", (width, height), WHITE)
    ImageDraw.Draw(image).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return image


def written(image, format_="JPEG", **options):
    content = io.BytesIO()
    image.save(content, format_, **options)
    return content.getvalue()


def heic(image, **options):
    content = io.BytesIO()
    pillow_heif.from_pillow(image).save(content, quality=80, **options)
    return content.getvalue()


def taken(data):
    return normalise(io.BytesIO(data))


def refusal(data):
    with pytest.raises(PhotoRefused) as caught:
        taken(data)
    return caught.value.code


def shown(jpeg):
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def near(pixel, colour, by=24):
    return all(abs(a - b) <= by for a, b in zip(pixel, colour, strict=True))


def segments(jpeg):
    """The markers of a JPEG up to its first scan."""
    found, at = [], 2
    while True:
        marker = jpeg[at + 1]
        found.append(marker)
        if marker == 0xDA:
            return found
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])


def exif_with_place(orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 59.0, 30.0), 3: "E", 4: (116.0, 21.0, 10.0)})
    return exif.tobytes()


XMP = b'<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- ' + SECRET + b" --></x:xmpmeta>"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth=8, colour=2, *, before=b"", body=b"", after=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", body) if body else b""
    return b"\x89PNG\r\n\x1a\n" + header + before + data + after + chunk(b"IEND", b"")


def jpeg_of_size(width, height):
    """A real JPEG whose header tells another size."""
    data = bytearray(written(picture()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def with_segment(jpeg, marker, body):
    """The JPEG with one more segment right after its first two bytes."""
    return jpeg[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def riff(kind, *chunks):
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body if kind == "webp" else kind + body


def display_p3():
    """A profile of RGB that is not sRGB: red and green change places, so that its use can be seen."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {}
    for index in range(int.from_bytes(profile[128:132])):
        at = 132 + 12 * index
        table[bytes(profile[at : at + 4])] = at
    red, green = table[b"rXYZ"], table[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


def animated(format_):
    first, second = picture(), Image.new("RGB", (120, 80), BLUE)
    return written(first, format_, save_all=True, append_images=[second], duration=100)


def palette(transparent=False):
    image = picture().quantize(8)
    return written(image, "PNG", transparency=image.getpixel((110, 70))) if transparent else written(image, "PNG")


def half_clear(mode="RGBA"):
    image = picture().convert(mode)
    image.putalpha(Image.new("L", image.size, 0))
    return image


def grey16(level=0x8000):
    return Image.new("I;16", (120, 80), level)


def mpo():
    return written(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (120, 80), BLUE)])


GRID = picture(700, 500)

ACCEPTED = {
    "jpeg": lambda: written(picture()),
    "jpeg progressive": lambda: written(picture(), progressive=True),
    "jpeg 4:4:4": lambda: written(picture(), subsampling=0),
    "jpeg grey": lambda: written(picture().convert("L")),
    "jpeg cmyk": lambda: written(picture().convert("CMYK")),
    "jpeg with exif and place": lambda: written(picture(), exif=exif_with_place()),
    "jpeg with xmp": lambda: written(picture(), xmp=XMP),
    "jpeg with a comment": lambda: written(picture(), comment=SECRET),
    "jpeg with photoshop's segment": lambda: with_segment(written(picture()), 0xED, b"Photoshop 3.0\0" + SECRET),
    "jpeg with damaged exif": lambda: with_segment(written(picture()), 0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff" + SECRET),
    "jpeg with exif that points at itself": lambda: with_segment(
        written(picture()), 0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0" + SECRET
    ),
    "jpeg with a damaged profile": lambda: written(picture(), icc_profile=b"not a profile" + SECRET),
    "jpeg with a grey profile": lambda: written(
        picture(), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes() + SECRET
    ),
    "jpeg with a huge profile": lambda: written(picture(), icc_profile=SECRET * 50_000),
    "jpeg with a damaged table of pictures": lambda: with_segment(written(picture()), 0xE2, b"MPF\0II*\0" + SECRET),
    "jpeg with many comments": lambda: b"".join(
        [written(picture())[:2], (b"\xff\xfe\x00\x16" + SECRET) * 5_000, written(picture())[2:]]
    ),
    "jpeg with a page behind it": lambda: written(picture()) + b"<html><script>" + SECRET,
    "jpeg with an archive behind it": lambda: written(picture()) + archive(),
    "jpeg with a film behind it": lambda: written(picture()) + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 5_000 + SECRET,
    "jpeg and javascript": lambda: with_segment(written(picture()), 0xFE, b"*/=alert(1)/*" + SECRET),
    "jpeg and php": lambda: with_segment(written(picture()), 0xFE, b"<?php system($_GET[0]); ?>" + SECRET),
    "mpo": mpo,
    "png": lambda: written(picture(), "PNG"),
    "png palette": palette,
    "png clear palette": lambda: palette(transparent=True),
    "png alpha": lambda: written(half_clear(), "PNG"),
    "png grey and alpha": lambda: written(half_clear("LA"), "PNG"),
    "png clear colour": lambda: written(picture(), "PNG", transparency=WHITE),
    "png 1 bit": lambda: written(picture().convert("1"), "PNG"),
    "png 16 bit grey": lambda: written(grey16(), "PNG"),
    "png 16 bit colour": lambda: png(
        2, 2, 16, 2, body=zlib.compress((b"\0" + struct.pack(">3H", 0xDCDC, 0x1414, 0x1414) * 2) * 2)
    ),
    "png with exif and place": lambda: written(picture(), "PNG", exif=exif_with_place()),
    "png with texts": lambda: written(picture(), "PNG", pnginfo=texts()),
    "png with xmp": lambda: written(picture(), "PNG", pnginfo=texts("XML:com.adobe.xmp")),
    "png with many chunks": lambda: with_chunks(chunk(b"teXt", SECRET) * 20_000),
    "png with something behind it": lambda: written(picture(), "PNG") + SECRET,
    "apng": lambda: animated("PNG"),
    "apng that lies about its frames": lambda: with_chunks(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
    "webp": lambda: written(picture(), "WEBP"),
    "webp lossless": lambda: written(picture(), "WEBP", lossless=True),
    "webp alpha": lambda: written(half_clear(), "WEBP"),
    "webp animated": lambda: animated("WEBP"),
    "webp with exif and place": lambda: written(picture(), "WEBP", exif=exif_with_place()),
    "webp with xmp": lambda: written(picture(), "WEBP", xmp=XMP),
    "webp with something behind it": lambda: written(picture(), "WEBP") + SECRET,
    "heic": lambda: heic(picture()),
    "heic in tiles, as phones write it": lambda: heic(GRID, tile_size=256),
    "heic alpha": lambda: heic(half_clear()),
    "heic with exif and place": lambda: heic(picture(), exif=exif_with_place()),
    "heic with xmp": lambda: heic(picture(), xmp=XMP),
    "heic with something behind it": lambda: heic(picture()) + struct.pack(">I", 8 + len(SECRET)) + b"free" + SECRET,
    "heic of two pictures": lambda: heics(picture(), Image.new("RGB", (120, 80), BLUE)),
    "heic grey": lambda: heic(picture().convert("L")),
    "one pixel": lambda: written(Image.new("RGB", (1, 1), RED), "PNG"),
    "a line across": lambda: written(Image.new("RGB", (9_000, 1), RED), "PNG"),
    "a line down": lambda: written(Image.new("RGB", (1, 9_000), RED), "PNG"),
}


def archive():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.html", SECRET)
    return content.getvalue()


def texts(name="Comment"):
    info = PngImagePlugin.PngInfo()
    info.add_text(name, SECRET.decode(), zip=False)
    info.add_itxt("Author", SECRET.decode(), zip=True)
    return info


def with_chunks(chunks):
    data = written(picture(), "PNG")
    return data[:33] + chunks + data[33:]


def heics(*images):
    content = io.BytesIO()
    file = pillow_heif.from_pillow(images[0])
    for image in images[1:]:
        file.add_from_pillow(image)
    file.save(content, quality=80)
    return content.getvalue()


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_picture_becomes_two_plain_jpegs(name):
    data = ACCEPTED[name]()
    pictures = taken(data)
    for jpeg, side in ((pictures.full, 2048), (pictures.thumb, 320)):
        image = shown(jpeg)
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert max(image.size) <= side
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment", "photoshop", "mp"} & set(image.info)
        # JFIF's own is the only application segment; no comments; one picture, with nothing behind it.
        assert {marker for marker in segments(jpeg) if marker >= 0xE0} == {0xE0}
        assert jpeg.endswith(b"\xff\xd9")
        assert jpeg.count(b"\xff\xd8") == jpeg.count(b"\xff\xd9") == 1
        assert SECRET not in jpeg
    assert (pictures.width, pictures.height) == shown(pictures.full).size
    assert pictures.sha256 == hashlib.sha256(pictures.full).hexdigest()


NO_QUARTERS = {"one pixel", "a line across", "a line down", "png 16 bit grey", "png 16 bit colour"}
GREY = {"jpeg grey", "png 1 bit", "heic grey", "png grey and alpha"}
CLEAR = {"png alpha", "png grey and alpha", "webp alpha", "heic alpha"}


@pytest.mark.parametrize("name", [name for name in ACCEPTED if name not in NO_QUARTERS | GREY | CLEAR])
def test_the_first_picture_is_what_is_shown(name):
    image = shown(taken(ACCEPTED[name]()).full)
    width, height = image.size
    assert near(image.getpixel((width // 4, height // 4)), RED, by=40)
    assert near(image.getpixel((width * 3 // 4, height * 3 // 4)), WHITE)


@pytest.mark.parametrize("name", sorted(CLEAR))
def test_what_is_clear_becomes_white(name):
    image = shown(taken(ACCEPTED[name]()).full)
    assert near(image.getpixel((30, 20)), WHITE, by=6)


def test_half_clear_is_mixed_with_white():
    image = picture()
    image.putalpha(Image.new("L", image.size, 128))
    assert near(shown(taken(written(image, "PNG")).full).getpixel((30, 20)), (237, 137, 137))


@pytest.mark.parametrize(("level", "grey"), [(0, 0), (0x4000, 64), (0x8000, 128), (0xFFFF, 255)])
def test_sixteen_bits_are_scaled_and_not_cut_off(level, grey):
    assert near(shown(taken(written(grey16(level), "PNG")).full).getpixel((9, 9)), (grey,) * 3, by=2)


def test_cmyk_keeps_its_colours():
    image = shown(taken(ACCEPTED["jpeg cmyk"]()).full)
    assert near(image.getpixel((30, 20)), RED, by=40)


# Size


@pytest.mark.parametrize(
    ("size", "full", "thumb"),
    [
        ((4032, 3024), (2048, 1536), (320, 240)),
        ((3024, 4032), (1536, 2048), (240, 320)),
        ((5000, 100), (2048, 41), (320, 6)),
        ((2048, 2048), (2048, 2048), (320, 320)),
        ((2049, 10), (2048, 10), (320, 2)),
        ((321, 200), (321, 200), (320, 199)),
        ((64, 48), (64, 48), (64, 48)),
        ((16_000, 3_000), (2048, 384), (320, 60)),
    ],
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_pictures_fit_and_keep_their_proportions(size, full, thumb, format_):
    pictures = taken(written(picture(*size), format_, **({"compress_level": 1} if format_ == "PNG" else {})))
    assert shown(pictures.full).size == full
    assert max(abs(a - b) for a, b in zip(shown(pictures.thumb).size, thumb, strict=True)) <= 1
    image = shown(pictures.full)
    assert near(image.getpixel((full[0] // 4, full[1] // 4)), RED, by=40)
    assert near(image.getpixel((full[0] * 3 // 4, full[1] * 3 // 4)), WHITE)


def test_strips_of_a_large_picture_meet_without_a_seam():
    image = Image.linear_gradient("L").resize((5003, 4001)).convert("RGB")
    full = shown(taken(written(image, "PNG", compress_level=1)).full)
    column = [full.getpixel((100, y))[0] for y in range(full.height)]
    assert all(0 <= after - before + 2 <= 4 for before, after in pairwise(column))


# Upright

CORNERS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(format_, orientation):
    full = taken(written(picture(), format_, exif=exif_with_place(orientation)))
    image = shown(full.full)
    assert image.size == ((80, 120) if orientation > 4 else (120, 80))
    right, low = CORNERS[orientation]
    for x in (0, 1):
        for y in (0, 1):
            pixel = image.getpixel((image.width * (1 + 2 * x) // 4, image.height * (1 + 2 * y) // 4))
            assert near(pixel, RED if (x, y) == (right, low) else WHITE, by=40)


def test_a_heic_is_turned_once():
    full = shown(taken(heic(picture(), exif=exif_with_place(6))).full)
    assert full.size == (80, 120)
    assert near(full.getpixel((60, 30)), RED, by=40)
    assert near(full.getpixel((20, 90)), WHITE)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    assert shown(taken(written(picture(), exif=exif_with_place(orientation))).full).size == (120, 80)


# Colour


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_colours_are_converted_to_srgb_and_the_profile_dropped(format_):
    pictures = taken(written(Image.new("RGB", (64, 64), RED), format_, icc_profile=display_p3()))
    image = shown(pictures.full)
    red, green, _ = image.getpixel((32, 32))
    assert green > red + 60
    assert "icc_profile" not in image.info


def test_a_profile_of_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = shown(taken(written(Image.new("RGB", (64, 64), RED), icc_profile=srgb)).full)
    assert near(image.getpixel((32, 32)), RED, by=4)


# What is no picture


def svg():
    return b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


NOT_PICTURES = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "zeros": lambda: b"\0" * 5_000,
    "text": lambda: "小区路灯不亮".encode(),
    "html": lambda: b"<!doctype html><script>alert(1)</script>",
    "svg": svg,
    "svg with a byte order mark": lambda: b"\xef\xbb\xbf" + svg(),
    "pdf": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "pdf with a jpeg in it": lambda: b"%PDF-1.7\nstream\n" + written(picture()),
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "archive": archive,
    "archive with a jpeg in front of its end": lambda: b"PK\x03\x04" + written(picture()),
    "gif": lambda: written(picture(), "GIF"),
    "gif and javascript": lambda: b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)",
    "animated gif": lambda: animated("GIF"),
    "bmp": lambda: written(picture(), "BMP"),
    "tiff": lambda: written(picture(), "TIFF"),
    "ico": lambda: written(picture(), "ICO"),
    "jpeg 2000": lambda: written(picture(), "JPEG2000"),
    "avif": lambda: b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf" + b"\0" * 100,
    "film": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 100,
    "sound in riff": lambda: riff(b"RIFF\x10\0\0\0WAVE"),
    "executable": lambda: b"\x7fELF" + b"\0" * 100,
    "php": lambda: b"<?php system($_GET[0]); ?>",
    "jpeg after a blank": lambda: b"\n" + written(picture()),
    "mng": lambda: b"\x8aMNG\r\n\x1a\n" + b"\0" * 100,
    "photoshop": lambda: b"8BPS\0\1" + b"\0" * 100,
    "imagemagick script": lambda: b'push graphic-context\nfill "url(https://127.0.0.1/)"',
}


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_what_is_no_picture_is_refused(name):
    assert refusal(NOT_PICTURES[name]()) == "not_a_picture"


# What is broken


def cut(data, part=0.5):
    return data[: int(len(data) * part)]


def noisy(width=300, height=200):
    return Image.effect_noise((width, height), 90).convert("RGB")


def without_picture_data():
    return png(16, 16)


def scans(count, size=(120, 80)):
    """A progressive JPEG that repeats one of its scans."""
    data = written(picture(*size), progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + data[-2:]


BROKEN = {
    "jpeg's first bytes": lambda: b"\xff\xd8\xff",
    "jpeg's first bytes, then a page": lambda: b"\xff\xd8\xff\xe0<html><script>alert(1)</script>",
    "half a jpeg": lambda: cut(written(noisy())),
    "half a progressive jpeg": lambda: cut(written(noisy(), progressive=True)),
    "jpeg without its end": lambda: written(noisy())[:-40],
    "jpeg header alone": lambda: cut(written(picture()), 0.2),
    "jpeg without size": lambda: jpeg_of_size(0, 0),
    "jpeg segment past the end": lambda: b"\xff\xd8\xff\xe0\xff\xff" + b"\0" * 10,
    "jpeg with five hundred scans": lambda: scans(500),
    "png's first bytes": lambda: b"\x89PNG\r\n\x1a\n",
    "png's first bytes, then a page": lambda: b"\x89PNG\r\n\x1a\n<html>",
    "half a png": lambda: cut(written(noisy(), "PNG")),
    "png without data": without_picture_data,
    "png without size": lambda: png(0, 0, body=zlib.compress(b"")),
    "png with a wrong check sum": lambda: written(picture(), "PNG")[:30] + b"\0\0\0\0" + written(picture(), "PNG")[34:],
    "png with a depth that is none": lambda: png(4, 4, 7, 2, body=zlib.compress(b"\0" * 100)),
    "png with data that is not deflate": lambda: png(4, 4, body=b"not deflate at all"),
    "png with too little data": lambda: png(4_000, 4_000, body=zlib.compress(b"\0" * 100)),
    "png text that unpacks to a gigabyte": lambda: with_chunks(
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 4_000_000)) * 20
    ),
    "png profile that unpacks without end": lambda: with_chunks(
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"\0" * 80_000_000))
    ),
    "webp's first bytes": lambda: b"RIFF\0\0\0\0WEBP",
    "half a webp": lambda: cut(written(noisy(), "WEBP")),
    "webp of nothing": lambda: riff("webp", (b"VP8 ", b"\0" * 20)),
    "webp with a page in it": lambda: riff("webp", (b"VP8L", b"<html><script>alert(1)</script>")),
    "heic's first bytes": lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
    "heic's first bytes, then a page": lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1<html>",
    "half a heic": lambda: cut(heic(noisy())),
    "film that says it is a heic": lambda: b"\0\0\0\x14ftypmif1\0\0\0\0mif1" + b"\0\0\0\x08moov" * 50,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused(name):
    assert refusal(BROKEN[name]()) == "broken"


# What is too much


def webp_canvas(width, height):
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff("webp", (b"VP8X", b"\2\0\0\0" + canvas), (b"ANIM", b"\0" * 6))


def heic_of_size(width, height):
    """A real HEIC whose properties tell another size."""
    data = bytearray(heic(picture(128, 128)))
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(data)


TOO_MANY_PIXELS = {
    "png 20000 x 20000": lambda: png(20_000, 20_000, body=zlib.compress(b"\0" * 1_000)),
    "png 2 000 000 000 wide": lambda: png(2_000_000_000, 1, body=zlib.compress(b"\0")),
    "png one bit 30000 x 30000": lambda: png(30_000, 30_000, 1, 0, body=zlib.compress(b"\0" * 1_000_000)),
    "png 40000 x 1": lambda: png(40_000, 1, 8, 0, body=zlib.compress(b"\0" * 40_001)),
    "jpeg 20000 x 20000": lambda: jpeg_of_size(20_000, 20_000),
    "jpeg 65500 x 65500": lambda: jpeg_of_size(65_500, 65_500),
    "webp 16000 x 16000": lambda: webp_canvas(16_000, 16_000),
    "webp 16777216 x 200": lambda: webp_canvas(16_777_216, 200),
    "heic 20000 x 20000": lambda: heic_of_size(20_000, 20_000),
    "just over": lambda: png(10_000, 5_001, body=zlib.compress(b"\0" * 1_000)),
}


@pytest.mark.parametrize("name", TOO_MANY_PIXELS)
def test_too_many_pixels_are_refused_before_they_are_decoded(name):
    assert refusal(TOO_MANY_PIXELS[name]()) == "too_many_pixels"


def test_fifteen_megabytes_are_taken_and_not_a_byte_more():
    data = written(picture())
    assert taken(data + b"\0" * (MAX_BYTES - len(data))).width == 120
    assert refusal(data + b"\0" * (MAX_BYTES - len(data) + 1)) == "too_large"


def test_no_more_is_read_than_needed_to_see_that_it_is_too_large():
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size=-1):
            assert size > 0
            self.read_bytes += size
            return b"\xff" * size

    file = Endless()
    with pytest.raises(PhotoRefused):
        normalise(file)
    assert file.read_bytes == MAX_BYTES + 1


def test_thirty_scans_are_nothing_unusual():
    assert taken(scans(30)).width == 120


def test_a_heic_that_hides_a_larger_picture_than_it_tells_is_refused():
    data = bytearray(heic(picture(2_000, 1_500)))
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", 64, 64)
    assert refusal(bytes(data)) == "broken"


def test_damage_that_a_decoder_bears_is_borne():
    pictures = taken(jpeg_of_size(4_000, 3_000))
    assert (pictures.width, pictures.height) == (2048, 1536)
    assert taken(heic(noisy())[:-3_000] + b"\xaa" * 3_000).width == 300


def test_every_refusal_speaks_both_languages():
    for make in (
        PhotoRefused.too_large,
        PhotoRefused.not_a_picture,
        PhotoRefused.too_many_pixels,
        PhotoRefused.too_costly,
        PhotoRefused.broken,
    ):
        assert str(make().reason)


# Memory: each in a process of its own, whose peak nothing else has raised.

MAKE = """
import io, struct, sys, zlib
import pillow_heif
from PIL import Image

kind = sys.argv[1]
content = io.BytesIO()
if kind == "heic":
    quick = {"preset": "ultrafast"}
    image = pillow_heif.from_pillow(Image.new("RGB", (4032, 3024), "red"))
    image.save(content, quality=50, tile_size=512, enc_params=quick)
elif kind == "bomb":
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 60_000, 8, 2, 0, 0, 0))
    content.write(b"\\x89PNG\\r\\n\\x1a\\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000_000))) + chunk(b"IEND", b""))
elif kind == "png":
    Image.new("RGBA", (8160, 6120), (200, 0, 0, 128)).save(content, "PNG", compress_level=1)
elif kind == "webp":
    Image.new("RGBA", (5760, 4320), (200, 0, 0, 128)).save(content, "WEBP", method=0)
else:
    size = {"panorama": (16382, 3872)}.get(kind, (8192, 6144))
    Image.new("RGB", size, "red").save(content, "JPEG", progressive=kind == "progressive")
with open(sys.argv[2], "wb") as file:
    file.write(content.getvalue())
"""

TAKE = """
import sys
from pathlib import Path
from tickets.decoding import PictureRefused, decode

with open(sys.argv[1], "rb") as file:
    try:
        print(decode(file.read())[2])
    except PictureRefused as refused:
        print(refused)
# Not getrusage, whose peak begins with that of the process that made this one.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("kind", "answer", "megabytes"),
    [
        ("jpeg", "2048", 250),
        ("panorama", "2048", 250),
        ("progressive", "2048", 450),
        ("png", "2048", 600),
        ("webp", "2048", 700),
        ("heic", "2048", 300),
        ("bomb", "too_many_pixels", 150),
    ],
)
def test_the_largest_pictures_stay_within_bounds(tmp_path, kind, answer, megabytes):
    file = tmp_path / "large"
    subprocess.run([sys.executable, "-c", MAKE, kind, file], check=True, timeout=120)
    done = subprocess.run([sys.executable, "-c", TAKE, file], check=True, timeout=120, capture_output=True, text=True)
    said, peak = done.stdout.split()
    assert said == answer
    assert int(peak) < megabytes


# The process that draws


@pytest.fixture
def darkroom(monkeypatch):
    """A process of the test's own, which nothing has asked yet."""
    made = imaging.Darkroom()
    monkeypatch.setattr(imaging, "_DARKROOM", made)
    yield made
    made.put_down()


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def children_seconds(process):
    """Seconds of a processor that a running process has had."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_pictures_are_drawn_by_one_process_one_after_the_other(darkroom):
    taken(written(picture()))
    first = darkroom._process.pid
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(taken, [written(picture())] * 3))
    assert [one.width for one in found] == [120] * 3
    assert darkroom._process.pid == first


def test_whoever_comes_when_many_wait_is_told_to_come_again(darkroom):
    with darkroom._one_at_a_time, ThreadPoolExecutor(imaging.WAITING) as pool:
        waiting = [pool.submit(taken, written(picture())) for _ in range(imaging.WAITING)]
        wait_until(lambda: darkroom._places._value == 0, 10)
        with pytest.raises(Busy):
            taken(written(picture()))
        darkroom._one_at_a_time.release()
        assert [one.result().width for one in waiting] == [120] * imaging.WAITING
        darkroom._one_at_a_time.acquire()
    assert taken(written(picture())).width == 120


def test_a_process_that_ended_is_started_again(darkroom):
    taken(written(picture()))
    darkroom._process.stdin.close()
    darkroom._process.wait(10)
    assert taken(written(picture())).width == 120


def test_a_picture_that_kills_its_decoder_is_refused_and_the_next_one_taken(darkroom):
    """The process is killed in the middle, as the kernel kills one that has had its seconds."""
    taken(written(picture()))
    process = darkroom._process
    os.kill(process.pid, signal.SIGSTOP)
    killer = threading.Timer(0.5, process.kill)
    killer.start()
    assert refusal(written(picture())) == "too_costly"
    killer.join()
    assert taken(written(picture())).width == 120


def test_a_picture_that_takes_too_long_is_refused(darkroom, monkeypatch):
    taken(written(picture()))
    monkeypatch.setattr(imaging, "SECONDS", 0.3)
    os.kill(darkroom._process.pid, signal.SIGSTOP)
    assert refusal(written(picture())) == "too_costly"


def test_the_kernel_ends_what_has_had_its_seconds(tmp_path):
    program = "from tickets import decoding; decoding._allow(1)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == -signal.SIGXCPU


def test_the_process_knows_no_secret(darkroom):
    taken(written(picture()))
    environment = Path(f"/proc/{darkroom._process.pid}/environ").read_bytes()
    assert b"AUDIT_KEY" not in environment
    assert b"DATABASE_URL" not in environment


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xff\xd8" + b"\xff" * (MAX_BYTES - 2),
        b"\xff\xd8\xff" + b"\x00" * (MAX_BYTES - 3),
        b"\xff\xd8\xff\xe0\x00\x02" + b"junk" * 3_000_000,
        b"\xff\xd8" + b"\xff\xd0" * 7_000_000,
    ],
    ids=["filling", "zeros", "junk", "restart markers"],
)
def test_a_jpeg_of_nothing_costs_next_to_nothing(darkroom, hostile):
    taken(written(picture()))
    before, here = children_seconds(darkroom._process), cpu_seconds()
    assert refusal(hostile) == "broken"
    assert children_seconds(darkroom._process) - before + cpu_seconds() - here < 1


def test_many_scans_of_a_large_picture_are_refused(darkroom):
    assert refusal(scans(60, size=(6_000, 4_000))) == "broken"


def test_large_pictures_leave_the_web_process_as_it_was(darkroom):
    large = written(picture(4_032, 3_024))
    taken(large)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    for _ in range(5):
        taken(large)
    after = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert after - before < 16 * 1024 * 1024

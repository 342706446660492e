"""Pictures for the demo, drawn on the spot."""

from io import BytesIO

from PIL import Image, ImageDraw


def picture(word: str, colour: str) -> bytes:
    """A small JPEG in one colour with a word of ASCII on it."""
    image = Image.new("RGB", (480, 320), colour)
    ImageDraw.Draw(image).text((24, 24), word, fill="white")
    content = BytesIO()
    image.save(content, "JPEG")
    return content.getvalue()

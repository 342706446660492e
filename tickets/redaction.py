"""Finding what identifies people in words (phones, plates, identity and door numbers), and replacing it.

Neighbours read words without it. The detector reads full width, Chinese numerals and what is put between digits; where it is in
doubt it hides a number rather than a person.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

HIDDEN = "***"

_INVISIBLE = {"Cf", "Mn", "Me", "Cc"}
_NUMERALS = str.maketrans(
    "〇零洞○一壹幺么二贰三叁四肆五伍六陆七柒拐八捌九玖勾拾佰仟", "00001111223344556677788999十百千"
)
_DISGUISED = str.maketrans("OIL", "011")
_GAP = r"[\s\-‐-―_.,。、·•・*/()\[\]:;~|]{0,3}"  # What people put between the digits of a phone.
_CLOSE = r"[ \-‐-―.()]{0,2}"
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?"
    r"|(?<!\d[ \-])20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![ \-]?\d{3}))(?!\d)"
    r"(?:[ T]?\d{1,2}:\d\d(?::\d\d)?)?"
)
_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PLATE_GAP = r"[\s·•・.\-]{0,2}"
_N = "[0-9十百千]"
# A door as a number: floor and flat.
_DOOR = r"[A-Z]?[1-9]\d?(?:0[1-9]|[1-3]\d)[A-Z]?"
_NO_COUNT = r"(?![0-9A-Z]|[\s]*(?:号[楼院线路]|[年月日天米元块个次分人岁路弄点度层辆]|公里|平|小时))"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # Mobile phones, however they are spaced out.
        rf"(?<!\d)(?:\+?{_GAP}8{_GAP}6{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)",
        # Landlines with an extension, identity numbers, bank cards, whatever else has seven digits or more.
        rf"(?<!\d)[A-Z]?\d(?:{_CLOSE}\d){{6,}}(?:{_CLOSE}X(?![A-Z]))?(?:\s*(?:转|分机|EXT\.?)\s*\d{{1,6}})?",
        # Plates, with or without the province.
        rf"[{_PROVINCE}]{_PLATE_GAP}[A-Z](?:{_PLATE_GAP}[A-Z0-9]){{5,6}}(?![A-Z0-9])",
        r"(?<=车牌)(?:号码?|尾号)?\s*[是为:]?\s*[A-Z0-9](?:[\s·.\-]?[A-Z0-9]){2,7}",
        r"(?<![A-Z0-9])[A-HJ-Z][\s·.\-]?(?=[A-Z0-9]{0,4}\d)[A-Z0-9]{5,6}(?![A-Z0-9])(?=\s*(?:的?(?:车|轿车|面包车|SUV)))",
        r"(?<=尾号)\s*[是为:]?\s*[A-Z0-9]{2,6}",
        # Accounts and addresses of mail.
        r"(?<![A-Z0-9._%+\-])[A-Z0-9._%+\-]{1,64}@[A-Z0-9.\-]+\.[A-Z]{2,}",
        r"(?<=微信|薇信|威信|扣扣)(?:号码?|是|:|\s){0,4}[A-Z0-9][A-Z0-9_\-]{4,19}",
        r"(?:(?<=QQ)|(?<=VX)|(?<=V信)|(?<=WX))(?:号码?|是|:|\s){0,4}[A-Z0-9][A-Z0-9_\-]{4,19}",
        # Doors: 401室, 3号楼2单元401, 3-2-401, 3#401, B座1203, 楼上502, 门牌号 12.
        rf"(?<![0-9十百千])[A-Z]?{_N}{{2,6}}[A-Z]?(?=\s*(?:室|号房|房间|住户))",
        rf"(?<=单元)\s*(?:门|的)?\s*[A-Z]?{_N}{{1,6}}[A-Z]?(?![0-9]|\s*(?:层|楼|单元|部|号楼|个|梯|户))",
        rf"(?:(?<=号楼)|(?<=[座栋幢楼#]))\s*[,的]?\s*{_DOOR}{_NO_COUNT}",
        r"(?<![\d\-])(?:[A-Z]?\d{1,3}\s*[\-‐-―/#]\s*){1,3}\d{3,4}(?![\d\-]|\s*[年月日元米])",
        rf"(?:(?<=楼上)|(?<=楼下)|(?<=隔壁)|(?<=对门)|(?<=邻居)|(?<=家住)|(?<=住在)|(?<=我家)|(?<=住))\s*[的是]?\s*{_DOOR}{_NO_COUNT}",
        r"(?:(?<=门牌)|(?<=门牌号)|(?<=房号)|(?<=房间号)|(?<=户号))\s*[是为:]?\s*[A-Z]?[\-0-9十百千]{1,9}[A-Z]?",
        rf"(?<![共约近有计超0-9]){_DOOR}(?=户(?!居民|人|家|业主|住户|都|没|停|受)|家的|业主|租户|的业主|的租户|的住户)",
    )
)


def redacted(text: str) -> str:
    """The text with HIDDEN in the place of each thing that identifies somebody."""
    kept, end = [], 0
    for start, stop in _found(text):
        kept += [text[end:start], HIDDEN]
        end = stop
    return "".join([*kept, text[end:]])


def _found(text: str) -> list[tuple[int, int]]:
    """Where something stands, in order and without overlaps."""
    plain, origin = _plain(text)
    spans = sorted((origin[start], origin[stop - 1] + 1) for start, stop in _matches(plain) if stop > start)
    found: list[tuple[int, int]] = []
    for start, stop in spans:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        else:
            found.append((start, stop))
    return found


def _plain(text: str) -> tuple[str, list[int]]:
    """The text in half width and capitals, numerals as digits, without what is invisible; and where each character came from."""
    letters: list[str] = []
    origin: list[int] = []
    for at, one in enumerate(text):
        for letter in _letters(one):
            letters.append(letter)
            origin.append(at)
    # Between two digits letters are digits in disguise.
    plain = re.sub(r"(?<=\d)[OIL]+(?=\d)", lambda found: found.group().translate(_DISGUISED), "".join(letters))
    return plain, origin


@lru_cache(maxsize=10_000)
def _letters(one: str) -> str:
    """What a character stands for; nothing where it is invisible."""
    plain = unicodedata.normalize("NFKC", one).upper().translate(_NUMERALS)
    seen = [letter for letter in plain if letter in "\n\t" or unicodedata.category(letter) not in _INVISIBLE]
    return "".join(str(unicodedata.digit(letter, letter)) for letter in seen)


def _matches(plain: str) -> Iterator[tuple[int, int]]:
    # Dates are nobody's number: they are put out of sight first.
    searched = _DATE.sub(lambda date: "日" * len(date.group()), plain)
    for pattern in _PATTERNS:
        for match in pattern.finditer(searched):
            text = match.group()
            yield match.start() + len(text) - len(text.lstrip()), match.end()

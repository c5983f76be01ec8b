"""Letters and short words for a side beside a knee's name, in the languages that are read.

Words that say a side by themselves are settings (`ingest.sides`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from analysis.archive.dicom.dataset import text

if TYPE_CHECKING:
    from pydicom import Dataset

#: Words for a knee, and how each language shortens left and right beside them; Portuguese e is "and", too.
_SHORT_SIDES = (
    ("knie(?:gelenke?)?|patella", "li", "re"), ("genou|rotule|schuss", "g|gche?", "d|dte?"),
    ("ginocchio|rotula", "s|sx|sn|sin", "d|dx|des"),
    ("rodilla|rótula", "i|izq|iz(?:qd?|d)[ao]", "d|der|dr?ch?[ao]"),
    ("joelho", r"e(?=\W*(?:$|;|\(|ap\b|pa\b|perfil|frente|axial))|esq", "d|dir"), ("knä|kna", "v|vä|va", "h|hö|ho"),
    ("kne|knæ", "v|ve", "h|hø"), ("polvi", "v|vas", "o|oik"), ("kolano(?:wy|wego)?", "l|lew", "p|pr"),
    # Turkish ğ is read as ð where its set of characters isn't declared.
    ("kolen[oa]", r"l|lev[éeáaýy]\w*|vlevo", r"p|prav[éeáaýy]\w*|vpravo"), ("t[ée]rd", "b|bal", "j|jobb"), ("diz", "sol", "sa[ğðg]"),
)  # fmt: skip
#: What stands between two sides.
_WORDS = r"and|och|og|et|und|u\.?|y|i|e|o|oraz|ja|en|ed|a|és|es|ve"
_AND = rf"(?:\.?\s?[-+/&,]\s?|\.?\s(?:{_WORDS})\s|\.?\s)"
_BETWEEN = re.compile(rf"\w*[^\w<>=;,]*(?:(?:{_WORDS})[^\w<>=;,]+)?", re.IGNORECASE)
#: What the tags of a side have in them: letters of the standard, or words; other words in them say nothing.
_TAGS = re.compile(
    r"(?P<both>B|BL|LR|RL|BOTH|BI\w*|BEID\w*|BDS)"
    r"|(?P<left>L|LE|LI|LT|LE?FT|LINK[SE]\w*|LEW\w*|SIN|SINIS\w*|SX|VÄ\w*|VA[NS]\w*|VENSTRE|GAUCHE|IZQ\w*|ESQ\w*)"
    r"|(?P<right>R|RE|RI|RT|RI?GH?T|RECHT\w*|DX|DEXT\w*|DER\w*|DESTR\w*|H[ÖO]|H[ÖO]GER|HØ\w*|DROIT\w*|DIREI\w*|PRAW\w*|OIK\w*)"
)


def _letter(letter: str, *short: str, not_before: str) -> list[str]:
    """Return patterns of a side's letter: alone (but not as in R.O. or L.S.), or joined to a word as in KNEE-R and R-KNEE.

    A word has three letters, or names a view (AP-L, 3V-R), so that X-R and R/O are no sides; the L of L-SPINE is none.
    """
    word = r"(?:[^\W\d_]{3,}|ap|pa|wb|\d ?v(?:w|iews?)?)"
    return [
        rf"(?<![\w/&+-]){letter}(?![\w/&+-]|\.\s?{not_before}\b|\.?\s?spine)",
        rf"(?<![\w/&+-]){letter}(?=[-/]{word}\b)(?!-(?:spine|rygg|kot|column))",
        rf"\b{word}[-/]{letter}(?![\w&+]|[-/]\w\b)",
        rf"\b(?:{'|'.join([letter, *short])})kn(?:ee|ä)",
    ]


def _beside_knee(position: int) -> list[str]:
    """Return patterns of a side's short words about a knee's, as in Knie re., re. Knie and Genou G; not knä h+v."""
    after = [
        rf"\b(?:{row[0]})[\W_]+(?:{row[position]})(?!\w|(?<=\b\w)\.\w|{_AND}(?:{row[1]}|{row[2]})\b|\W*[<>=])"
        for row in _SHORT_SIDES
    ]
    # In Scandinavia a letter stands before it, too; after a number it is one of weeks or hours.
    before = [rf"(?<![\w+/&-])(?<!\d\s){'vh'[position - 1]}\.?\s(?:knä|kna|kne|knæ)\b"]
    return (
        after + before + [rf"\b(?:{row[position]})(?<=\w\w)\.?\s?(?:{row[0]})(?![^\W_]{{3}})" for row in _SHORT_SIDES]
    )


def _both_beside_knee() -> list[str]:
    two = [
        (knee, rf"(?:(?:{left}){_AND}(?:{right})|(?:{right}){_AND}(?:{left}))") for knee, left, right in _SHORT_SIDES
    ]
    return [rf"\b(?:{knee})[\W_]+{sides}\b|\b{sides}\W+(?:{knee})" for knee, sides in two]


#: Knees, where none of them is said to be worse: "left > right pain, knees" is of neither side nor both.
_PLURAL = r"^[^<>]*\b(?:knees|kn[äa]na?|knær(?:ne)?|kniegelenken?|knie[eë]n|genoux|ginocchia|rodillas|joelhos|polvet|polvien)\b[^<>]*$"

#: Name of a side to patterns of its letter.
LETTERS = {
    "left": _letter("L", "LT", "LEFT", not_before=r"(?:S|dx|dext\w*|sin\w*)"),
    "right": _letter("R", "RT", "RIGHT", not_before="O"),
}
#: Name of a side to patterns that count beside those of the settings.
BESIDE = {
    "left": [*LETTERS["left"], *_beside_knee(1), *_both_beside_knee()],
    "right": [*LETTERS["right"], r"\bkneer\b(?!/o)", *_beside_knee(2), *_both_beside_knee()],
    "both": [*_both_beside_knee(), _PLURAL],
}

#: Between words that are joined: told apart by their capitals, or a knee's name and a word of two letters or more.
_JOINTS = re.compile(
    r"(?-i:(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zß-ÿ]))"
    r"|(?<=[^\W\d_]{2})(?=knee|knie|genou|ginocchio|rodilla|joelho|knä|knæ|polvi|kolano|kne\b|kna\b)"
    r"|(?:(?<=\bgenou)(?!x)|(?:(?<=\bknee)|(?<=\brodilla)|(?<=\bjoelho))(?!s)"
    r"|(?<=\bknie)|(?<=\bginocchio)|(?<=\bknä)|(?<=\bknæ)|(?<=\bpolvi)|(?<=\bkolano))(?=[^\W\d_]{2})"
    r"|(?<=\bknees)(?=left|right|both|bilat|ap|pa|lat)",
    re.IGNORECASE,
)


def apart(words: str) -> str:
    """Part words that are joined: KneeLat, LKnee, linkerknie, GENOUDROIT; but not KNEEL, which says no side."""
    return _JOINTS.sub(" ", words)


def joined(words: str, left: re.Pattern[str], right: re.Pattern[str]) -> bool:
    """Return whether words for left and right stand beside each other (vasen/oikea, izquierda y derecha), or in a list."""
    words = apart(words.replace("_", " "))
    ends = [[one.span() for one in side.finditer(words)] for side in (left, right)]
    pairs = [(one, other) for one in ends[0] for other in ends[1]]
    return any(_BETWEEN.fullmatch(words, min(one[1], other[1]), max(one[0], other[0])) for one, other in pairs)


def side_tags(dataset: Dataset) -> list[str]:
    """Return what the tags of an image, a frame and a series say of the side, as far as they do, in this order."""
    keywords = ("ImageLaterality", "FrameLaterality", "Laterality")
    return [side for keyword in keywords if (side := _tagged(text(dataset, keyword)))]


@lru_cache(maxsize=256)
def _tagged(words: str) -> str | None:
    """Read one tag: a letter, a word, or several of them, of both sides perhaps."""
    read = (_TAGS.fullmatch(one) for one in re.findall(r"[^\W\d_]+", words.upper()))
    found = {one.lastgroup for one in read if one}
    return "both" if len(found) > 1 else found.pop() if found else None

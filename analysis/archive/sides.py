"""Letters and short words for a side beside a knee's name, in the languages that are read.

Words that say a side by themselves are settings (`ingest.sides`).
"""

from __future__ import annotations

import re

#: Words for a knee, and how each language shortens left and right beside them; Portuguese e is "and", too.
_SHORT_SIDES = (
    ("knie(?:gelenke?)?", "li", "re"), ("genou", "g|gche?", "d|dte?"), ("ginocchio", "s|sx|sn|sin", "d|dx|des"),
    ("rodilla", "i|izq|iz(?:qd?|d)[ao]", "d|der|dch?[ao]"),
    ("joelho", r"e(?=\W*(?:$|;|\(|ap\b|pa\b|perfil|frente|axial))|esq", "d|dir"), ("knä|kna", "v|vä|va", "h|hö|ho"),
    ("kne|knæ", "v|ve", "h|hø"), ("polvi", "v|vas", "o|oik"), ("kolano", "l|lew", "p|pr"),
)  # fmt: skip
#: What stands between two sides.
_AND = r"(?:\.?\s?[-+/&,]\s?|\.?\s(?:och|og|et|und|u\.?|y|i|e|o|oraz|ja)\s)"


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
        rf"\b(?:{row[0]})[\W_]+(?:{row[position]})(?!\w|\.\w|{_AND}(?:{row[1]}|{row[2]})\b|\W*[<>=])"
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

#: Name of a side to patterns that count beside those of the settings.
BESIDE = {
    "left": [*_letter("L", "LT", "LEFT", not_before="S"), *_beside_knee(1), *_both_beside_knee()],
    "right": [*_letter("R", "RT", "RIGHT", not_before="O"), r"\bkneer\b(?!/o)", *_beside_knee(2), *_both_beside_knee()],
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

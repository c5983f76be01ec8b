"""What is put right in reading an image whose header is wrong: noted beside it, and counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset

#: Code to what was done: to the texts of a header, and to its pixels.
TEXTS = {
    "characters": "the texts were read in another character set than the header declares",
    "calendar": "dates, of the exam or of birth, are of the Buddhist era, and were read as such",
}
CORRECTIONS = {
    "header": "what the header doesn't say of how its pixels lie was taken from the rest of it, or from the pixels themselves",
    "syntax": "pixels were decoded by what they are compressed with, or by the order of bytes that makes a picture, against "
    "the header",
    "sign": "the values were read with a sign, or without, against the header",
    "overlay": "bits above those of the image, as an overlay's, were cut off though the header counts them in",
    "bits": "the image has more bits than its header says, and kept them",
    "aligned": "its bits lie higher than its header says, and were moved down",
    "modality": "a slope or table of stored values (modality LUT) that is broken or leaves nothing to see was left aside, "
    "or half of it was used alone",
    "table": "a table of brightness (VOI LUT) was read by its entries against its descriptor, or left aside as broken",
    "window": "a window or table that is none, or leaves nothing or little to see, gave way to the range of the values",
    "padding": "padding that no tag tells of was made black",
    "hidden": "a shutter or padding that is broken, or would hide the whole image, was left aside",
    "negative": "a negative, a leg darker than what is beside it, was turned over against the header",
    "aspect": "pixels said to be more than four times as high as wide, or the reverse, were taken for squares",
}


def correct(dataset: Dataset, code: str) -> None:
    """Note that something was put right, a key of TEXTS or CORRECTIONS; once, however often it is done."""
    if code not in TEXTS | CORRECTIONS:
        raise KeyError(code)
    vars(dataset).setdefault("corrected", {})[code] = None


def corrections(dataset: Dataset, of: Iterable[str] = CORRECTIONS) -> list[str]:
    """Return what was put right so far: in reading an image, or as far as it is among the codes `of`."""
    return [code for code in of if code in vars(dataset).get("corrected", {})]


def count_corrections(noted: Iterable[str]) -> list[tuple[str, int]]:
    """Count the images in which something was put right (`corrected`), and by what it was (`corrected_sign`, …).

    Parameters
    ----------
    noted : iterable of str
        For each image that was corrected its codes, with blanks between them.
    """
    images = [codes.split() for codes in noted]
    found = Counter(code for codes in images for code in codes)
    rows = [(f"corrected_{code}", found[code]) for code in CORRECTIONS if code in found]
    return [("corrected", len(images)), *rows] if images else []

"""Why a file of the archive, or an image, isn't used: a code to count by, and a sentence to read."""

from __future__ import annotations

from collections.abc import Iterable

#: Code to sentence; what was found stands in the place of the braces, or in brackets at the end.
REASONS = {
    "no_access": "The system refuses to open it ({}); give the user who runs the study the right to read it",
    "loop": "It is a link to a folder that holds the archive itself; link to the folder that is meant",
    "not_a_file": "It is a link to nowhere, a pipe, a socket or a device, or was taken away while the archive was read",
    "file_too_large": "The file is larger ({}) than ingest.max_file_mb allows",
    "empty": "The file is empty; copy it again",
    "packed": "It is a packed file ({}); unpack it",
    "picture": "It is a picture ({}), not DICOM; export the radiograph as DICOM",
    "not_dicom": "It is no DICOM file",
    "broken": "The file begins as DICOM and can't be read further; copy it again from its source",
    "memory": "It asks for more memory than the settings allow",
    "too_slow": "It takes longer to read than the settings allow",
    "not_an_image": "It is a DICOM object without an image ({})",
    "modality": "Its modality ({}) is none of ingest.modalities",
    "colour": "It is a colour image, as of a photograph or a screen",
    "photometric": "Its grey scale ({}) is none that a radiograph has",
    "multi_frame": "It holds several frames ({}), and a radiograph is one",
    "too_many_pixels": "It has more pixels ({}) than ingest.max_pixels allows",
    "too_small": "It is smaller ({}) than ingest.min_pixels: an icon or a localiser",
    "lacking": "Its header doesn't say how its pixels are to be read ({} is missing, or impossible)",
    "bits": "Its pixels have a depth ({}) that no radiograph is stored with",
    "transfer_syntax": "Its compression ({}) can't be decoded here",
    "no_pixels": "It has a header and no pixels",
    "float_pixels": "Its pixels are fractions ({}), as of a computed map; a radiograph has whole numbers",
    "truncated": "Its pixels are cut short; copy it again from its source",
    "damaged": "Its pixels are damaged; copy it again from its source",
    "for_processing": "It is a detector's raw image (FOR PROCESSING), which isn't meant to be looked at",
    "burned_in": "Its header says that words are burned into the picture (BurnedInAnnotation YES)",
    "film_unclear": "It may show both knees, and where each of them is can't be told ({}); have it cut by hand",
    "film_contradicted": "What is said of its side contradicts itself ({})",
    "no_side": "Its exam has both knees, and nothing says which one it shows",
    "no_exam": "It has neither accession number nor StudyInstanceUID, so its exam is unknown",
    "no_patient": "It names no patient; ingest.unnamed: study would take its study for a patient",
    "exam_of_two_patients": "Its study is said to be of two patients",
    "duplicate_in_exam": "It is a copy of another image of its exam",
    "duplicate_in_patient": "It is a copy of an image in another exam of the patient",
    "duplicate_in_archive": "It is a copy of another patient's image; one of them bears a wrong name",
    "decode": "Its pixels can't be decoded; copy it again from its source",
    "shape": "Its pixels are no picture of rows and columns ({})",
    "blank": "All its pixels have the same value",
    "implausible": "Its pixels don't look like a radiograph ({})",
    "replaced": "It holds other pixels than were indexed; run ingest again",
    "crash": "Its pixels made the decoder crash",
}


def sentence(code: str, found: str | None = None) -> str:
    """Say why, in a sentence.

    Parameters
    ----------
    code : str
        A key of REASONS.
    found : str, optional
        What was found; never a value that identifies a person.
    """
    said = REASONS[code]
    if "{}" in said:
        return said.format(found or "not said") + "."
    return f"{said} ({found})." if found else f"{said}."


def commonest(details: Iterable[str], number: int = 3) -> str:
    """Count sentences and write out the commonest ones, for a message."""
    from collections import Counter

    counts = Counter(details)
    listed = [f"{f'{n} times' if n > 1 else 'Once'}: {said}" for said, n in counts.most_common(number)]
    rest = sum(counts.values()) - sum(n for _, n in counts.most_common(number))
    return " ".join(listed) + (f" Another {rest} for other reasons." if rest else "")

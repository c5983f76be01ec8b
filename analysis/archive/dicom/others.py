"""Files that are no DICOM, by their first bytes."""

from __future__ import annotations

#: First bytes of other files that people put into archives.
_OTHERS = (
    (b"PK\x03\x04", "packed", "zip"),
    (b"PK\x05\x06", "packed", "zip"),
    (b"\x1f\x8b", "packed", "gzip"),
    (b"BZh", "packed", "bzip2"),
    (b"\xfd7zXZ", "packed", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "packed", "7z"),
    (b"Rar!", "packed", "rar"),
    (b"\x28\xb5\x2f\xfd", "packed", "zstd"),
    (b"\x89PNG", "picture", "PNG"),
    (b"\xff\xd8\xff", "picture", "JPEG"),
    (b"\xff\x4f\xff\x51", "picture", "JPEG 2000"),
    (b"\0\0\0\x0cjP", "picture", "JPEG 2000"),
    (b"II*\0", "picture", "TIFF"),
    (b"MM\0*", "picture", "TIFF"),
    (b"GIF8", "picture", "GIF"),
    (b"BM", "picture", "BMP"),
    (b"%PDF", "not_dicom", "PDF"),
)


def kind_of(data: bytes) -> tuple[str, str]:
    """Return the reason code of a file that isn't DICOM, and the name of its kind where that is known."""
    if data[257:262] == b"ustar":
        return "packed", "tar"
    if data[32769:32774] == b"CD001":
        return "packed", "ISO image of a disc"
    for begins, code, what in _OTHERS:
        if data.startswith(begins):
            return code, what
    try:
        data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data[:4096]) - 4:
            return "not_dicom", ""
    return "not_dicom", "" if b"\0" in data[:4096] else "text"

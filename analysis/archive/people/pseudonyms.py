"""Keyed hashes in place of identifiers, and where their key comes from."""

from __future__ import annotations

import os
import stat
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex

from analysis.errors import StudyError

_BYTES = 32
_REPOSITORY = Path(__file__).resolve().parents[3]


class Pseudonyms:
    """Names for patients, exams, series and images that only the holder of the key can make again.

    Parameters
    ----------
    key : bytes
        16 to 64 bytes. The same key gives the same pseudonyms.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, kind: str, *identifiers: str) -> str:
        """Hash identifiers (BLAKE2b with key, 64 bits), with the kind's initial in front, e.g. `p3f…` for a patient."""
        digest = blake2b("\x1f".join(identifiers).encode(), digest_size=8, key=self._key, person=kind.encode()[:16])
        return kind[0] + digest.hexdigest()


def key_from_seed(seed: int) -> bytes:
    """Make the key for an archive without secrets (simulated or public), so that a run can be repeated."""
    return blake2b(f"no secret: {seed}".encode(), digest_size=_BYTES).digest()


def default_key_path() -> Path:
    """Return the key file of this user, outside the repository."""
    from platformdirs import user_config_path

    return user_config_path("knee-grading") / "pseudonym.key"


def key_from_file(path: Path, *apart: Path) -> tuple[bytes, list[str]]:
    """Read the secret key, making it on first use, readable by the user alone.

    Parameters
    ----------
    path : Path
        The key file: 64 hexadecimal digits.
    *apart : Path
        Folders the key must not lie in, besides the repository: whoever gets those must not get the key.

    Returns
    -------
    key : bytes
    warnings : list of str
        What the user should know: that the key is new, or that others can read it.

    Raises
    ------
    StudyError
        If the key lies where results or the archive do, can't be read, or isn't a key.
    """
    path = path.expanduser().resolve()
    for folder in (_REPOSITORY, *apart):
        if path.is_relative_to(folder.resolve()):
            raise StudyError(
                f"The key file {path} lies inside {folder.resolve()}; keep it apart from code, archive and results."
            )
    warnings = []
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(token_hex(_BYTES) + "\n")
            warnings.append(
                f"Made the key of the pseudonyms: {path}. Keep a copy; without it they can't be made again."
            )
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            warnings.append(f"Others can read the key {path}; run: chmod 600 '{path}'")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise StudyError(f"The key file {path} can't be read or made ({error.strerror}); give another.") from error
    except ValueError as error:
        raise StudyError(f"The file {path} isn't a key (64 hexadecimal digits); give another.") from error
    if len(key) != _BYTES:
        raise StudyError(f"The file {path} isn't a key (64 hexadecimal digits); give another.")
    return key, warnings

"""The pictures that were packed last, within a limit of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from analysis.reading.exams.index import Image
from analysis.reading.exams.pixels import load_picture

#: What packed pictures may take, bytes: they are asked for again when a reader goes back, or a colleague is next.
_ROOM = 48 * 2**20
#: Images that are decoded at the same time: a large radiograph takes some hundred MB meanwhile.
_AT_ONCE = 2


class Shelf:
    """Packs pictures, and keeps the latest of them."""

    def __init__(self) -> None:
        self._packed: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._decoders = threading.BoundedSemaphore(_AT_ONCE)

    def get(self, image: Image) -> bytes:
        """Return an image packed for a browser.

        Raises
        ------
        Unreadable
            If it can't be decoded, or isn't what was indexed.
        """
        with self._lock:
            if image.path in self._packed:
                self._packed.move_to_end(image.path)
                return self._packed[image.path]
        with self._decoders:
            packed = load_picture(image.path, image.digest, image.box).pack()
        with self._lock:
            self._size += len(packed) - len(self._packed.get(image.path, b""))
            self._packed[image.path] = packed
            while self._size > _ROOM and len(self._packed) > 1:
                self._size -= len(self._packed.popitem(last=False)[1])
        return packed

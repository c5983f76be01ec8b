"""A PACS by DIMSE: C-FIND, and C-GET or C-MOVE, over one association (pynetdicom)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydicom import Dataset
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.dimse_messages import C_FIND_RSP
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # made when it is imported
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    EnhancedSRStorage,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from analysis.archive.pacs.query import DeclinedError, LostError, Query, Receive, Series, Study, text
from analysis.errors import StudyError

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.events import Event

    from analysis.archive.pacs.node import Node

_PLAIN: list[Any] = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
]
_COMPRESSED: list[Any] = [
    *(JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless),
    *(JPEG2000Lossless, JPEG2000, HTJ2KLossless, RLELossless),
]
_IMAGES: list[Any] = [
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
]
_REPORTS: list[Any] = [BasicTextSRStorage, EnhancedSRStorage, ComprehensiveSRStorage]
_FIND = StudyRootQueryRetrieveInformationModelFind
_GET, _MOVE = StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelMove
_PENDING, _SUCCESS, _SOME_FAILED = (0xFF00, 0xFF01), 0x0000, 0xB000
_NO_ROOM, _NOT_ASKED = 0xA700, 0xA900


def entity(node: Node) -> AE:
    """Return our application entity, with the timeouts of the connection's file."""
    ae = AE(ae_title=node.calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = node.timeout
    return ae


def associate(ae: AE, node: Node, **more: Any) -> Association:
    """Begin an association; whether it was begun is for the caller to see.

    Raises
    ------
    StudyError
        If there is no computer by the name of the PACS, or a certificate can't be read.
    """
    host = str(node.host)
    try:
        socket.getaddrinfo(host, node.port)
    except (OSError, ValueError) as error:  # also of a name that none could have
        raise StudyError(
            f"No computer is called '{host}' ({error}); correct the key 'host' of the connection's file, or see whether the "
            "network is up."
        ) from error
    tls = (node.context(), host) if node.tls else None
    return ae.associate(host, node.port, ae_title=node.called, tls_args=tls, **more)


def _storage() -> list[Any]:
    # One context for each pair: where several syntaxes share one, the PACS may choose a single one for all images.
    pairs = [(kind, syntax) for kind in _IMAGES for syntax in _PLAIN + _COMPRESSED]
    pairs += [(kind, syntax) for kind in _REPORTS for syntax in _PLAIN]
    return [build_context(kind, syntax) for kind, syntax in pairs]


class Dimse:
    """One association with a PACS, for everything that is asked.

    Parameters
    ----------
    node : Node
    max_bytes : float
        An arriving message that is longer ends the connection.
    """

    def __init__(self, node: Node, max_bytes: float) -> None:
        self._node, self._most = node, max_bytes
        self._receive: Receive | None = None
        self._since = self._answers = 0
        self._too_long = False
        self._error: Exception | None = None
        self._get = True
        self._server: Any = None
        ae = entity(node)
        contexts = _storage()
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, _at_once),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_DATA_RECV, self._count),
        ]
        if node.move_port:
            ae.supported_contexts = contexts
            context = node.context(ssl.Purpose.CLIENT_AUTH) if node.tls and node.certificate else None
            try:
                # Open before it is asked for: the PACS connects while its answer is awaited.
                self._server = ae.start_server(
                    ("", node.move_port), block=False, evt_handlers=handlers, ssl_context=context
                )
            except OSError as error:
                raise StudyError(
                    f"Port {node.move_port} (move_port) can't be listened at ({error.strerror})."
                ) from error
        self._assoc = associate(
            ae,
            node,
            contexts=[*(build_context(one) for one in (_FIND, _GET, _MOVE)), *contexts],
            ext_neg=[build_role(kind, scp_role=True) for kind in _IMAGES + _REPORTS],
            evt_handlers=[*handlers, (evt.EVT_DIMSE_RECV, self._note)],
        )
        if not self._assoc.is_established:
            rejected = self._assoc.is_rejected
            self.close()
            where = f"{node.host}:{node.port}"
            if rejected:
                raise StudyError(
                    f"The PACS at {where} refuses us: ask its staff whether it knows our AE title '{node.calling}', and "
                    f"whether its own is '{node.called}'."
                )
            raise LostError(f"The PACS at {where} doesn't answer" + (", or not with TLS" if node.tls else ""))

    def close(self) -> None:
        """Release the association and stop receiving."""
        if self._assoc.is_established:
            self._assoc.release()
        if self._server:
            self._server.shutdown()

    def studies(self, query: Query) -> Iterator[Study]:
        """List the studies that fit, by C-FIND."""
        keys = {"StudyInstanceUID": "", "AccessionNumber": query.accession, "StudyDate": query.date}
        keys |= {"StudyDescription": query.description, "ModalitiesInStudy": query.modality}
        for found in self._find("STUDY", keys):
            yield Study(text(found, "StudyInstanceUID"), text(found, "AccessionNumber"))

    def series(self, study: str) -> Iterator[Series]:
        """List the series of a study."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": "", "Modality": "", "BodyPartExamined": ""}
        for found in self._find("SERIES", keys):
            part = text(found, "BodyPartExamined")
            yield Series(text(found, "SeriesInstanceUID"), text(found, "Modality"), part)

    def images(self, study: str, series: str) -> Iterator[str]:
        """List the images of a series."""
        for found in self._find(
            "IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}
        ):
            yield text(found, "SOPInstanceUID")

    def _find(self, level: str, keys: dict[str, str]) -> Iterator[Dataset]:
        self._answers = read = 0
        try:
            answers = self._assoc.send_c_find(_identifier(level, keys), _FIND)
            done = False
            for status, found in answers:
                code = _code(status)
                read += 1
                if code in _PENDING and found is not None:
                    yield found
                elif code != _SUCCESS:
                    raise DeclinedError(f"The PACS answered the query with the status 0x{code:04X}.")
                else:
                    done = True
            if not done:
                raise LostError("The PACS ended the query without saying that it is done")
            if read < self._answers:
                raise LostError("Not every answer to the query could be read")
        except GeneratorExit:
            # Nobody wants the rest of a listing that may have no end.
            self._assoc.abort()
            raise
        except (RuntimeError, ValueError) as error:
            raise LostError(f"The connection was lost ({error})") from error

    def retrieve(self, study: str, series: str, wanted: list[str], whole: bool, receive: Receive) -> None:
        """Have a series sent, or some images of it: by C-GET, and by C-MOVE where that is refused."""
        self._receive, self._since, self._too_long = receive, 0, False
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
        identifier = _identifier("SERIES", keys) if whole else _identifier("IMAGE", keys | {"SOPInstanceUID": wanted})
        if self._get and any(one.abstract_syntax == _GET for one in self._assoc.accepted_contexts):
            try:
                return self._await(self._assoc.send_c_get(identifier, _GET))
            except DeclinedError:
                if not self._server:
                    raise
        self._get = False
        if not self._server:
            raise StudyError(
                "The PACS has no C-GET; give 'move_port' in the connection's file, and ask its staff to enter our AE "
                f"title '{self._node.calling}' with this machine's name and that port as a destination of C-MOVE."
            )
        try:
            self._await(self._assoc.send_c_move(identifier, self._node.calling, _MOVE))
        except ValueError as error:
            raise StudyError("The PACS offers neither C-GET nor C-MOVE; ask its staff for DICOMweb.") from error

    def _await(self, answers: Iterator[tuple[Dataset, Dataset | None]]) -> None:
        code = None
        try:
            for status, _ in answers:
                code = _code(status)
        except (RuntimeError, LostError) as error:
            if self._too_long:
                raise DeclinedError("A file is larger than max_file_mb, so that the connection was ended.") from error
            raise LostError(f"The connection was lost ({error})") from error
        if self._error:
            raise self._error
        if code == 0xA801:
            raise StudyError(
                f"The PACS doesn't know '{self._node.calling}' as a destination of C-MOVE; ask its staff to enter it with "
                f"this machine's name and port {self._node.move_port}."
            )
        # After 0xB000 some images are missing, which is seen from what arrived.
        if code not in (_SUCCESS, _SOME_FAILED):
            raise DeclinedError(f"The PACS would not send it (status 0x{code or 0:04X}).")

    def _store(self, event: Event) -> int:
        self._since = 0
        try:
            kept = self._receive is not None and self._receive(bytes(event.encoded_dataset()))
        except Exception as error:  # pynetdicom would write it to a log and go on
            self._error = error
            return _NO_ROOM
        return _SUCCESS if kept else _NOT_ASKED

    def _note(self, event: Event) -> None:
        """Count the answers that arrive: on a busy machine pynetdicom's reactor may take one, and drop it."""
        self._answers += isinstance(event.message, C_FIND_RSP)

    def _count(self, event: Event) -> None:
        """End a connection that sends a file without an end, before it fills the memory."""
        self._since += len(event.data)
        if self._since > 2 * self._most + 2**20:
            self._too_long = True
            if event.assoc.dul.socket:
                event.assoc.dul.socket.close()


def _at_once(event: Event) -> None:
    """Send the second half of a message without awaiting that the first one is acknowledged, which takes 40 ms."""
    connection = event.assoc.dul.socket
    if connection and connection.socket:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _identifier(level: str, keys: dict[str, Any]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    identifier.SpecificCharacterSet = "ISO_IR 192"
    for key, value in keys.items():
        setattr(identifier, key, value)
    return identifier


def _code(status: Dataset) -> int:
    if "Status" not in status:
        raise LostError("no answer in time, or the association was ended")
    return int(status.Status)

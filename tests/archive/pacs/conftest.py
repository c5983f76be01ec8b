"""A real Orthanc on free ports of this machine, started for the tests."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from analysis.archive.pacs.node import Node
from analysis.archive.pacs.settings import PacsSettings
from tests.archive.files import radiograph, save

DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SECRET = "not in any log"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Orthanc:
    """A server that can be killed and started again on what it holds."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder, self.web, self.dicom, self.move = folder, free_port(), free_port(), free_port()
        folder.mkdir()
        settings = {
            "Name": "test", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
            "HttpPort": self.web, "RemoteAccessAllowed": False, "AuthenticationEnabled": True,
            "RegisteredUsers": {"knee": SECRET}, "DicomAet": "ORTHANC", "DicomPort": self.dicom,
            "DicomCheckCalledAet": False, "DicomAlwaysAllowFind": True, "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True, "DicomModalities": {"us": ["KNEE", "127.0.0.1", self.move]},
            "OverwriteInstances": True, "Plugins": [str(DICOMWEB)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        } | more  # fmt: skip
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["Orthanc", self.folder / "orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            try:
                if self.ask("get", "/system").ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise TimeoutError("Orthanc doesn't start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method,
            f"http://127.0.0.1:{self.web}{path}",
            auth=("knee", SECRET),
            timeout=30,
            verify=False,
            **more,
        )

    def take(self, path: Path) -> None:
        assert self.ask("post", "/instances", data=path.read_bytes()).ok

    def node(self, protocol: str, **more: Any) -> Node:
        given: dict[str, Any]
        if protocol == "dicomweb":
            given = {"url": f"http://127.0.0.1:{self.web}/dicom-web", "user": "knee", "password": SECRET}
        else:
            given = {"host": "127.0.0.1", "port": self.dicom, "called": "ORTHANC", "calling": "KNEE"}
        return Node.model_validate({"protocol": protocol, "timeout": 20} | given | more)


def report(knee: Dataset, said: str) -> Dataset:
    """A structured report of an exam."""
    ds = Dataset()
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber", "StudyDate"):
        setattr(ds, keyword, knee[keyword].value)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.88.11",
        generate_uid(),
        generate_uid(),
    )
    ds.Modality, ds.ValueType, ds.SpecificCharacterSet = "SR", "CONTAINER", "ISO_IR 192"
    name, item = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
    item.ValueType, item.RelationshipType, item.TextValue = "TEXT", "CONTAINS", said
    item.ConceptNameCodeSequence = Sequence([name])
    ds.ContentSequence = Sequence([item])
    ds.file_meta = knee.file_meta
    return ds


def exams(folder: Path, n: int, first: int = 0) -> dict[str, Path]:
    """Write exams of two radiographs and a report each; return the radiographs' paths by SOP instance UID."""
    rng, paths = np.random.default_rng(3), dict[str, Path]()
    for number in range(first, first + n):
        study = generate_uid()
        for view in ("front", "side"):
            tags: dict[str, Any] = {"AccessionNumber": f"A{number:05d}", "PatientID": f"P{number:04d}"}
            knee = radiograph(rng, StudyInstanceUID=study, SeriesDescription=view, **tags)
            if view == "side":
                knee.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            paths[knee.SOPInstanceUID] = save(knee, folder / f"{number}-{view}.dcm")
        save(report(knee, f"Osteophyt nr {number}; måttlig artros."), folder / f"{number}-report.dcm")
    return paths


def encrypting(port: int, certificate: Path, key: Path) -> int:
    """Listen with TLS, as the web server before a PACS does, and pass all on to `port`; return the new port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            with contextlib.suppress(OSError):
                client = context.wrap_socket(listening.accept()[0], server_side=True)
                server = socket.create_connection(("127.0.0.1", port))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listening.getsockname()[1])


def start(folder: Path, **more: Any) -> Orthanc:
    """Start a server, or skip the test."""
    if not shutil.which("Orthanc") or not DICOMWEB.exists():
        pytest.skip("needs Debian's orthanc and orthanc-dicomweb")
    return Orthanc(folder, **more)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = start(tmp_path_factory.mktemp("pacs") / "orthanc")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def knees(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Six exams in the PACS."""
    folder = tmp_path_factory.mktemp("knees")
    paths = exams(folder, 6)
    for path in sorted(folder.glob("*.dcm")):
        orthanc.take(path)
    return paths


def asks(**more: Any) -> PacsSettings:
    """What is asked of the PACS, without rests."""
    return PacsSettings.model_validate({"dates": ("2010-01-01", "2010-12-31"), "pause": 0, "reserve_mb": 0} | more)

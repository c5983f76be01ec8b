"""How the reading room serves a large archive: start, next exam, save, back, progress and memory."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from sqlalchemy import insert

from analysis.archive.dicom.dataset import read
from analysis.archive.dicom.pixel_data import pixel_hash
from analysis.errors import StudyError
from analysis.reading import access
from analysis.reading.readings.form import make_form
from analysis.reading.store import Store
from analysis.reading.tables import assignments, ledger
from analysis.yaml_files import dump_yaml

#: What is asked for: seconds to start, ms at the 95th percentile, MB.
WANTED = {"start": 10.0, "next": 150.0, "save": 150.0, "back": 150.0, "progress": 200.0, "memory": 300.0}
_REPORT = "Knä, frontal och sida. Måttlig artros medialt, Ahlbäck 1. Ingen fraktur. Jämför {number}."


@dataclass
class Timings:
    """Milliseconds of each kind of request."""

    of: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, kind: str, client: httpx.Client, method: str, path: str, **more: Any) -> Any:
        """Make a request, and time it."""
        began = time.perf_counter()
        answer = client.request(method, path, **more)
        took = 1000 * (time.perf_counter() - began)
        answer.raise_for_status()
        with self.lock:
            self.of.setdefault(kind, []).append(took)
        return answer


def bench(grading: Path, *, exams: int, readings: int, readers: int, seconds: float, pause: float, seed: int) -> str:
    """Make a room of a given size, let readers work in it over loopback, and tell how long they wait.

    All exams show copies of one small radiograph, 512 x 512: it is decoded and packed for each anew.

    Parameters
    ----------
    grading : Path
        The scheme.
    exams, readings, readers : int
        Size of the room; readings are two an exam as far as they go.
    seconds : float
        How long they read.
    pause : float
        Seconds that a reader looks at an exam, on average.
    seed : int

    Returns
    -------
    str
        A table of what was measured beside what is wanted.
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _tables(folder, exams, rng)
        tokens, panel = _fill(folder / "store.sqlite", folder, grading, readings, readers, rng)
        port = _free_port()
        server, memory, start = _start(folder, grading, port)
        try:
            timings, url = Timings(), f"http://127.0.0.1:{port}"
            until = time.perf_counter() + seconds
            with ThreadPoolExecutor(readers + 1) as pool:
                seeds = rng.integers(2**31, size=readers).tolist()
                work = [
                    pool.submit(_read, url, token, timings, until, pause, one)
                    for token, one in zip(tokens, seeds, strict=True)
                ]
                work.append(pool.submit(_watch, url, panel, timings, until))
            for done in work:
                done.result()  # raises what went wrong
            most = memory.stop()
        finally:
            server.kill()
            server.wait()
    return _say(start, timings.of, most, (exams, readings, readers, pause))


def _say(start: float, times: dict[str, list[float]], memory: float, size: tuple[int, int, int, float]) -> str:
    exams, readings, readers, pause = size
    lines = [f"{exams} exams, {readings} readings, {readers} readers with {pause:g} s an exam"]
    lines.append(f"{'start':>10} {start:8.1f} s             wanted under {WANTED['start']:g} s")
    for kind, found in times.items():
        median, late = np.percentile(found, [50, 95])
        wanted = f"wanted under {WANTED[kind]:g} ms" if kind in WANTED else ""
        lines.append(
            f"{kind:>10} {late:8.0f} ms at p95, {median:.0f} ms at p50, {len(found)} times; {wanted}".rstrip("; ")
        )
    lines.append(
        f"{'memory':>10} {memory:8.0f} MB at most, child processes included; wanted under {WANTED['memory']:g} MB"
    )
    return "\n".join(lines)


def _tables(folder: Path, exams: int, rng: np.random.Generator) -> None:
    """Write an index whose images are all copies of one file, and a report for each exam."""
    (folder / "dicom").mkdir()
    _dicom(folder / "dicom/one.dcm", rng)
    digest = pixel_hash(read(folder / "dicom/one.dcm"))
    number = np.arange(exams).repeat(rng.choice([1, 2, 3], exams, p=[0.4, 0.4, 0.2]))
    images = pd.DataFrame({"image": [f"i{i:031x}" for i in range(len(number))], "exam": [f"e{i:016x}" for i in number]})
    fixed = {"series": "s1", "side": "left", "protocol": None, "body_part": None, "age": 60.0, "sex": "female"}
    fixed |= {"day": 0, "rows": 512, "columns": 512, "bits": 12, "photometric": "MONOCHROME2", "transfer_syntax": "1.2"}
    views = rng.choice(["ap", "lateral", "oblique"], len(number))
    images = images.assign(patient=images["exam"].str.replace("e", "p"), view=views, modality="DX", **fixed)
    images.assign(pixel_hash=images["image"].str[1:]).to_parquet(folder / "images.parquet")
    paths = [f"dicom/{i}.dcm" for i in range(len(number))]
    for path in paths:
        (folder / path).hardlink_to(folder / "dicom/one.dcm")
    private = pd.DataFrame({"image": images["image"], "exam": images["exam"], "path": paths})
    accession = pd.Series([f"A{i:08}" for i in number])
    names = [f"Svensson^Anna {i}" for i in number]
    private.assign(pixel_hash=digest, accession=accession, patient_name=names, patient_id=accession).to_parquet(
        folder / "private.parquet"
    )
    reports = [_REPORT.format(number=i) * 4 for i in range(exams)]
    pd.DataFrame({"accession": [f"A{i:08}" for i in range(exams)], "text": reports}).to_csv(
        folder / "reports.csv", index=False
    )


def _dicom(path: Path, rng: np.random.Generator) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows = dataset.Columns = 512
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation, dataset.Modality = "MONOCHROME2", "DX"
    dataset.PixelData = rng.integers(0, 4096, (512, 512), dtype=np.uint16).tobytes()
    dataset.save_as(path, enforce_file_format=True)


def _fill(
    path: Path, folder: Path, grading: Path, readings: int, readers: int, rng: np.random.Generator
) -> tuple[list[str], str]:
    """Lay down readings by pairs of readers, and return the tokens of the readers and of a session."""
    form, store = make_form(grading), Store(path)
    tokens = [access.make_token(store, f"reader-{number}", "reader") for number in range(readers)]
    panel = access.make_token(store, "panel", "consensus")
    exams = pd.read_parquet(folder / "images.parquet", columns=["exam", "pixel_hash"])
    digests = exams.groupby("exam")["pixel_hash"].apply(lambda rows: access.digest("\n".join(sorted(rows))))
    drawn = rng.permutation(digests.index.to_numpy())
    made, rows = [], []
    for number in range(min(readings, 2 * len(drawn))):
        exam, reader = drawn[number // 2], 1 + (number // 2 + number % 2 * (1 + number // 2 % (readers - 1))) % readers
        handle = secrets.token_urlsafe(12)
        row = {"id": number + 1, "handle": handle, "reader": reader, "exam": exam, "kind": "read", "occasion": 1}
        made.append(row | {"opened": 0.0, "read": True, "set": "unselected", "after": 0})
        values = {item.name: int(rng.integers(len(item.levels))) for item in form.items}
        values |= dict.fromkeys([finding.name for finding in form.findings], 0) | {"unusable": 0, "no_knee": 0}
        said = {"values": values, "views": [], "revisit": False, "comment": "", "present": []}
        said |= {"scheme": form.name, "scheme_hash": form.hash, "images_hash": digests[exam], "set": "unselected"}
        when = pd.Timestamp(1.7e9 + number, unit="s", tz="UTC").isoformat()
        rows.append(
            said
            | {"assignment": number + 1, "version": 0, "reader": reader, "key": handle, "written": when, "seconds": 9.0}
        )
    with store.writing() as db:
        for start in range(0, len(made), 5000):
            db.execute(insert(assignments), made[start : start + 5000])
            db.execute(insert(ledger), rows[start : start + 5000])
    store.close()
    return tokens, panel


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _start(folder: Path, grading: Path, port: int) -> tuple[subprocess.Popen[str], Memory, float]:
    config = folder / "config.yaml"
    config.write_text(dump_yaml({"reading": {"port": port, "repeat_share": 0.1}}), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "analysis",
        "read",
        "--archive",
        folder,
        "--grading",
        grading,
        "--config",
        config,
    ]
    command += ["--images-index", folder / "images.parquet", "--private", folder / "private.parquet"]
    command += ["--store", folder / "store.sqlite", "--cohort", folder]
    began = time.perf_counter()
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    memory = Memory(server.pid)
    memory.start()
    assert server.stdout
    server.stdout.readline()
    while server.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/sign-in")
            return server, memory, time.perf_counter() - began
        except httpx.TransportError:
            time.sleep(0.02)
    raise StudyError("The reading room did not start; its message stands above.")


def _client(url: str, token: str) -> httpx.Client:
    # The server closes a connection that is idle for five seconds; a browser notices, and opens another.
    client = httpx.Client(base_url=url, timeout=120, limits=httpx.Limits(keepalive_expiry=4))
    client.headers["X-CSRF"] = client.post("/api/sign-in", json={"token": token}).json()["csrf"]
    return client


def _read(url: str, token: str, timings: Timings, until: float, pause: float, seed: int) -> None:
    """Read as the page does: next, images, save; now and then back, and a look at the progress.

    Readers come one after the other within the first exam's time: nobody's clinic presses a key at one instant.
    """
    rng = np.random.default_rng(seed)
    time.sleep(float(rng.uniform()) * pause)
    client = _client(url, token)
    form = None
    while time.perf_counter() < until:
        exams = timings.ask("next", client, "POST", "/api/next", json={}).json()["exams"]
        if not exams:
            return
        exam = exams[0]
        for number in range(len(exam["views"])):
            timings.ask("picture", client, "GET", f"/api/pictures/{exam['handle']}/{number}")
        time.sleep(float(rng.uniform(0.5, 1.5)) * pause)
        back = timings.ask("back", client, "GET", f"/api/exams/{exam['handle']}/before").json()["exam"]
        form = form or ({name: 0 for name in back["before"]["values"]} if back else None)
        content = {"handle": exam["handle"], "key": secrets.token_hex(16), "version": exam["version"], "values": form}
        content |= {"views": exam["views"], "revisit": False, "comment": "", "seconds": pause}
        timings.ask("save", client, "POST", "/api/readings", json=content)
        if rng.random() < 0.2:
            timings.ask("progress", client, "GET", "/api/progress")


def _watch(url: str, token: str, timings: Timings, until: float) -> None:
    """Keep the progress page of a session open, and measure agreement once."""
    client = _client(url, token)
    timings.ask("agreement", client, "GET", "/api/agreement")
    while time.perf_counter() < until:
        timings.ask("progress", client, "GET", "/api/progress")
        time.sleep(1)


class Memory(threading.Thread):
    """Watches what a process and those that it has started hold, MB; what they share counts once."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process, self._over = psutil.Process(process), threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        """Look ten times a second until `stop`."""
        while not self._over.wait(0.1):
            held = 0
            with contextlib.suppress(psutil.Error):
                for one in [self._process, *self._process.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        held += one.memory_full_info().pss
            self.peak = max(self.peak, held / 1e6)

    def stop(self) -> float:
        """Return the most that was held at one time."""
        self._over.set()
        self.join()
        return self.peak

"""A simulated archive of a hundred exams, and a reading room that serves it in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.__main__ import main
from analysis.reading.exams.index import load_exams
from analysis.reading.readings.form import make_form
from analysis.reading.room import Room
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store

ROOT = Path(__file__).parents[2]
KL = ROOT / "workflow/gradings/kl.yaml"
SIMULATE = {
    "training": 1,
    "validation": 101,
    "test": 0,
    "test_surplus": 0,
    "population": dict.fromkeys(
        ("several_exams", "weight_bearing_follow_up", "repeats", "children", "unusable", "no_knee", "no_image"), 0
    ),
    "radiography": {"image_size": [128, 144], "images_per_exam": [0.8, 0.2, 0]},
    "files": {"strays": 0},
}


def run(*arguments: object) -> None:
    """Run a command of the study in this process."""
    main([str(argument) for argument in arguments], prog_name="analysis", standalone_mode=False)


def write_yaml(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


def as_config(settings: dict[str, Any]) -> dict[str, Any]:
    """Sort what a room needs to know into the sections of a configuration."""
    whole = {name: value for name, value in settings.items() if name in ("reference", "seed")}
    return whole | {"reading": {name: value for name, value in settings.items() if name not in whole}}


@dataclass
class Archive:
    """An ingested archive.

    `exams` are the validation exams; `private` is all that must not be seen, from the private index.
    """

    folder: Path
    images: Path
    private_index: Path
    exams_file: Path
    exams: list[str] = field(default_factory=list)
    private: set[str] = field(default_factory=set)

    def room(self, store: Path, **settings: Any) -> Room:
        exams = load_exams(self.images, self.private_index, self.folder, self.exams_file)
        return Room(Store(store), exams, make_form(KL), RoomSettings(**settings))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return make_archive(tmp_path_factory.mktemp("reading"), SIMULATE)


def make_archive(folder: Path, settings: dict[str, Any]) -> Archive:
    """Simulate an archive below `folder`, ingest it, and select the exams that two have read."""
    simulate = write_yaml(folder / "simulate.yaml", settings)
    run("simulate", "--settings", simulate, "--seed", 3, "--workers", 1, "--out", folder / "archive")
    ingest = write_yaml(folder / "ingest.yaml", {})
    places = ("--out", folder / "index", "--private-folder", folder / "private")
    run("ingest", folder / "archive", *places, "--settings", ingest, "--seed", 3, "--workers", 1)
    images = pd.read_parquet(folder / "index/images.parquet")
    private = pd.read_parquet(folder / "private/index.parquet")
    readings = pd.read_parquet(folder / "index/readings.parquet")
    twice = readings.groupby("exam")["reader"].nunique() > 1
    exams = sorted(twice.index[twice])[:101]
    table = images.drop_duplicates("exam").assign(set="excluded", reason="not read here", words=False)
    table.loc[table["exam"].isin(exams), ["set", "reason"]] = ["validation", None]
    table["images"] = table["exam"].map(images.groupby("exam").size())
    table.to_parquet(folder / "exams.parquet")
    hidden = set()
    for column in (
        "path",
        "patient_id",
        "patient_name",
        "accession",
        "study_uid",
        "series_uid",
        "sop_uid",
        "exam",
        "image",
    ):
        hidden |= {str(value) for value in private[column].dropna()}
    hidden |= set(images["patient"]) | set(images["pixel_hash"]) | {str(folder)}
    return Archive(
        folder / "archive", folder / "index/images.parquet", folder / "private/index.parquet",
        folder / "exams.parquet", exams, {value for value in hidden if len(value) > 4},
    )  # fmt: skip


def the_first(number: int, archive: Archive, folder: Path) -> Archive:
    """Return an archive of which so many exams are to be read."""
    exams = pd.read_parquet(archive.exams_file)
    exams.loc[~exams["exam"].isin(archive.exams[:number]), ["set", "reason"]] = ["excluded", "not read here"]
    exams.to_parquet(folder / "some.parquet")
    return replace(archive, exams_file=folder / "some.parquet", exams=archive.exams[:number])


@dataclass
class Server:
    """`python -m analysis read` in a process of its own, that can be killed and started again."""

    archive: Archive
    folder: Path
    settings: dict[str, Any]
    log: Path | None = None
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.store = self.folder / "store.sqlite"
        self.config = write_yaml(self.folder / "config.yaml", as_config(self.settings | {"port": self.port}))

    @property
    def url(self) -> str:
        return f"http{'s' * ('tls' in self.settings)}://127.0.0.1:{self.port}"

    def start(self) -> None:
        a = self.archive
        command = [
            *(sys.executable, "-m", "analysis", "read", "--images-index", a.images, "--private", a.private_index),
            *("--archive", a.folder, "--exams", a.exams_file, "--grading", KL, "--config", self.config),
            *("--store", self.store),
        ]
        errors = self.log.open("ab") if self.log else None
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert self.process.stdout
        assert self.url in self.process.stdout.readline()
        while self.process.poll() is None:
            try:
                httpx.get(self.url + "/sign-in", verify=False)  # the certificate is the test's own
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the server has ended")

    def kill(self) -> None:
        assert self.process
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def client(self, token: str) -> Client:
        client = Client(self.url)
        client.sign_in(token)
        return client


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server, and end it whatever happens."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Client(httpx.Client):
    """What the page does, without a browser."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=60, verify=False)

    def sign_in(self, token: str) -> None:
        assert self.post("/api/sign-in", json={"token": token}).status_code == 200
        page = self.get("/").text
        self.headers["X-CSRF"] = page.split('name="csrf" content="')[1].split('"')[0]

    def next(self) -> dict[str, Any]:
        answer = self.post("/api/next", json={})
        answer.raise_for_status()
        return answer.json()


def content(exam: dict[str, Any], key: str, values: Mapping[str, int | None], **more: Any) -> dict[str, Any]:
    """Return what the page would send."""
    sent = {"handle": exam["handle"], "key": key, "version": exam["version"], "values": values}
    sent["present"] = ["Senior One", "Senior Two"] if exam["kind"] == "consensus" else []
    return sent | {"views": exam["views"], "revisit": False, "comment": "", "seconds": 4.5} | more


def values(kl: int, **findings: int) -> dict[str, int]:
    return {"kl": kl} | {name: findings.pop(name, 0) for name in kl_findings()} | findings


@cache
def kl_findings() -> tuple[str, ...]:
    return tuple(field.name for field in make_form(KL).findings)


@pytest.fixture
def serve(archive: Archive, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(log: Path | None = None, **settings: Any) -> Server:
        server = Server(archive, tmp_path, settings, log)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        if server.process and server.process.poll() is None:
            server.process.terminate()
            server.process.wait()


#: Eight exams of three images, large enough to be looked at.
PAGE = SIMULATE | {
    "validation": 8,
    "radiography": {"image_size": [500, 600], "images_per_exam": [0, 0, 1], "unmasked": 0},
}


@pytest.fixture(scope="session")
def page_archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return make_archive(tmp_path_factory.mktemp("page"), PAGE)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)

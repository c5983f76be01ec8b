"""Radiographs go into a real Orthanc and come out bit for bit, by both protocols and whatever happens on the way."""

import csv
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.uid import generate_uid
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_FIND

from analysis.archive.commands import fetch as command
from analysis.archive.pacs.fetch import fetch
from analysis.archive.pacs.node import load_node
from analysis.archive.pacs.push import push
from analysis.archive.pacs.shelf import Shelf
from analysis.errors import StudyError
from tests.archive.files import radiograph, save
from tests.archive.pacs.conftest import SECRET, asks, encrypting, exams, free_port, start


def content(path):
    """The bytes behind the file's head, which the sender writes anew."""
    with Path(path).open("rb") as file:
        pydicom.filereader.read_preamble(file, False)
        pydicom.filereader._read_file_meta_info(file)
        return file.read()


def fetched(folder):
    paths = sorted((folder / "dicom").rglob("*.dcm"))
    return {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in paths}


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("way", ["get", "move", "dicomweb"])
def test_what_went_in_comes_out_bit_for_bit_with_the_reports(orthanc, knees, tmp_path, way, monkeypatch):
    node = orthanc.node(
        "dicomweb" if way == "dicomweb" else "dimse", **({"move_port": orthanc.move} if way == "move" else {})
    )
    if way == "move":
        monkeypatch.setattr("analysis.archive.pacs.dimse._GET", "1.2.3.4")  # one that it doesn't offer
    told = fetch(node, asks(), tmp_path)
    found = fetched(tmp_path)
    assert found.keys() == knees.keys() and "12 images" in told
    assert all(content(found[sop]) == content(knees[sop]) for sop in knees)
    reports = {row["accession"]: row["text"] for row in table(tmp_path / "reports.csv")}
    assert len(reports) == 6 and reports["A00003"] == "Finding: Osteophyt nr 3; måttlig artros."
    assert "0 files came now" in fetch(node, asks(), tmp_path)


def test_an_answer_that_is_lost_on_our_side_is_asked_for_again(orthanc, knees, tmp_path, monkeypatch):
    # What pynetdicom's reactor does on a busy machine, where it takes a message before the query does.
    get, lost = DIMSEServiceProvider.get_msg, []

    def take(provider, block=False):
        given = get(provider, block)
        if (
            len(lost) < 2
            and isinstance(given[1], C_FIND)
            and given[1].Status == 0xFF00
            and knees.keys() & uids(given[1])
        ):
            lost.append(given)
            return get(provider, block)
        return given

    def uids(answer):
        return {uid for uid in knees if uid.encode() in answer.Identifier.getvalue()}

    monkeypatch.setattr(DIMSEServiceProvider, "get_msg", take)
    assert "12 images" in fetch(orthanc.node("dimse"), asks(), tmp_path)
    assert len(lost) == 2 and fetched(tmp_path).keys() == knees.keys()


@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_a_list_of_accession_numbers_and_one_that_nobody_knows(orthanc, knees, tmp_path, protocol):
    (tmp_path / "list.csv").write_text("accession\nA00001\nA00004\nA99999\n")
    wanted = asks(accessions=str(tmp_path / "list.csv"), dates=None)
    with pytest.raises(StudyError, match=r"4 images.* 1 could not be fetched.*Run again"):
        fetch(orthanc.node(protocol), wanted, tmp_path / "out")
    (failed,) = table(tmp_path / "out" / "failed.csv")
    assert failed["accession"] == "A99999" and "no such exam" in failed["reason"]
    assert len(fetched(tmp_path / "out")) == 4


@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_a_server_that_is_killed_in_the_middle_and_a_study_that_grows_meanwhile(tmp_path, protocol, monkeypatch):
    server = start(tmp_path / "orthanc")
    try:
        knees = exams(tmp_path / "knees", 3)
        for path in sorted((tmp_path / "knees").glob("*.dcm")):
            server.take(path)
        keep = Shelf.keep

        def kill(shelf, *given):
            if shelf.kept == 4:
                server.kill()
            return keep(shelf, *given)

        monkeypatch.setattr(Shelf, "keep", kill)
        with pytest.raises(StudyError, match="run again later: it goes on where it stopped"):
            fetch(server.node(protocol, timeout=3), asks(tries=1), tmp_path / "out")
        monkeypatch.undo()
        here = len(list((tmp_path / "out").rglob("*.dcm")))
        assert 4 <= here < 9 and not list((tmp_path / "out").rglob(".*.dcm"))
        server.start()
        old = pydicom.dcmread(next(iter(knees.values())))
        old.SOPInstanceUID = generate_uid()  # one more image in a series that was fetched
        old.file_meta.MediaStorageSOPInstanceUID = old.SOPInstanceUID
        server.take(save(old, tmp_path / "more.dcm"))
        told = fetch(server.node(protocol), asks(), tmp_path / "out")
        assert f"{10 - here} files came now; sent once more and left out: 0" in told
        assert fetched(tmp_path / "out").keys() == {*knees, old.SOPInstanceUID}
    finally:
        server.kill()


def test_a_disk_that_is_full_stops_it_and_a_second_run_goes_on(orthanc, knees, tmp_path):
    out = tmp_path / "small"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", out], capture_output=True).returncode:
        pytest.skip("no small disk may be made here")
    try:
        with pytest.raises(StudyError, match=r"the disk is full; run again"):
            fetch(orthanc.node("dicomweb"), asks(), out)
        assert not list(out.rglob(".*.dcm"))
        subprocess.run(["mount", "-o", "remount,size=20m", out], check=True)
        fetch(orthanc.node("dicomweb"), asks(), out)
        assert fetched(out).keys() == knees.keys()
        with pytest.raises(StudyError, match="MB stay free"):
            fetch(orthanc.node("dimse"), asks(reserve_mb=1e9), tmp_path / "other")
    finally:
        subprocess.run(["umount", out], check=True)


def test_a_pacs_that_refuses_get_and_one_that_does_not_know_us(orthanc, knees, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.archive.pacs.dimse._GET", "1.2.3.4")
    with pytest.raises(StudyError, match=r"has no C-GET; give 'move_port'.*'KNEE'"):
        fetch(orthanc.node("dimse"), asks(), tmp_path)
    stranger = orthanc.node("dimse", calling="OTHER", move_port=free_port())
    with pytest.raises(StudyError, match=r"holds 0 images: .* 12 could not be fetched|doesn't know 'OTHER'"):
        fetch(stranger, asks(reports=False), tmp_path)


@pytest.mark.parametrize("protocol", ["dimse", "dicomweb"])
def test_a_file_that_is_too_large_is_refused_with_a_row_and_the_rest_comes(orthanc, knees, tmp_path, protocol):
    day = "2011-01-01" if protocol == "dimse" else "2011-01-02"
    date = day.replace("-", "")
    big = radiograph(np.random.default_rng(1), (900, 900), StudyDate=date, AccessionNumber="BIG")
    small = radiograph(np.random.default_rng(1), StudyDate=date, AccessionNumber="SMALL")
    for number, one in enumerate((big, small)):
        orthanc.take(save(one, tmp_path / f"{number}.dcm"))
    wanted = asks(dates=(day, day), max_file_mb=0.1, incomplete="go_on")
    assert "1 could not be fetched" in fetch(orthanc.node(protocol), wanted, tmp_path / "out")
    (failed,) = table(tmp_path / "out" / "failed.csv")
    assert failed["accession"] == "BIG" and "max_file_mb" in failed["reason"]
    assert list(fetched(tmp_path / "out")) == [small.SOPInstanceUID]


def test_secrets_are_in_no_file_and_a_wrong_one_is_told(orthanc, knees, tmp_path, monkeypatch):
    file = tmp_path / "pacs.yaml"
    file.write_text(f"protocol: dicomweb\nurl: http://127.0.0.1:{orthanc.web}/dicom-web\nuser: knee\npassword: wrong\n")
    file.chmod(0o644)
    with pytest.raises(StudyError, match="others may read it"):
        load_node(file)
    file.chmod(0o600)
    with pytest.raises(StudyError, match=r"doesn't let us in \(status 401\)"):
        fetch(load_node(file), asks(), tmp_path / "out")
    monkeypatch.setenv("KNEE_PACS_PASSWORD", SECRET)
    (tmp_path / "asks.yaml").write_text("dates: ['2010-01-01', '2010-12-31']\npause: 0\nreserve_mb: 0\n")
    done = CliRunner().invoke(
        command, ["--pacs", str(file), "--settings", str(tmp_path / "asks.yaml"), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert "12 images" in done.output and "isn't encrypted" in done.output
    assert SECRET not in done.output and SECRET not in repr(load_node(file))
    assert not [
        path for path in (tmp_path / "out").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]


def test_what_is_pushed_arrives(orthanc, knees, tmp_path):
    for number, protocol in enumerate(("dimse", "dicomweb")):
        one = radiograph(np.random.default_rng(number), StudyDate="20120101", AccessionNumber=f"PUSHED{number}")
        told = push(orthanc.node(protocol), [save(one, tmp_path / f"{number}.dcm")])
        assert told == "The PACS took 1 file."
        found = orthanc.ask(
            "post", "/tools/find", json={"Level": "Instance", "Query": {"AccessionNumber": f"PUSHED{number}"}}
        )
        assert len(found.json()) == 1
    with pytest.raises(StudyError, match="isn't a DICOM file; nothing was sent"):
        push(orthanc.node("dimse"), [Path(__file__)])


def test_tls_by_both_protocols_and_a_certificate_that_nobody_knows(tmp_path):
    key, own = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", own, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True
    )  # fmt: skip
    (tmp_path / "both.pem").write_text(own.read_text() + key.read_text())
    server = start(
        tmp_path / "orthanc", DicomTlsEnabled=True, DicomTlsCertificate=str(own), DicomTlsPrivateKey=str(key),
        DicomTlsTrustedCertificates=str(own), DicomTlsRemoteCertificateRequired=False,
    )  # fmt: skip
    https = encrypting(server.web, own, key)
    try:
        server.take(save(radiograph(np.random.default_rng(1)), tmp_path / "one.dcm"))
        web = {"url": f"https://localhost:{https}/dicom-web"}
        dimse = {"host": "localhost", "tls": True, "certificate": str(own), "certificate_key": str(key)}
        for number, (protocol, given) in enumerate((("dimse", dimse), ("dicomweb", web))):
            assert "holds 1 image:" in fetch(
                server.node(protocol, ca=str(own), **given), asks(), tmp_path / f"known{number}"
            )
            with pytest.raises(StudyError, match=r"isn't trusted|not with TLS"):
                fetch(server.node(protocol, timeout=3, **given), asks(tries=1), tmp_path / f"unknown{number}")
            unchecked = server.node(protocol, verify=False, **given)
            assert "holds 1 image:" in fetch(unchecked, asks(), tmp_path / f"unchecked{number}")
    finally:
        server.kill()

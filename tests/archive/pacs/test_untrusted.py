"""A PACS that lists without end, sends a file twice, or sends what nobody asked for."""

import itertools
import shutil
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from threading import Thread

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from analysis.archive.pacs import fetch as stage
from analysis.archive.pacs.fetch import fetch, within
from analysis.archive.pacs.node import Node
from analysis.archive.pacs.query import Series, Study
from analysis.archive.pacs.reports import reports_table
from analysis.archive.pacs.shelf import Shelf
from analysis.archive.pacs.web import Web
from analysis.archive.sources import pacs
from analysis.errors import StudyError
from tests.archive.files import radiograph
from tests.archive.pacs.conftest import asks, report
from tests.archive.pacs.test_orthanc import fetched, table

NODE = Node(protocol="dicomweb", url="http://127.0.0.1:9/dicom-web")


def file(dataset):
    whole = BytesIO()
    dataset.save_as(whole, enforce_file_format=True)
    return whole.getvalue()


class Odd:
    """A PACS with one exam, which sends `sent` for it."""

    def __init__(self, knee, sent):
        self.knee, self.sent = knee, sent

    def studies(self, query):
        return itertools.repeat(Study(self.knee.StudyInstanceUID, "A1"))

    def series(self, study):
        return itertools.repeat(Series(self.knee.SeriesInstanceUID, "DX", ""))

    def images(self, study, series):
        return itertools.repeat(self.knee.SOPInstanceUID)

    def retrieve(self, study, series, wanted, whole, receive):
        self.answers = [receive(data) for data in self.sent]

    def close(self):
        pass


def test_what_is_listed_for_ever_sent_twice_or_not_asked_for(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    knee, other = radiograph(rng), radiograph(rng)
    outside = radiograph(rng, StudyInstanceUID=knee.StudyInstanceUID, SOPInstanceUID="../../1.2.3")
    odd = Odd(knee, [file(knee), file(knee), file(other), file(outside), b"no DICOM"])
    monkeypatch.setattr(stage, "connect", lambda node, most: odd)
    told = fetch(NODE, asks(incomplete="go_on"), tmp_path / "out")
    assert odd.answers == [True, True, False, False, False]
    assert "holds 1 image: 1 file came now; sent once more and left out: 1, refused: 3." in told
    assert list(fetched(tmp_path / "out")) == [knee.SOPInstanceUID]
    reasons = {row["reason"] for row in table(tmp_path / "out" / "failed.csv")}
    assert reasons == {"It was sent without being asked for.", "It has no valid UID.", "It isn't a DICOM file."}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_query_that_asks_for_too_much_is_stopped(tmp_path, monkeypatch):
    odd = Odd(radiograph(np.random.default_rng(1)), [])
    odd.studies = lambda query: (Study(f"1.2.{number}", "") for number in itertools.count())
    monkeypatch.setattr(stage, "connect", lambda node, most: odd)
    with pytest.raises(StudyError, match=r"lists more than 50 studies \(max_studies\)"):
        fetch(NODE, asks(max_studies=50), tmp_path)
    with pytest.raises(StudyError, match="asks for everything"):
        fetch(NODE, asks(dates=None), tmp_path)


def test_a_web_service_is_asked_for_no_limit_and_twice_where_it_takes_no_notice_of_the_offset():
    web, asked = Web(NODE, 1e6), []

    def search(**how):
        assert "limit" not in how  # Orthanc ends too early with one
        asked.append(how["offset"])
        return [{"0020000D": {"vr": "UI", "Value": [f"1.2.{number}"]}} for number in range(100)]

    assert len(list(web._pages(search, {}, []))) == 100 and asked == [0, 100]


def test_the_source_leaves_an_archive_and_goes_on_after_its_folder_was_emptied(tmp_path, monkeypatch):
    knee = radiograph(np.random.default_rng(1))
    odd = Odd(knee, [file(knee)])
    monkeypatch.setattr(stage, "connect", lambda node, most: odd)
    (tmp_path / "pacs.yaml").write_text("protocol: dicomweb\nurl: http://127.0.0.1:9/dicom-web\n")
    (tmp_path / "graded.csv").write_text("exam,reader\nA1,anna\n")
    settings = asks(connection=str(tmp_path / "pacs.yaml"), readings=str(tmp_path / "graded.csv"))
    for came in ("1 file", "0 files"):
        assert f"{came} came now" in pacs.make(settings, 1, tmp_path / "archive", 1)
        (image,) = (tmp_path / "archive" / "dicom").rglob("*.dcm")
        assert (tmp_path / "archive" / "readings.csv").read_text().startswith("exam,reader\nA1")
        assert (tmp_path / "archive" / "reports.csv").read_text() == "accession,text\n"
        image.unlink()


@contextmanager
def website(status, said):
    """A web server of another kind; yields its address without its scheme."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/dicom-web"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [(404, "no", "status 404"), (200, '{"a": 1}', "can't be read"), (200, "[1, 2]", "can't be read"),
     (200, '[["a"]]', "can't be read"), (200, '[{"0020000D": 5}]', "can't be read"), (200, "<html>", "can't be read")],
)  # fmt: skip
def test_an_address_at_which_no_pacs_answers_is_told(status, said, told, tmp_path):
    with website(status, said) as address:
        node = Node(protocol="dicomweb", url=f"http://{address}", timeout=5)
        with pytest.raises(
            StudyError, match=rf"lists no studies\. .*{told}.* Correct the address in the connection's file"
        ):
            fetch(node, asks(tries=1), tmp_path)


def test_an_address_that_speaks_no_tls_is_told(tmp_path):
    with website(404, "no") as address:
        node = Node(protocol="dicomweb", url=f"https://{address}", timeout=5)
        with pytest.raises(StudyError, match="doesn't speak TLS as we do"):
            fetch(node, asks(tries=1), tmp_path)


def test_a_pacs_that_answers_no_query_is_told(tmp_path):
    ae = AE()
    ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, lambda _: [(0xA900, None)])])
    try:
        node = Node(host="127.0.0.1", port=server.server_address[1], timeout=5)
        with pytest.raises(StudyError, match=r"lists no studies\. .* status 0xA900\. .* whether we may query it"):
            fetch(node, asks(tries=1), tmp_path)
    finally:
        server.shutdown()


class Several:
    """A PACS with exams of a radiograph and a report each, of the numbers that it has."""

    def __init__(self, numbers):
        rng = np.random.default_rng(1)
        self.exams = {}
        for number in numbers:
            knee = radiograph(rng, AccessionNumber=number, StudyInstanceUID=generate_uid())
            self.exams[number] = (knee, report(knee, f"Artros {number}."))

    def studies(self, query):
        return (
            Study(knee.StudyInstanceUID, number)
            for number, (knee, _) in self.exams.items()
            if number == query.accession
        )

    def series(self, study):
        return (Series(one.SeriesInstanceUID, one.Modality, "") for one in self._of(study))

    def images(self, study, series):
        return (one.SOPInstanceUID for one in self._of(study) if one.SeriesInstanceUID == series)

    def retrieve(self, study, series, wanted, whole, receive):
        for one in self._of(study):
            if one.SOPInstanceUID in wanted:
                receive(file(one))

    def _of(self, study):
        return next(exam for exam in self.exams.values() if exam[0].StudyInstanceUID == study)

    def close(self):
        pass


def test_what_is_asked_for_no_more_is_in_the_archive_no_more_and_stops_nothing(tmp_path, monkeypatch):
    """An exam that was struck off the list, a number that was corrected, reports that aren't wanted, another kind of image."""
    several = Several(["A1", "A2"])
    monkeypatch.setattr(stage, "connect", lambda node, most: several)
    (tmp_path / "pacs.yaml").write_text("protocol: dicomweb\nurl: http://127.0.0.1:9/dicom-web\n")

    def made(*listed, **more):
        (tmp_path / "list.csv").write_text("\n".join(["accession", *listed]))
        asked = {"connection": str(tmp_path / "pacs.yaml"), "accessions": str(tmp_path / "list.csv"), "dates": None}
        shutil.rmtree(tmp_path / "archive/dicom", ignore_errors=True)  # as Snakemake does
        told = pacs.make(asks(**asked, **more), 1, tmp_path / "archive", 1)
        images = (tmp_path / "archive/dicom").rglob("*.dcm")
        reports = [row["accession"] for row in table(tmp_path / "archive/reports.csv")]
        return sorted(pydicom.dcmread(path).AccessionNumber for path in images), sorted(reports), told

    with pytest.raises(StudyError, match="1 could not be fetched"):
        made("A1", "A2", "A3")
    assert made("A1", "A2")[:2] == (["A1", "A2"], ["A1", "A2"])
    images, reports, told = made("A1")
    assert (images, reports) == (["A1"], ["A1"])
    assert "holds 1 image:" in told and "Not used: 2 files of earlier queries." in told
    assert made("A1", "A2", reports=False)[:2] == (["A1", "A2"], [])
    with pytest.raises(StudyError, match="sent no image"):
        made("A1", modalities=["CR"])
    assert made("A2")[:2] == (["A2"], ["A2"])


@pytest.mark.parametrize("of_image", ["A7", ""])
def test_a_report_without_an_accession_number_is_of_its_studys_exam(of_image, tmp_path):
    """As ingest knows it: by the number that the images bear, else by the study."""
    knee = radiograph(np.random.default_rng(1), StudyInstanceUID=generate_uid(), AccessionNumber=of_image)
    said = report(knee, "Artros.")
    said.AccessionNumber = ""
    with closing(Shelf(tmp_path, 1e9, 0)) as shelf:
        assert all(shelf.keep(file(one), knee.StudyInstanceUID, ("DX",)) for one in (said, knee))
        shelf.listed.add(knee.StudyInstanceUID)
        name = of_image or knee.StudyInstanceUID
        assert reports_table(shelf) == (f"accession,text\n{name},Finding: Artros.\n", 0)


@pytest.mark.parametrize("title", ["126000", "113701", "11528-7"])
def test_what_a_machine_reports_is_no_radiologists_text(title, tmp_path):
    """Among it what `push` has sent, by which a network would choose its own test exams."""
    knee = radiograph(np.random.default_rng(1))
    said = report(knee, "Artros.")
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = title, "LN" if "-" in title else "DCM", "Title"
    said.ConceptNameCodeSequence = [name]
    with closing(Shelf(tmp_path, 1e9, 0)) as shelf:
        assert shelf.keep(file(said), knee.StudyInstanceUID, ("DX",))
        shelf.listed.add(knee.StudyInstanceUID)
        table, silent = reports_table(shelf)
    assert (silent, "Artros" in table) == ((0, True) if title == "11528-7" else (1, False))


@pytest.mark.parametrize(
    ("now", "hours", "open_"),
    [("20:00", ("19:00", "06:00"), True), ("05:59", ("19:00", "06:00"), True), ("12:00", ("19:00", "06:00"), False),
     ("12:00", ("08:00", "16:00"), True), ("16:00", ("08:00", "16:00"), False)],
)  # fmt: skip
def test_hours(now, hours, open_):
    assert within(now, hours) == open_

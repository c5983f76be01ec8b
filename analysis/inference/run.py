"""From a folder of radiographs to grades.csv and the page to check them by."""

from __future__ import annotations

import warnings
from concurrent.futures import Future, ThreadPoolExecutor, wait
from multiprocessing import active_children
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.archive.find import listed
from analysis.archive.readers import read_files
from analysis.archive.reasons import commonest
from analysis.errors import StudyError
from analysis.files import make_folder
from analysis.network.trained.folder import check_files, read_sections
from analysis.plurals import plural

if TYPE_CHECKING:
    import pandas as pd

    from analysis.archive.find import Entry
    from analysis.inference.grade import Counts
    from analysis.inference.graded import Graded


def run(
    paths: list[Path],
    folder: Path,
    out: Path,
    *,
    side: str | None = None,
    page: int = 200,
    dicom: bool = False,
    workers: int = 1,
    written: list[Path] | None = None,
) -> str:
    """Grade the knees of some files; see the command `grade`.

    Parameters
    ----------
    paths : list of Path
        Folders and files.
    folder : Path
        The network's.
    out : Path
        Folder for grades.csv and grades.html.
    side : str, optional
        What pictures show.
    page : int
        Knees on a page; 0 for no page.
    dicom : bool
        Whether to write a structured report and pictures for each knee.
    workers : int
        Processes that read headers, and threads that score.
    written : list of Path, optional
        Is given the reports and pictures of this run.

    Returns
    -------
    str
        What became of the files.

    Raises
    ------
    StudyError
        If `out` is the network's folder, or can't be written to, there is no file, or the network isn't whole.
    """
    check_files(folder)
    if out.resolve().is_relative_to(folder.resolve()):
        raise StudyError(
            f"The folder {out} is the network's own or lies in it, and with further files in it the network would be refused; "
            "choose another --out."
        )
    make_folder(out)
    before = _left_by_another_run(out)
    if dicom:
        make_folder(out / "dicom")
    _, settings = read_sections(folder)
    ingest: Any = settings["ingest"]
    found = listed(paths)  # before torch is loaded, during which no other thread gets far
    with ThreadPoolExecutor(1) as beside:
        # Other processes read the headers, while this one loads pandas, torch and the weights.
        collected = beside.submit(_collected, found, ingest, side, workers)
        from analysis.inference.grade import grade
        from analysis.network.trained.load import load_checked

        try:
            network = load_checked(folder, workers)
        except BaseException:
            _stop(collected)
            raise
        files = collected.result()
    if files.empty:
        raise StudyError(f"There is no file in {', '.join(map(str, paths))}; correct the path.")
    for path in before:  # first of all: a run that is stopped must not leave them beside its own
        path.unlink(missing_ok=True)
    pages = Pages(network, out, page, dicom) if page or dicom else None
    counts = grade(network, files, out, pages.show if pages else None, workers)
    if pages:
        pages.close()
        if written is not None:
            written += pages.dicom_files
    made = [
        out / "grades.csv",
        *([out / "grades.html"] if page and counts.knees else []),
        *([out / "dicom"] if pages and pages.dicom_files else []),
    ]
    return "\n".join([f"{counts}.", *_lacking(counts, pages), *map(str, made)])


def _left_by_another_run(out: Path) -> list[Path]:
    """Return what a run before wrote here, or would have: other knees, by the same numbers."""
    numbered = ("grades-[0-9]*.html", "dicom/knee-[0-9]*-report.dcm", "dicom/knee-[0-9]*-picture-[0-9]*.dcm")
    single = [out / name for name in ("grades.csv", "grades.html", "unsent.csv")]
    found = [*single, *(path for pattern in numbered for path in out.glob(pattern))]
    for path in found:
        if path.is_dir():
            raise StudyError(f"{path} is a folder, where a file is to be written; remove it, or choose another --out.")
    return found


def _lacking(counts: Counts, pages: Pages | None) -> list[str]:
    """Return what was not graded and of which knees there is no DICOM report, a line each."""
    lines = [f"Not graded: {commonest(counts.reasons.elements())}"] if counts.reasons else []
    if pages and pages.unwritten:
        first, reasons = next(iter(pages.unwritten)), commonest(pages.unwritten.values())
        lines.append(f"No DICOM report of {plural(len(pages.unwritten), 'knee')}, first {first}: {reasons}")
    return lines


def _collected(found: list[tuple[Path, list[Entry]]], ingest: Any, side: str | None, workers: int) -> pd.DataFrame:
    read = read_files(found, ingest, workers)
    from analysis.inference.files import collect

    return collect(read, ingest, side)


def _stop(collected: Future[Any]) -> None:
    """End the processes that read headers, which may be those of a hundred thousand files, for a network that can't grade."""
    while not collected.done():
        for reader in active_children():
            reader.kill()
        wait([collected], timeout=0.1)


class Pages:
    """What is shown of each knee: pages, each written when it is full and another one begins, and DICOM."""

    def __init__(self, network: Any, out: Path, size: int, dicom: bool) -> None:
        self.network, self.out, self.size, self.dicom = network, out, size, dicom
        self.dicom_files: list[Path] = []
        self.unwritten: dict[int, str] = {}
        self.articles: list[dict[str, Any]] = []
        self.written = 0

    def show(self, one: Graded) -> None:
        """Add a knee."""
        from analysis.inference.shown import article, attributed

        if self.size and len(self.articles) == self.size:
            self._write(more=True)
        laid = attributed(self.network, one)
        if self.size:
            self.articles.append(article(self.network, one, laid))
        if self.dicom:
            from analysis.inference.structured import write_dicom

            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # they quote what headers say of people
                    self.dicom_files += write_dicom(self.network, one, [over for _, over in laid], self.out / "dicom")
            except StudyError as error:
                self.unwritten[one.number] = str(error)
            except OSError as error:
                self.unwritten[one.number] = f"A file can't be read or written ({error.strerror})."
            except Exception:  # headers are of every kind, and what is raised quotes them
                self.unwritten[one.number] = "What its files say of the patient or the study fits no report."

    def _name(self, number: int) -> str:
        return "grades.html" if number == 0 else f"grades-{number + 1}.html"

    def close(self) -> None:
        """Write the last page."""
        if self.articles:
            self._write(more=False)

    def _write(self, more: bool) -> None:
        from analysis.inference.page import write_page

        number = self.written
        around = [{"name": self._name(i), "label": i + 1, "here": i == number} for i in range(number + 1)]
        if more:  # how many follow isn't known yet
            around.append({"name": self._name(number + 1), "label": "next", "here": False})
        first, last = self.articles[0]["number"], self.articles[-1]["number"]
        doubted = sum(bool(one["marks"]) for one in self.articles)
        lead = (
            f"{f'Knees {first} to {last}' if last > first else f'Knee {first}'}, graded by the network {self.network.name} "
            f"(trained on: {self.network.cohort}). Marked as not to be trusted without a look: {doubted or 'none'}."
        )
        write_page(
            self.articles, self.out / self._name(number), title=f"{self.network.scheme.title} grades", lead=lead,
            look="those to doubt", pages=around, matrix=None,
        )  # fmt: skip
        self.articles, self.written = [], number + 1

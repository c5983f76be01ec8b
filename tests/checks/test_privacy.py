"""Ways in which a person's identity could get into the results: the check names each, and would miss it without its clause."""

import base64
import gzip
import html
import json
import zipfile
from urllib.parse import quote

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import typst
from click.testing import CliRunner
from PIL import Image, PngImagePlugin

from analysis.archive.ingest import ingest, write
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.checks import chance, identities, privacy, texts
from analysis.checks.commands import check_privacy, search_errors
from analysis.cohort.selection import given_split
from analysis.errors import StudyError
from analysis.files import read_table
from tests.archive.files import radiograph, save

REPORT = "Måttlig medial gonartros med sänkt ledspringa hos en tidigare elitbandyspelare från Edsbyn."
PERSON = {
    "PatientID": "19121212-1212",
    "OtherPatientIDs": ["KX-77661"],
    "PatientName": "Tolvansson^Tolvan",
    "PatientTelephoneNumbers": "0271-555 01 99",
    "ReferringPhysicianName": "Quistberg^Ottilia",
    "AccessionNumber": "ACC0000001",
    "SeriesDescription": "Knä hö Tolvansson belastad stående",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.4711",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """An ingested archive with its reports, and results that are clean."""
    folder = tmp_path_factory.mktemp("study")
    save(radiograph(np.random.default_rng(1), **PERSON), folder / "archive" / "dicom" / "ward-7" / "IM000042")
    (folder / "archive" / "reports.csv").write_text(f"accession,text\nACC0000001,{REPORT}\n", encoding="utf-8")
    index = ingest(folder / "archive", IngestSettings(), Pseudonyms(key_from_seed(1)))
    write(index, folder / "results" / "index", folder / "private")
    (folder / "results" / "table.md").write_text("| Knees | 300 |\n| AUC | 0.912 (0.1912) |\n", encoding="utf-8")
    return folder


def run(study, *results):
    """What the rule of the DAG runs, but for the repository's own texts, which take a second to read."""
    check_privacy.main(
        ["--private", str(study / "private" / "index.parquet"), "--archive", str(study / "archive"),
         "--public", str(study / "results" / "table.md"), "--out", str(study / "privacy.csv"),
         *map(str, results)],
        standalone_mode=False,
    )  # fmt: skip


def text(words):
    return lambda path: path.write_text(words, encoding="utf-8")


def png(path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", "born 1912-12-12")
    Image.new("L", (8, 8)).save(path, pnginfo=info)


def jpeg(path):
    exif = Image.Exif()
    exif[0x010E] = "Tolvan Tolvansson"
    Image.new("L", (8, 8)).save(path, exif=exif)


def svg(path):
    plt.figure().savefig(path, metadata={"Title": "exam of 1 mars 2010"})
    plt.close()


def page(path):
    """A web page with a figure in it, in which there is a picture, as the manuscript has them."""
    inner = path.with_suffix(".png")
    png(inner)
    picture = base64.encodebytes(inner.read_bytes()).decode()
    figure = f'<svg><image xlink:href="data:image/png;base64,\n{picture}"/></svg>'
    path.write_text(f"<img src='data:image/svg+xml;base64,{base64.b64encode(figure.encode()).decode()}'/>")
    inner.unlink()


def pdf_information(path):
    plt.figure().savefig(path, metadata={"Author": "Ottilia Quistberg"})
    plt.close()


def pdf_page(path):
    path.with_suffix(".typ").write_text("Knee of Tolvan Tolvansson")
    typst.compile(str(path.with_suffix(".typ")), output=str(path))
    path.with_suffix(".typ").unlink()


def docx(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", "<w:p><w:r><w:t>ACC000</w:t></w:r><w:r><w:t>0001</w:t></w:r></w:p>")


def nested(path):
    with zipfile.ZipFile(path.with_suffix(".inner"), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("tables/exams.csv", "exam\nACC0000001\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(path.with_suffix(".inner"), "data/inner.zip")
    path.with_suffix(".inner").unlink()


def column(words):
    return lambda path: pd.DataFrame({"protocol": ["other", words]}).to_parquet(path)


def schema(path):
    frame = pd.DataFrame({"n": [1]})
    frame.attrs["source"] = "ward-7/IM000042"
    frame.to_parquet(path)


def zipped(path):
    path.write_bytes(gzip.compress(b"0271-555 01 99"))


def provenance(path):
    path.write_text(json.dumps({"@id": "Måttlig medial gonartros med sänkt ledspringa hos"}), encoding="ascii")


#: File, how it is made, kind that is named, and the reader of that format without which nothing would be seen.
LEAKS = {
    "a name in a series description": ("images.parquet", column(PERSON["SeriesDescription"]), "part of a name", "_parquet"),
    "a name turned round": ("table.csv", text("who\nTOLVAN TOLVANSSON\n"), "name", "_plain"),
    "a referring physician": ("table.md", text("Referred by O. Quistberg"), "part of a name", "_plain"),
    "a personal number": ("exams.parquet", column("121212-1212"), "patient identifier", "_parquet"),
    "a second identifier": ("exams.csv", text("patient\nkx77661\n"), "patient identifier", "_plain"),
    "an accession number in a file name": ("figure-ACC0000001.txt", text("1"), "accession number", None),
    "an accession number in a DOCX, in two runs": ("index.docx", docx, "accession number", "_plain"),
    "an accession number in a zip in a zip": ("bundle.zip", nested, "accession number", "_plain"),
    "an exam's date": ("table.csv", text("taken\n2010-03-01\n"), "date of an exam", "_plain"),
    "an exam's date in a figure": ("figure.svg", svg, "date of an exam", "_plain"),
    "a birth date in a figure": ("figure.png", png, "birth date", "_picture"),
    "a birth date in a picture in a figure in a page": ("index.html", page, "birth date", "_picture"),
    "a name in a photograph": ("figure.jpg", jpeg, "name", "_picture"),
    "a name in a PDF's information": ("figure.pdf", pdf_information, "name", "_pdf"),
    "a name on a PDF's page": ("index.pdf", pdf_page, "name", "_pdf"),
    "a name in a page's entities": (
        "index.html", text("".join(f"&#{ord(c)};" for c in "Tolvansson")), "part of a name", "_plain",
    ),
    "a name in an address": ("index.html", text("x?q=" + quote("Tolvan Tolvansson")), "name", "_plain"),
    "a report's words": ("cases.md", text(f"> {html.escape(REPORT)}"), "report text", "_plain"),
    "a report's words in a provenance file": ("ro-crate.jsonld", provenance, "report text", "_plain"),
    "a source path in a log": ("train.log", text("cannot read ward-7/IM000042"), "source path", "_plain"),
    "a source path in a table's metadata": ("rows.parquet", schema, "source path", "_parquet"),
    "a UID": ("log.txt", text(PERSON["StudyInstanceUID"]), "UID", "_plain"),
    "a telephone number, packed": ("notes.txt.gz", zipped, "address or telephone", "_plain"),
}  # fmt: skip


def test_clean_results_pass_and_say_what_was_looked_for(study):
    run(study, study / "results")
    found = read_table(study / "privacy.csv").set_index("what")["n"]
    assert found["files searched"] >= 4
    kinds = {kind for _, _, kind, _ in LEAKS.values()}
    assert all(found[f"looked for: {kind}"] > 0 for kind in kinds)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_stops_the_study_and_is_seen_by_its_clause_alone(study, tmp_path, monkeypatch, leak):
    name, make, kind, reader = LEAKS[leak]
    path = tmp_path / "results" / "deep" / name
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(StudyError) as stop:
        run(study, study / "results", tmp_path / "results")
    assert f"deep/{name} (" in str(stop.value)
    assert f": {kind}" in str(stop.value)
    assert not any(value in str(stop.value).replace(name, "") for value in ("Tolvan", "19121212", "ACC0000001"))
    # Without the values of that kind, or without the reader of the format, it would have passed.
    files = read_table(study / "private" / "index.parquet")
    sought = identities.secrets(files, [REPORT])
    others = identities.Secrets({phrase: of for phrase, of in sought.phrases.items() if of != kind})
    assert kind in {leak.kind for leak in privacy.search(sought, [path])[1]}
    assert kind not in {leak.kind for leak in privacy.search(others, [path])[1]}
    if reader:
        monkeypatch.setattr(texts, reader, lambda *_: iter(()))
        assert privacy.search(sought, [path])[1] == []


def test_a_birth_date_of_the_buddhist_era_is_looked_for_in_both_years(study):
    files = read_table(study / "private" / "index.parquet").assign(birth_date="25010304")
    sought = identities.secrets(files, [REPORT]).phrases
    assert all(sought[(written,)] == "birth date" for written in ("25010304", "19580304"))


def test_the_letters_of_an_embedded_picture_are_no_words(study, tmp_path):
    sought = identities.secrets(read_table(study / "private" / "index.parquet"), [REPORT])
    pixels = np.random.default_rng(0).integers(0, 256, 3 * 40, dtype=np.uint8).tobytes()
    letters = base64.b64encode(pixels).decode()
    name = "/Quistberg/"  # as chance writes it between two strokes
    picture = letters[:40] + name + letters[40:80] + "\n" + letters[80:]
    page = tmp_path / "figure.svg"
    page.write_text(f'<image href="data:image/png;base64,{picture}"/>')
    assert not privacy.search(sought, [page])[1]
    # What only looks like one is read.
    for text in (
        "data:image/png;base64, seen by Quistberg",
        f"{letters[:60]} Quistberg",
        f"data:image/png;base64,{picture}\nQuistberg",
        "'data:image/png;base64,Quistberg'",  # no number of letters that bytes could have
    ):
        page.write_text(text)
        assert privacy.search(sought, [page])[1], text


def test_the_bytes_of_a_checkpoint_s_numbers_are_no_words(study, tmp_path):
    """As a training that was stopped leaves one: some short name stands in the bytes of a million numbers."""

    def checkpoint(numbers, words):
        with zipfile.ZipFile(tmp_path / "checkpoint.pt", "w") as file:
            file.writestr("checkpoint/data.pkl", b"\x80\x02\0" + words)
            file.writestr("checkpoint/data/0", b"\0\0\0\0" + numbers)

    checkpoint(b"Tolvansson\0\0", b"epoch")
    run(study, tmp_path)
    checkpoint(b"\0\0", b"Tolvansson")
    with pytest.raises(StudyError, match=r"checkpoint\.pt \(checkpoint/data\.pkl\)"):
        run(study, tmp_path)


def test_what_programs_write_by_themselves_is_no_leak(study, tmp_path):
    """Sizes of files in a crate, and the scripts and styles that a renderer puts into a page."""
    sought = identities.secrets(read_table(study / "private" / "index.parquet"), [REPORT])
    born = next(phrase[0] for phrase, kind in sought.phrases.items() if kind == "birth date" and len(phrase[0]) == 6)
    crate = tmp_path / "ro-crate-metadata.json"
    crate.write_text(json.dumps({"name": "a", "contentSize": born}, indent=1))
    script = base64.b64encode(f"var quistberg = {born}; /* a program's own words */".encode()).decode()
    font = base64.b64encode(b"wOFF\0\1\0\0" + bytes(60) + b"\1Quistberg\2").decode()
    page = tmp_path / "index.html"
    page.write_text(
        f'<style>@font-face {{ src: url("data:font/woff;base64,{font}") }}</style><script>let quistberg={born}</script>'
        f'<style>.quistberg {{}}</style><script src="data:text/javascript;base64,{script}">'
    )
    assert not privacy.search(sought, [crate, page])[1]
    # The same beside them is seen, and so is a full name or an accession number within them.
    for path, leak in (
        (crate, json.dumps({"name": born, "contentSize": "1"})),
        (page, f"<p>{born}</p>"),
        (page, "<p>Quistberg</p>"),
        (page, "<script>let a = 'Ottilia Quistberg'</script>"),
        (page, "<script>let a = 'ACC0000001'</script>"),
    ):
        path.write_text(leak)
        assert privacy.search(sought, [path])[1], leak


def test_the_repository_s_own_words_are_no_leak_but_a_full_name_is(study, tmp_path):
    public = tmp_path / "README.md"
    public.write_text("Data of Quistberg 2010, in Edsbyn", encoding="utf-8")
    sought = identities.secrets(read_table(study / "private" / "index.parquet"), [REPORT])
    assert list(sought.find("after Quistberg"))
    privacy.spare(sought, [public])
    assert not list(sought.find("after Quistberg"))
    assert "name" in {kind for _, kind in sought.find("by Ottilia Quistberg")}


@pytest.mark.parametrize(
    ("name", "clean", "leak"),
    [
        ("roc.csv", "n,cases,year\n12,12,1912\n", "n,day,year\n12,12-12-1912,1\n"),
        ("table.html", "<tr><td>1912</td><td>12</td><td>12</td></tr>", "<p>1912-12-<b>12</b></p>"),
        ("figure.svg", '<path id="121212" d="M 121212 191212"/>', '<g><title>121212</title></g>'),
        ("figure.svg", '<path d="M 121212 19"/>', '<image alt="knee of Quistberg"/>'),
        ("index.html", '<a id="quistberg">', '<a href="quistberg.html">'),
        ("document.xml", '<w:p w:rsidR="00121212" w:id="121212">', "<w:p><w:t>Quist</w:t></w:r><w:r><w:t>berg</w:t></w:p>"),
        ("index.json", '{"hits": [121212, 3]}', '{"born": "121212"}'),
        ("references.bib", "Quist{\\ss}berg", '{Q}u{\\"i}stberg'),
    ],
)  # fmt: skip
def test_what_is_counted_or_drawn_is_no_leak_but_the_same_told_is(study, tmp_path, name, clean, leak):
    sought = identities.secrets(read_table(study / "private" / "index.parquet"), [REPORT])
    for written, found in ((clean, False), (leak, True)):
        (tmp_path / name).write_text(written, encoding="utf-8")
        assert bool(privacy.search(sought, [tmp_path / name])[1]) is found, written


def test_in_a_large_archive_one_short_number_is_chance_and_a_column_of_them_is_not():
    rng = np.random.default_rng(3)
    for patients, alone in ((500, True), (5_000, False)):
        files = chance.draw(patients, "6 digits", rng)
        sought = identities.secrets(files)
        column = files["patient_id"].head(20)
        others = rng.integers(10**5, 10**6, 20).astype(str)
        for numbers, told in ((column.head(1), alone), ([*column, *others], True), (others, False)):
            leaks = {kind for _, kind in sought.leaks(texts.Piece("", "\n".join(numbers)))}
            assert leaks == ({"patient identifier"} if told else set()), (patients, len(numbers))
        assert bool(sought.in_company()["patient identifier"]) is not alone


def test_how_often_the_search_errs_is_computed(study, tmp_path):
    """Numbers drawn at random stop no study; a short identifier alone is missed once there are many patients."""
    (tmp_path / "counts.csv").write_text("n,bookworm\n" + "\n".join(map(str, range(100_821, 990_000, 29_000))))
    ran = CliRunner().invoke(
        search_errors,
        [str(tmp_path), "--patients", "20", "--patients", "3000", "--replicates", "1", "--out", str(tmp_path / "e.csv")],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "3000 patients: 0 of 4 archives stop a clean study." in ran.output
    assert "these 1 words stops the study: bookworm." in ran.output
    share = read_table(tmp_path / "e.csv").set_index(["error", "numbered", "what", "patients"])["share"].sort_index()
    assert list(share["miss", "6 digits", "patient identifier, 1 of them"]) == [0, 1]
    assert list(share["miss", "6 digits", "patient identifier, 20 of them"]) == [0, 0]
    assert not share["miss", "personal number"].filter(regex="patient identifier|19501231|1950-12-31").any()


def test_what_identifies_nobody_can_be_listed(study, tmp_path):
    """A leak's words are written where they stay private; that table, when somebody has gone through it, spares them."""
    result = tmp_path / "makers.csv"
    result.write_text("maker,n\nQuistberg X-ray,3\n", encoding="utf-8")
    found = study / "private" / privacy.FOUND
    with pytest.raises(StudyError, match=r"makers\.csv .*part of a name.*leaks\.csv.*archive\.harmless"):
        run(study, result)
    assert list(read_table(found)["words"]) == ["quistberg"]
    listed = found.rename(tmp_path / "harmless.csv")
    run(study, result, "--harmless", listed)
    assert not found.exists()
    result.write_text("maker,n\nTolvansson,3\n", encoding="utf-8")
    with pytest.raises(StudyError, match="part of a name"):
        run(study, result, "--harmless", listed)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"PatientID": "A1"}, {"PatientID": "B2", "OtherPatientIDs": ["A1"]}),
        ({"PatientID": "A1"}, {"PatientID": "B2", "OtherPatientIDs": ["C3", "a-1"]}),
        ({"PatientID": "A1", "PatientName": "Ek^Åsa"}, {"PatientID": "B2", "PatientName": "ASA EK"}),
        ({"PatientID": "19121212-1212"}, {"PatientID": "121212-1212"}),
    ],
)
def test_a_patient_under_two_identifiers_cannot_be_in_two_sets(tmp_path, first, second):
    rng = np.random.default_rng(2)
    plain = {"PatientName": "Ek^Åsa", "PatientBirthDate": "19121212"}
    for number, tags in enumerate((first, second, {"PatientID": "Z9", "PatientName": "Annan^Person"})):
        save(radiograph(rng, AccessionNumber=f"N{number}", **{**plain, **tags}), tmp_path / "dicom" / str(number))
    index = ingest(tmp_path, IngestSettings(), Pseudonyms(key_from_seed(1)))
    assert index.images["patient"].nunique() == 2
    split = f"patient,set\n{first['PatientID']},training\n{second['PatientID']},test\nZ9,validation\n"
    (tmp_path / "sets.csv").write_text(split)
    with pytest.raises(StudyError, match=r"is in the sets test and training.*two identifiers \(1 such patients\)"):
        given_split(tmp_path / "sets.csv", index.files)

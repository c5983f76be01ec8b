"""The unit of the study is the knee in an exam."""

import numpy as np
import pandas as pd
import pytest

from analysis.archive.describe import side
from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.ingest import ingest
from analysis.archive.inspect import inspect
from analysis.archive.knees.films import part
from analysis.archive.people.matching import reports_of_exams
from analysis.archive.people.names import exam_of
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import CutSettings, IngestSettings
from analysis.cohort.rules import list_exams
from analysis.cohort.settings import SelectionSettings
from analysis.errors import StudyError
from analysis.imaging.prepare import prepare
from analysis.imaging.settings import ImagesSettings
from analysis.reading.exams.index import load_exams
from analysis.reading.exams.pixels import load_picture
from tests.archive.files import radiograph, save

NAMES = Pseudonyms(key_from_seed(1))
HEAD = "exam,side,reader,role,session,item,value,revisit,time\n"
PLAIN = IngestSettings()


def legs(*, columns=430, rows=350, middle=215, apart=110, joints=(170, 190), only=(), space=1400):
    """A film of two legs: bright bone in soft tissue, with a dark joint space in each."""
    rng = np.random.default_rng(5)
    film = rng.normal(60, 5, (rows, columns))
    for number, (centre, joint) in enumerate(zip((middle - apart, middle + apart), joints, strict=True)):
        if only and number not in only:
            continue
        across = np.arange(columns) - centre
        film += 900 * np.clip(1 - (across / 60) ** 2, 0, None)
        film[:, centre - 22 : centre + 22] += 1200
        film[joint - 30 : joint + 30, centre - 40 : centre + 40] += 500
        film[joint - 3 : joint + 3, centre - 45 : centre + 45] -= space
    return np.clip(film, 0, 4095).astype("<u2")


def film(path, pixels=None, **tags):
    pixels = legs() if pixels is None else pixels
    usual = {"AccessionNumber": "A1", "StudyDescription": "Knän belastade", "SeriesDescription": "Frontal",
             "ImagerPixelSpacing": [1.0, 1.0], "PixelData": pixels.tobytes()}  # fmt: skip
    return save(radiograph(np.random.default_rng(1), pixels.shape, **(usual | tags)), path)


def single(path, letter, seed, **tags):
    rng = np.random.default_rng(seed)
    pixels = (np.linspace(0, 2000, 80 * 70) + rng.integers(0, 50, 80 * 70)).astype("<u2")
    usual = {"AccessionNumber": "A1", "ImageLaterality": letter, "SeriesDescription": "Sida", "StudyDescription": "Knä",
             "PixelData": pixels.tobytes()}  # fmt: skip
    return save(radiograph(rng, **(usual | tags)), path)


def read(folder, rows):
    text = "".join(f"A1,{side},ann,reader,1,kl,{value},0,\n" for side, value in rows)
    (folder / "readings.csv").write_text(HEAD + text)


def test_an_exam_of_one_knee_is_named_and_read_as_ever(tmp_path):
    single(tmp_path / "one.dcm", "R", 1)
    read(tmp_path, [("", 2)])
    index = ingest(tmp_path, PLAIN, NAMES)
    assert index.images["exam"].tolist() == [NAMES("exam", "accession A1")] == index.readings["exam"].tolist()
    assert index.images["image"].tolist() == [NAMES("image", index.files["pixel_hash"][0])]
    assert index.images["box_top"].isna().all()
    read(tmp_path, [("r", 2)])  # and a side that says what is known changes nothing
    assert ingest(tmp_path, PLAIN, NAMES).readings.equals(index.readings)


@pytest.mark.parametrize(("mirrored", "tag"), [(False, "B"), (True, "B"), (False, "R\\L"), (False, "LR")])
def test_a_film_of_both_knees_is_cut_and_each_knee_is_a_unit(tmp_path, mirrored, tag):
    film(tmp_path / "both.dcm", ImageLaterality=tag, PatientOrientation=["R" if mirrored else "L", "F"])
    single(tmp_path / "left.dcm", "L", 2)
    single(tmp_path / "other.dcm", "R", 3, AccessionNumber="A2")
    read(tmp_path, [("left", 1), ("right", 4)])
    index = ingest(tmp_path, PLAIN, NAMES)
    exam = NAMES("exam", "accession A1")
    images = index.images.set_index("exam")
    assert sorted(images.index) == sorted([f"{exam}-left"] * 2 + [f"{exam}-right", NAMES("exam", "accession A2")])
    assert images["patient"].nunique() == 1
    assert index.readings.set_index("exam")["value"].to_dict() == {f"{exam}-left": 1, f"{exam}-right": 4}
    boxes = index.images.dropna(subset=["box_top"]).set_index("side")
    where = {name: ((row.box_left + row.box_right) / 2, (row.box_top + row.box_bottom) / 2)
             for name, row in boxes.iterrows()}  # fmt: skip
    left, right = ((105, 170), (325, 190)) if mirrored else ((325, 190), (105, 170))
    assert np.hypot(*np.subtract(where["left"], left)) < 10 and np.hypot(*np.subtract(where["right"], right)) < 10
    assert (boxes["box_right"] - boxes["box_left"]).tolist() == pytest.approx([140, 140], abs=1)
    counts = index.counts.groupby("kind")["n"].sum()
    assert counts["found"] == counts["indexed"] + counts["rejected":"rejected"].sum() == 4  # with readings.csv
    assert (counts["exams"], counts["exams_of_two_knees"], counts["films_of_two_knees"]) == (2, 1, 1)

    # Every later stage sees the square of its knee.
    good, bad = prepare(tmp_path, index.images, index.files, ImagesSettings(size=70), tmp_path / "p", shard=0, shards=1)
    assert (good, bad) == (4, 0)
    rows = pd.read_parquet(tmp_path / "p/rows-0.parquet")
    assert rows["decoded"].is_unique
    pixels = dict(zip(rows["image"], np.load(tmp_path / "p/pixels-0.npy"), strict=True))
    tables = {name: tmp_path / f"{name}.parquet" for name in ("images", "private")}
    index.images.to_parquet(tables["images"])
    index.files.to_parquet(tables["private"])
    shown = load_exams(tables["images"], tables["private"], tmp_path, None)
    for unit, joint in ((f"{exam}-left", left), (f"{exam}-right", right)):
        cut = next(image for image in shown[unit].images if image.box)
        square = pixels[cut.image].astype(float)
        assert square[33:37].mean() < 0.6 * square[20:28].mean()  # the joint space lies in the middle
        picture = load_picture(cut.path, cut.digest, cut.box).grey
        assert picture.shape == (140, 140)
        assert picture[67:73, 30:110].mean() < 0.6 * picture[45:60, 30:110].mean(), joint


def ruled():
    """A film with a ruler beside the legs."""
    pixels = legs()
    pixels[:, 5:25] = 4095
    return pixels


def collimated():
    """A film whose border is grey."""
    pixels = legs()
    pixels[:, :60] = pixels[:, 370:] = pixels[:40] = pixels[310:] = 1500
    return pixels


def screwed():
    """A film with two locking screws across the shin, below the joint."""
    pixels = legs(space=700).astype(int)
    for row in (212, 232):
        pixels[row : row + 5, 60:150] = 4095
    return pixels.clip(0, 4095).astype("<u2")


SHUTTER = {
    "ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 60, "ShutterRightVerticalEdge": 370,
    "ShutterUpperHorizontalEdge": 40, "ShutterLowerHorizontalEdge": 310,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        (legs().astype("<i2"), {"PixelRepresentation": 1}),
        (legs() << 4, {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 15}),
        (legs() << 4, {"HighBit": 11}),
        (4095 - legs(), {"RescaleSlope": "-1", "RescaleIntercept": "4095"}),
        (collimated(), SHUTTER),
        (ruled(), {}),
        (screwed(), {}),
        (legs(), {"ImagerPixelSpacing": [5.0, 5.0], "PixelSpacing": [1.0, 1.0]}),
        (legs(), {"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [1.0, 1.0]}),
        (legs(), {"ImagerPixelSpacing": [0.2, 0.2], "NominalScannedPixelSpacing": [1.0, 1.0]}),
    ],
    ids=[
        "signed",
        "left-aligned",
        "untold",
        "falling",
        "shutter",
        "ruler",
        "screws",
        "too-large",
        "in-centimetres",
        "too-small",
    ],
)
def test_a_film_is_cut_in_the_right_place_whatever_its_header_has_wrongly(pixels, tags, tmp_path):
    film(tmp_path / "both.dcm", pixels, **tags)
    record = inspect(tmp_path, "both.dcm", PLAIN, {"A1"})
    assert ("corrected_aligned" in (record["noted"] or "")) == (tags == {"HighBit": 11})
    cut = dict(part.split(":") for part in record["cut"].split())
    for name, joint in (("right", (105, 170)), ("left", (325, 190))):
        top, left, bottom, right = map(int, cut[name].split(","))
        assert np.hypot((left + right) / 2 - joint[0], (top + bottom) / 2 - joint[1]) < 10
        assert right - left == pytest.approx(140, abs=1)


def test_half_a_film_each_and_a_square_of_a_single_knee(tmp_path):
    film(tmp_path / "both.dcm", ImageLaterality="B")
    film(tmp_path / "one.dcm", legs(columns=200, middle=210, only=[0]), AccessionNumber="A2", ImageLaterality="R")
    halves = ingest(tmp_path, IngestSettings(cut=CutSettings(both="half")), NAMES).images.set_index("side")
    box = halves.loc["left"].filter(like="box")
    assert box["box_bottom"] - box["box_top"] >= 345 and 150 < box["box_left"] < 271 and box["box_right"] <= 430
    assert halves.loc["right"]["box_top"].isna().sum() == 1  # the single film stays whole
    square = ingest(tmp_path, IngestSettings(cut=CutSettings(single="knee")), NAMES).images
    square = square[square["exam"] == NAMES("exam", "accession A2")].iloc[0]
    assert abs((square["box_top"] + square["box_bottom"]) / 2 - 170) < 10
    assert square["box_right"] - square["box_left"] == 140


def test_a_reading_without_side_of_an_exam_with_two_knees_is_refused_by_name(tmp_path):
    film(tmp_path / "both.dcm", ImageLaterality="B")
    read(tmp_path, [("left", 1), ("", 2)])
    with pytest.raises(StudyError, match=r"readings.csv, line 3: exam A1 has two knees.*left or right"):
        ingest(tmp_path, PLAIN, NAMES)
    read(tmp_path, [("middle", 1)])
    with pytest.raises(StudyError, match="the side of exam A1 is 'middle'; it must be left, right"):
        ingest(tmp_path, PLAIN, NAMES)


def test_a_reading_of_a_knee_that_no_image_shows_is_refused(tmp_path):
    single(tmp_path / "one.dcm", "R", 1)
    read(tmp_path, [("left", 1)])
    with pytest.raises(StudyError, match="exam A1 has a reading of a knee that none of its images shows"):
        ingest(tmp_path, PLAIN, NAMES)


@pytest.mark.parametrize(
    ("code", "pixels", "tags"),
    [
        ("film_contradicted", legs(only=[0]), {"ImageLaterality": "B"}),
        ("film_contradicted", legs(), {"ImageLaterality": "B", "PatientOrientation": ["F", "L"]}),
        ("film_contradicted", legs(), {"ImageLaterality": "B", "ViewPosition": "LL"}),
        ("film_contradicted", legs(), {"ImageLaterality": "B", "SeriesDescription": "Frontal höger"}),
        ("film_unclear", legs(rows=900, joints=(450, 450)), {"ImageLaterality": "B"}),
    ],
)
def test_a_film_that_contradicts_itself_or_is_unclear_is_refused_and_told(tmp_path, code, pixels, tags):
    film(tmp_path / "both.dcm", pixels, **tags)
    single(tmp_path / "good.dcm", "L", 2, AccessionNumber="A2")
    read(tmp_path, [("left", 1), ("right", 2)])
    index = ingest(tmp_path, PLAIN, NAMES)
    files = index.files.set_index("path")
    assert set(files.loc["both.dcm", "code"]) == {code}
    # Both knees are left out for want of an image, and not without a word.
    exams = list_exams(index.images, index.files, pd.DataFrame({"exam": []}), pd.DataFrame({"exam": [], "text": []}),
                       SelectionSettings())  # fmt: skip
    assert exam_of(exams["exam"]).value_counts()[NAMES("exam", "accession A1")] == 2


def test_both_sides_read_make_a_film_without_a_word_one_of_both_knees(tmp_path):
    film(tmp_path / "both.dcm", legs(columns=330, middle=165, apart=80, rows=350), StudyDescription="Knä")
    read(tmp_path, [("left", 1), ("right", 2)])
    assert sorted(ingest(tmp_path, PLAIN, NAMES).images["side"]) == ["left", "right"]


def test_by_its_shape_a_film_without_a_word_is_looked_at(tmp_path):
    film(tmp_path / "both.dcm", StudyDescription="Knä")
    film(tmp_path / "one.dcm", legs(only=[0]), StudyDescription="Knä", AccessionNumber="A2")
    images = ingest(tmp_path, PLAIN, NAMES).images
    assert images["side"].value_counts(dropna=False).to_dict() == {"left": 1, "right": 1, np.nan: 1}


def test_an_image_of_no_side_in_an_exam_of_two_knees_is_left_out_with_a_reason(tmp_path):
    film(tmp_path / "both.dcm", ImageLaterality="B")
    single(tmp_path / "patella.dcm", "U", 4, SeriesDescription="Patella")
    index = ingest(tmp_path, PLAIN, NAMES)
    assert set(index.files.set_index("path").loc["patella.dcm", "code"]) == {"no_side"}
    assert len(index.images) == 2


def test_a_report_is_of_both_knees(tmp_path):
    film(tmp_path / "both.dcm", ImageLaterality="B")
    index = ingest(tmp_path, PLAIN, NAMES)
    reports = pd.DataFrame({"accession": ["A1"], "text": ["artros"], "texts": [1]})
    texts, counts = reports_of_exams(reports, index.files, tmp_path / "reports.csv")
    assert len(texts) == 2 and set(texts["text"]) == {"artros"}
    assert counts == {"reports": 1, "reports_of_no_exam": 0, "reports_of_several_exams": 0, "exams_without_report": 0}


@pytest.mark.parametrize(
    ("study", "series", "tag", "expected"),
    [
        ("", "Bilateral PA Fixed Flexion Knee", "", ("both", False)),
        ("", "PA Fixed Flexion Right Knee", "", ("right", False)),
        ("Knä bilat", "Lateral höger", "", ("right", False)),
        ("Knän hö+vä stående", "", "", ("both", False)),
        ("Knees standing L & R", "AP", "", ("both", False)),
        ("Knee left and right", "", "", ("both", False)),
        ("Knä hö", "", "B", ("both", True)),
        ("Bilateral knees", "", "R", ("right", False)),
        ("Knee standing left", "AP", "", ("left", False)),
    ],
)
def test_words_for_both_sides(study, series, tag, expected):
    found = radiograph(np.random.default_rng(1), StudyDescription=study, SeriesDescription=series, ImageLaterality=tag)
    assert side(found, PLAIN) == expected


def exposed(left=(0, 350), right=(0, 350), brighter=1.0, band=None, turned=0):
    """A film of two legs, each in rows of its own, as it is looked at; `turned` lowers the right leg's rows by that much."""
    shown = legs().astype(float) / 4095 * 255
    for columns, (top, bottom), lower in ((slice(0, 215), left, 0), (slice(215, None), right, turned)):
        shown[: top + lower, columns] = shown[bottom + lower :, columns] = 0
    shown[:, 215:] *= brighter
    if band is not None:
        shown[:, 208:222] = band
    return shown.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "how",
    [{"left": (30, 350)}, {"left": (0, 320), "right": (8, 350)}, {"band": 255}],
)
def test_two_exposures_on_one_plate_are_refused(how):
    with pytest.raises(Unreadable, match="two exposures on one plate"):
        part(exposed(**how), (1.0, 1.0), 140)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"left": (20, 330), "right": (20, 330), "turned": 15},
        {"brighter": 0.7},
        {"left": (20, 345), "right": (15, 340)},
    ],
)
def test_one_exposure_is_cut_though_its_field_is_askew_and_one_leg_a_little_darker(how):
    assert part(exposed(**how), (1.0, 1.0), 140)


@pytest.mark.parametrize("where", [[1.0], np.exp(-(((np.arange(430) - 215) / 60) ** 2)), np.linspace(0, 1, 430)])
@pytest.mark.parametrize("middle", [200, 215, 235])
def test_fog_makes_no_second_exposure(where, middle):
    fogged = legs(middle=middle, joints=(175, 175)) + 400.0 * np.broadcast_to(where, 430)
    assert part((fogged / 4095 * 255).clip(0, 255).astype(np.uint8), (1.0, 1.0), 140)

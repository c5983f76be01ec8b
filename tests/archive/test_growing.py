"""An archive that grows: what was read of a file counts until the file, the settings or the code change."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.archive import known
from analysis.archive.commands import ingest as command
from analysis.archive.find import find
from analysis.archive.ingest import ingest, write
from analysis.archive.parts import gather, read_shard
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import CutSettings, IngestSettings
from analysis.errors import StudyError
from tests.archive.files import radiograph, save

NAMES = Pseudonyms(key_from_seed(1))
RNG = np.random.default_rng(5)
PLAIN = IngestSettings()
READ = "exam,reader,role,session,item,value,revisit,time,side\n"


def knee(folder, number, **tags):
    given = {"PatientID": f"P{number}", "PatientName": None, "AccessionNumber": f"A{number}", "PatientSex": "F"}
    return save(radiograph(RNG, **(given | tags)), folder / "dicom" / f"{number}.dcm")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Radiographs and a text that were read, and what was written down of them; none of them changed just now."""
    monkeypatch.setattr(known, "_BLUR", 0)
    folder = tmp_path / "archive"
    for number in range(7):
        knee(folder, number)
    (folder / "dicom" / "words").write_text("no image")
    ingest(folder, PLAIN, NAMES, before=tmp_path / "headers.parquet")
    # What is taken from there and not from the files can be told by it.
    table = pd.read_parquet(tmp_path / "headers.parquet")
    assert len(table) == 8
    table.assign(sex="other").to_parquet(tmp_path / "headers.parquet")
    return folder


def test_only_new_and_changed_files_are_read(archive):
    folder = archive / "dicom"
    knee(archive, 9)
    (folder / "0.dcm").unlink()
    (folder / "1.dcm").rename(folder / "moved.dcm")
    for number in (2, 3):  # of the same size, and of the same time: to the nanosecond, and to the second
        path = folder / f"{number}.dcm"
        status, data = path.stat(), path.read_bytes()
        path.write_bytes(data.replace(b"ACC", b"BCC").replace(f"P{number}".encode(), b"P8"))
        time = status.st_mtime_ns if number == 2 else status.st_mtime_ns // 10**9 * 10**9
        os.utime(path, ns=(status.st_atime_ns, time))
        assert path.stat().st_size == status.st_size
    other = knee(archive.parent / "elsewhere", 4, PatientSex="M")
    shutil.copystat(folder / "4.dcm", other)
    other.replace(folder / "4.dcm")
    (folder / "5.dcm").rename(archive.parent / "elsewhere/5.dcm")
    (folder / "5.dcm").symlink_to(archive.parent / "elsewhere/5.dcm")
    files = ingest(archive, PLAIN, NAMES, before=archive.parent / "headers.parquet").files
    assert len(files) == 8
    assert files.loc[files["sex"] == "other", "path"].tolist() == ["dicom/6.dcm", "dicom/words"]


def test_what_comes_out_is_the_same_to_the_last_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(known, "_BLUR", 0)
    folder, before = tmp_path / "archive", tmp_path / "headers.parquet"
    for number in range(3):
        knee(folder, number, PatientBirthDate="" if number else "19500102", WindowCenter="2048")
    (folder / "dicom/empty").write_bytes(b"")
    first = ingest(folder, PLAIN, NAMES, before=before)
    again = ingest(folder, PLAIN, NAMES, before=before)
    knee(folder, 7)
    grown, anew = (ingest(folder, PLAIN, NAMES, before=place) for place in (before, None))
    for one, other in ((first, again), (grown, anew)):
        for part in ("files", "images", "readings", "counts"):
            pd.testing.assert_frame_equal(getattr(one, part), getattr(other, part))


def test_other_settings_other_code_and_a_record_that_cannot_be_read_count_for_nothing(archive, monkeypatch):
    before, stamp, nobody = archive.parent / "headers.parquet", known.stamps(find(archive)), frozenset[str]()

    def there(settings=PLAIN, both_read=nobody):
        return len(known.load(before, settings, stamp, both_read))

    assert there() == 8
    assert there(both_read=frozenset({"A1"})) == 7  # its film is looked at in another way
    assert there(PLAIN.model_copy(update={"min_pixels": 60})) == 0
    assert there(PLAIN.model_copy(update={"cut": CutSettings(side_mm=120)})) == 0
    analysis = Path(known.__file__).parents[1]
    copied = archive.parent / "analysis"
    for module in ("archive/inspect.py", "archive/dicom/dataset.py", "archive/knees/films.py", "imaging/pixels.py"):
        for subject in ("archive", "imaging"):
            shutil.copytree(analysis / subject, copied / subject, dirs_exist_ok=True)
        with monkeypatch.context() as patch:
            patch.setattr(known, "__file__", str(copied / "archive/known.py"))
            assert there() == 8
            with (copied / module).open("a") as code:
                code.write("#\n")
            assert there() == 0
    with monkeypatch.context() as patch:
        patch.setattr(known, "_LIBRARIES", (*known._LIBRARIES, "pandas"))
        assert there() == 0
    pd.read_parquet(before).drop(columns="stamp").to_parquet(before)
    assert there() == 0
    for content in (b"", b"PAR1 no more"):
        before.write_bytes(content)
        assert there() == 0


def test_what_may_pass_is_not_kept_and_a_file_of_just_now_has_no_stamp(tmp_path, monkeypatch):
    knee(tmp_path, 1)
    (tmp_path / "dicom/nowhere").symlink_to(tmp_path / "gone")
    assert known.stamps(find(tmp_path)).empty  # changed less than two seconds ago
    monkeypatch.setattr(known, "_BLUR", 0)
    before = tmp_path / "headers.parquet"
    ingest(tmp_path, PLAIN, NAMES, before=before)
    assert known.load(before, PLAIN, known.stamps(find(tmp_path)), frozenset())["path"].tolist() == ["dicom/1.dcm"]


def read_in_parts(folder, private, shards):
    """Read the archive in so many parts; return what ingest makes of them."""
    for shard in range(shards):
        read_shard(folder, PLAIN, private, shard, shards, 1)
    parts = [private / f"headers-{shard}.parquet" for shard in range(shards)]
    return ingest(folder, PLAIN, NAMES, before=private / "headers.parquet", parts=parts)


def written(index, folder):
    """Every file that is made of an index, to the last byte."""
    write(index, folder, folder / "private")
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_read_in_parts_it_comes_to_the_same_to_the_last_byte(archive, tmp_path):
    """Copies in other parts, two names of one patient, a raw image's twin, an exam of two knees, and what is no image."""
    folder, where = archive / "dicom", tmp_path / "parts"
    shutil.copy(folder / "1.dcm", folder / "copy of 1.dcm")
    shutil.copy(folder / "2.dcm", folder / "k\udce4.dcm")  # a name that isn't UTF-8
    (folder / "nowhere").symlink_to(folder / "gone")
    knee(archive, 10, PatientID="OTHER", OtherPatientIDs="P3", AccessionNumber="A3")
    knee(archive, 11, PresentationIntentType="FOR PROCESSING", AccessionNumber="A4")
    for number, side in ((12, "L"), (13, "R")):
        knee(archive, number, AccessionNumber="A12", PatientID="P12", ImageLaterality=side)
    (archive / "readings.csv").write_text(
        READ + "".join(f"A12,a,reader,1,kl,2,0,,{side}\n" for side in ("left", "right"))
    )
    whole = written(ingest(archive, PLAIN, NAMES), tmp_path / "whole")
    assert written(read_in_parts(archive, where, 3), tmp_path / "three") == whole
    # One of these six has no file. What was read in three parts isn't read again.
    assert written(read_in_parts(archive, where, 6), tmp_path / "six") == whole
    assert written(ingest(archive, PLAIN, NAMES, before=where / "headers.parquet"), tmp_path / "one") == whole


def test_a_part_reads_what_is_new_in_it_alone(archive, tmp_path):
    knee(archive, 9)
    (archive / "dicom/0.dcm").unlink()
    files = read_in_parts(archive, tmp_path, 2).files
    assert len(files) == 8 and files.loc[files["sex"] != "other", "path"].tolist() == ["dicom/9.dcm"]


def test_parts_that_are_not_the_whole_are_refused(archive, tmp_path):
    read_in_parts(archive, tmp_path, 3)
    first, second, third = (tmp_path / f"headers-{shard}.parquet" for shard in range(3))
    for wrong in ((first, second), (first, second, second), (second, first, third), (first, second, third, third)):
        with pytest.raises(StudyError, match="of an archive's files: give every part"):
            gather(wrong)
    with pytest.raises(StudyError, match=r"headers-7\.parquet does not exist"):
        gather((first, second, tmp_path / "headers-7.parquet"))
    with pytest.raises(StudyError, match="no shard 3 of 3"):
        read_shard(archive, PLAIN, tmp_path, 3, 3, 1)


def test_the_command_keeps_it_in_the_private_folder(tmp_path):
    knee(tmp_path / "archive", 1)
    (tmp_path / "ingest.yaml").write_text("{}")
    arguments = [tmp_path / "archive", "--out", tmp_path / "out", "--private-folder", tmp_path / "private",
                 "--seed", 1, "--settings", tmp_path / "ingest.yaml"]  # fmt: skip
    done = CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "private/headers.parquet").is_file()
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0

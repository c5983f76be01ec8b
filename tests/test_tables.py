"""Tables as hospitals, spreadsheets and statistics programs write them."""

import gzip

import numpy as np
import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.tables import numbers, read_text_table

CONTROL = "accession,text\n00012345,Uttalad artros medialt.\n00012346,Ingen höger\n"


def written(tmp_path, data, name="reports.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read(tmp_path, data, needs=("accession", "text"), name="reports.csv"):
    return read_text_table(written(tmp_path, data, name), needs)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_separator_encoding_and_end_of_line(tmp_path, separator, encoding, end):
    text = CONTROL.replace(",", separator).replace("\n", end)
    if encoding == "utf-16-be":
        text = "\ufeff" + text
    frame = read(tmp_path, text.encode(encoding))
    assert frame.to_dict("list") == {
        "accession": ["00012345", "00012346"],
        "text": ["Uttalad artros medialt.", "Ingen höger"],
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("sep=;\naccession;text\n1;a, b\n", [("1", "a, b")]),
        ("sep=;\raccession;text\r1;a, b\r", [("1", "a, b")]),
        ("\n\naccession,text\n\n1,a\n,\n", [("1", "a")]),  # empty rows, as spreadsheets leave them
        (" Accession , TEXT\n 1 , a \n", [("1", "a")]),
        ('"accession","text"\n"1","a ""b"", c"\n', [("1", 'a "b", c')]),
        ('accession,text\n1, "a, b"\n', [("1", "a, b")]),
        ('accession,text\n="0001",a\n"=""0002""",b\n', [("0001", "a"), ("0002", "b")]),
        ("accession,text\n'0001,'tis a text\n\u200b0002\ufeff,b\n", [("0001", "'tis a text"), ("0002", "b")]),
        ("accession,text\n'0001','1 a'\n", [("0001", "'1 a'")]),  # as from SQL
        ("accession,text,\n1,a,\n", [("1", "a")]),  # a column without name and without content
        ('accession,text\n1,"first line\nsecond, line"\n', [("1", "first line\nsecond, line")]),
        ("accession;text;value\n1;1,5 cm;2\n", [("1", "1,5 cm")]),
        ("accession,text\nNA,None\n", [("NA", "None")]),
        ('"","accession","text"\n"1","01","a"\n"5","02","b"\n', [("01", "a"), ("02", "b")]),  # as from R
        (",accession,text\n0,01,a\n1,02,b\n", [("01", "a"), ("02", "b")]),  # as from pandas
        ("ACCESS\u0130ON,text\n1,a\n", [("1", "a")]),  # typed in Turkey
        ("accession,text\n", []),
        ("\uff41ccession\xa0,text\n1,a\n\x1a", [("1", "a")]),  # typed in Japan; the end of a file in DOS
    ],
)
def test_what_people_write(tmp_path, data, expected):
    frame = read(tmp_path, data)
    assert list(frame[["accession", "text"]].itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Befund: „Kissing“-Osteophyten, „normal“und stabil… 0°–90°, 2 ½ cm², 50 €",
        "”Kissing”osteofyter, i övrigt ”normalt”utan artros – Å Ä Ö",
        "• Genou : « œdème », c’est‑à‑dire l’œil…évolué• Dr Š. DÉJÀ VU".replace("\u2011", "-"),
        "AMANHÃ… NÃO HÁ LESÕES ÓSSEAS; ¿artrosis? 1ª, 2 º",
        "×××××××××× ÷÷÷÷÷÷ ÿÿÿÿÿÿ ··········",
        "Genou : sûr, août, né, là, brûlé",
        "sûr",
        "Ginocchio: così, perché, lunedì, più",
        "lesões ósseas, espaços mantidos",
        "Põlv: kõhr, üldine",
        "Dr Nový: höger knä",
        "Rodilla: está, ósea, ¿artrosis?",
        "Højre knæ: én, ø",
        "Hægra hné: ný",
        "Høgra knæ: nýtt, á, ð, ø",
        "Það er þýðing, þ.e. ný þrenging á liðbili; þjóð, því, Þ. Jónsdóttir, býr við ský, kýrskýrt",
    ],
)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_signs_of_western_texts_are_read_as_they_are(tmp_path, text, encoding):
    frame = read(tmp_path, f'accession\ttext\n1\t"{text}"\n2\thöger knä\n'.encode(encoding))
    assert frame["text"].tolist() == [text, "höger knä"]


@pytest.mark.parametrize("codec", ["cp1250", "iso8859-2"])
@pytest.mark.parametrize(
    "text",
    [
        "Pravé koleno: žádná artróza, měkké tkáně", "PRAVÉ KOLENO: MĚKKÉ TKÁNĚ", "Pravé koleno: mäkké časti, ľavý kĺb", "Bal térd: szűkült ízületi rés, ápolt",
        "Lijevo koljeno: suženje, početna artroza", "Levo koleno: brez zloma, začetna artroza, žila", "Genunchi: fără fractură, spaţiu articular", "Kolano: zwężenie szpary, złamanie",
    ],
)  # fmt: skip
def test_letters_of_central_europe_are_not_taken_for_western_ones(tmp_path, text, codec):
    with pytest.raises(StudyError, match="line 3: there are letters neither"):
        read(tmp_path, f'accession,text\n1,knee\n2,"{text}"\n'.encode(codec))


@pytest.mark.parametrize(
    "text",
    [
        "Kairysis kelis: sąnario tarpas susiaurėjęs, lūžių nematyti, šoninis vaizdas", "DEŠINYS KELIS: ŽYMI ARTROZĖ",
        "Dešinio kelio artrozė", "Kairys kelis, vyresnė moteris, žymūs pakitimai", "Labais celis: locītavas sprauga sašaurināta, lūzumu neredz",
        "Ceļa locītava taisnā projekcijā, pacients stāvus", "KREISAIS CELIS: ĀRĒJĀ DAĻA, ŠAURA SPRAUGA",
    ],
)  # fmt: skip
def test_letters_of_the_baltic_are_not_taken_for_western_ones(tmp_path, text):
    with pytest.raises(StudyError, match="line 3: there are letters neither"):
        read(tmp_path, f'accession,text\n1,knee\n2,"{text}"\n'.encode("cp1257"))


@pytest.mark.parametrize(
    "text",
    [
        "Höger knä, stående.\n20240501, ingen artros\nSlutsats: normalt",
        "Knä:\n1, medial artros\n2, Baker-cysta\nIngen fraktur.",
        "Jfr tidigare:\n20230002, 2019\n20230003, 2020",
        "20230004, jfr\n\n20230005, jfr\n20230006",
    ],
)
def test_lines_of_a_text_may_begin_with_numbers(tmp_path, text):
    data = f'accession,text\n20230001,"{text}"\n20230002,b\n7,c\n'
    assert read(tmp_path, data)["text"].tolist() == [text, "b", "c"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("accession;text\n1;a;\n2;b;\n", "line 2: 3 cells, but the header has 2"),
        ("accession;text\n1;a\n2\n", "line 3: 1 cell, but the header has 2.*write the ones that are missing"),
        ("accession,text\n1,a\n2,b, c\n", "line 3: 3 cells"),
        ("accession,text\n\n1,a\n2,b, c\n", "line 4: 3 cells"),
        ('accession,text\n1,"a\nb"\n2,b, c\n', "line 4: 3 cells"),
        ("accession,text,\n1,a,\n2,b,c\n", "line 3: a cell stands under no column's name"),
        ('accession,text\n1,"a\n2,b\n', "line 2: a quotation mark isn't closed"),
        ('accession,text\n0001,"a.\n0002,b.\n0003,"c"\n0004,d\n', "line 2: a quotation mark isn't closed"),
        ('accession,text\n0001,"a.\n0002,b.\n0003,c"\n0004,d\n', "line 2: .* looks like a row of its own"),
        ('accession,text\n1,"a" b\n', "line 2: a quotation mark"),
        ("Accession,accession ,text\n1,1,a\n", "two columns called 'accession' \\(the 1st and the 2nd\\)"),
        ('accession,text,date\n01,"a,1\n02,b",1\n03,c,1\n', "line 2: .* looks like a row of its own \\(of '02'"),
        ('text,accession\n"a,01\nb",02\nc,03\n', "line 2: .* looks like a row of its own \\(of '01'"),
        ('text,accession\n"a,01\nb,02\nc",03\n', "line 2: .* looks like a row of its own"),
        ("Reports of May\n\naccession;text\n1;a\n", "the names of its columns are in line 3; remove what stands above"),
        ('"sep=;"\naccession;text\n1;a\n', "the names of its columns are in line 2"),
        ("accession,text,text_2\n1,a,b\n", "has the column 'text_2', as statistics programs call a second one"),
        ("accession\n1\n", "lacks the column 'text'; it has 'accession'"),
        ("accession:text\n1:a\n", "lacks the column 'accession'.* separated by commas, semicolons"),
        ("<html>\n<table>accession</table>", "Its first line must name its columns"),
        ("accession,text\n1,h\xf6ger kn\xe4\n".encode("mac_roman"), "line 2: there are letters neither"),
        ("accession,text\n1,h\xf6ger\n".encode("cp850"), "line 2: there are letters neither"),
        ("accession,text\r1,a\r2,Ã…sa h\xf6ger\r".encode("cp1252"), "line 3: there are letters neither"),
        (
            "accession,text\n1,\u0430\u0440\u0442\u0440\u043e\u0437\n".encode("cp1251"),
            "line 2: there are letters neither",
        ),
        ("accession,text\n1,a\n2,daralm\u0131\u015f\n".encode("cp1254"), "line 3: there are letters neither"),
        ("accession,text\n1,k\u0131k\u0131rdak\n".encode("cp1254"), "line 2: there are letters neither"),
        ("accession,text\n1,a\n2,zw\u0119\u017cenie\n".encode("iso8859_2"), "line 3: there are letters neither"),
        (CONTROL.encode() + b"2,v\xe4\n", "line 3: there are letters neither"),
        (b"\xef\xbb\xbfaccession,text\n1,h\xf6ger\n", "line 2: there are letters neither"),
        (",accession,text\n1,1,a\n1,2,b\n", "line 2: a cell stands under no column's name"),
        (CONTROL.encode()[:-3] + b"\xc3", "line 3: there are letters neither"),
        ("", "is empty; it needs a header: accession, text"),
        (b"PK\x03\x04 a spreadsheet", "save it as CSV"),
        (gzip.compress(CONTROL.encode(), mtime=0), "is a spreadsheet, packed or another binary file"),
        (b"accession,text\n1,a\n2,\0\n", "line 3: the file isn't a table of text"),
        (CONTROL.encode("utf-16")[:-1], "cut or damaged"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(tmp_path, data, message):
    with pytest.raises(StudyError, match=message):
        read(tmp_path, data)


def test_no_message_quotes_a_cell_of_text(tmp_path):
    damaged = 'accession,text\n1,"Secret\n', 'accession,text\n1,"Secret" b\n'
    for data in ("accession,text,\n1,a,Secret\n", *damaged, "1,Secret word.\n2,a\n"):
        with pytest.raises(StudyError) as caught:
            read(tmp_path, data)
        assert "Secret" not in str(caught.value)


def test_rows_are_known_by_their_line(tmp_path):
    frame = read(tmp_path, 'accession,text\n\n1,"a\nb"\n\n2,c\n')
    assert frame.index.tolist() == [3, 6]


def test_identifiers_of_parquet_are_the_same_as_those_of_csv(tmp_path):
    frame = pd.DataFrame(
        {"Exam ": ["00001", "1.10"], "patient": [7.0, np.nan], "n": [7, 8], "score": [0.1, 1e-9], "bytes": [b"a", b"b"]}
    )
    frame.to_parquet(tmp_path / "a.PARQUET")
    found = read_text_table(tmp_path / "a.PARQUET", ["exam"])
    assert found.to_numpy().tolist() == [["00001", "7", "7", "0.1", "a"], ["1.10", "", "8", "1e-09", "b"]]
    assert numbers(found, ["score"], "a")["score"].tolist() == [0.1, 1e-9]
    with pytest.raises(StudyError, match="isn't a Parquet file"):
        read_text_table(written(tmp_path, "exam,patient\n", "b.parquet"))


def test_numbers(tmp_path):
    frame = read(tmp_path, "a;b;c\n0,5;NA;True\n-1.25e-3;.;false\n", (), "t.csv")
    found = numbers(frame, ["a", "b", "c", "d"], "t.csv")
    assert found["a"].tolist() == [0.5, -0.00125]
    assert found["c"].tolist() == [1, 0]
    assert found[["b", "d"]].isna().all(axis=None)
    assert numbers(read(tmp_path, "a\n\N{MINUS SIGN}0.5\n\uff11.\uff15\n", (), "t.csv"), ["a"], "t.csv")[
        "a"
    ].tolist() == [-0.5, 1.5]
    with pytest.raises(StudyError, match=r"t.csv, line 2: '0¹' in the column 'a' is no number"):
        numbers(read(tmp_path, "a\n0¹\n", (), "t.csv"), ["a"], "t.csv")
    with pytest.raises(StudyError, match=r"t.csv, line 3: 'two' in the column 'a' is no number"):
        numbers(read(tmp_path, "a\n1\ntwo\n", (), "t.csv"), ["a"], "t.csv")


@pytest.mark.parametrize("others", [["950", "980"], ["0.5"], ["-999.25", "7"]])
def test_a_comma_that_may_part_thousands_is_refused(tmp_path, others):
    frame = read(tmp_path, "\n".join(["a", *others, '"1,050"']) + "\n", (), "t.csv")
    with pytest.raises(StudyError, match=rf"line {len(others) + 2}: '1,050' in the column 'a' .* may part thousands"):
        numbers(frame, ["a"], "t.csv")


@pytest.mark.parametrize(
    "cells", [["1,050", "2,125", "3"], ["99,512", "100"], ["1,050", "0,2", "950"], ["0,125", "1.5"]]
)
def test_a_decimal_comma_stays_one(tmp_path, cells):
    frame = read(tmp_path, "a;b\n" + "".join(f"{cell};x\n" for cell in cells), (), "t.csv")
    assert numbers(frame, ["a"], "t.csv")["a"].tolist() == [float(cell.replace(",", ".")) for cell in cells]


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(StudyError, match="does not exist"):
        read_text_table(tmp_path / "nowhere.csv")


def test_names_in_the_projects_own_csv_are_text(tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text("exam,reader,n,reason\n007,1,1,NA\nNA,2,,\n1.10,3,2.5,late\n")
    frame = read_table(path)
    assert list(frame["exam"]) == ["007", "NA", "1.10"] and list(frame["reader"]) == ["1", "2", "3"]
    assert frame["n"].isna().tolist() == [False, True, False] and frame["n"].sum() == 3.5
    assert frame["reason"].tolist()[::2] == ["NA", "late"] and frame["reason"].isna()[1]

"""The manuscript's source: no number of the study is typed in it, and all that it names is there."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from analysis.archive.sources import find_sources
from analysis.errors import StudyError
from analysis.manuscript.render import render
from analysis.manuscript.source import choose, keys, lookup, missing
from analysis.manuscript.stage import stage
from analysis.presentation.settings import ManuscriptSettings
from tests.presentation.conftest import SOURCE, prose

#: Digits that may stand in the text, and why: none of them could change with the data.
ALLOWED = {"SHA-256": "the name of an algorithm"}
NOT_TEXT = (
    r"\{\{<.*?>\}\}",  # a value or an include
    r"\{[^{}]*\}",  # identifiers, classes, conditions, alternative texts
    r"\]\([^)]*\)",  # paths of images
    r"@[A-Za-z][\w:.-]*",  # citations and cross-references
    r"(?m)^#.*yml.*$",  # comments of the front matter
)


def typed_digits(text: str) -> list[str]:
    """Return every digit that a reader would see and nobody computed, with the words around it."""
    for pattern in (*NOT_TEXT, *map(re.escape, ALLOWED)):
        text = re.sub(pattern, "", text)
    return re.findall(r"[^\n]{0,20}\d[^\n]{0,10}", text)


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.qmd")), ids=lambda path: path.name)
def test_no_digit_of_the_text_is_typed(path):
    assert typed_digits(path.read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "Of 5,700 exams none was left out.",
        "[The AUC was 0.97.]{.content-visible when-meta=\"auc.merged_better\"}",
        "AUC in the test set with 95% confidence intervals.",
        "The value {{< meta auc.level >}} and 3 more [@olsson2021].",
    ],
)  # fmt: skip
def test_a_planted_digit_is_found(planted):
    text = (SOURCE / "_results.qmd").read_text()
    assert typed_digits(text + "\n" + planted)


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.qmd")), ids=lambda path: path.name)
def test_paragraphs_are_short_enough_to_be_edited(path):
    # As they are read: of a phrase that is shown on a condition the phrase counts, not the condition.
    shown = re.sub(r"\]\{\.content-[^}]*\}|\{\{<[^>]*>\}\}", "0.00", path.read_text())
    assert [text[:60] for text in re.split(r"\n\s*\n", shown) if len(text) > 600] == []
    # A space at the start of a span is dropped, and two words become one.
    assert re.findall(r".{20}\[ [^\]]*\]\{\.content.{0,20}", path.read_text()) == []


def test_everything_the_text_names_is_there(made, tmp_path):
    values = made.stage(tmp_path / "manuscript")
    text = prose()
    named = keys(text)
    assert list(missing(text, values)) == []
    assert len(named.values) > 80 and len(named.conditions) > 60
    for condition in named.conditions:
        assert isinstance(lookup(values, condition), bool), condition
    bibliography = set(re.findall(r"@\w+\{([^,]+),", (SOURCE / "references.bib").read_text()))
    assert named.citations <= bibliography
    for image in named.images:
        assert not Path(image).suffix, f"{image} has an ending, so that no format can choose its own"


def test_both_renderers_find_every_visible_figure_and_reference(made, tmp_path):
    """The pass of pandoc before either renderer: what is visible in this study resolves, what is hidden isn't asked."""
    made.stage(tmp_path / "manuscript")
    (page,) = render(tmp_path / "manuscript", ManuscriptSettings(formats=("html",)), "pandoc")
    text = page.read_text()
    assert "content-visible" not in text
    drawn = {path.stem for path in (made.folder / "figures").glob("*.svg")}
    shown = {name for name in drawn if f'id="fig-{name}"' in text}
    assert shown == drawn, f"drawn, but not in the text: {drawn - shown}"


def test_every_entry_of_the_bibliography_is_cited():
    named = keys(prose())
    bibliography = set(re.findall(r"@\w+\{([^,]+),", (SOURCE / "references.bib").read_text()))
    # Sources of gradings and of cohorts are cited by the studies that use them.
    others = {yaml.safe_load(path.read_text()).get("reference") for path in Path("workflow/gradings").glob("*.yaml")}
    for source in find_sources().values():
        others |= {source.cohort.citation, source.cohort.origin_citation}
    assert bibliography - named.citations <= others


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ("{{< meta auc.no_such_value >}}", "value 'auc.no_such_value'"),
        ("{{< meta auc >}}", "value 'auc', which is not a single value"),
        ('[Never.]{.content-visible when-meta="auc.no_such_choice"}', "condition 'auc.no_such_choice'"),
        ('[Never.]{.content-visible when-meta="auc.level"}', "condition 'auc.level'"),
        ("See @tbl-nowhere.", "cross-reference 'tbl-nowhere'"),
        ("{{< include _tables/nowhere.md >}}", "_tables/nowhere.md"),
    ],
)
def test_what_is_missing_stops_the_staging_by_name(kl, source, tmp_path, planted, name):
    with (source / "_discussion.qmd").open("a") as file:
        file.write(f"\n{planted}\n")
    with pytest.raises(StudyError, match=re.escape(name)):
        kl.stage(tmp_path / "manuscript", source)


HIDDEN_TABLE = """\
::: {.content-visible unless-meta="has.table_performance"}
::: {#tbl-hidden}

| a |
|---|
| b |

Hidden.
:::
:::

See @tbl-hidden."""


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ("![](figures/nowhere)", "image figures/nowhere"),
        ("As is known [@nobody1900].", "citation nobody1900"),
        (HIDDEN_TABLE, "reference tbl-hidden"),
        ("::: {#tbl-empty}\n\nNo table.\n\nIts caption.\n:::", "table tbl-empty"),
        ("::: {#fig-bare}\n\n![](figures/flow)\n:::", "caption fig-bare"),
    ],
)
def test_what_is_missing_stops_the_rendering_by_name(kl, source, tmp_path, planted, name):
    with (source / "_discussion.qmd").open("a") as file:
        file.write(f"\n{planted}\n")
    kl.stage(tmp_path / "manuscript", source)
    with pytest.raises(StudyError, match=re.escape(name)):
        render(tmp_path / "manuscript", ManuscriptSettings(formats=("html",)), "pandoc")


def test_a_missing_table_is_named(kl, source, tmp_path):
    (kl.folder / "tables/performance.md").rename(tmp_path / "performance.md")
    try:
        with pytest.raises(StudyError, match=re.escape("_tables/performance.md")):
            kl.stage(tmp_path / "manuscript", source)
    finally:
        (tmp_path / "performance.md").rename(kl.folder / "tables/performance.md")


CHOICE = {"yes": True, "no": False, "deep": {"yes": True}}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('A [b]{.content-visible when-meta="yes"} c.', "A b c."),
        ('A [b]{.content-visible when-meta="no"} c.', "A c."),
        ('A [b]{.content-hidden when-meta="no"} c.', "A b c."),
        ('A [b]{.content-visible unless-meta="no"} c.', "A b c."),
        ('A [b]{.content-visible when-meta="yes" unless-meta="deep.yes"} c.', "A c."),
        ('A[, b]{.content-visible when-meta="no"}; c.', "A; c."),
        ('A [b]{.content-visible when-meta="no"}[c]{.content-visible when-meta="yes"} d.', "A c d."),
        ('[A [b]{.content-visible when-meta="no"} [@c; @d].]{.content-visible when-meta="yes"}', "A [@c; @d]."),
        ('[A [b]{.content-visible when-meta="yes"}]{.content-visible when-meta="no"}', ""),
        # A sentence a line: a line of which nothing is left must not part the paragraph.
        ('A.\n[B.]{.content-visible when-meta="no"}\nC.', "A.\nC."),
        # Spaces at the start of a line would be code.
        ('[A.]{.content-visible when-meta="no"} [B.]{.content-visible when-meta="no"} C.', "C."),
        ('A.\n\n[B.]{.content-visible when-meta="no"}\n\nC.', "A.\n\n\n\nC."),
        ('[a](b) `]` \\[ ![](c){fig-alt="[d]"} e', '[a](b) `]` \\[ ![](c){fig-alt="[d]"} e'),
        ('::: {.content-visible when-meta="no"}\n::: {#tbl-a}\nB\n:::\n:::\nC', "C"),
        ('::: {.content-visible when-meta="yes"}\n::: {#tbl-a}\nB\n:::\n:::\nC', "::: {#tbl-a}\nB\n:::\nC"),
        ('::: {.content-visible when-meta="no"}\n::: {.content-visible when-meta="yes"}\nB\n:::\n:::\nC', "C"),
    ],
)
def test_conditions_choose_what_stays(source, text):
    assert choose(source, CHOICE) == text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('::: {.content-visible when-meta="yes"}\nA', "doesn't close the block '::: {.content-visible"),
        ("A\n:::\n", "closes a block"),
        ('A [b]{.content-visible when-format="html"} c.', "can't be read in 'A [b]{.content-visible when-format"),
        ('A [b]{ .content-visible when-meta="yes"} c.', "can't be read"),
        ("::: {.content-visible when-meta=yes}\nA\n:::", "can't be read"),
    ],
)
def test_a_condition_that_cannot_be_read_is_an_error(source, said):
    with pytest.raises(StudyError, match=re.escape(said)):
        choose(source, CHOICE)


def test_what_stands_in_a_table_asks_for_nothing(kl, tmp_path):
    """Tables are data: a label in the form of a value or an include isn't resolved, and doesn't reach a renderer."""
    tables = Path(shutil.copytree(kl.folder / "tables", tmp_path / "tables"))
    with (tables / "performance.md").open("a") as file:
        file.write("| {{< env HOME >}} | | | | |\n")
    with pytest.raises(StudyError, match=re.escape("Nothing resolves '{{< env HOME >}}")):
        stage(SOURCE, tables, kl.folder / "figures", kl.folder / "values.yml", tmp_path / "out")

"""What Quarto would refuse, fetch or stumble over is found without Quarto.

`SCHEMA` holds what we say to Quarto against what it validates: every key that we use, with the values that the schemas of
Quarto 1.6.43, 1.7.34, 1.8.27 and 1.9.38 take and that we mean. Those four agree about all of them. Any other key is a fault
here: the names that Quarto reserves are many (`coverage`, `title-prefix`, `license` …) and grow, so that none is ours.
"""

import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from analysis.manuscript.stage import TEXT

STRING, FLAG = {"type": "string"}, {"type": "boolean"}
PIXELS = {"type": "string", "pattern": r"^\d+px$"}
PATH = {"type": "string", "pattern": r"^[\w-]+\.\w+$"}  # beside the text, and so in the bundle


def closed(**properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


def some(items):
    return {"type": "array", "items": items, "minItems": 1}


AUTHOR = {**closed(name=STRING, affiliation=STRING, email=STRING, orcid=STRING), "required": ["name"]}
FRONT = closed(title=STRING, lang=STRING, keywords=some(STRING), author=some(AUTHOR))
IMAGES = {"enum": ["svg", "png"]}
SCHEMA = closed(
    # A project of type manuscript moves its outputs away, and what was published beside the source with them.
    project=closed(type={"const": "default"}, render={"const": [TEXT]}),
    bibliography=PATH,
    csl=PATH,
    **{"link-citations": FLAG, "number-sections": FLAG},
    crossref=closed(**{"title-delim": STRING}),
    execute=closed(enabled={"const": False}),
    format=closed(
        html=closed(
            toc=FLAG,
            css=PATH,
            filters=some(PATH),
            theme={"const": "default"},  # all others fetch a font
            grid=closed(**{"body-width": PIXELS, "margin-width": PIXELS}),
            lightbox={"const": False},  # links every picture to a file beside the page
            **{
                "toc-depth": {"type": "integer"},
                "page-layout": {"enum": ["article", "full"]},
                "embed-resources": {"const": True},
                "format-links": {"const": False},  # to files beside the page
                "html-math-method": {"const": "mathml"},  # all others fetch a script
                "citations-hover": FLAG,
                "crossrefs-hover": FLAG,
                "default-image-extension": IMAGES,
            },
        ),
        docx=closed(filters=some(PATH), **{"reference-doc": PATH, "default-image-extension": IMAGES}),
        typst=closed(
            filters=some(PATH),
            citeproc=FLAG,
            **{"template-partials": some(PATH), "section-numbering": STRING, "default-image-extension": IMAGES},
        ),
        jats=closed(filters=some(PATH), **{"default-image-extension": IMAGES}),
    ),
)
#: What makes a renderer or a browser ask the network for something, in styles, templates, filters and the text.
NETWORK = re.compile(
    r"@import\b|url\(\s*[\"']?(?:https?:)?//|<script\b|<link\b[^>]*\bhref|@preview/|"
    r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//|!\[[^\]]*\]\((?:https?:)?//|pandoc\.mediabag\.fetch"
)
#: What Quarto would resolve by itself: its JATS writer stops on such a block around a paragraph (1.6 to 1.8).
QUARTOS_OWN = re.compile(
    r"\.content-(?:visible|hidden)|(?:when|unless)-(?:meta|format|profile)|\{\{<|^:{3,}\s*\{\.callout", re.M
)


def faults(folder: Path) -> list[str]:
    """Return a clause for each thing in a staged manuscript that Quarto would refuse, fetch or stumble over."""
    project = yaml.safe_load((folder / "_quarto.yml").read_text())
    head, text = re.match(r"---\n(.*?)\n---\n(.*)", (folder / TEXT).read_text(), re.DOTALL).groups()
    found = []
    for name, schema, given in (("_quarto.yml", SCHEMA, project), (TEXT, FRONT, yaml.safe_load(head))):
        for error in jsonschema.Draft202012Validator(schema).iter_errors(given):
            found.append(f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}")
    for path in sorted(folder.iterdir()):
        if path.suffix in (".css", ".lua", ".typ", ".qmd", ".html", ".yml") and path.name != "values.yml":
            found += [f"{path.name}: the network: {hit}" for hit in NETWORK.findall(path.read_text())]
    found += [f"{TEXT}: left to Quarto: {hit}" for hit in QUARTOS_OWN.findall(text)]
    named = [project.get("bibliography"), project.get("csl")]
    for settings in project.get("format", {}).values():
        for key in ("css", "reference-doc", "filters", "template-partials"):
            named += [settings[key]] if isinstance(settings.get(key), str) else settings.get(key) or []
    found += [f"_quarto.yml: {name} is not there" for name in named if name and not (folder / name).exists()]
    return found


@pytest.fixture(scope="module")
def staged(kl, tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged") / "manuscript"
    kl.stage(folder)
    return folder


def test_every_study_gives_quarto_nothing_to_refuse(made, tmp_path):
    made.stage(tmp_path / "manuscript")
    assert faults(tmp_path / "manuscript") == []


def test_authors_are_as_quarto_wants_them(kl, tmp_path):
    values = yaml.safe_load((kl.folder / "values.yml").read_text())
    values["author"] = [{"name": "A", "affiliation": "B", "email": "a@b.org", "orcid": "0000-0002-1825-0097"}]
    (tmp_path / "values.yml").write_text(yaml.safe_dump(values))
    kl.stage(tmp_path / "manuscript", values=tmp_path / "values.yml")
    assert faults(tmp_path / "manuscript") == []


def edit(name, old, new):
    def plant(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return plant


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        # The fault that stopped every format: values among Quarto's metadata, one of them under a name that it validates.
        (edit("_quarto.yml", "execute:", "metadata-files: [values.yml]\nexecute:"), "'metadata-files' was unexpected"),
        (edit(TEXT, "keywords:", "coverage: {any: true}\nkeywords:"), "'coverage' was unexpected"),
        (edit(TEXT, "title:", "title: [a]\nsubtitle:"), "is not of type 'string'"),
        (edit("_quarto.yml", "theme: default", "theme: cosmo"), "theme: 'default' was expected"),
        (edit("_quarto.yml", "theme: default", "theme: [default, brand.scss]"), "theme: 'default' was expected"),
        (edit("_quarto.yml", "mathml", "mathjax"), "html-math-method: 'mathml' was expected"),
        (edit("_quarto.yml", "lightbox: false", "lightbox: auto"), "lightbox: False was expected"),
        (edit("_quarto.yml", "embed-resources: true", "embed-resources: false"), "embed-resources: True was expected"),
        (edit("_quarto.yml", "type: default", "type: manuscript"), "project.type: 'default' was expected"),
        (edit("_quarto.yml", "toc: true", "toc: 'yes'"), "format.html.toc: 'yes' is not of type 'boolean'"),
        (edit("_quarto.yml", "toc: true", "toc: true\n    mainfont: Lato"), "'mainfont' was unexpected"),
        (edit("_quarto.yml", "1000px", "1000"), "body-width: 1000 is not of type 'string'"),
        (edit("_quarto.yml", "csl: v", "csl: https://www.zotero.org/styles/v"), "csl: 'https:"),
        (edit("_quarto.yml", "css: styles.css", "css: other.css"), "other.css is not there"),
        (edit("styles.css", "body {", '@import "https://fonts.example.org/a.css";\nbody {'), "styles.css: the network: @imp"),
        (edit("styles.css", "body {", "body { background: url('https://example.org/a.png');"), "the network: url('https://"),
        (edit("typst-show.typ", "#set page", '#import "@preview/fontawesome:0.5.0"\n#set page'), "the network: @preview/"),
        (edit(TEXT, "\n# Abstract", '\n<script src="https://cdn.example.org/a.js"></script>\n\n# Abstract'), "<script"),
        (edit(TEXT, "\n# Abstract", "\n![](https://example.org/a.png)\n\n# Abstract"), "the network: ![](https://"),
        (edit(TEXT, "\n# Abstract", '\n::: {.content-visible when-meta="a"}\nB.\n:::\n\n# Abstract'), "left to Quarto: .content"),
        (edit(TEXT, "\n# Abstract", '\n[B]{.content-hidden unless-format="html"}\n\n# Abstract'), "left to Quarto: .content"),
        (edit(TEXT, "\n# Abstract", "\n{{< meta title >}}\n\n# Abstract"), "left to Quarto: {{<"),
        (edit(TEXT, "\n# Abstract", "\n::: {.callout-note}\nB.\n:::\n\n# Abstract"), "left to Quarto: ::: {.callout"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(staged, tmp_path, plant, said):
    folder = Path(shutil.copytree(staged, tmp_path / "manuscript"))
    plant(folder)
    assert any(said in fault for fault in faults(folder)), faults(folder)

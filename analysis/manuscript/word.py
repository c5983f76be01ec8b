"""The looks of the DOCX: pandoc's own reference document with numbered A4 pages and small tables."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from analysis.files import atomic

#: Sizes in half-points: text, table cells (pandoc's style "Compact"), captions.
TEXT, CELL, CAPTION = 21, 15, 18
MARGIN = 1134  # twentieths of a point: 20 mm
PAGE = (
    '<w:sectPr xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<w:footerReference w:type="default" r:id="rId9"/>'
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar {0} w:header="708" w:footer="708" w:gutter="0"/></w:sectPr>'
)
#: The page's number below it, in the middle; what names and finds it in the file.
FOOTER = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<w:ftr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>'
    '<w:fldSimple w:instr="PAGE"><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p></w:ftr>'
)
OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
PARTS = {
    "[Content_Types].xml": f'<Override PartName="/word/footer1.xml" ContentType="{OFFICE}.footer+xml"/></Types>',
    "word/_rels/document.xml.rels": '<Relationship Id="rId9" Target="footer1.xml"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer"/></Relationships>',
}


def write_reference(out: Path) -> None:
    """Write the reference document that both renderers give to pandoc.

    Parameters
    ----------
    out : Path
        Usually `manuscript/reference.docx`, which is kept with the text; the same pandoc makes the same bytes.
    """
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--print-default-data-file", "reference.docx"]
    with atomic(out) as temporary:
        temporary.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
        with ZipFile(temporary) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        styles = parts["word/styles.xml"].decode("utf-8")
        for style, size in (("BodyText", TEXT), ("Compact", CELL), ("Caption", CAPTION), ("Bibliography", CAPTION)):
            styles = _size(styles, style, size)
        styles = re.sub(r"<w:rFonts [^>]*/>", '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/>', styles)
        styles = re.sub(
            r'(w:styleId="Compact">.*?<w:spacing )[^>]*/>', r'\1w:before="10" w:after="10"/>', styles, flags=re.DOTALL
        )
        parts["word/styles.xml"] = styles.encode("utf-8")
        margins = " ".join(f'w:{side}="{MARGIN}"' for side in ("top", "right", "bottom", "left"))
        document = parts["word/document.xml"].decode("utf-8")
        document = re.sub(r"<w:sectPr\b.*?</w:sectPr>|<w:sectPr\s*/>", PAGE.format(margins), document, flags=re.DOTALL)
        parts["word/document.xml"] = document.encode("utf-8")
        parts["word/footer1.xml"] = FOOTER.encode("utf-8")
        for name, added in PARTS.items():
            text = parts[name].decode("utf-8")
            parts[name] = re.sub(r"</\w+>\s*$", added, text).encode("utf-8")
        with ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)


def _size(styles: str, style: str, size: int) -> str:
    """Set the font size of one paragraph style."""

    def change(match: re.Match[str]) -> str:
        text = re.sub(r"<w:szC?s? [^>]*/>", "", match[0])
        wanted = f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>'
        if "<w:rPr>" in text:
            return text.replace("<w:rPr>", f"<w:rPr>{wanted}", 1)
        return text.replace("</w:style>", f"<w:rPr>{wanted}</w:rPr></w:style>")

    return re.sub(rf'<w:style [^>]*w:styleId="{style}">.*?</w:style>', change, styles, flags=re.DOTALL)

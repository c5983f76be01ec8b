"""The Word document that lends the DOCX its styles."""

from click.testing import CliRunner

from analysis.__main__ import main
from tests.presentation.conftest import SOURCE


def test_the_style_document_is_the_one_that_the_command_makes(tmp_path):
    done = CliRunner().invoke(main, ["word-style", "--out", str(tmp_path / "reference.docx")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "reference.docx").read_bytes() == (SOURCE / "reference.docx").read_bytes()

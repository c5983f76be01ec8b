"""Snakemake's own report of the smoke study."""

from tests.workflow import started
from tests.workflow.test_smoke import STUDY


def test_report_holds_figures_tables_and_manuscript_with_captions(smoke, tmp_path):
    report = tmp_path / "report.html"
    command, environment = smoke.command("--report", str(report))
    cores = command.index("--cores")
    del command[cores : cores + 2]  # as the README writes it
    done = started.run(command, smoke.folder, environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    text = report.read_text(encoding="utf-8")
    shown = [*(smoke.folder / STUDY / "figures").glob("*.svg"), *(smoke.folder / STUDY / "tables").glob("*.csv")]
    assert len(shown) > 20
    for path in [*shown, smoke.folder / STUDY / "manuscript/index.pdf"]:
        assert f'"{path.relative_to(smoke.folder).as_posix()}": {{' in text
    assert "Figure <em>roc</em> of the manuscript (kl)" in text and "Table <em>performance</em>" in text
    assert all(f'"{category}"' in text for category in ("Figures", "Tables", "Manuscript"))
    assert "small simulated hospital archive" in text

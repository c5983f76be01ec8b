"""An option's name means one thing in every command."""

import subprocess
import sys
from collections import defaultdict

import click
import pytest

from analysis.__main__ import _commands
from analysis.options import SHARED

#: What is written is each command's own.
OWN = {"--out"}


def kind(option):
    if isinstance(option.type, click.Path):
        return "file" if option.type.file_okay else "folder" if option.type.dir_okay else "path"
    return type(option.type).__name__.replace("IntRange", "IntParamType")


def options():
    found = defaultdict(lambda: defaultdict(list))
    for command in _commands():
        for option in command.params:
            if isinstance(option, click.Option):
                found[option.opts[0]][kind(option)].append(command.name)
    return found


@pytest.mark.parametrize("name", sorted(options().keys() - OWN))
def test_an_option_takes_the_same_kind_of_thing_everywhere(name):
    assert len(options()[name]) == 1, dict(options()[name])


def test_shared_options_are_defined_in_one_place():
    for command in _commands():
        for option in command.params:
            if isinstance(option, click.Option) and option.opts[0] in SHARED:
                wanted, _ = SHARED[option.opts[0]]
                assert option.type is wanted, f"{command.name} {option.opts[0]}: use analysis.options.shared"
                assert option.help, command.name


def test_what_is_read_has_to_be_there(tmp_path):
    from click.testing import CliRunner

    from analysis.__main__ import main

    done = CliRunner().invoke(main, ["predict", "--images", str(tmp_path / "nowhere")])
    assert done.exit_code == 2 and "nowhere' does not exist" in done.output.replace("\n", " ")


@pytest.mark.parametrize(("number", "said"), [(28, "Error: The disk is full"), (5, "Traceback")])
def test_a_full_disk_is_told_in_a_sentence(monkeypatch, capsys, number, said):
    from analysis import __main__ as command

    def fail(**_):
        raise OSError(number, "in the middle of a table")

    monkeypatch.setattr(command, "main", fail)
    with pytest.raises(SystemExit):
        command.run()
    assert capsys.readouterr().err.startswith(said)


def test_a_log_on_a_full_disk_fails_in_a_sentence_too(tmp_path):
    command = [sys.executable, "-m", "analysis", "--log", "/dev/full", "audit", "--out", str(tmp_path / "audit.csv")]
    (tmp_path / "statistics.yaml").write_text("{}")
    done = subprocess.run([*command, f"--settings={tmp_path}/statistics.yaml"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The disk is full") and done.stderr.count("\n") == 1, done.stderr

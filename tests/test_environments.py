"""Each rule's conda environment holds what the rule's command imports; the lock holds nothing that nobody asks for."""

import ast
import importlib.metadata
import inspect
import re
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from analysis.__main__ import _commands

ROOT = Path(__file__).parents[1]
#: Conda's name of what pip calls otherwise.
CONDA = {"torch": "pytorch"}
#: Taken by a library where they are there, without an import of ours.
BEHIND = {
    "pydicom": {"pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls"},  # pixels
    "fastapi": {"Jinja2", "python-multipart", "httpx"},  # pages, forms, its test client
    "torch": {"tensorboard"},
    "rpy2-rinterface": {"rpy2", "rpy2-robjects"},
}
#: Part of another library, which brings it.
PART = {"pydantic_core": "pydantic", "cycler": "matplotlib", "starlette": "fastapi"}
#: Imported by a function that the command never calls.
UNCALLED = {
    ("bundle", "pypandoc_binary"),  # asked for its version by the command 'provenance'
    *(
        (command, name) for command in ("values", "compare-networks") for name in ("torch", "tensorboard")
    ),  # what augmentations do; the text asks for their words alone
}
#: Called by their names, not imported.
TOOLS = {
    "mypy",
    "onnxscript",
    "pandas-stubs",
    "pydicom-data",
    "pytest-xdist",
    "ruff",
    "snakefmt",
    "snakemake",
    "types-pyyaml",
}
#: A text in our code that says R is needed, and the packages of R that it takes.
IN_R = {"library(pROC)": {"r-base", "r-proc"}}


def rules() -> dict[str, tuple[str, str]]:
    """Return the command and the environment of each rule that has both."""
    found = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.split(r"^ *rule (?=\w+:$)", path.read_text(), flags=re.M)[1:]:
            command = re.search(r"python -m analysis --log \{log\} ([\w-]+)", block)
            environment = re.search(r'conda:\n\s+"../../envs/(\w+)\.yaml"', block)
            if command:
                assert environment, f"rule {block.partition(':')[0]} names no environment"
                found[block.partition(":")[0]] = (command[1], environment[1])
    return found


def imports(tree: ast.AST) -> set[str]:
    """Return the modules that a piece of code imports, those for the type checker left out."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found |= imports(node)
    return found


@cache
def source(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    for one in (path.with_suffix(".py"), path / "__init__.py"):
        if one.is_file():
            return one
    return None


def started(command) -> set[str]:
    """Return what a command imports itself, with the functions beside it that it calls."""
    module = inspect.getmodule(command.callback)
    found, seen, todo = set(), set(), [command.callback]
    while todo:
        function = inspect.unwrap(todo.pop())
        seen.add(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        found |= imports(tree)
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        here = [getattr(module, name, None) for name in named]
        todo += [
            one for one in here if inspect.isfunction(one) and one.__module__ == module.__name__ and one not in seen
        ]
    return found


def needs(command) -> dict[str, str]:
    """Return the distributions, and packages of R, that a command needs, each with the module that imports it."""
    todo = {"analysis.__main__", command.callback.__module__, *started(command)}
    if command.name == "make-archive":  # any source
        todo |= {f"analysis.archive.sources.{path.stem}" for path in (ROOT / "analysis/archive/sources").glob("*.py")}
    seen: set[str] = set()
    found: dict[str, str] = {}
    distributions = importlib.metadata.packages_distributions()
    while todo:
        module = todo.pop()
        seen.add(module)
        top = module.partition(".")[0]
        path = source(module) if top == "analysis" else None
        if path:
            text = path.read_text()
            # Importing the command line costs click alone: what commands import, they import when they run.
            mine = ast.parse(text)
            if module.endswith((".__main__", ".commands")):
                mine.body = [node for node in mine.body if not isinstance(node, ast.FunctionDef)]
            todo |= {name for name in imports(mine) if name not in seen}
            for said, packages in IN_R.items():
                if said in text:
                    found |= dict.fromkeys(packages, module)
        elif top != "analysis" and top not in sys.stdlib_module_names and top in distributions:
            for name in distributions[top]:
                found |= dict.fromkeys({PART.get(name, name), *BEHIND.get(name, ())}, module)
    return {name: module for name, module in found.items() if (command.name, name) not in UNCALLED}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>\[ ]", name)[0].lower())


def environment(name: str) -> set[str]:
    listed = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]
    pip = next((entry["pip"] for entry in listed if isinstance(entry, dict)), [])
    return {plain(entry) for entry in [*pip, *(entry for entry in listed if isinstance(entry, str))]}


COMMANDS = {command.name: command for command in _commands()}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_the_environment_of_a_rule_holds_what_its_command_imports(rule):
    command, name = rules()[rule]
    held = environment(name)
    missing = {one: why for one, why in needs(COMMANDS[command]).items() if plain(CONDA.get(one, one)) not in held}
    assert not missing, f"rule {rule}: envs/{name}.yaml lacks what '{command}' imports: {missing}"


def test_a_missing_library_is_seen(monkeypatch):
    """Each was missing once: a rule whose environment lacks it fails the test above."""
    for command, library in (
        ("make-archive", "PyMCubes"),
        ("attribute", "opencv-python-headless"),
        ("compare-gradings", "r-proc"),
    ):
        assert library in needs(COMMANDS[command])


def asked() -> dict[str, Requirement]:
    text = (ROOT / "envs/requirements.in").read_text()
    lines = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    return {plain(line.name): line for line in lines}


def test_whatever_is_asked_for_is_imported_or_called():
    used = {*TOOLS, "grimp", "import-linter"}  # these two in the rules, and by name in a test
    distributions = importlib.metadata.packages_distributions()
    for path in (*ROOT.glob("analysis/**/*.py"), *ROOT.glob("tests/**/*.py")):
        for module in imports(ast.parse(path.read_text())):
            names = distributions.get(module.partition(".")[0], ())
            used |= {plain(one) for name in names for one in (name, *BEHIND.get(name, ()))}
    unused = sorted(asked().keys() - used)
    assert not unused, f"envs/requirements.in asks for what nothing uses: {unused}"


def test_the_lock_holds_what_is_asked_for_and_what_that_needs():
    lines = (ROOT / "envs/requirements.lock").read_text().splitlines()
    locked = {plain(line) for line in lines if not line.startswith("#")}
    needed, todo = {"setuptools"}, list(asked().values())
    while todo:
        requirement = todo.pop()
        extras = ("", *requirement.extras)
        if plain(requirement.name) in needed and not requirement.extras:
            continue
        needed.add(plain(requirement.name))
        for line in importlib.metadata.requires(requirement.name) or ():
            found = Requirement(line)
            if found.marker is None or any(found.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(found)
    locked.add("setuptools")  # pip freeze leaves it out
    assert locked == needed, f"not needed: {sorted(locked - needed)}; missing: {sorted(needed - locked)}"

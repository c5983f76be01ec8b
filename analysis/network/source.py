"""The files of a network that isn't this package's own, found without running any of them."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import site
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from analysis.errors import StudyError
from analysis.network.settings import PAPER


def source_files(backbone: str) -> list[Path]:
    """List the files that a backbone is made by: its module, and all that this imports of the same project.

    Parameters
    ----------
    backbone : str
        The setting `network.backbone`.

    Returns
    -------
    list of Path
        Relative to the current folder where they lie in it; none for the paper's network, whose
        code is this package's. Other installed packages are known by their versions.

    Raises
    ------
    StudyError
        If there is no such module, or its file is no Python, or doesn't define the function.
    """
    if backbone == PAPER:
        return []
    place, _, name = backbone.partition(":")
    spec = _find(place)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise StudyError(
            f"network.backbone is '{backbone}', but there is no module '{place}' on Python's path; correct it, put its "
            "file in this folder, or install its package."
        )
    if name not in (defined := _defined(Path(spec.origin))) and "*" not in defined:
        raise StudyError(f"network.backbone is '{backbone}', but {spec.origin} defines no '{name}'; correct the name.")
    found: dict[str, Path] = {}
    waiting, seen = [place], set()
    while waiting:
        module = waiting.pop()
        spec = _find(module)
        if module in seen or spec is None:
            continue
        seen.add(module)
        parents = [module.rpartition(".")[0]] if "." in module else []
        if spec.loader is None:  # a folder without __init__.py
            waiting += parents
        elif spec.origin and spec.origin.endswith(".py") and _is_own(Path(spec.origin), module, place):
            path = Path(spec.origin)
            found[module] = path
            waiting += [*parents, *_imported(path, module, package=spec.submodule_search_locations is not None)]
    return sorted({_shown(path) for path in found.values()})


def source_hash(backbone: str) -> str | None:
    """Hash the files of a backbone, in the order of their names; None for the paper's network."""
    files = source_files(backbone)
    if not files:
        return None
    hashed = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def _find(module: str) -> ModuleSpec | None:
    """Find a module without importing the packages that it lies in."""
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for i in range(len(parts)):
        name = ".".join(parts[: i + 1])
        try:
            spec = PathFinder.find_spec(name, path)
        except KeyError:  # a folder without __init__.py in a package, which would have to be imported first
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [f"{one}/{parts[i]}" for one in path or []]
        if spec is None and i == 0:
            try:
                spec = importlib.util.find_spec(name)  # an editable installation has a finder of its own
            except (ImportError, ValueError):
                spec = None
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or [])
    return spec


def _is_own(path: Path, module: str, place: str) -> bool:
    """Whether a module belongs to the backbone's project rather than to an installed package."""
    if module.partition(".")[0] == place.partition(".")[0]:
        return True
    installed = [*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("stdlib")]
    return not any(path.resolve().is_relative_to(Path(folder).resolve()) for folder in installed)


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise StudyError(f"{path}, which network.backbone leads to, is not valid Python ({error}).") from error


def _defined(path: Path) -> set[str]:
    """Names that a module may define at its top level; '*' where it takes all of another's."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name) for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _imported(path: Path, module: str, package: bool) -> Iterator[str]:
    """Names of the modules that a file imports, or might: of `from a import b` both a and a.b."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                inside = module.split(".") if package else module.split(".")[:-1]
                above = inside[: len(inside) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _shown(path: Path) -> Path:
    here = Path.cwd().resolve()
    return path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path

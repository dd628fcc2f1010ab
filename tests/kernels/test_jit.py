"""The folder of compiled kernels, and what happens if no folder can be written."""

import ast
import os
import shutil

import numba
import pytest
from support.fresh import PACKAGE, run
from support.strategies import JIT

from bytepiece.kernels import cache, partition


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a copy of the installed package; the folder of kernels is searched from there."""
    package = tmp_path / "site" / "bytepiece"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "_PACKAGE", package)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for name in ("XDG_CACHE_HOME", "BYTEPIECE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return package


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return an empty home folder, on every system."""
    home = tmp_path / "home"
    monkeypatch.setattr(cache, "user_cache", lambda: home / "cache" / "bytepiece")
    return home


@pytest.fixture
def no_home(tmp_path, monkeypatch):
    """Return a home below a regular file, where not even root can make a directory."""
    (tmp_path / "file").write_bytes(b"")
    home = str(tmp_path / "file" / "home")
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, home)
    return home


def make_read_only(package):
    """Put a file in the place of the directory that would hold compiled kernels."""
    (package / "__pycache__").write_bytes(b"")


@pytest.mark.usefixtures("install")
def test_kernels_are_kept_in_the_home(home):
    directory = cache._kernel_folder().path
    assert directory.parent == home / "cache" / "bytepiece"
    assert list(directory.iterdir()) == []
    assert cache._kernel_folder() == (directory, True)


def test_an_edit_of_a_kernel_makes_a_new_directory_and_removes_old_ones(install, home):
    first = cache._kernel_folder().path
    os.utime(first, (0, 0))
    recent = first.with_name("bytepiece-kernels-of-another-install")
    recent.mkdir()
    (install / "formats" / "__init__.py").write_text("# edited\n")
    assert cache._kernel_folder().path == first
    with (install / "encoding" / "nbest.py").open("a") as file:
        file.write("# edited\n")
    second = cache._kernel_folder().path
    assert second != first
    assert set(second.parent.iterdir()) == {second, recent}
    assert home in second.parents


@pytest.mark.usefixtures("no_home")
def test_without_a_home_kernels_are_kept_beside_the_sources(install):
    assert cache._kernel_folder().path.parent == install / "__pycache__"


@pytest.mark.usefixtures("no_home")
def test_a_read_only_install_without_a_home_keeps_nothing(install):
    make_read_only(install)
    assert cache._kernel_folder() == (None, False)


def test_numbas_own_setting_is_followed_and_never_cleaned(install, tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    (theirs / "bytepiece-kernels-of-another").mkdir(parents=True)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(theirs))
    assert cache._kernel_folder().path.parent == theirs
    assert len(list(theirs.iterdir())) == 2
    assert not (install / "__pycache__").exists()


def test_a_folder_can_be_chosen(install, tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "theirs"))
    monkeypatch.setenv("BYTEPIECE_CACHE", str(tmp_path / "chosen"))
    assert cache._kernel_folder().path.parent == tmp_path / "chosen"
    assert not (tmp_path / "theirs").exists()


def test_kernels_work_where_nothing_can_be_kept(install, no_home):
    make_read_only(install)
    script = """
import logging
logging.basicConfig(level=logging.INFO)
import numpy
from bytepiece.kernels import cache, trie
print(cache.FOLDER.path, trie.child(numpy.zeros((300, 2), numpy.int32), 0, 97))
"""
    done = run(script, install, HOME=no_home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["None", "97"]
    # The package's logger says once that kernels are compiled.
    assert done.stderr.count("compiling kernels") == int(JIT)


def test_other_peoples_kernels_compile_as_before():
    """Our kernels are recognized by their module; code that comes from a string has no module."""
    script = """
import numba
import bytepiece.kernels.jit
scope = {"__builtins__": __builtins__}
exec("def function(x): return x + 1", scope)
assert scope["function"].__module__ is None
print(numba.njit(scope["function"])(1))
"""
    done = run(script, PACKAGE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2\n"


def test_the_kernels_keep_ieee_arithmetic_and_release_the_lock():
    if JIT:
        from bytepiece.kernels.best_path import best_path

        assert best_path.targetoptions["nogil"]
        assert not best_path.targetoptions.get("fastmath")


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_a_kernel_for_kernels_refuses_calls_from_python():
    """Without a wrapper, such a call would end the process."""
    with pytest.raises(TypeError, match="only kernels can call scale"):
        partition.scale(1.0, 0)


def test_kernels_take_nothing_from_files_that_the_cache_does_not_watch():
    """A constant from another file would stay in the compiled kernel even if the file changes."""
    watched = {name for name, _ in cache._kernel_sources()}
    for name in sorted(watched):
        tree = ast.parse((PACKAGE / name).read_text("utf-8"))
        homes = {
            alias.asname or alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bytepiece")
            for alias in node.names
        }
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in cache.DECORATORS
                for d in function.decorator_list
            ):
                used = {
                    n.id
                    for part in function.body
                    for n in ast.walk(part)
                    if isinstance(n, ast.Name)
                }
                for home in {homes[n] for n in used & homes.keys()}:
                    file = home.removeprefix("bytepiece.").replace(".", "/") + ".py"
                    assert file in watched, f"{name}: {function.name} uses {home}"


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_a_kernel_that_is_kept_runs_without_the_compiler(tmp_path):
    """What compiling needs takes most of the time in which a process starts."""
    script = """
import sys
import numpy
import bytepiece.kernels.best_path
from bytepiece.kernels.trie import build
build([b"a", b"ab"])
print([name in sys.modules for name in ("numba.np.arraymath", "numba.np.arrayobj")])
"""
    runs = [run(script, PACKAGE, BYTEPIECE_CACHE=str(tmp_path)) for _ in range(2)]
    assert [done.stdout for done in runs] == ["[True, True]\n", "[False, False]\n"], runs

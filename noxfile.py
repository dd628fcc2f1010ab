"""The commands of a contributor: `nox -l` lists them, and `nox -s test` runs one.

Each has a virtual environment of its own, which is kept. What follows `--` goes to the program:
`nox -s test -- -k lattice`. Another Python runs them with `nox -s test --force-python 3.12`.
"""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "imports", "test"]

EXTRAS = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]


def tools(*names: str) -> list[str]:
    """Return the requirements of the extra `dev` that begin with one of the names."""
    return [requirement for requirement in EXTRAS["dev"] if requirement.startswith(names)]


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session
def interpreted(session: nox.Session) -> None:
    """Run the kernels' tests without the compiler."""
    session.install("-e", ".[test]")
    session.env["NUMBA_DISABLE_JIT"] = "1"
    session.run("pytest", "-q", "-n", "auto", *(session.posargs or ["tests/kernels"]))


@nox.session
@nox.parametrize("release", ["0.20.3", "0.21.4", "0.22.2", "0.23.3", "1.0.0rc3"])
def tokenizers(session: nox.Session, release: str) -> None:
    """Run the tests of tokenizer.json files with several releases of Hugging Face tokenizers."""
    session.install("-e", ".[test]", f"tokenizers=={release}")
    tests = [
        "formats",
        "parity",
        "evaluation",
        "cli/test_convert_command.py",
        "audit/test_audit_run.py",
    ]
    session.run("pytest", "-q", *(session.posargs or [f"tests/{test}" for test in tests]))


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples of the README, the docs and the docstrings."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "tests/docs", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Build the manual as a site in site/, and check its links."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def serving(session: nox.Session) -> None:
    """Run the tokenizers inside other people's programs for generation, training and evaluation."""
    session.install("-e", ".[test,integration]")
    session.install("accelerate", "llguidance", "lm-eval", "lm-format-enforcer", "outlines")
    session.install("peft", "trl", "xgrammar")
    tests = ["test_serving.py", "test_saved_for_others.py"]
    session.run("pytest", "-q", *(f"tests/integrations/{test}" for test in tests), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling."""
    session.install(*tools("ruff", "codespell"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".", *tools("mypy"))
    session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports point one way."""
    session.install("--no-deps", "-e", ".")
    session.install(*tools("import-linter"))
    session.run("lint-imports", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks on the sample, about a minute."""
    session.install("-e", ".[bench,parquet]")
    session.run("python", "-m", "benchmarks", "--quick", *session.posargs)


@nox.session(reuse_venv=False)
def build(session: nox.Session) -> None:
    """Build the wheel and the source archive, and try the wheel."""
    for left in ("build", "dist"):
        shutil.rmtree(left, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build")
    session.install(*map(str, Path("dist").glob("*.whl")))
    session.run("bytepiece", "--version")

"""Rules for all code: a class name occurs once, files are short, functions have few parameters."""

import ast
from collections import defaultdict

from support import ROOT

LONGEST_FILE = 450
MOST_PARAMETERS = 10
LONG_FILES = {
    "bytepiece/tokenizer.py": "it is the public face; two thirds of it are docstrings",
}
"""Files that may be longer, each with the reason."""
PUBLIC = {
    "encode": "a call of Tokenizer; its options are keywords",
    "encode_batch": "a call of Tokenizer; its options are keywords",
    "train": "the call that trains; its options are keywords",
    "Encode.__init__": "the options of encode_batch, for datasets",
    "PackedBlocks.__init__": "the options of encode_batch, for PyTorch",
    "BytePieceTokenizer.__init__": "the options of encode_batch, for transformers",
    "_encode_plus": "transformers prescribes its parameters",
}
"""Functions that may have more parameters, each with the reason. A constructor has its class."""

PATHS = [
    path for room in ("bytepiece", "cli", "benchmarks") for path in (ROOT / room).rglob("*.py")
]
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(PATHS)
}


def functions(tree, prefix=""):
    """Yield the name and the node of each function; a constructor's name begins with its class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (f"{prefix}.{node.name}" if node.name == "__init__" else node.name), node
        inner = node.name if isinstance(node, ast.ClassDef) else prefix
        yield from functions(node, inner)


def parameters(function):
    """Return the names of all parameters of a function except `self` and `cls`."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    collecting = [one for one in (given.vararg, given.kwarg) if one]
    return [one.arg for one in (*named, *collecting) if one.arg not in ("self", "cls")]


def is_command(function):
    """Return whether click calls a function: the parameters are then options of a command."""
    return any("click." in ast.unparse(decorator) for decorator in function.decorator_list)


def test_a_class_name_occurs_once_in_the_project():
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def long_files():
    """Return the number of lines of each file that is too long."""
    paths = [*PATHS, *(ROOT / "tests").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    counts = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in paths
    }
    return {path: lines for path, lines in counts.items() if lines > LONGEST_FILE}


def wide_functions():
    """Return the path and the name of each function with too many parameters."""
    return {
        (path, name)
        for path, tree in TREES.items()
        for name, node in functions(tree)
        if len(parameters(node)) > MOST_PARAMETERS and not is_command(node)
    }


def test_a_file_is_not_too_long():
    assert {path: n for path, n in long_files().items() if path not in LONG_FILES} == {}


def test_an_internal_function_has_few_parameters():
    assert {(path, name) for path, name in wide_functions() if name not in PUBLIC} == set()


def test_each_exception_is_still_needed():
    assert LONG_FILES.keys() <= long_files().keys()
    assert PUBLIC.keys() <= {name for _, name in wide_functions()}

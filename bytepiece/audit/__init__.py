"""Samplers, ours and others, held against the exact law; `audit` does it all.

>>> from bytepiece.audit import audit
>>> report = audit(samplers=["perfect"], alphas=[0.5], draws=1000)
>>> report.verdicts[0].follows
True
"""

from typing import TYPE_CHECKING, Any

from bytepiece.audit.results import THRESHOLD, Case, Evidence, Frequency, Report, Test, Verdict

if TYPE_CHECKING:
    from bytepiece.audit.run import audit


def __getattr__(name: str) -> Any:
    # When first used: it imports the compiler, and the adapters, one of which is a program, too.
    if name != "audit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bytepiece.audit.run import audit  # noqa: PLC0415

    return audit

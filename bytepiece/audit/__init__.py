"""The audit, which compares samplers of this and of other libraries with the exact law.

>>> from bytepiece.audit import audit
>>> report = audit(samplers=["perfect"], alphas=[0.5], draws=1000)
>>> report.verdicts[0].follows
True
"""

from typing import TYPE_CHECKING, Any

from bytepiece.audit.results import THRESHOLD as THRESHOLD
from bytepiece.audit.results import Case as Case
from bytepiece.audit.results import Evidence as Evidence
from bytepiece.audit.results import Frequency as Frequency
from bytepiece.audit.results import Report as Report
from bytepiece.audit.results import Test as Test
from bytepiece.audit.results import Verdict as Verdict

if TYPE_CHECKING:
    from bytepiece.audit.run import audit as audit


def __getattr__(name: str) -> Any:
    # The import is late, because it loads the compiler, which is slow.
    if name != "audit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bytepiece.audit.run import audit  # noqa: PLC0415

    return audit

"""The examples in pages, run as doctest runs them."""

import doctest
import re


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


def run_examples(page, language):
    examples = "\n".join(blocks(page, language))
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)

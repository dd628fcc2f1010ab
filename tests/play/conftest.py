"""A server of the page, for all tests of this folder."""

import pytest
from support.browser import chromium
from support.playing import playing

from bytepiece import model_io


@pytest.fixture(scope="session")
def model_files(model, trained, tmp_path_factory):
    """Return two model files. The name of the first one is HTML, and not plain in a shell."""
    folder = tmp_path_factory.mktemp("it's a <b>folder<b>")
    paths = folder / "small <i>&amp; $HOME.model", folder / "merge.model"
    for path, saved in zip(paths, (model, trained["merge"]), strict=True):
        model_io.save(saved, path)
    return [str(path) for path in paths]


@pytest.fixture(scope="session")
def served(model_files):
    """Start the page with two models."""
    with playing(*model_files) as found:
        yield found


# Playwright keeps an event loop running in this thread, so the browser ends with each module.
@pytest.fixture(scope="module")
def browser():
    # Another name of this machine, as someone's domain could be.
    driver, browser = chromium(args=["--host-resolver-rules=MAP evil.test 127.0.0.1"])
    yield browser
    browser.close()
    driver.stop()


@pytest.fixture
def page(browser, served):
    """Open the page; check in the end that nothing failed and that no request left this server."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(served.address)
    page.wait_for_selector(".counts b")
    yield page
    context.close()
    assert all(url.startswith(served.address) for url in asked), asked
    assert wrong == []

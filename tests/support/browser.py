"""A headless Chromium of the system, driven by Playwright's library. It downloads nothing."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium(**options):
    """Start a browser, or skip the test where there is none; return Playwright and the browser."""
    sync = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    driver = sync.sync_playwright().start()
    # Chromium refuses its sandbox to root, as whom tests run in containers.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = [*(["--no-sandbox"] if root else []), *options.pop("args", [])]
    return driver, driver.chromium.launch(executable_path=path, args=arguments, **options)


def write(page, text):
    """Put a text into the box, and wait for its tokens."""
    page.fill("#text", text)
    size = f"{len(text.encode()):,} bytes"
    page.wait_for_selector(f"#notice:text-matches('^{size}')", state="attached")
    page.wait_for_selector(".tokens[aria-busy=true]", state="detached")


def shown(page, panel=0):
    """Return the texts of the blocks of a panel."""
    return page.locator(".tokens").nth(panel).locator(".token").all_inner_texts()

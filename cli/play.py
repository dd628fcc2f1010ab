"""bytepiece play: a page on this machine to try models on."""

import errno
import os
import threading
import webbrowser
from pathlib import Path

import click

from .options import DEFAULT_MODEL, MODEL_VARIABLE, missing_model_explained
from .streams import say

_MOST_MODELS = 4


@click.command("play", short_help="Try models on a page in the browser.")
@click.argument(
    "models",
    metavar="[MODEL]...",
    nargs=-1,
    type=click.Path(path_type=Path),
    envvar=MODEL_VARIABLE,
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    show_default="a free one",
    help="The port of the page.",
)
@click.option("--no-browser", is_flag=True, help="Do not open the page; only show its address.")
def command(models: tuple[Path, ...], port: int | None, no_browser: bool) -> None:
    """Show how models cut a text, on a page in the browser, while you type.

    A MODEL is a file of this library, the original one, SentencePiece, Hugging Face or tiktoken;
    up to four are compared. Without MODEL, the file that $BYTEPIECE_MODEL names or else
    bytepiece.model is read.

    The page is served to this machine only, and only to those who know its address, which is shown
    on standard error. Nothing is sent anywhere. Ctrl-C ends the server.

    \b
    Examples:
      bytepiece play
      bytepiece play ours.model sentencepiece.model tokenizer.json
      bytepiece play --no-browser --port 8765 my.model
    """  # noqa: D301
    if len(models) > _MOST_MODELS:
        raise click.UsageError(f"{len(models)} models are given; {_MOST_MODELS} fit on the page")
    # Imported here, because these load the compiler, which is slow, and --help does not need it.
    from bytepiece.play.files import page_files  # noqa: PLC0415
    from bytepiece.play.server import PlayServer  # noqa: PLC0415
    from bytepiece.play.views import Playground  # noqa: PLC0415

    paths = models or (Path(DEFAULT_MODEL),)
    playground = Playground()
    for path in paths:
        with missing_model_explained(path, "as MODEL"):
            playground.add(path)
    playground.warm_up()

    def ready(address: str) -> None:
        say(f"bytepiece: the page is at {address}; Ctrl-C ends it")
        if not no_browser:
            # In a thread, since some browsers run in the terminal and only then return.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    try:
        PlayServer(page_files(), playground.calls).run(port or 0, ready)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise click.ClickException(
            f"port {port} is already in use; name another one with --port, or none for a free one"
        ) from None
    except KeyboardInterrupt:  # the way to end it
        say("bytepiece: the page is closed")
        # Nothing is left to be saved, and the interpreter takes a second or two to free all objects
        # and to wait for its threads.
        os._exit(0)

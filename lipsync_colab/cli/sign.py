"""``lipsync-colab sign``: Content Credentials (C2PA) into a finished video, with the user's certificate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipsync_colab.errors import InputError

if TYPE_CHECKING:
    from lipsync_colab.marks.credentials import Credentials


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("sign", help="sign a finished video of ours with your certificate (C2PA)")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="mp4 or mov")
    add_credentials(parser)
    parser.set_defaults(run=run)


def add_credentials(parser: argparse.ArgumentParser) -> None:
    """Add the two options that name certificate and key."""
    add = parser.add_argument
    add("--c2pa-cert", type=Path, metavar="PEM", help="sign with Content Credentials: your certificate chain")
    add("--c2pa-key", type=Path, metavar="PEM", help="the private key of its first certificate")


def credentials_from(options: argparse.Namespace) -> Credentials | None:
    """Return what the options name, or None.

    Raises:
        InputError: one of the two is missing.
    """
    from lipsync_colab.marks.credentials import Credentials

    if options.c2pa_cert is None and options.c2pa_key is None:
        return None
    if options.c2pa_cert is None or options.c2pa_key is None:
        raise InputError("--c2pa-cert and --c2pa-key go together; give both")
    return Credentials(options.c2pa_cert, options.c2pa_key)


def run(options: argparse.Namespace) -> int:
    """Sign, and say so."""
    from lipsync_colab.pipeline.signing import sign_video

    credentials = credentials_from(options)
    if credentials is None:
        raise InputError("sign needs --c2pa-cert and --c2pa-key")
    sign_video(options.video, credentials)
    print(f"{options.video} is signed")
    return 0

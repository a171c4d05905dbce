"""``python -m lipsync_colab``: the command line."""

import sys

from lipsync_colab.cli.main import main

sys.exit(main())

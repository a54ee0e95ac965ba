"""``python -m otcore`` is the ``otcore`` command."""

import sys

from otcore.cli import main

sys.exit(main())

"""``python -m cohortstats``."""

import sys

from cohortstats.cli import main

sys.exit(main())

"""`python -m pulumi_mandate.cli`: the same as `mandate`."""

import sys

from . import main

sys.exit(main())

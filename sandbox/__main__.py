"""`python -m sandbox`: Slack, Google Cloud and ION in one process, on loopback.

When everything answers it prints one line of JSON on stdout: where what is. It logs to stderr. SIGTERM or SIGINT end
it cleanly.
"""

import asyncio
import logging
import sys

from sandbox.options import arguments


def main() -> None:
    """The process."""
    options = arguments(sys.argv[1:])
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format="%(levelname)s %(name)s: %(message)s")
    # Late: what the flags say is answered at once, without loading Google's clients first.
    from sandbox.process import serve

    sys.exit(asyncio.run(serve(options)))


if __name__ == "__main__":
    main()

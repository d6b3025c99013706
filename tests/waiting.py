"""Wait for what another process or a browser does.

A machine may be slow or busy, so a test never says how long a thing takes. The limit here only
keeps a test from waiting for ever.
"""

import time

LONG = 600  # seconds, after which something hangs for sure


def wait_for(condition, seconds=LONG, every=0.05):
    """Return what ``condition()`` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} was not true within {seconds} s")
        time.sleep(every)
    return found

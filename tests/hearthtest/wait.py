"""Waiting for a condition, with a deadline and a word on what did not come."""

import time


class Expired(AssertionError):
    """A condition did not become true in time."""


def wait_for(condition, what, seconds=10.0, every=0.02):
    """Returns the first true value of `condition()`; raises `Expired` naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Expired(f"not within {seconds:g} s: {what}")
        time.sleep(every)

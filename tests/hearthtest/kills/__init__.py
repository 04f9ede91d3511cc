"""The agent is killed at random moments while machines boot, people act and files are fetched.

`model` says what a machine may be afterwards, `walk` leads machines through their boots, `files`
fetches, `run` kills and checks. `scripts/kills` is the long form, `tests/e2e/test_kills.py` the short one.
"""

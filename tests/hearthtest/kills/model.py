"""What one machine is, and what every step makes of it; see docs/phases.md. Touches nothing."""

import dataclasses

NEXT, CALL, ALWAYS = "next", "call", "always"  # profiles, by their `installed`
PROFILES = (NEXT, CALL, ALWAYS)
TRIES = 3
UNSURE = "unsure"  # a token of which it is not known whether a script with another went out


@dataclasses.dataclass(frozen=True)
class State:
    """One machine, as far as what happens here changes it."""

    known: bool = False
    phase: str = "discovered"
    profile: str | None = None  # that is installed, or is being; of a held or ignored one, that was
    tries: int = 0
    loaded: bool = False
    token: str | None = None
    wish: str | None = None
    held: bool = False
    approved: bool = False
    pinned: bool = False  # a person said how its disk is started
    tags: tuple = ()
    notes: str = ""

    def to(self, phase, **more):
        """In another phase; what belongs to an installation is gone."""
        plain = {"profile": None, "tries": 0, "loaded": False, "token": None}
        return dataclasses.replace(self, phase=phase, **{**plain, **more})

    def but(self, **more):
        return dataclasses.replace(self, **more)

    def seen(self):
        """What the API shows of it: all but the token."""
        return self.but(token=None)


def seen(machine):
    """The same of the API's answer; `None`: there is no such machine."""
    if machine is None:
        return State()
    detail, wishes = machine["detail"], machine["wishes"]
    on_disk = machine["learnt"]["on_disk"] if machine["phase"] in ("held", "ignored") else None
    return State(
        known=True, phase=machine["phase"], profile=detail.get("profile", on_disk),
        tries=detail.get("tries", 0), loaded=detail.get("loaded", False), wish=wishes["profile"],
        held=wishes["held"], approved=wishes["approved"], pinned=wishes["local_boot"] is not None,
        tags=tuple(sorted(wishes["tags"])), notes=wishes["notes"])


def asked(state, is_boot, token=None):
    """What it is after asking for its script, and what it gets."""
    state = state.but(known=True)
    phase, wish = state.phase, state.wish
    if phase == "held" and not state.held or phase == "discovered":
        state = state.to("ready") if wish else state.to("discovered")
    elif phase in ("ready", "installing") and not wish:
        state = state.to("discovered")
    elif phase == "installing":
        state = asked_while_installing(state, is_boot)
    gets = {"discovered": "menu", "held": "wait", "ready": "install", "installing": "install",
            "installed": "local", "failed": "wait", "ignored": "nothing"}[state.phase]
    if gets != "install" or wish == ALWAYS:
        return state, gets
    before = state.tries if state.phase == "installing" else 0
    tries = max(before + is_boot, 1)
    mine = token if wish == CALL else None
    return state.to("installing", profile=wish, tries=tries, token=mine), gets


def asked_while_installing(state, is_boot):
    wish = state.wish
    if state.profile != wish or wish == ALWAYS:
        return state.to("ready")
    if wish == NEXT and state.loaded and is_boot:
        return state.to("installed", profile=wish)
    if is_boot and state.tries >= TRIES:
        return state.to("failed")
    return state


def loaded(state):
    """The last file of its installation went to it."""
    return state.but(loaded=True) if state.phase == "installing" else state


def reported(state, what):
    """Its installer reports, with the token of the installation that is under way."""
    if what == "done":
        return state.to("installed", profile=state.profile)
    return state.to("failed") if what == "failed" else state


def acted(state, action):
    """A person did something; `None`: that is refused."""
    what, phase = action["action"], state.phase
    if not state.known or what == "unignore" and phase != "ignored":
        return None
    free = {"held": False, "approved": True}
    on_disk = state.profile if phase in ("installed", "held", "ignored") else None
    if what == "assign":
        after = state.to("ready") if phase in ("discovered", "held", "failed") else state
        return after.but(wish=action["profile"], **free)
    if what == "unassign":
        gone = state.wish and phase in ("ready", "installing", "failed")
        return (state.to("discovered") if gone else state).but(wish=None)
    if what == "reinstall":
        return state.to("ready").but(**free)
    if what == "local":
        return state.to("installed", profile=action["profile"]).but(held=False)
    if what == "hold":
        return state.to("held", profile=on_disk).but(held=True, approved=False)
    if what in ("release", "unignore"):
        waits = phase in ("ignored", "held", "failed")
        back = state.to("installed", profile=on_disk) if on_disk else state.to("discovered")
        return (back if waits else state).but(held=False)
    if what == "ignore":
        return state.to("ignored", profile=on_disk)
    if what == "forget":
        return State()
    return state.but(**{
        "tags": lambda: {"tags": tuple(sorted(action["tags"]))},
        "notes": lambda: {"notes": action["notes"]},
        "local-boot": lambda: {"pinned": True},
    }[what]())


class Machine:
    """What is believed of one machine: what it is now, and what it may be after a kill."""

    def __init__(self):
        self.now = State()
        self.after_kill = {self.now}
        self.maybe = None  # a token that is valid unless a script with another went out

    def begin(self, after):
        """A step is asked for; until it is answered it may have been made or not."""
        self.after_kill.add(after)

    def done(self, after):
        """It was answered: it is on the disk."""
        self.now, self.after_kill, self.maybe = after, {after}, None

    def in_memory(self, after):
        """It was seen, and nobody said that it is on the disk."""
        self.now = after
        self.after_kill.add(after)

    def refused(self):
        """It was answered that nothing was done."""
        self.after_kill = {self.now}

    def found(self, there):
        """What is there after a kill; an error in words if that cannot be."""
        fits = [state for state in self.after_kill if state.seen() == there]
        if not fits:
            could = "\n  ".join(map(str, self.after_kill))
            return f"it is\n  {there}\nand could be\n  {could}"
        tokens = {state.token for state in fits}
        known = next((token for token in tokens if token not in (UNSURE, None)), None)
        is_sure = UNSURE not in tokens
        self.done(there.but(token=known if is_sure else UNSURE))
        self.maybe = None if is_sure else known
        return None

"""The few failures that a caller can act on; each message names the thing, its value and what is right."""

from __future__ import annotations


class RoadsteadError(Exception):
    """Base of everything Roadstead raises on purpose; the command line turns it into one line."""

    exit_code = 1


class InputError(RoadsteadError):
    """The request cannot be carried out as it stands: a site, date, catalogue or option is wrong."""

    exit_code = 2


class SiteError(InputError):
    """A site file breaks a rule; the message lists every rule broken and where."""


class SceneError(RoadsteadError):
    """One scene cannot be used; the run goes on without it and says so.

    Attributes
    ----------
    permanent
        True when asking again cannot help (the file is broken), False for a network fault.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class BareError(SceneError):
    """A scene shows nothing of the site: it is not broken, and there is nothing in it to archive."""


class ArchiveError(RoadsteadError):
    """The archive cannot take or give what was asked of it."""

"""How a site weighs the parts of its utilisation index: the member ``utilisation_weights`` of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasks.model import UTILISATION_WEIGHTS
from tasks.sites.outline import is_number
from tasks.sites.problem import Problem

MEMBER = "utilisation_weights"


def weights_problems(collection: object) -> Iterator[Problem]:
    """Check the weights of a parsed site file; one that gives none is in order."""
    given = _given(collection)
    names = ", ".join(UTILISATION_WEIGHTS)
    if given is None:
        return
    if not isinstance(given, Mapping) or not given:
        yield Problem(
            "", MEMBER, f"{MEMBER} is {given!r}; an object with a number for any of {names} is needed"
        )
        return
    for name, weight in given.items():
        if name not in UTILISATION_WEIGHTS:
            yield Problem("", MEMBER, f"{name!r} is weighed, but the index has no such part; it has {names}")
        elif not is_number(weight) or weight < 0:
            yield Problem("", MEMBER, f"{name} is {weight!r}; a weight is a number of 0 or more")
    if all(is_number(weight) and weight == 0 for weight in given.values()):
        yield Problem("", MEMBER, "all weights are 0; the index needs at least one part")


def read_weights(collection: object) -> dict[str, float]:
    """Weights of a site file in order, by part of the index; a part that is not named weighs nothing.

    Examples
    --------
    >>> read_weights({"utilisation_weights": {"berths": 2, "yards": 1}})
    {'berths': 2.0, 'yards': 1.0, 'rails': 0.0}
    >>> read_weights({})
    {'berths': 0.5, 'yards': 0.3, 'rails': 0.2}
    """
    given = _given(collection)
    if not isinstance(given, Mapping):
        return dict(UTILISATION_WEIGHTS)
    return {name: float(given.get(name, 0)) for name in UTILISATION_WEIGHTS}


def _given(collection: object) -> object:
    return collection.get(MEMBER) if isinstance(collection, Mapping) else None

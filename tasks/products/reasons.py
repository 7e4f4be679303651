"""Why two publications of a site may differ, as their manifests tell: scenes, code, site, assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SITE = "site file changed"
NEW = "new scene"
SUPERSEDED = "superseded scene"
LEFT_OUT = "scene left out now"
REPROCESSED = "reprocessed scene"
CORRECTED = "late correction"
"""A scene measured again by the same code: its background, or an earlier look, has changed."""

SAID = "title, credit, weights or events in the site file changed"

ELSEWHERE = "other looks"
"""A number may change with its neighbours: gained ground is counted against the look before."""


def causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List what has changed of that which a publication follows from; in words, the most general first."""
    reasons = list(scene_reasons(before, after).values())
    general = general_causes(before, after)
    counted = [f"{reasons.count(word)} × {word}" for word in dict.fromkeys(reasons) if word not in general]
    return [*general, *counted]


def general_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """List what has changed that no single scene carries: code, site file, assumptions."""
    found = _versions(before, after)
    if _state(before, "site_digest") != _state(after, "site_digest"):
        found.append(SITE)
    if _state(before, "site_said") != _state(after, "site_said"):
        found.append(SAID)
    if (was := before.get("assumptions", {})) != (now := after.get("assumptions", {})):
        changed = sorted(k for k in {*was, *now} if was.get(k) != now.get(k))
        found.append(f"assumptions changed: {', '.join(changed)}")
    return tuple(found)


def scene_reasons(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Say of every scene with which something has changed what that is; others are left out."""
    was, now = _recipes(before), _recipes(after)
    replaced = dict(after.get("superseded", {}))
    replacing = {str(new) for old, new in replaced.items() if old in was}
    rejected = {str(r["scene_id"]) for r in after.get("rejected", [])}
    reasons = {}
    for scene in sorted({*was, *now}):
        if scene not in was:
            reasons[scene] = REPROCESSED if scene in replacing else NEW
        elif scene not in now:
            known = scene in replaced and scene not in rejected
            reasons[scene] = SUPERSEDED if known else LEFT_OUT
        elif was[scene] != now[scene]:
            reasons[scene] = _measured_anew(before, after)
    return reasons


def _measured_anew(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Say why a scene was measured again: its recipe holds code, site, background and earlier looks."""
    if versions := _versions(before, after):
        return versions[0]
    if _state(before, "site_digest") != _state(after, "site_digest"):
        return SITE
    return CORRECTED


def _versions(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    named = (("measure_version", "measure version"), ("roadstead", "Roadstead"))
    return [
        f"{words} {_state(before, key)} → {_state(after, key)}"
        for key, words in named
        if _state(before, key) != _state(after, key)
    ]


def _recipes(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {str(i["scene_id"]): str(i.get("recipe", "")) for i in manifest.get("inputs", [])}


def _state(manifest: Mapping[str, Any], key: str) -> str:
    return str(manifest.get("state", {}).get(key, "?"))

"""What the looks say of the time after an event that a site's readers know of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Since:
    """Ships at berth after an event, against all that was seen before it."""

    before: float
    after: float
    """Per look that sees all berths."""

    ratio: float
    low: float
    high: float
    """With 90 %."""

    verdict: str
    """``fell``, ``rose``, ``unabated``, or ``untold`` where the looks cannot tell."""

    drop: float
    """Fall that is excluded where it is called unabated."""

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        verdicts = {
            "fell": "fewer than before",
            "rose": "more than before",
            "unabated": f"unabated: a fall of {self.drop * 100:.0f} % is excluded",
            "untold": f"no change is shown, nor is a fall of {self.drop * 100:.0f} % excluded",
        }
        return (
            f"Ships at berth per look: {self.before:.1f} before it, {self.after:.1f} after; "
            f"ratio {self.ratio:.1f} ({self.low:.1f}–{self.high:.1f}, 90 %): {verdicts[self.verdict]}."
        )


TOO_FEW = "Too few looks at berths before or after it to compare."

"""Dates, shares and numbers as the page writes them, the same in every locale."""

from __future__ import annotations

import math
from datetime import datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(when: datetime) -> str:
    """Write a date.

    Examples
    --------
    >>> day(datetime(2023, 12, 9))
    '9 Dec 2023'
    """
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def minute(when: datetime) -> str:
    """Write a date and time."""
    return f"{day(when)}, {when:%H:%M} UTC"


def month_name(when: datetime) -> str:
    """Write a month."""
    return f"{MONTHS[when.month - 1]} {when.year}"


def days_between(low: datetime, high: datetime, beside: datetime) -> str:
    """Write an interval of days; years are left out where they are that of the date it stands beside.

    Examples
    --------
    >>> days_between(datetime(2023, 7, 25), datetime(2023, 8, 25), datetime(2023, 8, 17))
    '25 Jul – 25 Aug'
    >>> days_between(datetime(2023, 12, 25), datetime(2024, 1, 5), datetime(2024, 1, 1))
    '25 Dec 2023 – 5 Jan 2024'
    """
    low_day, high_day = day(low), day(high)
    if low.year == high.year == beside.year:
        low_day, high_day = (text.rsplit(" ", 1)[0] for text in (low_day, high_day))
    return f"{low_day} – {high_day}"


def share(value: float | None) -> str:
    r"""Write a share; only all is 100 % and only nothing is 0 %.

    Examples
    --------
    >>> share(0.9999), share(0.5), share(0.0001)
    ('>99\xa0%', '50\xa0%', '<1\xa0%')
    """
    if value is None:
        return "an unknown share"
    if 0.995 <= value < 1:
        return ">99\xa0%"
    return "<1\xa0%" if 0 < value < 0.005 else f"{100 * value:.0f}\xa0%"


def probability(value: float) -> str:
    """Write a probability; nothing is certain.

    Examples
    --------
    >>> probability(0.4941), probability(0.9964), probability(0.001)
    ('0.49', 'over 0.99', 'below 0.01')
    """
    return "over 0.99" if value > 0.99 else "below 0.01" if value < 0.01 else f"{value:.2f}"


def many(number: int, noun: str) -> str:
    r"""Write a number with its noun.

    Examples
    --------
    >>> many(1, "look"), many(0, "look")
    ('1\xa0look', '0\xa0looks')
    """
    return f"{number}\xa0{noun}{'' if number == 1 else 's'}"


def tens(value: float) -> str:
    r"""Write metres or square metres to ten of them: pixels and edges allow no more.

    Examples
    --------
    >>> tens(2479.5), tens(0.0), tens(4.5)
    ('2,480', '0', 'under 10')
    """
    return "under 10" if 0 < value < 10 else f"{round(value, -1):,.0f}"


def fenced(interval: tuple[float, float]) -> str:
    """Write an interval of containers, rounded outward to ten.

    Examples
    --------
    >>> fenced((84.9, 1233.1))
    'between 80 and 1,240'
    """
    low, high = interval
    return f"between {math.floor(low / 10) * 10:,} and {math.ceil(high / 10) * 10:,}"

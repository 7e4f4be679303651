"""From looks to statements: levels by week and month, changes, trips."""

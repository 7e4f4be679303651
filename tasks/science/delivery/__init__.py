"""Whether a delivered image is what it says it is, and lies where it says."""

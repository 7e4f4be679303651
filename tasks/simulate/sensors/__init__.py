"""What a satellite sees of a moment: radar and optics, each with its own physics and its own timetable."""

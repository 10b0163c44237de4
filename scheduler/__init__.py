"""WHEN: the timetable and its process."""

"""The one kind of error the course raises for bad input."""


class CourseError(ValueError):
    """One clear sentence: what was found, where, and what to do about it."""

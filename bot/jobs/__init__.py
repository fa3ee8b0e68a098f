"""Request, Job and Attempt, what may become of them, and the events of a run: pure."""

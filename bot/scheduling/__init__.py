"""Who is served next, and where everybody stands: pure functions, no clock."""

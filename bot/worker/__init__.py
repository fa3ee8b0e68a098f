"""Worker: holds a backend, claims jobs for it, runs them, and takes up what an earlier holder left."""

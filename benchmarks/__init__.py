"""Measures what docs/performance.md promises: `python -m benchmarks NAME`."""

"""Delivery: brings every card to its message, paced, and the final one always."""

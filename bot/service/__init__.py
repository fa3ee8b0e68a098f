"""What people may do and what is done for them: submit, act, look."""

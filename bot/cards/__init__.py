"""Cards: what a message says and which buttons it has. All wording for people is here or in an error."""

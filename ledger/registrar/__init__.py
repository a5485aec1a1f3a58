"""A registrar's own tools: what the chain holds, what an act says, and who signs it."""

"""Taking signed acts in: what is checked before anything is stored."""

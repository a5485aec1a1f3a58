"""The reform's book and what follows from it: exemptions, rules, decisions, samples."""

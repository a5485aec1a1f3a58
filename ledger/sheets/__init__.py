"""Spreadsheets as people have them: rows of cells, with every finding at its place."""

"""The main job end to end in one folder, with people, keys and papers made on the spot."""

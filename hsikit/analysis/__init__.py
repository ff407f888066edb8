"""What a trained model tells beside its map: its exits, the words it answers to, classes unseen, damage withstood."""

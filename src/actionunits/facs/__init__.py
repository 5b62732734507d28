"""What FACS says: no pictures here."""

"""The command ``au``: one file a verb."""

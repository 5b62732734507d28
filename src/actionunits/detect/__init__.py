"""Video in, rows out, in constant memory."""

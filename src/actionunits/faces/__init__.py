"""Pictures and videos to aligned faces."""

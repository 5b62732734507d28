"""The points of our own: from animated portraits and hand-placed points to ``weights/landmarks.onnx``."""

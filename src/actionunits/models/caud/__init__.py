"""EmotionNet and convolutional AU detection (Romero and Arbelaez)."""

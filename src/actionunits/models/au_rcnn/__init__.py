"""AU R-CNN (Ma, Chen and Yong): regions from landmarks, labels for each region."""

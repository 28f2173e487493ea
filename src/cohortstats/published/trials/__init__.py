"""What trials printed: read, judged, pooled, shown."""

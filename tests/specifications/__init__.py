"""What each exercise must compute. Slow and plain on purpose: a reader can see that it is right."""

"""The known wrong ways to write each exercise: rows of Mistake, tried until one fits the result."""

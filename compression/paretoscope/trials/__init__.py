"""What is requested of the engine and what it returns, and how numbers are worded."""

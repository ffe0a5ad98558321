"""Features and LambdaMART: interest match blended with context."""

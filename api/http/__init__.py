"""HTTP service: routes, schemas, security and middleware."""

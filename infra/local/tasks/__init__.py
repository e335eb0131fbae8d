"""A server that speaks Cloud Tasks' REST API v2, so that the functions have one queue adapter."""

"""The load balancer of the local stack: the same routes, the same headers, the same failures."""

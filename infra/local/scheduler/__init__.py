"""The Cloud Scheduler of the local stack: one job, a POST with a service account's identity."""

"""The Cloud Scheduler of the local stack: jobs, each a POST with a service account's identity."""

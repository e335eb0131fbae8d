"""How the Directory's quota is divided. Google counts every call of ours against one administrator.

The queue lets so many batches run at a time as there are workers' shares, so that nobody has to count together.
infra/terraform/worker.tf makes the queue by the same formula, and tests/infra holds the two together.
"""

# Interactive look-ups and the inaccuracy of clocks take the rest of the quota.
WORKERS_SHARE = 0.9
SIGN_IN_SHARE = 0.05
# 500 accounts a query: a pass over a million accounts in three quarters of an hour.
MIRROR_SHARE = 0.02
# What one batch gets for as long as it lasts; and what it gets at once when its worker has been idle: a section of 40
# students, two queries each. A burst is out of the same minute's share, so it lets nobody exceed the quota.
WORKER_QUERIES_PER_MINUTE = 540
WORKER_BURST = 80
# Teachers come back from Google one by one, but a school's come at once.
SIGN_IN_BURST = 20


def workers(queries_per_minute: int) -> int:
    """How many batches run at a time under a quota: as many as get their full pace, and always one."""
    return max(1, int(queries_per_minute * WORKERS_SHARE) // WORKER_QUERIES_PER_MINUTE)


def worker_pace(queries_per_minute: int, concurrency: int) -> float:
    """Queries a minute of one worker, so that all of them together stay inside the workers' share."""
    return queries_per_minute * WORKERS_SHARE / concurrency

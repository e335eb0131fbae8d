"""How the Directory's quota is divided. Google counts every call of ours against one administrator.

The queue lets so many batches run at a time as there are workers' shares, so that nobody has to count together.
infra/terraform/worker.tf makes the queue by the same formula, and tests/infra holds the two together.
"""

# Each share is kept in every sixty seconds, so that none is left between them; what clocks and connections add is made
# up for by the sign-ins, of which there are never as many as may be, and by the pace, which gives way when it must.
WORKERS_SHARE = 0.95
# Interactive look-ups, one a sign-in: half as many again as come in the busiest minute of a crowd.
SIGN_IN_SHARE = 0.04
# 500 accounts a query: a pass over a million accounts in two hours.
MIRROR_SHARE = 0.01
# What all pages that look at accounts may take together of what the workers leave, while those are not busy.
LOOKS_SHARE = 0.25
# What one batch gets at least for as long as it lasts; and what it gets at once when its worker has been idle: a
# section of 40 students, two queries each. A burst is out of the same minute's share, so nobody exceeds the quota.
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


def busy(queries_per_minute: int) -> int:
    """With so many batches at a time the workers leave nothing for looks: with half of all workers at work."""
    return max(1, workers(queries_per_minute) // 2)


def looks_pace(queries_per_minute: int, instances: int) -> float:
    """Queries a minute of one of so many instances whose pages look at accounts."""
    return queries_per_minute * LOOKS_SHARE / instances

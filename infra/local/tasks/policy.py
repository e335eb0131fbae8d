"""When a queue may dispatch and when a failed task is tried again: Cloud Tasks' rules, without I/O."""

import math
from dataclasses import dataclass, replace

from infra.local.tasks.errors import JsonObject, invalid
from infra.local.tasks.wire import format_duration, parse_duration

LONGEST_RETENTION = 31 * 24 * 3600.0
SLOWEST = 1 / 64
THROTTLING_STATUSES = (429, 503)


@dataclass(frozen=True)
class RetryRules:
    """The defaults are those that Cloud Tasks gives a new queue; durations in seconds."""

    max_attempts: int = 100
    max_retry_duration: float = 0.0
    min_backoff: float = 0.1
    max_backoff: float = 3600.0
    max_doublings: int = 16

    def backoff(self, attempts: int) -> float:
        """Seconds between a failed attempt (the first is 1) and the next.

        It doubles `max_doublings` times, then grows by the last step, up to `max_backoff`.
        """
        doublings = min(attempts - 1, self.max_doublings)
        beyond = attempts - 1 - doublings
        return min(self.max_backoff, self.min_backoff * 2.0**doublings * (1 + beyond))

    def exhausted(self, attempts: int, since_first_attempt: float) -> bool:
        """Whether every limit that is set has been met; only then is a task dropped."""
        limits = []
        if self.max_attempts > 0:
            limits.append(attempts >= self.max_attempts)
        if self.max_retry_duration > 0:
            limits.append(since_first_attempt >= self.max_retry_duration)
        return all(limits) if limits else since_first_attempt >= LONGEST_RETENTION

    def resource(self) -> JsonObject:
        shown: JsonObject = {
            "maxAttempts": self.max_attempts,
            "minBackoff": format_duration(self.min_backoff),
            "maxBackoff": format_duration(self.max_backoff),
            "maxDoublings": self.max_doublings,
        }
        if self.max_retry_duration:
            shown["maxRetryDuration"] = format_duration(self.max_retry_duration)
        return shown


@dataclass(frozen=True)
class RateRules:
    max_dispatches_per_second: float = 500.0
    max_concurrent_dispatches: int = 1000

    @property
    def max_burst_size(self) -> int:
        """Chosen by Cloud Tasks: seen are 10 for 1 a second and 100 for 500 a second."""
        return max(10, min(100, math.ceil(self.max_dispatches_per_second)))

    def resource(self) -> JsonObject:
        return {
            "maxDispatchesPerSecond": self.max_dispatches_per_second,
            "maxBurstSize": self.max_burst_size,
            "maxConcurrentDispatches": self.max_concurrent_dispatches,
        }


def retry_rules(config: JsonObject, base: RetryRules) -> RetryRules:
    """`base` with what a RetryConfig sets; 0 attempts leave the default. Raises ApiError."""
    seconds = {
        field: parse_duration(config[name], f"retry_config.{name}")
        for name, field in (
            ("maxRetryDuration", "max_retry_duration"),
            ("minBackoff", "min_backoff"),
            ("maxBackoff", "max_backoff"),
        )
        if name in config
    }
    rules = replace(
        base,
        max_attempts=config.get("maxAttempts") or base.max_attempts,
        max_doublings=config.get("maxDoublings", base.max_doublings),
        **seconds,
    )
    _check_retry(rules)
    return rules


def rate_rules(limits: JsonObject, base: RateRules) -> RateRules:
    """`base` with what RateLimits set; 0 leaves the default. Raises ApiError."""
    rules = RateRules(
        float(limits.get("maxDispatchesPerSecond") or base.max_dispatches_per_second),
        limits.get("maxConcurrentDispatches") or base.max_concurrent_dispatches,
    )
    for field, value, most in (
        ("maxDispatchesPerSecond", rules.max_dispatches_per_second, 500),
        ("maxConcurrentDispatches", rules.max_concurrent_dispatches, 5000),
    ):
        if value < 0:
            raise invalid(f"RateLimits.{field} cannot be negative.")
        if value > most:
            raise invalid(f"RateLimits.{field} must be less than or equal to {most}.")
    return rules


def _check_retry(rules: RetryRules) -> None:
    if rules.max_attempts < -1:
        raise invalid("RetryConfig.maxAttempts must be greater or equal to -1.")
    for field, value in (
        ("maxDoublings", rules.max_doublings),
        ("minBackoff", rules.min_backoff),
        ("maxBackoff", rules.max_backoff),
        ("maxRetryDuration", rules.max_retry_duration),
    ):
        if value < 0:
            raise invalid(f"RetryConfig.{field} cannot be negative.")
    if rules.min_backoff > rules.max_backoff:
        raise invalid("RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.")


class Pace:
    """One queue's token bucket, and the system throttling that 429 and 503 bring about.

    Google does not publish its throttling: here each such answer halves the rate (to a 64th at
    the least) and empties the bucket, and each success doubles the rate up to the configured.
    Not safe for threads: the dispatcher guards it.
    """

    def __init__(self, rules: RateRules, now: float) -> None:
        self.rules = rules
        self._factor = 1.0
        self._tokens = float(rules.max_burst_size)
        self._filled_at = now

    @property
    def rate(self) -> float:
        """Dispatches a second, throttling included."""
        return self.rules.max_dispatches_per_second * self._factor

    def change(self, rules: RateRules) -> None:
        self.rules = rules
        self._tokens = min(self._tokens, rules.max_burst_size)

    def wait(self, now: float) -> float:
        """Seconds until the next dispatch may go; 0 when it may go now."""
        grown = self._tokens + (now - self._filled_at) * self.rate
        self._tokens = min(grown, float(self.rules.max_burst_size))
        self._filled_at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self.rate

    def take(self) -> None:
        self._tokens -= 1

    def heed(self, status: int) -> None:
        """Let the worker's answer slow the queue down or speed it up again."""
        if status in THROTTLING_STATUSES:
            self._factor = max(SLOWEST, self._factor / 2)
            self._tokens = 0.0
        elif 200 <= status < 300:
            self._factor = min(1.0, self._factor * 2)

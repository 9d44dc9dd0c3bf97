"""Requests slower than a threshold, and what a histogram tells of them: `python -m bench.latency_buckets`.

Latencies are the sandbox's (hits, calls of the model, answers without the cache: log-normal above a floor), in buckets
that grow by 1.4. Between two bounds requests are taken as evenly spread, but there are fewer the slower it is: so more
are told than there are. At a bound the count is exact.
"""

from lumen.model.snapshot import LatencyDistribution
from sandbox.google.monitoring.catalogue import LATENCY_BUCKETS
from sandbox.ion.latency import HIT, IN_PROCESS, MISS, UNCACHED

REQUESTS = 10_000_000
#: Of the requests that Redis hears of.
HIT_RATES = (0.70, 0.80, 0.90)
THRESHOLDS_MS = (200.0, 500.0, *(bound for bound in LATENCY_BUCKETS.bounds if 150 < bound < 600))


def main() -> None:
    print("hits   slower than   truly     told")
    for hit_rate in HIT_RATES:
        kinds = ((HIT, 0.88 * hit_rate), (MISS, 0.88 * (1 - hit_rate)), (IN_PROCESS, 0.09), (UNCACHED, 0.03))
        shares = [
            sum(each) for each in zip(*([s * of for s in k.shares(LATENCY_BUCKETS)] for k, of in kinds), strict=True)
        ]
        seen = LatencyDistribution(LATENCY_BUCKETS.bounds, tuple(round(REQUESTS * share) for share in shares))
        for threshold_ms in THRESHOLDS_MS:
            slower = 1 - sum(share * kind.below(threshold_ms) for kind, share in kinds)
            told = 1 - seen.share_below(threshold_ms)
            print(f"{hit_rate:.0%}    {threshold_ms:7.1f} ms    {slower:6.3%}    {told:6.3%}")


if __name__ == "__main__":
    main()

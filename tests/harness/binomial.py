# SPDX-License-Identifier: Apache-2.0
"""What chance allows where connections are shared out by weight."""

from fractions import Fraction
from math import comb

IMPROBABLE = Fraction(1, 10**6)


def bounds(n, p):
    """
    (least, greatest) count of successes in n trials that chance allows: below and above lie tails of a probability of less
    than IMPROBABLE each. p: the probability of one success, a Fraction; the result is exact.
    """
    share, rest, whole = p.numerator, p.denominator - p.numerator, p.denominator
    ways = [comb(n, k) * share**k * rest ** (n - k) for k in range(n + 1)]  # of whole**n
    limit = IMPROBABLE * whole**n

    def outside(counts):
        """How many of these counts, the farthest from the mean first, are improbable together."""
        total = 0
        for number, k in enumerate(counts):
            total += ways[k]
            if total >= limit:
                return number

    return outside(range(n + 1)), n - outside(range(n, -1, -1))

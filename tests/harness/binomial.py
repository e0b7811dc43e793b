# SPDX-License-Identifier: Apache-2.0
"""What chance allows, where connections are shared out by weight and packets are lost by probability."""

from fractions import Fraction

IMPROBABLE = Fraction(1, 10**6)


def bounds(n, p):
    """
    (least, greatest) count of successes in n trials that chance allows: below and above lie tails of a probability of less
    than IMPROBABLE each. p: the probability of one success, a Fraction; the result is exact.
    """
    share, rest = p.numerator, p.denominator - p.numerator
    if rest == 0:
        return n, n
    everything = p.denominator**n
    limit = IMPROBABLE * everything
    ways = rest**n  # comb(n, k) * share**k * rest**(n - k), of `everything`
    at_most, least = ways, None  # at_most: the ways of 0 to k together
    for k in range(n + 1):
        if least is None and at_most >= limit:
            least = k
        if everything - at_most < limit:
            return least, k
        ways = ways * (n - k) * share // ((k + 1) * rest)
        at_most += ways

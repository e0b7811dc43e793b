# SPDX-License-Identifier: Apache-2.0
"""Pairwise selection: few rows in which every two values of different factors meet (AETG, Cohen et al. 1997)."""

import itertools
import random

CANDIDATES = 30  # rows tried for each one taken


def all_pairs(factors):
    """Every pair of values to be met, as ((factor, value), (factor, value))."""
    return {((a, x), (b, y)) for a, b in itertools.combinations(factors, 2) for x in factors[a] for y in factors[b]}


def pairs_of(row):
    return set(itertools.combinations(row.items(), 2))


def select(factors, seed=1):
    """Rows {factor: value} that meet all pairs of `factors` {factor: values}, in the order of `factors`."""
    dice, open_, rows = random.Random(seed), all_pairs(factors), []
    while open_:
        seeds = sorted(open_, key=repr)  # a set has no order of its own: the seed decides
        candidates = (_candidate(factors, open_, dice.choice(seeds), dice) for _ in range(CANDIDATES))
        best = max(candidates, key=lambda row: len(pairs_of(row) & open_))
        rows.append(best)
        open_ -= pairs_of(best)
    return rows


def _candidate(factors, open_, pair, dice):
    """A row around one pair; each further factor takes the value that meets most open pairs with those chosen."""
    row = dict(pair)
    for factor in dice.sample(list(factors), len(factors)):
        if factor not in row:
            def met(value):
                return sum(pair in open_ for other, chosen in row.items()
                           for pair in (((other, chosen), (factor, value)), ((factor, value), (other, chosen))))
            values = list(factors[factor])
            row[factor] = max(dice.sample(values, len(values)), key=met)
    return {factor: row[factor] for factor in factors}

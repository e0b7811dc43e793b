# SPDX-License-Identifier: Apache-2.0
"""The conditions of all golden outputs against those of the Gateway API: no others, none missing, and together as it says."""

import unittest

import specification
from golden_conditions import holders


def flat(table):
    """{"object type status reason"}"""
    return {f"{item} {condition} {reason}" for item, conditions in table.items() for condition, reasons in conditions.items()
            for reason in reasons.split()}


def standard(holder):
    """Its conditions but those of ours, {type: "status reason"}."""
    return {condition: told for condition, told in holder.conditions.items() if not condition.startswith("slipgate.dev/")}


def listeners():
    return [holder for holder in holders() if holder.kind == "listener"]


class Specification(unittest.TestCase):
    def test_each_reason_is_one_of_the_specification_and_each_of_those_is_given(self):
        given = {f"{holder.kind} {condition} {told}" for holder in holders() for condition, told in standard(holder).items()}
        specified = flat(specification.REASONS)
        self.assertEqual(given - specified, set())
        self.assertEqual(specified - given, specification.NEVER.keys())

    def test_the_conditions_that_every_object_has_are_there(self):
        for holder in holders():
            self.assertLessEqual(specification.ALWAYS[holder.kind], holder.conditions.keys(), holder)

    def test_programmed_goes_with_accepted(self):
        for holder in holders():
            if holder.kind in specification.PROGRAMMED:
                possible = specification.PROGRAMMED[holder.kind][holder.conditions["Accepted"]]
                self.assertIn(holder.conditions["Programmed"], possible, holder)

    def test_a_conflict_is_in_three_conditions(self):
        for listener in listeners():
            status, _, reason = listener.conditions["Accepted"].partition(" ")
            is_conflict = status == "False" and reason.endswith("Conflict")
            self.assertEqual(listener.conditions.get("Conflicted"), f"True {reason}" if is_conflict else None, listener)

    def test_kinds_are_those_that_are_served(self):
        for listener in listeners():
            conditions, kinds = listener.conditions, listener.supported_kinds
            if conditions["Accepted"] in specification.SERVE_NOTHING:
                self.assertEqual(kinds, "", listener)
            elif conditions["ResolvedRefs"] == "True ResolvedRefs" and "Conflicted" not in conditions:
                self.assertEqual(kinds, specification.TLS_ROUTE, listener)
            else:  # kinds that it cannot serve are left out; a conflict may be of a listener that would serve none
                self.assertIn(kinds, ("", specification.TLS_ROUTE), listener)


if __name__ == "__main__":
    unittest.main()

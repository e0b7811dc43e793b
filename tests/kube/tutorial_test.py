# SPDX-License-Identifier: Apache-2.0
"""docs/kubernetes.md, command by command: kubectl and curl print what the document shows."""

import unittest

from harness import main
from harness.kube.tutorial import DOCUMENT, MANIFESTS, Tutorial
from harness.kube.walkthrough import steps_of

ON_PAPER = {"10-certificate.yaml"}  # cert-manager's kinds


class Walk(unittest.TestCase):
    def test_it_prints_what_the_document_shows(self):
        tutorial = Tutorial()
        self.addCleanup(tutorial.close)
        tutorial.start()
        for step in tutorial.steps():
            with self.subTest(step.title, command=step.command):
                played = tutorial.walkthrough.play(step)
                self.assertTrue(played.as_expected, f"\n{played.printed}\nis not\n{step.expected}")

    def test_it_uses_every_manifest(self):
        commands = "".join(step.command for step in steps_of(DOCUMENT.read_text()))
        for file in MANIFESTS.iterdir():
            with self.subTest(file.name):
                self.assertNotEqual(file.name in commands, file.name in ON_PAPER)


if __name__ == "__main__":
    main()

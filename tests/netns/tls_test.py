# SPDX-License-Identifier: Apache-2.0
"""TLS 1.2 and 1.3 of curl and openssl to nginx: the right backend answers, with its own certificate, over IPv4 and IPv6."""

from harness import Case, host_of, main
from harness.clients import certificate_of, curl, s_client

VERSIONS = {"1.2": ("--tls-max", "1.2", "-tls1_2", "TLSv1.2"), "1.3": ("--tlsv1.3", "--tls-max", "1.3", "-tls1_3", "TLSv1.3")}


class TlsDirect(Case):
    direct = True

    def test_curl_reaches_the_backend_of_the_name(self):
        for family in self.each_family():
            for version, (*options, _, _) in VERSIONS.items():
                for index, backend in enumerate(self.network.backends):
                    with self.subTest(version=version, backend=backend):
                        trust = self.certificates[backend.name]
                        answer = curl(self.client, self.target(family, index), host_of(backend), "/", *options, trust=trust)
                        self.assertEqual(answer.stdout, f"{backend}\n")

    def test_openssl_sees_the_certificate_of_the_backend(self):
        for family in self.each_family():
            for version, (*_, option, protocol) in VERSIONS.items():
                for index, backend in enumerate(self.network.backends):
                    with self.subTest(version=version, backend=backend):
                        output = s_client(self.client, self.target(family, index), option, name=host_of(backend))
                        self.assertIn(f"Protocol  : {protocol}" if version == "1.2" else f"New, {protocol}", output)
                        self.assertEqual(certificate_of(output), self.certificates[backend.name].der)


class Tls(TlsDirect):
    direct = False

    def test_upper_case_server_name_is_the_same_name(self):
        for family in self.each_family():
            output = s_client(self.client, self.target(family), name="B2.Example.COM")
            self.assertEqual(certificate_of(output), self.certificates["b2"].der)


if __name__ == "__main__":
    main()

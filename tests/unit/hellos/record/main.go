// SPDX-License-Identifier: Apache-2.0

// Records ClientHellos of Go's crypto/tls for the tests of the parser, one a line: name, SNI as sent, bytes in hex.
//
//	cd tests/unit/hellos/record && go run . > ../go.txt
//
// Go 1.24 and later offer the post-quantum key exchange X25519MLKEM768, whose hello does not fit into one segment.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"runtime"
)

// hello is the first flight of a client with this configuration.
func hello(config *tls.Config) []byte {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		tls.Client(client, config).Handshake()
		client.Close()
	}()
	bytes := make([]byte, 16384)
	n, err := server.Read(bytes)
	if err != nil {
		log.Fatal(err)
	}
	return bytes[:n]
}

func main() {
	classic := []tls.CurveID{tls.X25519, tls.CurveP256}
	fmt.Printf("# made by record/main.go with %s\n", runtime.Version())
	for _, client := range []struct {
		name, sni string
		config    *tls.Config
	}{
		{"mlkem", "pq.example.com", &tls.Config{ServerName: "pq.example.com"}},
		{"mlkem_alpn", "pq.example.com", &tls.Config{ServerName: "pq.example.com", NextProtos: []string{"h2", "http/1.1"}}},
		{"mlkem_tls13_only", "pq.example.com", &tls.Config{ServerName: "pq.example.com", MinVersion: tls.VersionTLS13}},
		{"mlkem_no_sni", "-", &tls.Config{InsecureSkipVerify: true}},
		{"mlkem_ip_literal", "-", &tls.Config{ServerName: "192.0.2.1"}},
		{"mlkem_trailing_dot", "pq.example.com", &tls.Config{ServerName: "pq.example.com."}},
		{"classic", "www.example.com", &tls.Config{ServerName: "www.example.com", CurvePreferences: classic}},
		{"tls12", "www.example.com", &tls.Config{ServerName: "www.example.com", MaxVersion: tls.VersionTLS12}},
		{"tls10", "www.example.com", &tls.Config{ServerName: "www.example.com", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}},
	} {
		fmt.Printf("%s %s %x\n", client.name, client.sni, hello(client.config))
	}
}

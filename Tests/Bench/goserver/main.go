// SPDX-License-Identifier: Apache-2.0

// The command conversation in Go, for comparison: TLS 1.3 with a certificate and a key, else plaintext.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
)

var replies = map[string]string{
	"Hello":          "Greetings!",
	"Are you there?": "Yes, I am here!",
	"quit":           "Closing down",
}

func serve(connection net.Conn) {
	defer connection.Close()
	message := make([]byte, 1024)
	for {
		count, err := connection.Read(message)
		if err != nil {
			return
		}
		reply, known := replies[string(message[:count])]
		if !known {
			reply = "Unknown command."
		}
		if _, err := connection.Write([]byte(reply)); err != nil || reply == "Closing down" {
			return
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "goserver:", err)
		os.Exit(1)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	mode := "plaintext"
	address := listener.Addr()
	if len(os.Args) == 3 {
		mode = "TLS 1.3"
		certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
		fail(err)
		listener = tls.NewListener(listener, &tls.Config{
			Certificates:           []tls.Certificate{certificate},
			MinVersion:             tls.VersionTLS13,
			CurvePreferences:       []tls.CurveID{tls.X25519},
			SessionTicketsDisabled: true,
		})
	}
	fmt.Fprintf(os.Stderr, "goserver: listening on %s (%s)\n", address, mode)
	for {
		connection, err := listener.Accept()
		fail(err)
		go serve(connection)
	}
}

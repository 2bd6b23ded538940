// crypto/tls with RootCAs from the file, as Paho Go takes it. Called like the C drivers (once.h).
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
)

func refused(why interface{}) {
	fmt.Println(why)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Println(runtime.Version())
		return
	}
	port, ca, name := os.Args[1], os.Args[2], os.Args[3]
	pem, err := os.ReadFile(ca)
	if err != nil {
		os.Exit(2)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		refused("ca: no certificate")
	}
	config := &tls.Config{RootCAs: roots, ServerName: name}
	if name == "-" {
		config.ServerName = ""
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(state tls.ConnectionState) error {
			options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, sent := range state.PeerCertificates[1:] {
				options.Intermediates.AddCert(sent)
			}
			_, err := state.PeerCertificates[0].Verify(options)
			return err
		}
	}
	dialer := &net.Dialer{Timeout: 6 * time.Second}
	connection, err := tls.DialWithDialer(dialer, "tcp", "127.0.0.1:"+port, config)
	if err != nil {
		refused(err)
	}
	connection.Close()
}

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

// serveContender serves the contender's site on loopback, prints the address to w,
// and ends when r does. Every contender gets the same plain http.Server, with no
// timeouts.
func serveContender(name string, r io.Reader, w io.Writer) error {
	for _, c := range allContenders() {
		if c.name != name {
			continue
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: c.site()}
		go func() {
			io.Copy(io.Discard, r)
			server.Close()
		}()
		fmt.Fprintln(w, listener.Addr())
		if err := server.Serve(listener); err != http.ErrServerClosed {
			return err
		}
		return nil
	}
	return fmt.Errorf("no contender is named %q", name)
}

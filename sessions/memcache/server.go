package memcache

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/webapp2go/webapp2go/internal/circuit"
)

// A server is one memcached server with a client of its own, so that requests to
// different servers share no lock.
type server struct {
	address
	seed    uint64 // of its rank, see rank
	client  *memcache.Client
	circuit circuit.Circuit
}

func newServer(a address, c Config) *server {
	s := &server{address: a, seed: hash(a.name), client: memcache.NewFromSelector(a)}
	s.client.Timeout = c.Timeout // of a dial; a connection has its own
	s.client.MaxIdleConns = c.MaxIdle
	s.client.DialContext = func(ctx context.Context, network, name string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, name)
		if err != nil {
			return nil, err
		}
		return &connection{Conn: conn, timeout: c.Timeout}, nil
	}
	return s
}

// errOpen is the error of a command that was not sent.
var errOpen = fmt.Errorf("it was silent %d times in a row and is asked again within %v", circuit.TripAfter, circuit.MaxPause)

// run sends a command. If it fails on a stale connection, run sends it a second time, on
// a new connection. Then repeated is true, and the server may have carried out the first
// one.
//
// gomemcache has no contexts, so ctx is checked before the command is sent and cannot end
// the wait for a reply, which Timeout bounds.
func (s *server) run(ctx context.Context, command func(*memcache.Client) error) (repeated bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, s.wrap(err)
	}
	began, ok := s.circuit.Allow()
	if !ok {
		return false, s.wrap(errOpen)
	}
	defer func() { s.circuit.Report(began, timedOut(err)) }() // also if command panics: otherwise no other command would try the server
	err = command(s.client)
	if _, stale := errors.AsType[*staleError](err); stale && ctx.Err() == nil {
		// The idle connections were opened before this one broke, so they are stale too.
		s.client.Close()
		repeated = true
		err = command(s.client)
	}
	return repeated, s.wrap(err)
}

// wrap names the server in an error.
func (s *server) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("memcache: server %s: %w", s.name, err)
}

// timedOut reports whether err means that a server was silent. Every other error comes at
// once, also that of a server that is down, whose system or router refuses the
// connection.
func timedOut(err error) bool {
	if _, ok := errors.AsType[*memcache.ConnectTimeoutError](err); ok { // it is not a net.Error
		return true
	}
	network, ok := errors.AsType[net.Error](err)
	return ok && network.Timeout()
}

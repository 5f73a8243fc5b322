package memcache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Config says which servers keep the sessions, and how long to wait for them.
type Config struct {
	// Servers are the addresses of the servers, at least one: host:port, or the path of a
	// unix socket, which is recognized by its slash. The text of an address decides which
	// sessions its server keeps, so use the same texts in every instance of the program;
	// their order does not matter. A name is resolved again for each new connection.
	Servers []string

	// Prefix begins every key, so that programs can share servers. If empty, "session:".
	Prefix string

	// Timeout bounds a dial and, separately, each command with all of its reply. If 0, it
	// is 100 ms, which is plenty within a region.
	Timeout time.Duration

	// MaxIdle is how many idle connections are kept to each server. If 0, it is 100. If
	// more requests than that are served at the same time, the others need a dial each.
	// memcached itself accepts 1,024 connections by default, from all instances together.
	MaxIdle int
}

const (
	defaultPrefix  = "session:"
	defaultTimeout = 100 * time.Millisecond
	defaultMaxIdle = 100

	// resolveTimeout bounds the lookup of all server names in New.
	resolveTimeout = 5 * time.Second

	idLength     = 43  // what sessions.CheckID accepts
	maxKey       = 250 // of memcached's text protocol
	maxSocketLen = 103 // of a socket's path, on the systems that allow least
)

// complete returns c with defaults for its zero values, or an error with every mistake in
// it.
func (c Config) complete() (Config, []address, error) {
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxIdle == 0 {
		c.MaxIdle = defaultMaxIdle
	}
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Prefix) > maxKey-idLength {
		mistake("Prefix has %d bytes: memcached's keys leave room for %d", len(c.Prefix), maxKey-idLength)
	}
	if strings.ContainsFunc(c.Prefix, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		mistake("Prefix %q has a space or a control character, which memcached's keys may not have", c.Prefix)
	}
	if c.Timeout < 0 {
		mistake("Timeout is %v: give a positive one, or 0 for %v", c.Timeout, defaultTimeout)
	}
	if c.MaxIdle < 0 {
		mistake("MaxIdle is %d: give a positive number, or 0 for %d", c.MaxIdle, defaultMaxIdle)
	}
	if len(c.Servers) == 0 {
		mistake("Servers is empty: name one at least, such as 127.0.0.1:11211")
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	var addresses []address
	for i, server := range c.Servers {
		a, err := newAddress(ctx, server)
		switch {
		case err != nil:
			mistake("Servers[%d] is %q: %w", i, server, err)
		case slices.Contains(addresses, a):
			mistake("Servers[%d] is %q, which is there twice", i, server)
		default:
			addresses = append(addresses, a)
		}
	}
	return c, addresses, errors.Join(errs...)
}

// An address is where a server listens. It is the [net.Addr] by which gomemcache pools
// connections, and the selector of a client that has only this server.
type address struct{ network, name string }

// newAddress parses the address of a server, and checks that its name can be resolved
// now: a name that cannot be resolved is probably misspelled.
func newAddress(ctx context.Context, server string) (address, error) {
	if strings.Contains(server, "/") {
		if len(server) > maxSocketLen {
			return address{}, fmt.Errorf("the path of a socket has %d bytes at most", maxSocketLen)
		}
		return address{"unix", server}, nil
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return address{}, errors.New("write host:port, such as 127.0.0.1:11211 or [::1]:11211, or the path of a socket")
	}
	if host == "" {
		return address{}, fmt.Errorf("it has no host: write 127.0.0.1:%s for this machine", port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return address{}, fmt.Errorf("%q is not a port: write a number from 1 to 65535", port)
	}
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return address{}, err
	}
	return address{"tcp", strings.ToLower(server)}, nil
}

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.name }

// PickServer and Each make an address the selector of a gomemcache client.
func (a address) PickServer(string) (net.Addr, error) { return a, nil }
func (a address) Each(f func(net.Addr) error) error   { return f(a) }

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
	// Servers are written host:port, or as the path of a unix socket (what holds a
	// slash). There must be one at least. Which server keeps a session depends on how
	// the servers are written here, so write them alike in every instance of the
	// program; their order does not matter. A name is resolved anew at every dial.
	Servers []string

	// Prefix begins every key, so that programs can share servers. Empty: "session:".
	Prefix string

	// Timeout bounds a dial, and apart from it a command with all of its reply.
	// 0: 100 ms, which is plenty within a region.
	Timeout time.Duration

	// MaxIdle is how many idle connections are kept to each server. 0: 100. Less than
	// the requests that are served at once means a dial for those beyond it; memcached
	// itself takes 1,024 connections by default, from all instances together.
	MaxIdle int
}

const (
	defaultPrefix  = "session:"
	defaultTimeout = 100 * time.Millisecond
	defaultMaxIdle = 100

	// resolveTimeout bounds the look-up of all server names at start.
	resolveTimeout = 5 * time.Second

	idLength     = 43  // what sessions.CheckID accepts
	maxKey       = 250 // of memcached's text protocol
	maxSocketLen = 103 // of a socket's path, on the systems that allow least
)

// complete returns c with its zero values replaced, or every mistake in it.
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

// An address is where a server listens. It is the [net.Addr] that gomemcache pools
// connections by, and the selector of a client that has this one server.
type address struct{ network, name string }

// newAddress checks how a server is written, and that its name can be resolved now:
// a name that cannot is more likely misspelled than new.
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
		return address{}, fmt.Errorf("%q is no port: write a number from 1 to 65535", port)
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

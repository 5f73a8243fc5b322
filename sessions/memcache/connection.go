package memcache

import (
	"net"
	"time"
)

// A connection is a socket that bounds the time of a whole command. gomemcache begins its
// timeout again with every part of a reply, so a server that responds slowly or without
// end could hold a command for many times as long.
//
// Like any socket of gomemcache it is used by one goroutine at a time.
type connection struct {
	net.Conn
	timeout  time.Duration
	writing  bool // a command is being written
	answered bool // some of its reply has been read
	reused   bool // there was a command before this one
}

// A staleError is the error of a command on a connection that had been used before and
// broke without a byte of reply, usually because the server was restarted.
type staleError struct{ err error }

func (e *staleError) Error() string { return "the connection was closed: " + e.err.Error() }
func (e *staleError) Unwrap() error { return e.err }

// SetDeadline does nothing, because Write sets the deadline of a command when the command
// begins.
func (c *connection) SetDeadline(time.Time) error { return nil }

// Write writes part of a command. The first after a Read begins a new command.
func (c *connection) Write(p []byte) (int, error) {
	if !c.writing {
		c.reused = c.reused || c.answered
		c.writing, c.answered = true, false
		if err := c.Conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
			return 0, c.failed(err)
		}
	}
	n, err := c.Conn.Write(p)
	return n, c.failed(err)
}

// Read reads part of the reply.
func (c *connection) Read(p []byte) (int, error) {
	c.writing = false
	n, err := c.Conn.Read(p)
	c.answered = c.answered || n > 0
	return n, c.failed(err)
}

// failed makes a staleError of the error of a stale connection, and returns any other as
// it is.
func (c *connection) failed(err error) error {
	if err == nil || !c.reused || c.answered {
		return err
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return err
	}
	return &staleError{err}
}

package memcache_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/proctest"
)

// A proxy stands between a backend and a real server, and breaks connections.
type proxy struct {
	addr            string
	dials, commands atomic.Int64

	// cut is called before each command is passed on, and again after the server has carried it
	// out. If it returns true, the connection breaks.
	cut atomic.Pointer[func(verb string, carriedOut bool) bool]
}

func newProxy(t *testing.T, s *memcachetest.Server) *proxy {
	t.Helper()
	p := &proxy{}
	p.addr = proctest.Listen(t, func(client net.Conn) {
		p.dials.Add(1)
		server, err := net.Dial("unix", s.Addr)
		if err != nil {
			return
		}
		defer server.Close()
		p.serve(client, server)
	})
	return p
}

// cutOnce breaks the connection once, at the next command with this verb. Before that it calls
// then, unless it is nil.
func (p *proxy) cutOnce(verb string, carriedOut bool, then func()) {
	var done atomic.Bool
	cut := func(v string, c bool) bool {
		if v != verb || c != carriedOut || done.Swap(true) {
			return false
		}
		if then != nil {
			then()
		}
		return true
	}
	p.cut.Store(&cut)
}

func (p *proxy) serve(client, server net.Conn) {
	fromClient, fromServer := bufio.NewReader(client), bufio.NewReader(server)
	for {
		command, err := readCommand(fromClient)
		if err != nil {
			return
		}
		p.commands.Add(1)
		verb, _, _ := strings.Cut(string(command), " ")
		cut := func(string, bool) bool { return false }
		if set := p.cut.Load(); set != nil {
			cut = *set
		}
		if cut(verb, false) {
			return
		}
		if _, err := server.Write(command); err != nil {
			return
		}
		reply, err := readReply(fromServer)
		if err != nil || cut(verb, true) {
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// readCommand reads a command with its data.
func readCommand(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var key string
	var flags, expires, size int
	if n, _ := fmt.Sscanf(string(line), "add %s %d %d %d", &key, &flags, &expires, &size); n == 4 {
		return readData(r, line, size)
	}
	if n, _ := fmt.Sscanf(string(line), "cas %s %d %d %d", &key, &flags, &expires, &size); n == 4 {
		return readData(r, line, size)
	}
	return line, nil
}

// readReply reads a line, or the items up to END.
func readReply(r *bufio.Reader) (reply []byte, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(line, []byte("VALUE ")) {
			return append(reply, line...), nil
		}
		var key string
		var flags, size int
		if _, err := fmt.Sscanf(string(line), "VALUE %s %d %d", &key, &flags, &size); err != nil {
			return nil, err
		}
		if line, err = readData(r, line, size); err != nil {
			return nil, err
		}
		reply = append(reply, line...)
	}
}

// readData appends size bytes of data and the end of their line.
func readData(r io.Reader, line []byte, size int) ([]byte, error) {
	data := make([]byte, size+2)
	_, err := io.ReadFull(r, data)
	return append(line, data...), err
}

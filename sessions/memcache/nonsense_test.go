package memcache_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/internal/proctest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestNonsense checks that for any invalid reply a call returns an error, and never a record.
func TestNonsense(t *testing.T) {
	for name, reply := range map[string]string{
		"closed at once":         "",
		"half a value":           "VALUE %s 0 100 1\r\nxxxx",
		"half a line":            "VALU",
		"another protocol":       "HTTP/1.1 400 Bad Request\r\n\r\n",
		"an error":               "ERROR\r\n",
		"out of memory":          "SERVER_ERROR out of memory storing object\r\n",
		"another key":            "VALUE another 0 4 1\r\ndata\r\nEND\r\n",
		"no CAS id":              "VALUE %s 0 4\r\ndata\r\nEND\r\n",
		"a size that is none":    "VALUE %s 0 -1 1\r\n\r\nEND\r\n",
		"data without an end":    "VALUE %s 0 4 1\r\ndataXXEND\r\n",
		"a CAS id that is none":  "VALUE %s 0 4 x\r\ndata\r\nEND\r\n",
		"a reply to another":     "STOREDX\r\n",
		"a line longer than all": strings.Repeat("x", 100_000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr := proctest.Listen(t, func(conn net.Conn) {
				r := bufio.NewReader(conn)
				line, _ := r.ReadString('\n')
				if words := strings.Fields(line); strings.Contains(reply, "%s") && len(words) > 1 {
					fmt.Fprintf(conn, reply, words[1])
				} else {
					io.WriteString(conn, reply)
				}
			})
			b := newBackend(t, memcache.Config{Servers: []string{addr}})
			id := newID()
			if r, err := b.Load(t.Context(), id); !isUnknown(err) || len(r.Data) != 0 {
				t.Errorf("Load: %+v, error %v", r, err)
			}
			b = newBackend(t, memcache.Config{Servers: []string{addr}})
			if err := b.Create(t.Context(), id, record("data")); !isUnknown(err) {
				t.Errorf("Create: error %v", err)
			}
			b = newBackend(t, memcache.Config{Servers: []string{addr}})
			r := record("data")
			r.Version = 1
			if _, err := b.Update(t.Context(), id, r); !isUnknown(err) {
				t.Errorf("Update: error %v", err)
			}
			b = newBackend(t, memcache.Config{Servers: []string{addr}})
			if err := b.Delete(t.Context(), id); !isUnknown(err) {
				t.Errorf("Delete: error %v", err)
			}
		})
	}
}

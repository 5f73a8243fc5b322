package sessions_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// If a value has a type of another release, only that value is lost, and this is reported.
func TestAnUndecodableValueIsLostAlone(t *testing.T) {
	var log bytes.Buffer
	var events []sessions.Event
	site := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory()}},
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
		OnEvent:  func(e sessions.Event) { events = append(events, e) },
	}, map[string]action{
		"/set": func(st *sessions.Store, _ *http.Request) string {
			st.Session().Set("cart", "of the last release")
			st.Session().Set("n", 1)
			return ""
		},
		"/get": func(st *sessions.Store, _ *http.Request) string {
			cart, ok := sessions.Get[point](st.Session(), "cart")
			n, _ := sessions.Get[int](st.Session(), "n")
			return fmt.Sprint(cart, ok, n, st.Session().Err())
		},
		"/update": func(st *sessions.Store, _ *http.Request) string {
			sessions.Update(st.Session(), "cart", func(p point) point { p.X++; return p })
			return ""
		},
	})
	b := site.browser()
	b.get("/set")
	b.want("/get", "{0 0 } false 1 <nil>")
	if last := events[len(events)-1]; last.Kind != sessions.EventUndecodable || last.Key != "cart" || last.Err == nil {
		t.Errorf("event %+v", last)
	}
	if !strings.Contains(log.String(), "key=cart") {
		t.Errorf("log: %s", &log)
	}
	events = nil
	b.get("/update")
	if len(events) != 1 || events[0].Kind != sessions.EventUndecodable || events[0].Key != "cart" || events[0].ID == "" {
		t.Errorf("events of Update: %+v", events)
	}
	b.want("/get", "{1 0 } true 1 <nil>")
}

// A record that this program cannot read gives an empty session with a new id.
func TestUnreadableRecords(t *testing.T) {
	tests := []struct {
		name string
		data []byte
	}{
		{"of a later version", []byte("\x09later")},
		{"cut", []byte{1, 0x85}},
		{"text", []byte("hello")},
		{"an array that claims to be huge", append([]byte{1, 0x85, 0x1b, 0, 0, 0, 0, 0, 0, 0, 0, 0x1b, 0, 0, 0, 0, 0, 0, 0, 0}, 0xbb, 0, 0, 0, 255, 255, 255, 255, 255)},
		{"too large", make([]byte, 2<<20)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProbe()
			site := newSite(t, sessions.Config{
				Sessions: []sessions.Spec{{Backend: p}},
				Log:      slog.New(slog.DiscardHandler),
			}, map[string]action{"/": write, "/read": read})
			b := site.browser()
			b.get("/")
			id := p.ids[0]
			r, err := p.Memory.Load(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			r.Data = test.data
			if _, err := p.Memory.Update(context.Background(), id, r); err != nil {
				t.Fatal(err)
			}
			if a := b.want("/read", ""); a.status != "unreadable" {
				t.Errorf("status %s", a.status)
			}
			b.get("/")
			b.want("/read", "n=1")
			kept, err := p.Memory.Load(context.Background(), id)
			if err != nil || !bytes.Equal(kept.Data, test.data) {
				t.Errorf("what another release can read was overwritten: %v", err)
			}
		})
	}
}

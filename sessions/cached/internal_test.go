package cached

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func FuzzDecode(f *testing.F) {
	now := time.Now()
	f.Add(recordEntry(sessions.Record{Data: []byte("data"), User: "joe", Expires: now, Version: 7}, now).encode().Data)
	f.Add(recordEntry(sessions.Record{Expires: now, Version: 1}, now).encode().Data)
	f.Add(entry{barrier: true, version: 7, until: now}.encode().Data)
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Add(append(bytes.Repeat([]byte{1}, entryHead), bytes.Repeat([]byte{0xff}, 9)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode(data)
		if err != nil || e.barrier {
			return
		}
		again, err := decode(e.encode().Data)
		if err != nil || again.version != e.version || again.record.User != e.record.User ||
			!bytes.Equal(again.record.Data, e.record.Data) || !again.until.Equal(e.until) || !again.record.Expires.Equal(e.record.Expires) {
			t.Errorf("%+v was read as %+v, %v", e, again, err)
		}
	})
}

// TestTraces checks that ids are spread over all traces, and that each trace is in doubt
// separately.
func TestTraces(t *testing.T) {
	var all traces
	now := time.Now()
	seen := map[*trace]bool{}
	for n := range 20 * len(all) {
		trace := all.of(fmt.Sprintf("%043d", n))
		if seen[trace] {
			continue
		}
		seen[trace] = true
		if trace.inDoubt(now) {
			t.Fatalf("doubts about %d before there are any", n)
		}
		trace.doubt(now.Add(time.Second))
		trace.doubt(now) // never shortens
		if !trace.inDoubt(now) || trace.inDoubt(now.Add(time.Second)) {
			t.Fatalf("no doubts about %d, or for too long", n)
		}
	}
	if len(seen) < len(all)*99/100 {
		t.Errorf("ids have %d traces of %d", len(seen), len(all))
	}
}

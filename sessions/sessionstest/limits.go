package sessionstest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// limitChecks check records that are too large and callers that do not wait.
var limitChecks = []check{
	{"LargeData", func(t *testing.T, b sessions.Backend) {
		large := bytes.Repeat([]byte("0123456789abcdef"), 4<<10) // 64 KiB
		wantData(t, b, create(t, b, newRecord(string(large))), string(large))
	}},
	{"TooLarge", func(t *testing.T, b sessions.Backend) {
		// A backend without a limit stores them completely. One with a limit returns an error
		// and keeps the old record.
		for _, size := range []int{1 << 20, 1<<20 + 1<<16} {
			id := create(t, b, newRecord("small"))
			huge := newRecord(string(bytes.Repeat([]byte("x"), size)))
			want := "small"
			_, err := b.Update(t.Context(), id, withVersion(huge, load(t, b, id).Version))
			if err == nil {
				want = string(huge.Data)
			} else {
				wantError(t, "Update", err, sessions.ErrTooLarge)
			}
			wantData(t, b, id, want)

			id = newID()
			if err := b.Create(t.Context(), id, huge); err == nil {
				wantData(t, b, id, string(huge.Data))
			} else {
				wantError(t, "Create", err, sessions.ErrTooLarge)
				wantMissing(t, b, id)
			}
		}
	}},
	{"ContextIsOver", func(t *testing.T, b sessions.Backend) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
			id, other := create(t, b, newRecord("data")), newID()
			r := load(t, b, id)
			for method, call := range map[string]func() error{
				"Load":   func() error { _, err := b.Load(ctx, id); return err },
				"Create": func() error { return b.Create(ctx, other, newRecord("other")) },
				"Update": func() error { _, err := b.Update(ctx, id, r); return err },
				"Delete": func() error { return b.Delete(ctx, id) },
			} {
				if err := soon(call); !errors.Is(err, want) {
					t.Errorf("%s: error %v, want %v", method, err, want)
				}
			}
			wantData(t, b, id, "data")
			wantMissing(t, b, other)
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Errorf("a call whose context was over has changed the record: %v", err)
			}
		}
	}},
}

// soon returns the result of call, or an error if it hangs. Its limit does not measure speed,
// it is only shorter than the timeout of a test.
func soon(call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		return errors.New("sessionstest: the call did not return in 20 seconds")
	}
}

package handlers

import (
	"testing"
	"time"
)

// After the wait that sharedWait returns, one more attempt is within the limit. Before, it is
// not.
func TestSharedWait(t *testing.T) {
	l := &limit{name: "test", burst: 10, window: 15 * time.Minute}
	window := time.Unix(0, 2_000_000*int64(l.window))
	for _, test := range []struct {
		this, before int
		into         time.Duration
	}{
		{0, 0, 0}, {9, 0, 0}, {10, 0, 0}, {10, 0, 14 * time.Minute}, {200, 0, time.Minute}, {10, 10, time.Minute},
		{0, 9, 0}, {0, 10, 0}, {0, 10, 2 * time.Minute}, {0, 200, 0}, {0, 200, 14 * time.Minute}, {5, 10, 5 * time.Minute}, {9, 100, 10 * time.Minute},
	} {
		now := window.Add(test.into)
		wait := sharedWait(l, test.this, test.before, now)
		// counted returns the count of the window that ends at a time.
		counted := func(at time.Time) float64 {
			this, before := float64(test.this), float64(test.before)
			if windowOf(l, at) > windowOf(l, now) {
				this, before = 0, this
			}
			into := float64(at.UnixNano()%int64(l.window)) / float64(l.window)
			return this + before*(1-into)
		}
		const within = 1e-3
		if late := counted(now.Add(wait)); late > 9+within {
			t.Errorf("%+v: after %v the count is %.3f", test, wait, late)
		}
		if wait < 0 || wait > 2*l.window {
			t.Errorf("%+v: has to wait %v", test, wait)
		}
		if early := counted(now.Add(wait - time.Second)); wait > time.Second && early <= 9 {
			t.Errorf("%+v: a second before %v the count is %.3f already", test, wait, early)
		}
	}
}

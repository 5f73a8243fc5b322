package handlers

import (
	"testing"
	"time"
)

func TestOncePerMinute(t *testing.T) {
	var o oncePerMinute
	now := time.Unix(1_000_000, 0)
	for i, test := range []struct {
		after time.Duration
		count int
		due   bool
	}{
		{0, 1, true}, {0, 0, false}, {59 * time.Second, 0, false}, {time.Second, 3, true}, {time.Hour, 1, true}, {time.Second, 0, false},
	} {
		now = now.Add(test.after)
		if count, due := o.due(now); count != test.count || due != test.due {
			t.Errorf("%d: %d, %v, want %d, %v", i, count, due, test.count, test.due)
		}
	}
}

package handlers

import (
	"context"
	"strconv"
	"time"
)

// A Counter counts for all instances of a program: see [Throttle]. The package
// sessions/memcache has one. If it fails, or takes more than a quarter of a second, each
// instance decides by its own counts, which it keeps in any case. It must be safe for
// concurrent use. Keys are 22 letters, digits, "-" and "_", and say nothing of names and
// addresses.
//
// It is asked for counts at every login, and adds at every failure. A database in which
// one row is written at every failure of an attack is no good one.
type Counter interface {
	// Counts returns the count of each key; 0: there is none.
	Counts(ctx context.Context, keys []string) ([]int, error)
	// Add adds one to the count of a key, and makes the count if there is none. The count
	// is kept for so long after it was made, at the least, unless memory is short.
	Add(ctx context.Context, key string, keep time.Duration) error
}

// counterPatience is how long a Counter may take for a request.
const counterPatience = time.Second / 4

// sharedWait is meter.begin of what all instances have counted, and counts nothing. A
// window is fixed: of the one before, what lies less than a window back counts in
// proportion.
func (t *Throttle) sharedWait(ctx context.Context, keys []counted) (wait time.Duration, reached *limit) {
	if t.Counter == nil || len(keys) == 0 {
		return 0, nil
	}
	now := t.now()
	names := make([]string, 0, 2*len(keys))
	for _, c := range keys {
		this := windowOf(c.limit, now)
		names = append(names, t.shareKey(c, this), t.shareKey(c, this-1))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), counterPatience)
	defer cancel()
	counts, err := t.Counter.Counts(ctx, names)
	if err != nil || len(counts) != len(names) {
		t.counterFailed(ctx, err)
		return 0, nil
	}
	for i, c := range keys {
		if left := sharedWait(c.limit, counts[2*i], counts[2*i+1], now); left > wait {
			wait, reached = left, c.limit
		}
	}
	return wait, reached
}

// windowOf returns the number of the window that now is in.
func windowOf(l *limit, now time.Time) int64 { return now.UnixNano() / int64(l.window) }

// sharedWait returns how long it takes until less than a burst lies in the window that
// ends then, if nothing more comes.
func sharedWait(l *limit, this, before int, now time.Time) time.Duration {
	into := time.Duration(now.UnixNano() % int64(l.window))
	allowed := float64(l.burst - 1)
	// until returns when, from the beginning of a window, the share of the one before
	// has fallen to what is allowed beside it.
	until := func(this, before float64) time.Duration {
		if before <= 0 || this+before <= allowed {
			return 0
		}
		return time.Duration(float64(l.window) * (1 - max(0, allowed-this)/before))
	}
	if float64(this) > allowed {
		return l.window - into + until(0, float64(this))
	}
	return max(0, until(float64(this), float64(before))-into)
}

// share adds to what all instances have counted. It does so also for a client that has
// gone away.
func (t *Throttle) share(ctx context.Context, keys []counted) {
	if t.Counter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), counterPatience)
	defer cancel()
	now := t.now()
	for _, c := range keys {
		if err := t.Counter.Add(ctx, t.shareKey(c, windowOf(c.limit, now)), 2*c.limit.window); err != nil {
			t.counterFailed(ctx, err)
			return
		}
	}
}

func (t *Throttle) shareKey(c counted, window int64) string {
	return t.hidden(c.limit.name + "\x00" + strconv.FormatInt(window, 10) + "\x00" + c.key)
}

// counterFailed says once a minute that the Counter is silent.
func (t *Throttle) counterFailed(ctx context.Context, err error) {
	t.mu.Lock()
	now := t.now()
	due := t.silent.IsZero() || now.Sub(t.silent) >= time.Minute
	if due {
		t.silent = now
	}
	t.mu.Unlock()
	if due {
		t.log().WarnContext(ctx, "handlers: Throttle.Counter failed: each instance counts for itself", "error", err)
	}
}

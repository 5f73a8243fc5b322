package auth

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// turn waits until one more hash may run: at most p.Wait, and no longer than ctx.
// Whoever calls done gives the turn to the next. So a storm of logins takes the
// memory of p.Concurrent hashes and makes the rest wait, then fail with [ErrBusy].
func (p *Passwords) turn(ctx context.Context) (done func(), err error) {
	p.once.Do(func() {
		n := p.Concurrent
		if n <= 0 {
			n = runtime.GOMAXPROCS(0)
		}
		p.turns = make(chan struct{}, n)
	})
	done = func() { <-p.turns }
	select {
	case p.turns <- struct{}{}:
		return done, nil
	default:
	}
	wait := p.Wait
	if wait <= 0 {
		wait = 10 * time.Second
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
		return done, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, fmt.Errorf("auth: waiting to check a password: %w", ctx.Err())
	}
}

package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
)

// cleaningLimit is how many sessions one run deletes. Each costs a read and a delete. The
// next run deletes more.
const cleaningLimit = 5000

// cleanHourly deletes expired sessions now and every hour, until s is closed. Other instances
// may do so at the same time.
func (s *services) cleanHourly(log *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			if deleted, err := s.deleteExpired(ctx, cleaningLimit); err != nil && ctx.Err() == nil {
				log.Warn("expired sessions could not be deleted", "error", err)
			} else if deleted > 0 {
				log.Debug("expired sessions deleted", "deleted", deleted, "limit", cleaningLimit)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Hour):
			}
		}
	})
	s.closers = append(s.closers, func() error {
		stop()
		running.Wait()
		return nil
	})
}

// A cleaning deletes the expired sessions of a database that does not delete them itself.
// cron.yaml calls it. A program with a SQL database also does so by itself.
type cleaning struct {
	handlers.CronHandler
	deleteExpired func(ctx context.Context, limit int) (int, error) // if nil, there is nothing to clean
	log           *slog.Logger
}

// Get responds with the number of sessions that it deleted.
func (h *cleaning) Get() error {
	deleted := 0
	if h.deleteExpired != nil {
		var err error
		if deleted, err = h.deleteExpired(h.Context(), cleaningLimit); err != nil {
			return err
		}
		h.log.InfoContext(h.Context(), "expired sessions deleted", "deleted", deleted, "limit", cleaningLimit)
	}
	return h.JSON(map[string]int{"deleted": deleted})
}

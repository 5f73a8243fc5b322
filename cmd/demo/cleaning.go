package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/webapp2go/webapp2go/handlers"
)

// A run of the cleaning deletes expired sessions in batches, until none is left or cleaningTime
// is over. The next run continues.
const (
	cleaningTime  = 5 * time.Minute // a request of App Engine's cron service may take 10
	cleaningBatch = 1000
)

// clean deletes expired sessions, and begins no batch after the limit. More reports
// whether some are left.
func (s *services) clean(ctx context.Context, log *slog.Logger, limit time.Duration) (deleted int, more bool, err error) {
	for end := time.Now().Add(limit); ; {
		n, err := s.deleteExpired(ctx, cleaningBatch)
		deleted += n
		more = n == cleaningBatch
		if err == nil && more && time.Now().Before(end) {
			continue
		}
		if err != nil || deleted > 0 {
			log.InfoContext(ctx, "expired sessions deleted", "deleted", deleted, "more", more || err != nil)
		}
		return deleted, more, err
	}
}

// cleanHourly cleans now and every hour, until s is closed. Other instances may do so at the
// same time.
func (s *services) cleanHourly(log *slog.Logger) {
	s.background(func(ctx context.Context) {
		for {
			if _, _, err := s.clean(ctx, log, cleaningTime); err != nil && ctx.Err() == nil {
				log.Warn("expired sessions could not be deleted", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Hour):
			}
		}
	})
}

// A cleaning deletes the expired sessions of a database that does not delete them itself.
// cron.yaml calls it. A program with a SQL database also does so by itself.
type cleaning struct {
	handlers.CronHandler
	services *services
	log      *slog.Logger
}

// Get responds with the number of sessions that it deleted, and whether more are left for
// the next run.
func (h *cleaning) Get() error {
	var result struct {
		Deleted int  `json:"deleted"`
		More    bool `json:"more"`
	}
	if h.services.deleteExpired != nil {
		var err error
		if result.Deleted, result.More, err = h.services.clean(h.Context(), h.log, cleaningTime); err != nil {
			return err
		}
	}
	return h.JSON(result)
}

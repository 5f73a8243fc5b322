package main

import (
	"context"
	"log/slog"

	"github.com/webapp2go/webapp2go/handlers"
)

// cleaningLimit is how many sessions one run deletes. Each costs a read and a delete. The
// next run deletes more.
const cleaningLimit = 5000

// A cleaning deletes the expired sessions of a database that does not delete them itself.
// cron.yaml calls it.
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

package datastoretx_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/datastoretx"
)

type entity struct{ Value string }

// TestRun lets commits fail, applied or not, and counts the attempts.
func TestRun(t *testing.T) {
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		fail, lose codes.Code // of the first commit; 0: none
		refuse     bool
		attempts   int
		want       error
	}{
		"well":                {attempts: 1},
		"refused":             {refuse: true, attempts: 1, want: refused},
		"aborted":             {fail: codes.Aborted, attempts: 2},
		"failed":              {fail: codes.PermissionDenied, attempts: 2},
		"applied, lost":       {lose: codes.Internal, attempts: 2},
		"applied, as aborted": {lose: codes.Aborted, attempts: 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := datastoretest.Start(t)
			client, key := server.Client(t.Context()), datastore.NameKey("Entity", "e", nil)
			commits := 0 // one at a time
			first := func(code codes.Code) func(string) error {
				return func(method string) error {
					if method != "Commit" || code == 0 {
						return nil
					}
					if commits++; commits > 1 {
						return nil
					}
					return status.Error(code, "no")
				}
			}
			server.Fail(first(tt.fail))
			server.LoseReply(first(tt.lose))
			attempts := 0
			err := datastoretx.Run(t.Context(), client, "test", func(tx *datastore.Transaction, attempt int) error {
				attempts = attempt
				var e entity
				if err := tx.Get(key, &e); err == nil && e.Value == "ours" {
					return datastoretx.ErrApplied
				}
				if tt.refuse {
					return datastoretx.Refuse(refused)
				}
				_, err := tx.Put(key, &entity{"ours"})
				return err
			})
			if err != tt.want || attempts != tt.attempts {
				t.Errorf("%v after %d attempts, want %v after %d", err, attempts, tt.want, tt.attempts)
			}
			server.Fail(nil)
			server.LoseReply(nil)
			var e entity
			if err := client.Get(t.Context(), key, &e); (err == nil) == tt.refuse {
				t.Errorf("afterwards: %+v, %v", e, err)
			}
		})
	}
}

func TestFailure(t *testing.T) {
	over, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	other := errors.New("other")
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want error
	}{
		"status":    {t.Context(), status.Error(codes.DeadlineExceeded, ""), context.DeadlineExceeded},
		"context":   {over, other, context.DeadlineExceeded},
		"cancelled": {cancelled, other, context.Canceled},
		"other":     {t.Context(), other, other},
	} {
		got := datastoretx.Failure(tt.ctx, "here", tt.err)
		if !errors.Is(got, tt.want) || !errors.Is(got, tt.err) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

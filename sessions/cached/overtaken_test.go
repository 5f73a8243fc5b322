package cached_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
)

// TestOvertaken makes a second change while the first is between the store and the cache. The
// cache then loses the entry of the second change. The entry of the first, which is written
// last, must not be read.
func TestOvertaken(t *testing.T) {
	for method, call := range map[string]func(t *testing.T, b *cached.Backend, id string){
		"Update": func(t *testing.T, b *cached.Backend, id string) { update(t, b, id, "first") },
		"Load":   func(t *testing.T, b *cached.Backend, id string) { load(t, b, id) },
	} {
		t.Run(method, func(t *testing.T) {
			cache, store := sessions.NewMemory(), hook(sessions.NewMemory())
			backend := cached.New(cache, store)
			id := create(t, backend, "begun", "")
			store.set(nil, func(called, _ string) error {
				if called != method {
					return nil
				}
				store.set(nil, nil)
				r, err := store.Load(t.Context(), id)
				if err != nil {
					return err
				}
				r.Data = []byte("second")
				if _, err := backend.Update(t.Context(), id, r); err != nil {
					return err
				}
				return cache.Delete(t.Context(), id)
			})
			call(t, backend, id)
			wantData(t, backend, id, "second")
		})
	}
}

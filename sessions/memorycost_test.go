package sessions_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// newID returns an id as the Manager makes them.
func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// keptData returns the data that a Backend stores for a session of five keys, some 200 bytes.
func keptData(tb testing.TB) []byte {
	m := sessions.NewMemory()
	st := newManager(tb, m).Store(httptest.NewRequest(http.MethodGet, "/", nil))
	five(st.Session())
	if err := st.Save(httptest.NewRecorder()); err != nil {
		tb.Fatal(err)
	}
	r, err := m.Load(tb.Context(), st.Session().ID())
	if err != nil {
		tb.Fatal(err)
	}
	return r.Data
}

// fill makes n records, without a user if user returns "".
func fill(tb testing.TB, b sessions.Backend, n int, user func(i int) string) (ids []string) {
	tb.Helper()
	data, begin := keptData(tb), time.Now().Add(time.Hour)
	for i := range n {
		r := sessions.Record{Data: data, User: user(i), Expires: begin.Add(time.Duration(i))}
		ids = append(ids, newID())
		if err := b.Create(tb.Context(), ids[i], r); err != nil {
			tb.Fatal(err)
		}
	}
	return ids
}

func nobody(int) string { return "" }

// hundred returns a user who has a hundred sessions.
func hundred(i int) string { return fmt.Sprint("user ", i/100) }

// begin makes a session, as a request without a cookie does.
func begin(tb testing.TB, manager *sessions.Manager, user string) {
	st := manager.Store(httptest.NewRequest(http.MethodGet, "/", nil))
	five(st.Session())
	st.Session().SetUser(user)
	if err := st.Save(httptest.NewRecorder()); err != nil {
		tb.Fatal(err)
	}
}

// A request that makes a session costs less than twice as much if the Memory is full.
func TestMemoryFullCostsAsEmpty(t *testing.T) {
	full := sessions.NewMemory()
	fill(t, full, sessions.DefaultMemoryRecords, nobody)
	round := func(m *sessions.Memory) time.Duration {
		manager, start := newManager(t, m), time.Now()
		for range 500 {
			begin(t, manager, "")
		}
		return time.Since(start)
	}
	onEmpty, onFull := time.Hour, time.Hour
	for n := range 200 { // the minimum of many rounds is the least disturbed by other programs
		onEmpty, onFull = min(onEmpty, round(sessions.NewMemory())), min(onFull, round(full))
		if n >= 10 && onFull < 2*onEmpty {
			break
		}
	}
	if ratio := float64(onFull) / float64(onEmpty); ratio >= 2 {
		t.Errorf("on a full Memory %v, on an empty one %v: %.1f times as much, want less than 2", onFull, onEmpty, ratio)
	}
}

// The sessions of a user are found without reading those of others.
func TestMemoryListCostsTheUsersSessions(t *testing.T) {
	few, full := sessions.NewMemory(), sessions.NewMemory()
	fill(t, few, 100, hundred)
	fill(t, full, sessions.DefaultMemoryRecords, hundred)
	round := func(m *sessions.Memory) time.Duration {
		start := time.Now()
		for range 100 {
			if list, err := m.Sessions(t.Context(), hundred(0)); err != nil || len(list) != 100 {
				t.Fatalf("%d sessions, %v", len(list), err)
			}
		}
		return time.Since(start)
	}
	ofFew, ofFull := time.Hour, time.Hour
	for n := range 200 {
		ofFew, ofFull = min(ofFew, round(few)), min(ofFull, round(full))
		if n >= 10 && ofFull < 4*ofFew {
			break
		}
	}
	if ratio := float64(ofFull) / float64(ofFew); ratio >= 4 {
		t.Errorf("100 of %d sessions %v, 100 of 100 %v: %.1f times as much, want less than 4", sessions.DefaultMemoryRecords, ofFull, ofFew, ratio)
	}
}

// An account that logs in again and again ends only its own sessions.
func TestMemoryOneAccount(t *testing.T) {
	const most = 50
	ctx, m := t.Context(), &sessions.Memory{MaxRecords: 1200}
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: m, MaxPerUser: most}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		begin(t, manager, fmt.Sprint("user ", i))
	}
	for range 1500 {
		st := manager.Store(httptest.NewRequest(http.MethodGet, "/", nil))
		st.Session().LogIn("eve", sessions.Login{Credential: "x"})
		if err := st.Save(httptest.NewRecorder()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		if list, err := m.Sessions(ctx, fmt.Sprint("user ", i)); err != nil || len(list) != 1 {
			t.Fatalf("user %d has %d sessions, %v", i, len(list), err)
		}
	}
	if list, err := m.Sessions(ctx, "eve"); err != nil || len(list) != most {
		t.Errorf("the account has %d sessions, %v", len(list), err)
	}
}

func BenchmarkMemory(b *testing.B) {
	parallel := func(b *testing.B, do func(ctx context.Context, i int)) {
		var n atomic.Int64
		ctx := context.Background()
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				do(ctx, int(n.Add(1)))
			}
		})
	}
	data := keptData(b)
	record := func(i int) sessions.Record {
		return sessions.Record{Data: data, User: hundred(i), Expires: time.Now().Add(time.Hour)}
	}
	b.Run("create/empty", func(b *testing.B) { // at most 2,048 records
		m := sessions.NewMemory()
		ids := make([]string, 2048)
		for i := range ids {
			ids[i] = newID()
		}
		parallel(b, func(ctx context.Context, i int) {
			id := ids[i%len(ids)]
			_ = m.Delete(ctx, id)
			_ = m.Create(ctx, id, record(i))
		})
	})
	for name, user := range map[string]func(int) string{"nobody": nobody, "users": hundred} {
		b.Run("create/full of "+name, func(b *testing.B) {
			m := sessions.NewMemory()
			fill(b, m, sessions.DefaultMemoryRecords, user)
			ids := make([]string, b.N+1)
			for i := range ids {
				ids[i] = newID()
			}
			parallel(b, func(ctx context.Context, i int) { _ = m.Create(ctx, ids[i], record(i)) })
		})
	}
	full := sessions.NewMemory()
	ids := fill(b, full, sessions.DefaultMemoryRecords, hundred)
	b.Run("load", func(b *testing.B) {
		parallel(b, func(ctx context.Context, i int) { _, _ = full.Load(ctx, ids[i*7919%len(ids)]) })
	})
	b.Run("load and update", func(b *testing.B) {
		parallel(b, func(ctx context.Context, i int) {
			id := ids[i*7919%len(ids)]
			if r, err := full.Load(ctx, id); err == nil {
				r.Expires = time.Now().Add(2 * time.Hour)
				_, _ = full.Update(ctx, id, r)
			}
		})
	})
	b.Run("sessions of a user who has 100", func(b *testing.B) {
		parallel(b, func(ctx context.Context, i int) { _, _ = full.Sessions(ctx, hundred(i%len(ids))) })
	})
}

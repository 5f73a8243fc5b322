package sessions

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// testLimit is MemoryLimit made small.
const testLimit = 16 * memoryShards

func newSmallMemory() *Memory {
	m := NewMemory()
	m.limit = testLimit / memoryShards
	return m
}

func id(n int) string { return fmt.Sprintf("%043d", n) }

// What is full drops what would expire soonest, and never grows past its limit.
func TestMemoryIsBounded(t *testing.T) {
	ctx, m := t.Context(), newSmallMemory()
	begin := time.Now()
	const more = 4 * testLimit // so many that every shard is full
	for n := range more {
		r := Record{Data: []byte("a"), User: "ann", Expires: begin.Add(time.Hour + time.Duration(n)*time.Millisecond)}
		if err := m.Create(ctx, id(n), r); err != nil {
			t.Fatal(err)
		}
	}
	list, err := m.Sessions(ctx, "ann")
	if err != nil || len(list) > testLimit || len(list) < testLimit*9/10 {
		t.Errorf("%d records are kept, the limit is %d, %v", len(list), testLimit, err)
	}
	for n, found := range map[int]bool{0: false, 1: false, more - 1: true, more - 2: true} {
		if _, err := m.Load(ctx, id(n)); (err == nil) != found {
			t.Errorf("record %d: %v", n, err)
		}
	}
}

// What has expired makes room before anything that lives.
func TestMemoryDropsTheExpiredFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, m := t.Context(), newSmallMemory()
		for n := range testLimit {
			r := Record{Data: []byte("a"), User: "ann", Expires: time.Now().Add(time.Hour)}
			if n%8 != 0 {
				r.User, r.Expires = "bob", time.Now().Add(time.Minute)
			}
			if err := m.Create(ctx, id(n), r); err != nil {
				t.Fatal(err)
			}
		}
		before, _ := m.Sessions(ctx, "ann")
		time.Sleep(2 * time.Minute)
		for n := range testLimit / 4 {
			r := Record{Data: []byte("a"), User: "eve", Expires: time.Now().Add(30 * time.Second)}
			if err := m.Create(ctx, id(testLimit+n), r); err != nil {
				t.Fatal(err)
			}
		}
		if after, _ := m.Sessions(ctx, "ann"); len(after) != len(before) {
			t.Errorf("%d of %d that live were dropped", len(before)-len(after), len(before))
		}
	})
}

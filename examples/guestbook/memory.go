package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// memory is a Book that ends with the process and keeps the newest ten thousand
// entries of all guestbooks together. The zero value is ready for use.
type memory struct {
	mu      sync.Mutex
	last    int64
	entries []signed // the oldest first
}

type signed struct {
	guestbook string
	Entry
}

func (m *memory) Newest(_ context.Context, guestbook string, n int) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var newest []Entry
	for _, s := range slices.Backward(m.entries) {
		if len(newest) == n {
			break
		}
		if s.guestbook == guestbook {
			newest = append(newest, s.Entry)
		}
	}
	return newest, nil
}

func (m *memory) Sign(_ context.Context, guestbook, author, content string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 10_000 {
		m.entries = slices.Delete(m.entries, 0, 1)
	}
	m.last++
	m.entries = append(m.entries, signed{guestbook, Entry{m.last, author, content, time.Now()}})
	return nil
}

func (m *memory) Remove(_ context.Context, guestbook string, id int64, author string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.entries, func(s signed) bool {
		return s.guestbook == guestbook && s.ID == id && s.Author == author
	})
	if i < 0 || author == "" {
		return errNotFound
	}
	m.entries = slices.Delete(m.entries, i, i+1)
	return nil
}

package main

import (
	"context"
	"errors"
	"time"
)

// An Entry is what somebody wrote in a guestbook.
type Entry struct {
	ID      int64     // unique in its guestbook
	Author  string    // who was logged in, as webapp2 kept it; if empty, nobody was
	Content string    // never empty
	Date    time.Time // when it was written
}

// A Book keeps guestbooks, each under its own name. A guestbook without entries is
// an empty one. A Book is safe for concurrent use.
type Book interface {
	// Newest returns the last n entries of a guestbook, the newest first.
	Newest(ctx context.Context, guestbook string, n int) ([]Entry, error)
	// Sign adds an entry; the Book gives it its ID and its Date.
	Sign(ctx context.Context, guestbook, author, content string) error
	// Remove takes out an entry of author's own. It returns errNotFound if there
	// is none, or if it is another author's.
	Remove(ctx context.Context, guestbook string, id int64, author string) error
}

var errNotFound = errors.New("guestbook: no such entry")

package main

import (
	"slices"
	"sync"
	"time"
)

// A Note is one note on the board.
type Note struct {
	ID       int64     `json:"id"`
	Author   string    `json:"author"`
	Text     string    `json:"text"`
	Created  time.Time `json:"created"`
	HasPhoto bool      `json:"hasPhoto"`
	Photo    Photo     `json:"-"`
}

// A Photo is a picture as it was uploaded.
type Photo struct {
	Type string // "image/png"; empty if there is no photo
	Data []byte
}

// maxNotes is how many notes the board holds. The oldest make room.
const maxNotes = 100

// Notes is the board. It keeps its notes in memory. The zero value is an empty board.
type Notes struct {
	mutex     sync.Mutex
	last      int64
	list      []Note // newest first
	followers map[chan Note]bool
}

// Add puts a note on the board and tells the followers.
func (n *Notes) Add(author, text string, photo Photo) Note {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.last++
	note := Note{ID: n.last, Author: author, Text: text, Created: time.Now().UTC(), HasPhoto: photo.Type != "", Photo: photo}
	n.list = slices.Insert(n.list, 0, note)
	n.list = n.list[:min(len(n.list), maxNotes)]
	for follower := range n.followers {
		select {
		case follower <- note:
		default: // it is too slow, and misses this one
		}
	}
	return note
}

// List returns the notes, newest first.
func (n *Notes) List() []Note {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return slices.Clone(n.list)
}

// Find returns the note with an id, and false if there is none.
func (n *Notes) Find(id int64) (Note, bool) {
	for _, note := range n.List() {
		if note.ID == id {
			return note, true
		}
	}
	return Note{}, false
}

// Follow returns a channel that gets each new note until leave is called.
func (n *Notes) Follow() (notes <-chan Note, leave func()) {
	follower := make(chan Note, 8)
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.followers == nil {
		n.followers = map[chan Note]bool{}
	}
	n.followers[follower] = true
	return follower, func() {
		n.mutex.Lock()
		defer n.mutex.Unlock()
		delete(n.followers, follower)
	}
}

package datastore

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

const (
	markSize  = 8   // bytes: the second it was made, then 32 random bits
	maxWrites = 256 // marks kept; an entity that needs them changes far more often than Datastore advises
)

// writes are the marks of the newest changes of an entity, newest first. A change
// that is not yet known to have been applied finds out by its mark.
type writes []byte

func newMark() []byte {
	mark := make([]byte, 0, markSize)
	mark = binary.BigEndian.AppendUint32(mark, uint32(time.Now().Unix()))
	return binary.BigEndian.AppendUint32(mark, rand.Uint32())
}

// with returns the marks after one more change. Those older than life are dropped,
// so most entities hold one.
func (w writes) with(mark []byte, life time.Duration) writes {
	oldest := uint32(time.Now().Add(-life).Unix())
	next := append(writes(nil), mark...)
	for len(w) >= markSize && len(next) < maxWrites*markSize && binary.BigEndian.Uint32(w) >= oldest {
		next, w = append(next, w[:markSize]...), w[markSize:]
	}
	return next
}

func (w writes) has(mark []byte) bool {
	for ; len(w) >= markSize; w = w[markSize:] {
		if bytes.Equal(w[:markSize], mark) {
			return true
		}
	}
	return false
}

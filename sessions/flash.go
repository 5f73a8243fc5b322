package sessions

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// A Flash is a message that the next page shows, once, as in webapp2.
type Flash struct {
	Value any    // as [Session.Get] would return it
	Level string // "info", "error" or a word of the site; it may be empty
}

// FlashAs returns the value of f as a T, and reports whether it can be decoded as a T. T may
// be a struct, a slice or a map.
func FlashAs[T any](f Flash) (T, bool) {
	var value, zero T
	raw, err := encodeValue(f.Value)
	if err != nil || decodeValue(raw, &value) != nil {
		return zero, false
	}
	return value, true
}

// A storedFlash is a flash as the contents keep it. Its number is the time in seconds, and
// 32 random bits that tell it from others of the same words, so that a replay removes
// exactly those that were shown.
type storedFlash struct {
	number     uint64
	raw, level string
}

// maxFlashAge is how long a message waits for a page that shows it.
const maxFlashAge = 24 * time.Hour

func newStoredFlash(raw, level string, now time.Time) storedFlash {
	return storedFlash{number: uint64(now.Unix())<<32 | uint64(rand.Uint32()), raw: raw, level: level}
}

func (n *storedFlash) isOld(now time.Time) bool {
	return now.Sub(time.Unix(int64(n.number>>32), 0)) > maxFlashAge
}

func (n *storedFlash) append(to []byte) []byte {
	to = appendHead(to, cborArray, 3)
	to = appendHead(to, cborUint, n.number)
	return appendText(append(to, n.raw...), n.level)
}

func (n *storedFlash) parse(data string) (rest string, err error) {
	count, data, err := readCount(data, cborArray)
	if err != nil || count != 3 {
		return "", errMalformed
	}
	major, _, number, data, err := readHead(data)
	if err != nil || major != cborUint {
		return "", errMalformed
	}
	n.number = number
	after, err := skip(data, maxDepth)
	if err != nil {
		return "", err
	}
	n.raw = data[:len(data)-len(after)]
	n.level, rest, err = readText(after)
	return rest, err
}

// AddFlash keeps a message for the next call of [Session.Flashes], in this request or a
// later one. If value cannot be encoded, Err returns an error.
func (s *Session) AddFlash(value any, level string) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failOp(s.cannot("keep a flash", err)))
		return
	}
	s.change(addFlashOp(newStoredFlash(raw, level, s.now())))
}

// Flashes returns the messages that wait, oldest first, and removes them. A HEAD request
// does not remove them, since it shows nothing. A message that has waited for more than a
// day is removed but not returned. Two requests at once may both show a message. A Value
// that was a struct is a map; [FlashAs] gives it its type.
func (s *Session) Flashes() []Flash {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	taken := s.contents.flashes
	if len(taken) == 0 {
		return nil
	}
	if s.store.request.Method != http.MethodHead {
		s.apply(takeFlashesOp(taken))
	}
	flashes := make([]Flash, 0, len(taken))
	for _, n := range taken {
		if n.isOld(s.now()) {
			continue
		}
		value, _, err := readAny(n.raw)
		if err != nil {
			s.undecodable(s.ref.id, "a flash", err)
			continue
		}
		flashes = append(flashes, Flash{Value: value, Level: n.level})
	}
	return flashes
}

package sessions

import (
	"math/rand/v2"
	"net/http"
)

// A Flash is a message for the next page, shown once: webapp2's flashes.
type Flash struct {
	Value any    // as [Session.Get] would give it
	Level string // "info", "error", ... as the site likes; it may be empty
}

// FlashAs returns the value of a flash as a T, and whether it can be decoded as that. It
// decodes into structs, slices and maps too.
func FlashAs[T any](f Flash) (T, bool) {
	var value, zero T
	raw, err := encodeValue(f.Value)
	if err != nil || decodeValue(raw, &value) != nil {
		return zero, false
	}
	return value, true
}

// A note is a flash as it is kept. Its number tells it from others of the same
// words, so that a replay takes exactly those that were shown.
type note struct {
	number     uint64
	raw, level string
}

func newNote(raw, level string) note {
	return note{number: uint64(rand.Uint32()), raw: raw, level: level}
}

func (n *note) append(to []byte) []byte {
	to = appendHead(to, cborArray, 3)
	to = appendHead(to, cborUint, n.number)
	return appendText(append(to, n.raw...), n.level)
}

func (n *note) parse(data string) (rest string, err error) {
	count, data, err := readCount(data, cborArray)
	if err != nil || count != 3 {
		return "", errMalformed
	}
	major, _, number, data, err := head(data)
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

// AddFlash keeps a message for the next call of Flashes, in this request or a later
// one. A value that cannot be encoded is an error in Err.
func (s *Session) AddFlash(value any, level string) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failing(s.cannot("keep a flash", err)))
		return
	}
	s.change(adding(newNote(raw, level)))
}

// Flashes returns the messages that wait, oldest first, and takes them away, but not in
// a request by HEAD, which shows nothing. Two requests in parallel may both show a
// message. A Value that was a struct comes as a map; [FlashAs] gives it its type.
func (s *Session) Flashes() []Flash {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	taken := s.contents.flashes
	if len(taken) == 0 {
		return nil
	}
	if s.store.request.Method != http.MethodHead {
		s.apply(taking(taken))
	}
	flashes := make([]Flash, 0, len(taken))
	for _, n := range taken {
		value, _, err := readAny(n.raw)
		if err != nil {
			s.undecodable(s.record.id, "a flash", err)
			continue
		}
		flashes = append(flashes, Flash{Value: value, Level: n.level})
	}
	return flashes
}

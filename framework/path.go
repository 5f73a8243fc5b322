package framework

import (
	"math"
	"unicode/utf8"
)

// maxSegments is how many segments a path may have for the index to look at it: what
// is deeper is for mux.
const maxSegments = 16

// A splitPath is a path and where its segments end, so that they need no memory of
// their own.
type splitPath struct {
	text  string
	ends  [maxSegments]uint16
	count int // of segments; 0: not a path of the index
}

// segment returns the text of a segment, the one after the leading slash being 0.
func (p *splitPath) segment(i int) string {
	start := 1
	if i > 0 {
		start = int(p.ends[i-1]) + 1
	}
	return p.text[start:p.ends[i]]
}

// split takes a decoded path apart, and tells whether it can be one of ours: UTF-8,
// without control bytes, and without a segment that a browser or a file system would
// resolve.
func (p *splitPath) split(path string) (valid bool) {
	p.text, p.count = path, 0
	start, ascii := 0, true
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case '/' < c && c < 0x7f:
		case c == '/':
			if dots(path[start:i]) {
				return false
			}
			if i > 0 {
				p.end(i)
			}
			start = i + 1
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.end(len(path))
	if p.count > maxSegments || len(path) > math.MaxUint16 || path == "" || path[0] != '/' {
		p.count = 0
	}
	return !dots(path[start:]) && (ascii || utf8.ValidString(path))
}

func (p *splitPath) end(at int) {
	if p.count < maxSegments {
		p.ends[p.count] = uint16(at)
	}
	p.count++
}

func validPath(path string) bool {
	var p splitPath
	return p.split(path)
}

func dots(segment string) bool { return segment == "." || segment == ".." }

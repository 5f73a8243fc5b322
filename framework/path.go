package framework

import "unicode/utf8"

// validPath tells whether a decoded path can be one of ours: UTF-8, without control
// bytes, and without a segment that a browser or a file system would resolve.
func validPath(path string) bool {
	segment := 0
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/':
			if dots(path[segment:i]) {
				return false
			}
			segment = i + 1
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !dots(path[segment:]) && (ascii || utf8.ValidString(path))
}

func dots(segment string) bool { return segment == "." || segment == ".." }

package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"path"
	"slices"
	"strings"
)

// StaticPath is the path under which a site serves its static files.
const StaticPath = "/static/"

// A File is a static file, held in memory from start to end.
type File struct {
	Type string // for Content-Type
	Data []byte // shared by all requests: not to be changed
}

// Static returns the file that hashed names, the last part of the address that the
// template function static gave. There is no other name for it: what an address
// shows never changes, and so may be kept for ever.
func (s *Set) Static(hashed string) (File, bool) {
	f, ok := s.files[hashed]
	return f, ok
}

// StaticURL gives the address of the static file called name, such as
// "/static/site.0f343b0931126a20.css" for "site.css". It is the template function static.
func (s *Set) StaticURL(name string) (string, error) {
	hashed, ok := s.hashed[name]
	if !ok {
		return "", fmt.Errorf("templates: %s", s.noStatic(name))
	}
	return StaticPath + hashed, nil
}

// noStatic says that there is no static file called name.
func (s *Set) noStatic(name string) string {
	return fmt.Sprintf("there is no static file %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(s.hashed)), ", "))
}

// addStatic adds a static file, in the place of one of the same name.
func (s *Set) addStatic(name string, data []byte) {
	name = strings.ReplaceAll(name, "/", "-")
	delete(s.files, s.hashed[name])
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
	s.hashed[name] = hashed
	s.files[hashed] = File{Type: contentType(ext), Data: data}
}

// types are those that mime does not know everywhere, so that a site answers the
// same on every machine.
var types = map[string]string{
	".ico":   "image/x-icon",
	".txt":   "text/plain; charset=utf-8",
	".woff":  "font/woff",
	".woff2": "font/woff2",
}

func contentType(ext string) string {
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

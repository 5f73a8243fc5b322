package templates

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/url"
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

// Static returns the file at an address under StaticPath, without that prefix. Its first
// folder is the hash of all static files, and the rest is the file's own name with its
// folders, so that a file finds another by a relative reference: url(../img/bg.png) in a
// style sheet, import "./util.js" in a script. What an address shows never changes, and so
// may be kept for ever.
func (s *Set) Static(address string) (File, bool) {
	version, name, _ := strings.Cut(address, "/")
	if version != s.version {
		return File{}, false
	}
	f, ok := s.files[name]
	return f, ok
}

// StaticURL gives the address of the static file called name, such as
// "/static/0f343b0931126a20/img/bg.png" for "img/bg.png". It is the template function
// static.
func (s *Set) StaticURL(name string) (string, error) {
	if _, ok := s.files[name]; !ok {
		return "", fmt.Errorf("templates: %s", s.noStatic(name))
	}
	return StaticPath + s.version + "/" + (&url.URL{Path: name}).EscapedPath(), nil
}

// CurrentURL gives the address that a static file has now, for an address under StaticPath,
// without that prefix, that another version of the site gave out or that has no hash; ok
// is false if there is no such file.
func (s *Set) CurrentURL(address string) (current string, ok bool) {
	version, name, _ := strings.Cut(address, "/")
	if _, ok := s.files[address]; ok {
		name = address
	} else if sum, err := hex.DecodeString(version); err != nil || len(sum) != versionSize {
		return "", false
	}
	current, err := s.StaticURL(name)
	return current, err == nil
}

// Root returns the file of the folder root called name: "robots.txt" is root/robots.txt.
// A site serves it at its own name, as /robots.txt.
func (s *Set) Root(name string) (File, bool) {
	f, ok := s.root[name]
	return f, ok
}

// RootFiles lists the names of the files of the folder root, sorted.
func (s *Set) RootFiles() []string { return slices.Sorted(maps.Keys(s.root)) }

// noStatic says that there is no static file called name.
func (s *Set) noStatic(name string) string {
	return fmt.Sprintf("there is no static file %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(s.files)), ", "))
}

// versionSize is how many bytes of the hash an address has.
const versionSize = 8

// setVersion computes the hash of all static files, names and contents.
func (s *Set) setVersion() {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		for _, part := range [][]byte{[]byte(name), s.files[name].Data} {
			sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			sum.Write(part)
		}
	}
	s.version = hex.EncodeToString(sum.Sum(nil)[:versionSize])
}

// addStatic adds a static file, in the place of a built-in one of the same name.
func (s *Set) addStatic(name string, data []byte) {
	s.files[name] = File{Type: contentType(name), Data: data}
}

// addRoot adds a file of the folder root. A name that a path cannot have as it is written,
// or that belongs to the static files, is a mistake.
func (s *Set) addRoot(name string, data []byte) error {
	switch first, _, _ := strings.Cut(name, "/"); {
	case strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~/", r))
	}):
		return fmt.Errorf("templates: root/%s: the name of a file in root is a path as it is: use letters and digits of ASCII, and - . _ ~", name)
	case "/"+first+"/" == StaticPath || "/"+name+"/" == StaticPath:
		return fmt.Errorf("templates: root/%s: the path /%[1]s belongs to the static files: move the file to the folder static, or rename it", name)
	}
	s.root[name] = File{Type: contentType(name), Data: data}
	return nil
}

// types are those that mime does not know everywhere, so that a site answers the
// same on every machine.
var types = map[string]string{
	".ico":         "image/x-icon",
	".txt":         "text/plain; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".map":         "application/json",
	".webmanifest": "application/manifest+json",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
}

func contentType(name string) string {
	ext := path.Ext(name)
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

package templates

import (
	"bytes"
	"compress/gzip"
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
	"sync"
)

// StaticPath is the path under which a site serves its static files.
const StaticPath = "/static/"

// A File is a static file in memory.
type File struct {
	Type string // for Content-Type
	Data []byte // shared by all requests: it must not be changed

	gzipped func() []byte // nil if the file is too small, or is not text
}

func newFile(name string, data []byte) File {
	f := File{Type: contentType(name), Data: data}
	if len(data) >= smallest && isText(f.Type) {
		f.gzipped = sync.OnceValue(func() []byte { return compress(data) })
	}
	return f
}

// Gzip returns Data as gzip, or nil if it would not be a tenth smaller. The first call
// compresses it. The result is shared by all requests: it must not be changed. The methods
// of a File may be called concurrently.
func (f File) Gzip() []byte {
	if f.gzipped == nil {
		return nil
	}
	return f.gzipped()
}

// smallest is the size in bytes of the smallest file that is compressed. A smaller one is
// one packet of TCP, compressed or not.
const smallest = 1400

// isText reports whether a file of this type is text, or WebAssembly, which gets smaller too.
// Most pictures, fonts and archives are compressed already.
func isText(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch media {
	case "application/json", "application/javascript", "application/xml", "application/wasm":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

func compress(data []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	w.Write(data)                                           // a Buffer takes everything
	w.Close()
	if out.Len() > len(data)/10*9 {
		return nil
	}
	return bytes.Clone(out.Bytes()) // without spare capacity
}

// Static returns the file at an address, which is a path without StaticPath. The first
// folder of an address is the hash of all static files, so that the contents of an address
// never change and can be cached for ever. The rest is the name of the file with its
// folders, so that relative references work: url(../img/bg.png) in a style sheet,
// import "./util.js" in a script.
func (s *Set) Static(address string) (File, bool) {
	s, _ = s.current() // Render reports a mistake
	version, name, _ := strings.Cut(address, "/")
	if version != s.version {
		return File{}, false
	}
	f, ok := s.files[name]
	return f, ok
}

// StaticURL returns the path of a static file: for "img/bg.png" something like
// "/static/0f343b0931126a20/img/bg.png". It is the template function static.
func (s *Set) StaticURL(name string) (string, error) {
	s, _ = s.current() // Render reports a mistake
	if _, ok := s.files[name]; !ok {
		return "", fmt.Errorf("templates: %s", s.noStatic(name))
	}
	return StaticPath + s.version + "/" + (&url.URL{Path: name}).EscapedPath(), nil
}

// CurrentURL returns the current path of the static file at an address of another version
// of the site, or at an address without a hash. It reports false if there is no such file.
func (s *Set) CurrentURL(address string) (current string, ok bool) {
	s, _ = s.current() // Render reports a mistake
	version, name, _ := strings.Cut(address, "/")
	if _, ok := s.files[address]; ok {
		name = address
	} else if sum, err := hex.DecodeString(version); err != nil || len(sum) != versionSize {
		return "", false
	}
	current, err := s.StaticURL(name)
	return current, err == nil
}

// Root returns a file of the folder root: for "robots.txt" that is root/robots.txt. A site
// serves it as /robots.txt.
func (s *Set) Root(name string) (File, bool) {
	s, _ = s.current() // Render reports a mistake
	f, ok := s.root[name]
	return f, ok
}

// RootFiles lists the names of the files of the folder root, sorted.
func (s *Set) RootFiles() []string { return slices.Sorted(maps.Keys(s.root)) }

// noStatic is the message for a static file that does not exist.
func (s *Set) noStatic(name string) string {
	return fmt.Sprintf("there is no static file %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(s.files)), ", "))
}

// versionSize is how many bytes of the hash are in an address.
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

// addRoot adds a file of the folder root. It returns an error if the name would have to be
// escaped in a path, or if the path belongs to the static files.
func (s *Set) addRoot(name string, data []byte) error {
	switch first, _, _ := strings.Cut(name, "/"); {
	case strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~/", r))
	}):
		return fmt.Errorf("templates: root/%s: the name of a file in root is its path: use letters and digits of ASCII, and - . _ ~", name)
	case "/"+first+"/" == StaticPath || "/"+name+"/" == StaticPath:
		return fmt.Errorf("templates: root/%s: the path /%[1]s belongs to the static files: move the file to the folder static, or rename it", name)
	}
	s.root[name] = newFile(name, data)
	return nil
}

// types are the content types that package mime does not know on every machine.
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

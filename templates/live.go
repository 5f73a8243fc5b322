package templates

import (
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"
)

// ParseLive is [Parse] for development: the set that it returns reads the files again if
// one of them has changed, so that a change is seen at the next request. Pages is the
// folder itself, not a copy in the program:
//
//	pages, err := templates.ParseLive(os.DirFS("pages"), nil)
//
// If the changed files have a mistake, Render returns it until it is corrected, and static
// files stay as they were. A file that is added to the folder root is served after the
// next start. Each request looks at the time and size of every file: use Parse in
// production.
func ParseLive(pages fs.FS, funcs template.FuncMap) (*Set, error) {
	return ParseLiveIn(nil, pages, funcs)
}

// ParseLiveIn is [ParseIn] for development, as ParseLive is Parse.
func ParseLiveIn(languages Languages, pages fs.FS, funcs template.FuncMap) (*Set, error) {
	seen, err := stamp(pages)
	if err != nil {
		seen = "" // Parse reports it
	}
	s, err := ParseIn(languages, pages, funcs)
	if err != nil {
		return nil, err
	}
	s.live = &live{pages: pages, seen: seen, good: s}
	return s, nil
}

// live is the state of the files of a set that ParseLive has made.
type live struct {
	pages fs.FS

	mutex sync.Mutex
	seen  string // the stamp of the files that were read last
	good  *Set   // the newest set without a mistake
	err   error  // the mistake in the files that were read last
}

// current returns the set of the files as they are now. If they have a mistake, it returns
// that and the set before it.
func (s *Set) current() (*Set, error) {
	l := s.live
	if l == nil {
		return s, nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	seen, err := stamp(l.pages)
	if err != nil {
		return l.good, fmt.Errorf("templates: %w", err)
	}
	if seen == l.seen {
		return l.good, l.err
	}
	l.seen = seen
	next, err := ParseIn(s.languages, l.pages, s.funcs)
	if err == nil {
		next.routes.Store(s.routes.Load())
		err = next.CheckURLs()
	}
	if l.err = err; err == nil {
		l.good = next
	}
	return l.good, err
}

// stamp returns the names, sizes and times of all files.
func stamp(pages fs.FS) (string, error) {
	var all strings.Builder
	if pages == nil {
		return "", nil
	}
	err := fs.WalkDir(pages, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%q %d %d\n", file, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return all.String(), err
}

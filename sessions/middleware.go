package sessions

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
)

// A storeKey is the key of a request's Store in its context.
type storeKey struct{ *Manager }

func (m *Manager) fromContext(r *http.Request) *Store {
	st, _ := r.Context().Value(storeKey{m}).(*Store)
	return st
}

// Middleware makes one Store for each request, which [Manager.Store] then returns, and saves
// it immediately before the header is written: by WriteHeader, Write, Flush or Hijack, or
// after the handler has returned or panicked. It is for programs on net/http or another
// router. Package handlers does not need it.
//
//	http.ListenAndServe(":8080", manager.Middleware(mux))
//
// If the sessions cannot be saved, the response is a plain text with the status of the
// error, and the handler's writes return the error. A handler that wants to respond with
// a page of its own calls Save first. Hijack returns an error if a cookie would have to
// be set.
func (m *Manager) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.fromContext(r) != nil {
			next.ServeHTTP(w, r)
			return
		}
		s := &saver{writer: w}
		r = r.WithContext(context.WithValue(r.Context(), storeKey{m}, &s.store))
		s.store.begin(m, r)
		returned := false
		defer func() {
			if returned {
				s.begin()
			} else if err := s.save(); err != nil { // the panic goes on
				m.log.Error("sessions: not saved after a panic", slog.Any("error", err))
			}
		}()
		next.ServeHTTP(s, r)
		returned = true
	})
}

// A saver is the ResponseWriter that saves a Store before the header is written.
type saver struct {
	writer http.ResponseWriter
	store  Store
	saved  bool
	sent   bool  // the header has been written
	bare   bool  // the connection is being taken over
	failed error // of the save; the response is the error
}

var (
	_ http.Flusher  = (*saver)(nil)
	_ http.Hijacker = (*saver)(nil)
	_ io.ReaderFrom = (*saver)(nil)
)

func (s *saver) Header() http.Header         { return s.writer.Header() }
func (s *saver) Unwrap() http.ResponseWriter { return s.writer }
func (s *saver) HeaderWritten() bool         { return s.sent }
func (s *saver) CanSetCookies() bool         { return !s.bare }

func (s *saver) save() error {
	if s.saved || s.sent {
		return nil
	}
	s.saved = true
	return s.store.Save(s)
}

// begin saves, if that has not been done, and writes the response if the save fails. It
// reports whether the handler's own response goes on.
func (s *saver) begin() bool {
	if s.sent {
		return s.failed == nil
	}
	s.failed = s.save()
	s.sent = true
	if s.failed == nil {
		return true
	}
	status := http.StatusInternalServerError
	if known, ok := errors.AsType[*failure](s.failed); ok {
		status = known.status
	}
	s.store.manager.log.Error("sessions: a response was replaced by an error, since its sessions could not be saved",
		slog.Any("error", s.failed), slog.Int("status", status), slog.String("url", s.store.request.URL.Path))
	for _, name := range []string{"Content-Encoding", "Content-Range", "Content-Disposition", "Etag", "Last-Modified", "Expires", "Location", "Trailer"} {
		s.Header().Del(name)
	}
	s.Header().Set("Cache-Control", "no-store")
	http.Error(s.writer, http.StatusText(status), status)
	return false
}

func (s *saver) WriteHeader(status int) {
	if 100 <= status && status < 200 && status != http.StatusSwitchingProtocols {
		s.writer.WriteHeader(status)
		return
	}
	if s.begin() {
		s.writer.WriteHeader(status) // if it comes too late, the server logs it
	}
}

func (s *saver) Write(p []byte) (int, error) {
	if !s.begin() {
		return 0, s.failed
	}
	return s.writer.Write(p)
}

func (s *saver) ReadFrom(src io.Reader) (int64, error) {
	if !s.begin() {
		return 0, s.failed
	}
	return io.Copy(s.writer, src)
}

func (s *saver) Flush() { _ = s.FlushError() }

func (s *saver) FlushError() error {
	if !s.begin() {
		return s.failed
	}
	return http.NewResponseController(s.writer).Flush()
}

func (s *saver) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.bare = true
	if err := s.save(); err != nil {
		return nil, nil, err
	}
	if !s.sent && len(s.Header()["Set-Cookie"]) > 0 {
		return nil, nil, errors.New("sessions: Hijack would lose a cookie that this request has set: set it in an earlier response")
	}
	connection, buffered, err := http.NewResponseController(s.writer).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("sessions: Hijack: %w", err)
	}
	s.sent = true
	return connection, buffered, nil
}

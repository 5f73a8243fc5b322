package framework

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

var (
	_ http.Flusher  = (*Response)(nil)
	_ http.Hijacker = (*Response)(nil)
	_ io.ReaderFrom = (*Response)(nil)
)

// Flush is FlushError for those who do not ask.
func (r *Response) Flush() { _ = r.FlushError() }

// FlushError runs the hooks and sends the header and what is held. What is written
// after it is not held back. On App Engine the platform collects the whole answer all
// the same; Cloud Run streams.
func (r *Response) FlushError() error {
	r.acted = true
	switch {
	case r.hijacked:
		return http.ErrHijacked
	case r.finished:
		return errFinished
	}
	if err := r.send(false); err != nil {
		return err
	}
	return http.NewResponseController(r.writer).Flush()
}

// Hijack runs the hooks and takes over the connection, as [http.Hijacker] says. It
// refuses where the header holds a cookie, which could no longer go out.
func (r *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.acted = true
	switch {
	case r.hijacked:
		return nil, nil, http.ErrHijacked
	case r.finished:
		return nil, nil, errFinished
	}
	r.hijacking = true
	err := r.runHooks()
	r.hijacking = false
	if err != nil {
		return nil, nil, err
	}
	if !r.sent && len(r.Header()["Set-Cookie"]) > 0 {
		return nil, nil, errors.New("framework: Hijack would lose a cookie that was set in this request: set it in an answer before, or answer 101 through WriteHeader")
	}
	connection, buffered, err := http.NewResponseController(r.writer).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("framework: Hijack: %w", err)
	}
	r.sent, r.hijacked = true, true
	r.dropBody()
	return connection, buffered, nil
}

// ReadFrom copies what src has into the body. What fits is held back; once the header
// is sent the server's own writer does the rest, which lets the kernel send files.
func (r *Response) ReadFrom(src io.Reader) (n int64, err error) {
	if err := r.writable(); err != nil {
		return 0, err
	}
	if r.head {
		return io.Copy(struct{ io.Writer }{r}, src) // Write counts
	}
	for !r.sent {
		if r.held() >= int(r.limit) {
			if err := r.send(false); err != nil {
				return n, err
			}
			break
		}
		got, err := r.holdFrom(src)
		n += int64(got)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	copied, err := io.Copy(r.writer, src)
	r.count += copied
	return n + copied, err
}

// behind returns the Response of ours behind a writer, nil if there is none: what
// middleware that wraps the writer leaves to the next handler.
func behind(w http.ResponseWriter) *Response {
	for {
		switch wrapper := w.(type) {
		case *Response:
			return wrapper
		case interface{ Unwrap() http.ResponseWriter }:
			w = wrapper.Unwrap()
		default:
			return nil
		}
	}
}

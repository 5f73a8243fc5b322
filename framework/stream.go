package framework

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

var (
	_ http.Flusher  = (*Response)(nil)
	_ http.Hijacker = (*Response)(nil)
	_ io.ReaderFrom = (*Response)(nil)
)

// Flush is like FlushError and ignores the error.
func (r *Response) Flush() { _ = r.FlushError() }

// FlushError calls the functions of BeforeSend and sends the header and the body so far.
// What is written later is sent at once. App Engine collects the whole response all the
// same; Cloud Run streams it.
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
	r.startWriteTimeout()
	defer r.stopWriteTimeout()
	return http.NewResponseController(r.writer).Flush()
}

// Hijack calls the functions of BeforeSend and takes over the connection, see
// [http.Hijacker]. It returns an error if the header has a cookie, which could not be
// sent.
func (r *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.acted = true
	switch {
	case r.hijacked:
		return nil, nil, http.ErrHijacked
	case r.finished:
		return nil, nil, errFinished
	}
	extras := r.needExtras()
	extras.hijacking = true
	err := r.runHooks()
	extras.hijacking = false
	if err != nil {
		return nil, nil, err
	}
	if !r.sent && len(r.Header()["Set-Cookie"]) > 0 {
		return nil, nil, errors.New("framework: Hijack would lose a cookie that this request has set: set it in an earlier response, or send a 101 by WriteHeader")
	}
	connection, buffered, err := http.NewResponseController(r.writer).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("framework: Hijack: %w", err)
	}
	r.sent, r.hijacked, r.client = true, true, nil
	r.dropBody()
	return connection, buffered, nil
}

// ReadFrom copies src into the body. After the header has been written, the server's
// writer copies, so that the kernel can send files.
func (r *Response) ReadFrom(src io.Reader) (n int64, err error) {
	if err := r.writable(); err != nil {
		return 0, err
	}
	if r.head {
		return io.Copy(struct{ io.Writer }{r}, src) // which counts the body and keeps none of it
	}
	for !r.sent {
		if r.held() >= r.limit() {
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
	copied, err := r.passFrom(src)
	r.count += copied
	return n + copied, err
}

// passFrom copies the rest of src to the client. A regular file is given to the server's
// writer in pieces. Any other src, such as a pipe, is read here, so that the write
// timeout does not include the time of waiting for src.
func (r *Response) passFrom(src io.Reader) (n int64, err error) {
	if r.client == nil {
		return io.Copy(r.writer, src)
	}
	left, ok := src.(*io.LimitedReader) // of http.ServeContent
	if !ok {
		left = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	if file, ok := left.R.(*os.File); !ok || !isRegular(file) {
		return io.Copy((*passer)(r), src)
	}
	defer r.stopWriteTimeout()
	for left.N > 0 {
		r.startWriteTimeout()
		part := &io.LimitedReader{R: left.R, N: min(left.N, maxPiece)}
		want := part.N
		copied, err := io.Copy(r.writer, part)
		n += copied
		left.N -= copied
		if err != nil || copied < want {
			return n, err
		}
	}
	return n, nil
}

// A passer is a Response whose header has been written, without the method ReadFrom.
type passer Response

func (p *passer) Write(b []byte) (int, error) { return (*Response)(p).pass(b) }

// isRegular reports whether a file is a regular file.
func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// StreamContext returns a context for code that streams or has taken over its connection.
// It ends with ctx, the context of a request, and as soon as the [Server] begins to stop;
// [context.Cause] is [http.ErrServerClosed] then. Without a Server it is ctx. Handlers
// have a method of the same name.
func StreamContext(ctx context.Context) context.Context {
	state := serverStateOf(ctx)
	if state == nil {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(state.stop, func() { cancel(http.ErrServerClosed) })
	context.AfterFunc(ctx, func() { release() })
	return ctx
}

// StreamContext returns a context that ends with the request, and as soon as the [Server]
// begins to stop. A handler that streams returns when it ends, so that it does not hold
// up the stop. See the function [StreamContext].
func (h *RequestHandler) StreamContext() context.Context { return StreamContext(h.Context()) }

// responseOf returns the *Response behind w, by the Unwrap methods of middleware, or nil
// if there is none.
func responseOf(w http.ResponseWriter) *Response {
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

// SetWriteDeadline sets the deadline for everything that is written from now on, in place
// of Server.WriteTimeout. If it is zero, there is no deadline. See [http.ResponseController].
func (r *Response) SetWriteDeadline(deadline time.Time) error {
	if err := http.NewResponseController(r.writer).SetWriteDeadline(deadline); err != nil {
		return err
	}
	r.client = nil
	return nil
}

// A client is the connection of a request, with Server.WriteTimeout.
//
// The write timeout of net/http begins when the header of the request has been read, so
// that it would end every stream and every response that takes long to make. Response
// begins it again before each piece that it writes, so that it only ends responses that
// are not read. An http.Handler around the App, or in its place, has the time of one
// WriteTimeout for all that it writes.
type client struct {
	connection net.Conn
	timeout    time.Duration // 0 if there is none
	served     atomic.Bool   // whether a handler has got a request
}

type clientKey struct{}

// maxPiece is how many bytes a client must accept within the write timeout.
const maxPiece = 256 << 10

// clientOf returns the client of a request, nil if no Server of this package serves it.
func clientOf(r *http.Request) *client {
	c, _ := r.Context().Value(clientKey{}).(*client)
	if c == nil || c.timeout == 0 {
		return nil
	}
	return c
}

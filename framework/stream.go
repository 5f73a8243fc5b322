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
	"time"
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
	r.startWriteTimeout()
	defer r.stopWriteTimeout()
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
	extras := r.needExtras()
	extras.hijacking = true
	err := r.runHooks()
	extras.hijacking = false
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
	r.sent, r.hijacked, r.client = true, true, nil
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

// passFrom copies to the client what is left of src. The server's writer takes a file
// piece by piece. A src that may make it wait for more, as a pipe does, is read here, so
// that only the client's time counts.
func (r *Response) passFrom(src io.Reader) (n int64, err error) {
	if r.client == nil {
		return io.Copy(r.writer, src)
	}
	left, ok := src.(*io.LimitedReader) // as http.ServeContent uses it
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

// A passer is a Response whose header has been written, without its ReadFrom.
type passer Response

func (p *passer) Write(b []byte) (int, error) { return (*Response)(p).pass(b) }

func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// StreamContext returns a context for a handler that streams or has taken its connection
// over: it ends with ctx, that of a request, and as soon as the [Server] begins to stop;
// [context.Cause] then is [http.ErrServerClosed]. Without a Server it is ctx. A handler of
// App has the method of the same name.
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

// StreamContext is like Context for a handler that streams or has taken its connection
// over: it also ends as soon as the [Server] begins to stop. A stream that returns then
// does not hold the stop. See the function [StreamContext].
func (h *RequestHandler) StreamContext() context.Context { return StreamContext(h.Context()) }

// behind returns the Response of ours behind a writer, nil if there is none: what
// middleware that wraps the writer leaves to the next handler.
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

// SetWriteDeadline sets a deadline of the handler's own for all that is written from now
// on, instead of Server.WriteTimeout; the zero time is none. See
// [http.ResponseController].
func (r *Response) SetWriteDeadline(deadline time.Time) error {
	if err := http.NewResponseController(r.writer).SetWriteDeadline(deadline); err != nil {
		return err
	}
	r.client = nil
	return nil
}

// pass writes to the client, which has the time of WriteTimeout for each piece.
func (r *Response) pass(p []byte) (written int, err error) {
	defer r.stopWriteTimeout()
	for r.client != nil && len(p)-written > maxPiece {
		r.startWriteTimeout()
		n, err := r.writer.Write(p[written : written+maxPiece])
		written += n
		if err != nil {
			return written, err
		}
	}
	r.startWriteTimeout()
	n, err := r.writer.Write(p[written:])
	return written + n, err
}

// extend gives the client the time of WriteTimeout from now on.
func (r *Response) startWriteTimeout() {
	switch {
	case r.client == nil:
	case r.shared:
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Now().Add(r.client.timeout))
	default:
		_ = r.client.connection.SetWriteDeadline(time.Now().Add(r.client.timeout)) // fails on a closed connection, as the write will
	}
}

// relax ends the time that extend gave. On a connection of its own that is not needed:
// its deadline is only that of a write. A stream of HTTP/2 is cut at its deadline, also
// while its handler pauses.
func (r *Response) stopWriteTimeout() {
	if r.shared && r.client != nil {
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Time{})
	}
}

// A client is the connection that a request came on, with the Server's WriteTimeout.
//
// net/http begins its own write timeout when it has read the header of the request,
// which would end every stream, and every response that takes long to make. So a
// Response begins it again before each piece that it writes. What ends is a response
// that nobody reads. An http.Handler around the App, or in its place, that writes by
// itself has the time of one WriteTimeout.
type client struct {
	connection net.Conn
	timeout    time.Duration // 0: none
}

type clientKey struct{}

// maxPiece is how many bytes a client has to accept within the WriteTimeout.
const maxPiece = 256 << 10

// clientOf returns the client of a request that a Server took, nil if another did.
func clientOf(r *http.Request) *client {
	c, _ := r.Context().Value(clientKey{}).(*client)
	if c == nil || c.timeout == 0 {
		return nil
	}
	return c
}
